//! From a snapshot and a memory to a plan: evidence, forecast, size and mix, guards, decision.
//!
//! ```text
//! Snapshot ─► evidence ─┬─► forecast ─► propose (size, mix) ─► guards ─► decision
//! Memory ───────────────┘
//! ```

pub mod bucket;
mod decision;
mod distribute;
pub mod evidence;
pub mod forecast;
pub mod guards;
mod lead_time;
mod memory;
mod mix;
mod propose;
mod reason;
mod size;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub use decision::{Decision, Input, Weighed};
pub use evidence::{Evidence, Freshness};
pub use forecast::Forecast;
pub use guards::Limit;
pub use memory::{Memory, ObjectMemory};
pub use mix::cost;
pub use propose::override_in_force;
pub use reason::Reason;
pub use size::{Origin, ReplicaCapacity};

use crate::snapshot::{Mode, ObjectKey, ObjectSnapshot, Snapshot, Target, TargetState, Timing, VariantSnapshot};
use crate::units::{Ratio, Time, UsdPerHour};

/// What should be true for the whole fleet.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The time of the snapshot it was made from.
    pub at: Time,
    /// By object.
    pub objects: BTreeMap<ObjectKey, ObjectPlan>,
}

/// What should be true for one variant.
#[derive(Debug, Clone, PartialEq)]
pub struct VariantPlan {
    /// The variant's name.
    pub name: String,
    /// Replicas that were ordered when the snapshot was taken; `None` = its target cannot be read.
    pub observed: Option<u32>,
    /// Replicas that should be ordered.
    pub desired: u32,
    /// What one replica carries; `None` = not known.
    pub capacity: Option<ReplicaCapacity>,
    /// What the desired replicas cost an hour; `None` = no price.
    pub cost: Option<UsdPerHour>,
}

/// The share of requests inside one target.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TargetAttained {
    /// The target.
    pub target: Target,
    /// The share over the window; `None` = no request was measured.
    pub share: Option<Ratio>,
}

/// What should be true for one object, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct ObjectPlan {
    /// The generation of the spec that this plan is about.
    pub generation: i64,
    /// By variant, in the order of the spec.
    pub variants: Vec<VariantPlan>,
    /// Whether the plan may be written; false in Advise and Paused, on a conflict, and without a target.
    pub writes: bool,
    /// Whether the maxima allow what the demand needs.
    pub enough: bool,
    /// What the samples are worth.
    pub evidence: Evidence,
    /// What demand to be ready for; `None` before the first bucket.
    pub forecast: Option<Forecast>,
    /// Every target's share.
    pub attained: Vec<TargetAttained>,
    /// The guards that changed the proposal, in their order.
    pub limits: Vec<Limit>,
    /// The decision.
    pub decision: Decision,
}

impl ObjectPlan {
    /// Replicas that should be ordered over all variants.
    pub fn desired(&self) -> u32 {
        self.variants.iter().map(|v| v.desired).sum()
    }
}

/// Decides about every object. Pure: the same snapshot and memory give the same plan.
pub fn plan(snapshot: &Snapshot, memory: &Memory) -> Plan {
    let objects = snapshot
        .objects
        .iter()
        .filter_map(|(key, object)| {
            let memory = memory.object(key)?;
            Some((
                key.clone(),
                plan_object(key, object, memory, snapshot.timing, snapshot.now),
            ))
        })
        .collect();
    Plan {
        at: snapshot.now,
        objects,
    }
}

fn plan_object(
    key: &ObjectKey,
    object: &ObjectSnapshot,
    memory: &ObjectMemory,
    timing: Timing,
    now: Time,
) -> ObjectPlan {
    let evidence = evidence::assess(object, timing, now);
    let forecast = forecast::of(object, memory, timing);
    let observed: Vec<Option<u32>> = object.variants.iter().map(VariantSnapshot::ordered).collect();
    let current: Vec<u32> = observed.iter().map(|n| n.unwrap_or(0)).collect();
    let proposal = propose::propose(object, &current, &evidence, memory, forecast.as_ref(), timing, now);

    let unreadable = object
        .variants
        .iter()
        .find(|v| !matches!(v.target, TargetState::Found { .. }));
    let (desired, limits, reason, message) = if let Some(variant) = unreadable {
        (
            current.clone(),
            Vec::new(),
            Reason::TargetUnavailable,
            unavailable(&variant.name, &variant.target),
        )
    } else {
        let capacities: Vec<_> = proposal
            .capacities
            .iter()
            .map(|c| c.map(|c| c.requests_per_second))
            .collect();
        let context = guards::Context {
            now,
            timing,
            object,
            evidence: &evidence,
            memory,
            forecast: forecast.as_ref(),
            current: &current,
            held: proposal.held.as_deref(),
            active: proposal.active,
            capacities: &capacities,
            user_ordered: proposal.user_ordered,
        };
        let (desired, limits) = guards::run(&context, proposal.replicas.clone());
        let (reason, message) = match decision::explain(&proposal, &limits, &current, &desired) {
            // Nothing changes because nothing can be seen: that is no steadiness.
            (Reason::Steady, _) if evidence.is_blind() => evidence.judgement(object),
            explained => explained,
        };
        (desired, limits, reason, message)
    };

    let attained = object.objectives.targets.iter().map(|o| o.target);
    let variants = object.variants.iter().enumerate().map(|(i, variant)| {
        let desired = desired.get(i).copied().unwrap_or(0);
        VariantPlan {
            name: variant.name.clone(),
            observed: observed.get(i).copied().flatten(),
            desired,
            capacity: proposal.capacities.get(i).copied().flatten(),
            cost: variant.replica_price().map(|p| p.times(desired)),
        }
    });
    ObjectPlan {
        generation: object.generation,
        variants: variants.collect(),
        writes: object.mode == Mode::Auto && object.conflicts.is_empty() && unreadable.is_none(),
        attained: attained
            .map(|target| TargetAttained {
                target,
                share: memory.attainment.of(target).share(),
            })
            .collect(),
        decision: Decision {
            id: decision::id(&key.to_string(), now, reason, &desired),
            time: now,
            reason,
            message,
            inputs: decision::inputs(&evidence, forecast.as_ref()),
            candidates: decision::weighed(object, &proposal),
        },
        enough: proposal.enough,
        evidence,
        forecast,
        limits,
    }
}

fn unavailable(variant: &str, target: &TargetState) -> String {
    match target {
        TargetState::Uncontrollable(why) => format!("the target of variant {variant} cannot be scaled: {why}"),
        _ => format!("the target of variant {variant} does not exist: create it, or remove the variant"),
    }
}
