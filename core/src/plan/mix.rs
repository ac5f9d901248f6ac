//! Which variant runs: the cheapest that carries the demand.
//!
//! A plain Service spreads requests equally over the pods, so in a mix the slowest variant binds. One variant is
//! therefore active at a time, the others stay at their minimum, whose replicas count only as the slowest one does.

use super::size::{self, ReplicaCapacity};
use crate::snapshot::{ObjectSnapshot, VariantSnapshot};
use crate::units::UsdPerHour;

/// Switching variants pays starts twice; it must save this share of the cost.
const WORTH_SWITCHING: f64 = 0.1;

/// One way to carry the demand: this variant active, the others at their minimum.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Index of the active variant.
    pub active: usize,
    /// Replicas of each variant, in the order of the spec.
    pub replicas: Vec<u32>,
    /// What it costs an hour; `None` when a price is unknown.
    pub cost: Option<UsdPerHour>,
    /// Demand it carries, in requests/s.
    pub carries: f64,
    /// Whether that is enough within the variants' bounds.
    pub enough: bool,
}

/// Every candidate for `rate` requests/s. `capacities` are by variant; one without capacity cannot be active.
pub fn candidates(object: &ObjectSnapshot, capacities: &[Option<ReplicaCapacity>], rate: f64) -> Vec<Candidate> {
    let capacity = |i: usize| capacities.get(i).copied().flatten().map(|c| c.requests_per_second);
    let mut all = Vec::new();
    for (active, variant) in object.variants.iter().enumerate() {
        let Some(own) = capacity(active) else { continue };
        let others = |i: usize, v: &VariantSnapshot| if i == active { 0 } else { v.replicas.min };
        let resident: u32 = object.variants.iter().enumerate().map(|(i, v)| others(i, v)).sum();
        // The slowest of those that share the traffic binds; one of unknown speed counts as the active one.
        let slowest = object.variants.iter().enumerate().filter(|(i, v)| others(*i, v) > 0);
        let each = slowest.filter_map(|(i, _)| capacity(i)).fold(own, f64::min);
        let wanted = size::replicas(rate, each).saturating_sub(resident);
        let n = variant.replicas.clamp(wanted);
        let replicas: Vec<u32> = object
            .variants
            .iter()
            .enumerate()
            .map(|(i, v)| if i == active { n } else { others(i, v) })
            .collect();
        let carries = each * f64::from(n + resident);
        all.push(Candidate {
            active,
            cost: cost(object, &replicas),
            replicas,
            carries,
            enough: carries + 1e-9 >= rate,
        });
    }
    all
}

/// The best candidate: enough before not enough, cheap before dear, priced before unpriced, early in the spec before
/// late. The one that runs stays unless another saves enough.
pub fn choose<'a>(object: &ObjectSnapshot, all: &'a [Candidate]) -> Option<&'a Candidate> {
    let best = all.iter().min_by(|a, b| {
        let price = |c: &Candidate| c.cost.map_or(f64::INFINITY, UsdPerHour::get);
        (b.enough.cmp(&a.enough))
            .then(if a.enough {
                price(a).total_cmp(&price(b))
            } else {
                b.carries.total_cmp(&a.carries)
            })
            .then(a.active.cmp(&b.active))
    })?;
    let running = |c: &&Candidate| {
        let most = object
            .variants
            .iter()
            .enumerate()
            .max_by_key(|(i, v)| (v.ordered().unwrap_or(0), usize::MAX - i));
        most.is_some_and(|(i, v)| i == c.active && v.ordered().unwrap_or(0) > 0)
    };
    let current = all.iter().find(running);
    match (current, current.and_then(|c| c.cost), best.cost) {
        (Some(current), Some(now), Some(then))
            if current.enough && then.get() > now.get() * (1.0 - WORTH_SWITCHING) =>
        {
            Some(current)
        }
        (Some(current), None, _) if current.enough => Some(current),
        _ => Some(best),
    }
}

/// What `replicas` cost an hour; `None` when a variant that runs has no price.
pub fn cost(object: &ObjectSnapshot, replicas: &[u32]) -> Option<UsdPerHour> {
    let mut sum = 0.0;
    for (variant, n) in object.variants.iter().zip(replicas) {
        if *n > 0 {
            sum += variant.replica_price()?.times(*n).get();
        }
    }
    UsdPerHour::new(sum)
}

#[cfg(test)]
#[path = "mix_tests.rs"]
mod tests;
