//! Reporting the pools: one status a pool, written when it changes. I/O.

use kube::{Api, ResourceExt};

use super::context::Context;
use super::published::Published;
use crate::api::{GROUP, GpuPool, VERSION};
use crate::runtime::chain::Chain;
use crate::runtime::clock;
use crate::runtime::metrics::Outcome;
use crate::status::{self, Addressee};

/// Writes the status of every pool that has changed. A pool that cannot be written is tried again at the next tick.
pub async fn report(context: &Context, published: &Published) {
    let Some(epoch) = published.epoch else { return };
    let api: Api<GpuPool> = Api::all(context.client.clone());
    for pool in context.cluster.pools.state() {
        let name = pool.name_any();
        let Some(found) = published.observed.snapshot.pools.get(&name) else {
            continue;
        };
        let new = status::pool_status(&pool, found, clock::now());
        if pool.status.as_ref() == Some(&new) {
            continue;
        }
        if context.leadership.reports(epoch).is_err() {
            return;
        }
        let to = Addressee {
            api_version: &format!("{GROUP}/{VERSION}"),
            kind: "GpuPool",
            name: &name,
            version: pool.metadata.resource_version.as_deref(),
        };
        let outcome = match status::write(&api, to, &new, status::How::Apply).await {
            Ok(()) => Outcome::Ok,
            Err(error) if error.is_conflict() => Outcome::Conflict,
            Err(error) => {
                tracing::warn!(pool = name, error = %Chain(&error), "cannot write the pool's status");
                Outcome::Error
            }
        };
        context.metrics.wrote("pool_status", outcome);
    }
}
