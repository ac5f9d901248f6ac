//! The guards: an ordered chain of pure functions. Each may pass a proposal, hold it, or clamp it, and names itself.
//!
//! Adding one: a file here, a line in [`CHAIN`] at the place that the design gives it, a reason, a table test.

mod bounds;
mod conflict;
mod drain;
mod evidence;
mod hold;
mod in_flight;
mod learning;
mod paused;
mod tolerance;
mod warm_up;

#[cfg(test)]
mod tests;

use super::evidence::Evidence;
use super::forecast::Forecast;
use super::memory::ObjectMemory;
use super::reason::Reason;
use crate::snapshot::{ObjectSnapshot, Timing};
use crate::units::Time;

/// What a guard may look at.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The time of the snapshot.
    pub now: Time,
    /// The time constants.
    pub timing: Timing,
    /// The object.
    pub object: &'a ObjectSnapshot,
    /// What its samples are worth.
    pub evidence: &'a Evidence,
    /// What is remembered of it.
    pub memory: &'a ObjectMemory,
    /// What demand to be ready for; `None` before the first bucket.
    pub forecast: Option<&'a Forecast>,
    /// Replicas that are ordered now, by variant.
    pub current: &'a [u32],
    /// Replicas that the highest demand within the hold needs, by variant; `None` = not known.
    pub held: Option<&'a [u32]>,
    /// The variant that the plan wants to run; `None` = not known.
    pub active: Option<usize>,
    /// Demand that one replica of each variant carries, in requests/s.
    pub capacities: &'a [Option<f64>],
    /// A person ordered this total (by an override, or by lowering the maximum): it needs no evidence.
    pub user_ordered: bool,
}

impl Context<'_> {
    /// How many replicas of variant `i` serve.
    fn ready(&self, i: usize) -> u32 {
        self.object
            .variants
            .get(i)
            .map_or(0, crate::snapshot::VariantSnapshot::ready)
    }
}

/// What a guard says to a proposal.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// Nothing against it.
    Pass,
    /// These replicas instead, and why.
    Instead {
        /// Replicas by variant.
        replicas: Vec<u32>,
        /// Why.
        reason: Reason,
        /// The same for people.
        message: String,
    },
}

/// A guard that changed a proposal.
#[derive(Debug, Clone, PartialEq)]
pub struct Limit {
    /// The guard's name, as in metrics.
    pub guard: &'static str,
    /// Why.
    pub reason: Reason,
    /// The same for people.
    pub message: String,
    /// Replicas in total before.
    pub from: u32,
    /// Replicas in total after.
    pub to: u32,
}

type Guard = fn(&Context<'_>, &[u32]) -> Verdict;

/// Every guard in its order. A cap comes after what it caps.
const CHAIN: [(&str, Guard); 10] = [
    ("paused", paused::check),
    ("conflict", conflict::check),
    ("evidence", evidence::check),
    ("learning", learning::check),
    ("warm-up", warm_up::check),
    ("in-flight", in_flight::check),
    ("drain", drain::check),
    ("hold", hold::check),
    ("bounds", bounds::check),
    ("tolerance", tolerance::check),
];

/// The names of all guards, in their order.
pub fn names() -> impl Iterator<Item = &'static str> {
    CHAIN.iter().map(|(name, _)| *name)
}

/// Sends a proposal through the chain: what is left of it, and who changed it.
pub fn run(context: &Context<'_>, proposal: Vec<u32>) -> (Vec<u32>, Vec<Limit>) {
    let mut replicas = proposal;
    let mut limits = Vec::new();
    for (guard, check) in CHAIN {
        if let Verdict::Instead {
            replicas: instead,
            reason,
            message,
        } = check(context, &replicas)
            && instead != replicas
        {
            let (from, to) = (replicas.iter().sum(), instead.iter().sum());
            limits.push(Limit {
                guard,
                reason,
                message,
                from,
                to,
            });
            replicas = instead;
        }
    }
    (replicas, limits)
}

/// The proposal without any decrease.
fn no_decrease(current: &[u32], proposal: &[u32]) -> Vec<u32> {
    proposal.iter().zip(current).map(|(p, c)| *p.max(c)).collect()
}

/// The proposal without any increase.
fn no_increase(current: &[u32], proposal: &[u32]) -> Vec<u32> {
    proposal.iter().zip(current).map(|(p, c)| *p.min(c)).collect()
}

/// Whether any variant would lose replicas.
fn decreases(current: &[u32], proposal: &[u32]) -> bool {
    proposal.iter().zip(current).any(|(p, c)| p < c)
}

/// Whether any variant would gain replicas.
fn increases(current: &[u32], proposal: &[u32]) -> bool {
    proposal.iter().zip(current).any(|(p, c)| p > c)
}
