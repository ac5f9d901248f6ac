//! How many replicas of a variant carry a demand. Never `metric / target * ready pods`, which runs away while pods load.

use super::memory::ObjectMemory;
use crate::performance::{self, EngineLimits, Workload};
use crate::snapshot::{ObjectSnapshot, VariantSnapshot};

/// Where the capacity of a replica is known from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display)]
#[strum(serialize_all = "lowercase")]
pub enum Origin {
    /// Computed from the variant's profile and the measured token mix.
    Profile,
    /// The most that a replica was seen to carry inside the objective.
    Learned,
}

/// Demand that one replica of a variant carries inside the objective.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ReplicaCapacity {
    /// In requests/s, above zero.
    pub requests_per_second: f64,
    /// Where it is known from.
    pub origin: Origin,
}

/// The capacity of one replica of `variant`; `None` while it is not known.
pub fn capacity(
    object: &ObjectSnapshot,
    variant: &VariantSnapshot,
    workload: Option<Workload>,
    memory: &ObjectMemory,
) -> Option<ReplicaCapacity> {
    let from_profile = variant.profile.as_ref().zip(workload).map(|(profile, workload)| {
        let engine = EngineLimits::default();
        let limits = EngineLimits {
            max_sequences: variant.max_sequences.unwrap_or(engine.max_sequences),
            ..engine
        };
        let capacity = performance::capacity(profile, workload, &object.objectives, limits);
        (capacity.requests_per_second * memory.strength.factor(), Origin::Profile)
    });
    // What was learned is about the object's replicas as they are mixed; with one variant that is the variant.
    let learned = || match object.variants.len() {
        1 if variant.profile.is_none() => memory.learned.capacity().map(|c| (c, Origin::Learned)),
        _ => None,
    };
    // Minutes of misses at a rate outweigh what a profile says of it.
    let ceiling = memory
        .learned
        .ceiling()
        .filter(|_| object.variants.len() == 1)
        .map_or(f64::INFINITY, |c| 0.95 * c);
    from_profile
        .or_else(learned)
        .map(|(rate, origin)| {
            if ceiling < rate {
                (ceiling, Origin::Learned)
            } else {
                (rate, origin)
            }
        })
        .filter(|(rate, _)| rate.is_finite() && *rate > 0.0)
        .map(|(requests_per_second, origin)| ReplicaCapacity {
            requests_per_second,
            origin,
        })
}

/// The fewest replicas of `capacity` requests/s each that carry `rate` requests/s; at least one.
pub fn replicas(rate: f64, capacity: f64) -> u32 {
    // The epsilon keeps 3.0000000001 replicas from becoming four.
    let n = (rate / capacity - 1e-9).ceil();
    if n.is_nan() {
        // Whatever made it, it must not read as "one is enough"; the bounds and the guards are still to come.
        u32::MAX
    } else {
        n.clamp(1.0, f64::from(u32::MAX)) as u32
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::replicas;

    #[rstest]
    #[case::none(0.0, 2.0, 1)]
    #[case::exactly(6.0, 2.0, 3)]
    #[case::rounding_is_no_replica(6.000_000_001, 2.0, 3)]
    #[case::a_little_more(6.001, 2.0, 4)]
    #[case::a_flood(1e300, 2.0, u32::MAX)]
    #[case::endless(f64::INFINITY, 2.0, u32::MAX)]
    #[case::a_replica_that_carries_next_to_nothing(1.0, 1e-310, u32::MAX)]
    #[case::not_a_number(f64::NAN, 2.0, u32::MAX)]
    fn counts_the_fewest_that_carry_it(#[case] rate: f64, #[case] capacity: f64, #[case] n: u32) {
        assert_eq!(replicas(rate, capacity), n);
    }
}
