//! The status of a GpuPool. Pure.

use inferscale_core::snapshot::PoolSnapshot;
use inferscale_core::units::Time;

use super::conditions::{Found, merge};
use crate::api::{ConditionType, GpuPool, GpuPoolStatus, PoolAccelerators, PoolNodes, Reason};

/// The status of `pool` as the snapshot found it.
pub fn pool_status(pool: &GpuPool, found: &PoolSnapshot, now: Time) -> GpuPoolStatus {
    let before = pool.status.clone().unwrap_or_default();
    let generation = pool.metadata.generation;
    let ready = Found {
        condition: ConditionType::Ready,
        reason: Reason::Valid,
        message: "the pool is valid".to_owned(),
    };
    GpuPoolStatus {
        observed_generation: generation,
        conditions: merge(vec![ready], &before.conditions, generation, now),
        nodes: Some(PoolNodes {
            ready: found.ready_nodes,
            starting: found.starting_nodes,
        }),
        accelerators: Some(PoolAccelerators {
            total: found.accelerators,
            free: found.free_accelerators,
        }),
        hourly_cost: found
            .accelerator_price
            .map(|p| format!("{:.2}", p.times(found.accelerators).get())),
    }
}
