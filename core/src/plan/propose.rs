//! What should run before any guard has spoken: the override if there is one, else what the forecast needs.

use super::evidence::Evidence;
use super::forecast::Forecast;
use super::memory::ObjectMemory;
use super::mix::{self, Candidate};
use super::reason::Reason;
use super::size::{self, ReplicaCapacity};
use super::{distribute, lead_time};
use crate::snapshot::{ObjectSnapshot, Phase, Target, Timing};
use crate::units::Time;

/// A learning object grows by a quarter on a miss, as long as the capacity of a replica is not known.
const LEARNING_STEP: u32 = 4;

/// Replicas of each variant, and where the number comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposal {
    /// Replicas by variant.
    pub replicas: Vec<u32>,
    /// Replicas that the highest demand within the hold needs; `None` = not known.
    pub held: Option<Vec<u32>>,
    /// The variant that is to run; `None` = not known.
    pub active: Option<usize>,
    /// Every way that was weighed.
    pub candidates: Vec<Candidate>,
    /// What one replica of each variant carries.
    pub capacities: Vec<Option<ReplicaCapacity>>,
    /// Whether the variants' maxima allow what the demand needs.
    pub enough: bool,
    /// A person ordered this total.
    pub user_ordered: bool,
    /// Why, if no guard objects; `None` = the difference to what runs tells.
    pub reason: Option<Reason>,
    /// The arithmetic, for people.
    pub message: String,
}

/// Whether the override of `object` is in force.
pub fn override_in_force(object: &ObjectSnapshot, now: Time) -> bool {
    object
        .replicas_override
        .is_some_and(|o| o.until.is_none_or(|until| now < until))
}

/// The proposal for `object`, whose variants have `current` replicas ordered.
pub fn propose(
    object: &ObjectSnapshot,
    current: &[u32],
    evidence: &Evidence,
    memory: &ObjectMemory,
    forecast: Option<&Forecast>,
    timing: Timing,
    now: Time,
) -> Proposal {
    let workload = forecast.and_then(|f| f.workload);
    let capacities: Vec<_> = object
        .variants
        .iter()
        .map(|v| size::capacity(object, v, workload, memory))
        .collect();
    let expected = forecast.map_or(0.0, |f| f.expected);
    let candidates = if forecast.is_some() {
        mix::candidates(object, &capacities, expected)
    } else {
        Vec::new()
    };
    let chosen = mix::choose(object, &candidates).cloned();
    let held = chosen.as_ref().zip(forecast).and_then(|(chosen, forecast)| {
        let at_held = mix::candidates(object, &capacities, forecast.held);
        at_held
            .into_iter()
            .find(|c| c.active == chosen.active)
            .map(|c| c.replicas)
    });
    let active = chosen.as_ref().map(|c| c.active);
    let enough = chosen.as_ref().is_none_or(|c| c.enough);
    let proposal = |replicas, reason, message| Proposal {
        replicas,
        held: held.clone(),
        active,
        candidates: candidates.clone(),
        capacities: capacities.clone(),
        enough,
        user_ordered: false,
        reason,
        message,
    };

    let total: u32 = current.iter().sum();
    if let Some(order) = object.replicas_override.filter(|_| override_in_force(object, now)) {
        let until = order
            .until
            .map_or(String::new(), |t| format!(" for another {}", t.since(now)));
        return Proposal {
            replicas: to_total(object, current, order.replicas, active),
            user_ordered: true,
            ..proposal(
                Vec::new(),
                Some(Reason::Override),
                format!("override: {} replicas{until}", order.replicas),
            )
        };
    }
    // Only an edit of the maximum removes replicas that run; what somebody scaled up by hand goes the ordinary way.
    if total > object.replicas.max
        && object
            .reported_max
            .is_none_or(|reported| reported > object.replicas.max)
    {
        return Proposal {
            replicas: distribute::lower_to(object, current, object.replicas.max, active),
            user_ordered: true,
            ..proposal(
                Vec::new(),
                Some(Reason::UserOrdered),
                format!("replicas.max {} is below the {total} that run", object.replicas.max),
            )
        };
    }
    match (chosen, forecast) {
        (Some(chosen), Some(forecast)) => proposal(
            chosen.replicas.clone(),
            None,
            arithmetic(object, &chosen, forecast, &capacities),
        ),
        _ if grows_while_learning(object, evidence, memory, timing, now) => {
            let more = (total / LEARNING_STEP).max(1);
            proposal(
                distribute::raise_to(object, current, total + more, None),
                Some(Reason::ObjectiveMissed),
                format!("the objective is missed and what a replica carries is not known: {more} more"),
            )
        }
        (_, forecast) => proposal(current.to_vec(), None, unknown(forecast)),
    }
}

/// Requests missed a target lately, every replica that is ordered serves, and long enough to be blamed for it.
fn grows_while_learning(
    object: &ObjectSnapshot,
    evidence: &Evidence,
    memory: &ObjectMemory,
    timing: Timing,
    now: Time,
) -> bool {
    let settled = object.variants.iter().flat_map(|v| &v.pods).all(|pod| {
        pod.phase == Phase::Draining
            || (pod.phase == Phase::Ready
                && pod
                    .ready_since
                    .is_some_and(|t| now.since(t) >= timing.grid * lead_time::SETTLED_GRIDS))
    });
    // A pod that a quota forbids does not even exist; ordering more each tick would run up to the maximum.
    let all_serve = object.variants.iter().all(|v| v.ready() >= v.ordered().unwrap_or(0));
    let missed = [Target::TimeToFirstToken, Target::TimePerOutputToken]
        .into_iter()
        .any(|target| {
            memory
                .attainment
                .recent(target)
                .share()
                .is_some_and(|share| share < object.objectives.attainment)
        });
    settled && all_serve && missed && evidence.allows_up() && !evidence.is_blind()
}

/// What runs, brought to `order` replicas by way of the variant that the plan wants. An order goes past the guards, so
/// it never switches variants: that would take what serves before the others do.
fn to_total(object: &ObjectSnapshot, current: &[u32], order: u32, active: Option<usize>) -> Vec<u32> {
    let total: u32 = current.iter().sum();
    if total >= order {
        distribute::lower_to(object, current, order, active)
    } else {
        distribute::raise_to(object, current, order, active)
    }
}

fn arithmetic(
    object: &ObjectSnapshot,
    chosen: &Candidate,
    forecast: &Forecast,
    capacities: &[Option<ReplicaCapacity>],
) -> String {
    let name = object.variants.get(chosen.active).map_or("", |v| v.name.as_str());
    let each = capacities.get(chosen.active).copied().flatten();
    let (each, origin) = each.map_or((0.0, String::new()), |c| {
        (c.requests_per_second, format!(" ({})", c.origin))
    });
    let total: u32 = chosen.replicas.iter().sum();
    let enough = if chosen.enough {
        ""
    } else {
        ", more than the bounds allow"
    };
    format!(
        "{:.2} req/s now, {:.2} expected within {} (headroom {:.2}): {total} of {name} at {each:.2} req/s each{origin}{enough}",
        forecast.now, forecast.expected, forecast.lead_time, forecast.headroom,
    )
}

fn unknown(forecast: Option<&Forecast>) -> String {
    match forecast {
        None => "no closed bucket of demand yet".to_owned(),
        Some(f) if f.now < 1e-9 => "no demand: nothing to size for".to_owned(),
        Some(f) => format!("{:.2} req/s now; what a replica carries is not known yet", f.now),
    }
}

#[cfg(test)]
#[path = "propose_tests.rs"]
mod tests;
