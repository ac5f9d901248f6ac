//! From a plan to the writes it asks for. Pure.

use inferscale_core::plan::ObjectPlan;
use inferscale_core::snapshot::ObjectKey;
use tokio::time::Instant;

use crate::observe::{ObservedObject, ObservedTarget};

/// One scale to be written, with what it presumes.
#[derive(Debug, Clone, PartialEq)]
pub struct ScaleWrite {
    /// The variant's name.
    pub variant: String,
    /// Where it goes; its resource version is a precondition.
    pub target: ObservedTarget,
    /// Replicas that were ordered when it was decided.
    pub from: u32,
    /// Replicas to order.
    pub to: u32,
}

/// The writes of one object, increases first: a mix that changes keeps its strength meanwhile.
#[derive(Debug, Clone, PartialEq)]
pub struct Prepared {
    /// The object.
    pub object: ObjectKey,
    /// The decision that asks for it.
    pub decision: String,
    /// Not to be written after this: the world has moved on, and a new decision is due.
    pub valid_until: Instant,
    /// What to write; empty when what runs is what is wanted, or when nothing may be written.
    pub writes: Vec<ScaleWrite>,
}

/// What `plan` asks to be written for `object`.
pub fn prepare(object: &ObjectKey, plan: &ObjectPlan, observed: &ObservedObject, valid_until: Instant) -> Prepared {
    let mut writes: Vec<ScaleWrite> = plan
        .variants
        .iter()
        .zip(&observed.targets)
        .filter(|_| plan.writes)
        .filter_map(|(variant, target)| {
            let (from, to) = (variant.observed?, variant.desired);
            let target = target.clone()?;
            (from != to).then(|| ScaleWrite {
                variant: variant.name.clone(),
                target,
                from,
                to,
            })
        })
        .collect();
    writes.sort_by_key(|write| write.to < write.from);
    Prepared {
        object: object.clone(),
        decision: plan.decision.id.clone(),
        valid_until,
        writes,
    }
}
