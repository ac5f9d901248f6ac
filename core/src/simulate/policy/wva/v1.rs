//! `wva-v1:0.8`: the percentage analyzer.
//!
//! Source: `internal/saturation/analyzer.go`. A replica is saturated from 80 % of its KV cache or 5 waiting requests on.
//! One more on the cheapest variant when the replicas that are not saturated have less than 10 % of the cache or 3 requests
//! to spare on average (none left counts as nothing to spare); one less on the most expensive when both would hold with the
//! same load on one replica fewer. Nothing while any variant is on its way. The parameter is the first threshold.

use super::{Analyzer, Replica, Variant};
use crate::simulate::policy::View;

const QUEUE_THRESHOLD: f64 = 5.0;
const KV_TRIGGER: f64 = 0.1;
const QUEUE_TRIGGER: f64 = 3.0;
/// `MinNonSaturatedReplicasForScaleDown`.
const LEAST_FOR_DOWN: f64 = 2.0;

/// The analyzer.
pub struct V1 {
    /// A replica is saturated from this share of its KV cache on, 0..=1.
    pub kv_threshold: f64,
}

impl Analyzer for V1 {
    fn analyze(&mut self, _: &View<'_>, replicas: &[Replica], variants: &[Variant<'_>]) -> Option<Vec<u32>> {
        (!replicas.is_empty()).then(|| self.targets(replicas, variants))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Up,
    Down,
    Enough,
}

impl V1 {
    fn targets(&self, replicas: &[Replica], variants: &[Variant<'_>]) -> Vec<u32> {
        let seen = |i: usize| replicas.iter().filter(|r| r.variant == i).count() as u32;
        // Variants without a replica take no part.
        let active = || variants.iter().enumerate().filter(|(i, _)| seen(*i) > 0);
        let moving = active().any(|(i, v)| {
            let wished = v.desired.is_some_and(|d| d != 0 && d != v.current);
            wished || seen(i) != v.current
        });
        let mut targets: Vec<u32> = variants
            .iter()
            .map(|v| v.desired.filter(|d| moving && *d != 0).unwrap_or(v.current))
            .collect();
        if moving {
            return targets;
        }
        let rank = |v: &Variant<'_>, w: &Variant<'_>| v.cost.total_cmp(&w.cost).then_with(|| v.name.cmp(w.name));
        match self.verdict(replicas) {
            Verdict::Up => {
                let cheapest = active().min_by(|(_, v), (_, w)| rank(v, w));
                if let Some(target) = cheapest.and_then(|(i, _)| targets.get_mut(i)) {
                    *target += 1;
                }
            }
            Verdict::Down => {
                let dearest = active()
                    .filter(|(_, v)| v.current > 1)
                    .max_by(|(_, v), (_, w)| rank(v, w));
                if let Some(target) = dearest.and_then(|(i, _)| targets.get_mut(i)) {
                    *target -= 1;
                }
            }
            Verdict::Enough => {}
        }
        targets
    }

    fn verdict(&self, replicas: &[Replica]) -> Verdict {
        let free = replicas
            .iter()
            .filter(|r| r.kv_use < self.kv_threshold && f64::from(r.waiting) < QUEUE_THRESHOLD);
        let (mut n, mut kv, mut queue) = (0.0, 0.0, 0.0);
        for replica in free {
            n += 1.0;
            kv += self.kv_threshold - replica.kv_use;
            queue += QUEUE_THRESHOLD - f64::from(replica.waiting);
        }
        if n > 0.0 {
            kv /= n;
            queue /= n;
        }
        if kv < KV_TRIGGER || queue < QUEUE_TRIGGER {
            return Verdict::Up;
        }
        if n < LEAST_FOR_DOWN {
            return Verdict::Enough;
        }
        let left = |threshold: f64, spare: f64| threshold - (threshold - spare) * n / (n - 1.0);
        if left(self.kv_threshold, kv) >= KV_TRIGGER && left(QUEUE_THRESHOLD, queue) >= QUEUE_TRIGGER {
            Verdict::Down
        } else {
            Verdict::Enough
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const V: V1 = V1 { kv_threshold: 0.8 };

    fn replicas(variant: usize, seen: &[(f64, u32)]) -> Vec<Replica> {
        let replica = |&(kv_use, waiting): &(f64, u32)| Replica {
            variant,
            kv_use,
            kv_capacity: 400_000,
            waiting,
        };
        seen.iter().map(replica).collect()
    }

    fn variant(name: &str, cost: f64, current: u32, desired: Option<u32>) -> Variant<'_> {
        Variant {
            name,
            cost,
            current,
            ready: current,
            desired,
        }
    }

    #[rstest]
    // Spare .08 < .1.
    #[case::cache_runs_out(&[(0.72, 0), (0.72, 0)], Verdict::Up)]
    // Spare 5 - 2.5 = 2.5 < 3.
    #[case::queues_grow(&[(0.2, 2), (0.2, 3)], Verdict::Up)]
    // Only the second is free, with .7 and 5 to spare.
    #[case::one_is_saturated(&[(0.85, 0), (0.1, 0)], Verdict::Enough)]
    #[case::all_are_saturated(&[(0.85, 0), (0.1, 5)], Verdict::Up)]
    // Load .3; on one: .6, .2 to spare.
    #[case::one_could_do_it(&[(0.3, 0), (0.3, 0)], Verdict::Down)]
    // Load .4; on one: .8, nothing to spare.
    #[case::one_could_not(&[(0.4, 0), (0.4, 0)], Verdict::Enough)]
    // Queue 1 on average; on two: 5 - 1.5 = 3.5.
    #[case::the_queue_would_hold(&[(0.1, 1), (0.1, 1), (0.1, 1)], Verdict::Down)]
    // Queue 2; on one 5 - 4 = 1 < 3.
    #[case::the_queue_would_not(&[(0.1, 2), (0.1, 2)], Verdict::Enough)]
    #[case::the_last_one_stays(&[(0.0, 0)], Verdict::Enough)]
    fn judges_as_computed_by_hand(#[case] seen: &[(f64, u32)], #[case] expected: Verdict) {
        assert_eq!(V.verdict(&replicas(0, seen)), expected);
    }

    #[test]
    fn steps_by_one_up_on_the_cheapest_and_down_on_the_dearest() {
        let seen = |kv| [replicas(0, &[(kv, 0); 3]), replicas(1, &[(kv, 0); 2])].concat();
        let variants = [variant("a", 20.0, 3, Some(3)), variant("b", 10.0, 2, Some(2))];
        assert_eq!(V.targets(&seen(0.75), &variants), [3, 3]);
        assert_eq!(V.targets(&seen(0.1), &variants), [2, 2]);
        let equal = [variant("a", 10.0, 3, None), variant("b", 10.0, 2, None)];
        assert_eq!(V.targets(&seen(0.75), &equal), [4, 2]);
        assert_eq!(V.targets(&seen(0.1), &equal), [3, 1]);
    }

    #[test]
    fn waits_while_a_replica_is_on_its_way() {
        let full = replicas(0, &[(0.9, 9), (0.9, 9)]);
        assert_eq!(V.targets(&full, &[variant("a", 10.0, 3, Some(3))]), [3]);
        assert_eq!(V.targets(&full, &[variant("a", 10.0, 2, Some(3))]), [3]);
        assert_eq!(V.targets(&full, &[variant("a", 10.0, 2, Some(2))]), [3]);
    }
}
