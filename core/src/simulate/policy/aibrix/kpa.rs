//! `aibrix-kpa:0.5`: `AIBrix`'s take on Knative's algorithm.
//!
//! Source: `algorithm/kpa.go`: `ceil(value / target)` over a stable window of 180 s, between `floor(N/2)` and `ceil(2N)`; when
//! the value over 60 s is more than twice that of the stable window, or the stable window is empty, the larger of both.
//! Panic is judged anew at each decision: the memory of its highest value lives in a context that does not outlast one.
//!
//! The value is the KV cache use of all replicas together, as the algorithm needs it (and gets it from an external metric).
//! With a metric of the pods the project hands it their mean, and then it asks for one or two replicas whatever the load
//! (vllm-project/aibrix#593).

use super::cooldown::Cooldown;
use super::{MAX_DOWN, MAX_UP, PERIOD_S, ceil};
use crate::simulate::policy::{Order, Policy, View, signal};

const STABLE_S: f64 = 180.0;
const PANIC_S: f64 = 60.0;
const PANIC_THRESHOLD: f64 = 2.0;

/// The autoscaler.
pub struct Kpa {
    variant: usize,
    target: f64,
    cooldown: Cooldown,
}

impl Kpa {
    /// One that aims at the mean use `target` of the KV cache, 0..=1.
    pub fn new(variant: usize, target: f64) -> Self {
        Self {
            variant,
            target,
            cooldown: Cooldown::default(),
        }
    }

    fn replicas(&self, current: u32, stable: f64, panic: f64) -> u32 {
        let n = f64::from(current);
        let (most, least) = ((MAX_UP * n).ceil().max(1.0) as u32, (n / MAX_DOWN).floor() as u32);
        let wanted = |value: f64| ceil(value / self.target).max(least).min(most);
        let panics = stable <= 0.0 || panic / stable > PANIC_THRESHOLD;
        if panics {
            wanted(stable).max(wanted(panic))
        } else {
            wanted(stable)
        }
    }
}

impl Policy for Kpa {
    fn period_s(&self) -> f64 {
        PERIOD_S
    }

    fn decide(&mut self, view: &View<'_>) -> Order {
        let current = view.variants.get(self.variant).map_or(0, |v| v.ordered);
        let mean = |window_s| {
            let (mut rounds, mut sum) = (0.0, 0.0);
            for round in signal::window(view, window_s).filter(|round| !round.pods.is_empty()) {
                rounds += 1.0;
                sum += signal::serving(round, self.variant).map(|pod| pod.kv_use).sum::<f64>();
            }
            (rounds > 0.0).then(|| sum / rounds)
        };
        let (Some(stable), Some(panic)) = (mean(STABLE_S), mean(PANIC_S)) else {
            return signal::only(view, self.variant, current);
        };
        let bounded = signal::bounds(view, self.variant).clamp(self.replicas(current, stable, panic));
        let order = self.cooldown.apply(view.now.as_secs(), current, bounded);
        signal::only(view, self.variant, order)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    // 3/.5 = 6.
    #[case::stable(5, 3.0, 3.0, 6)]
    // 8/.5 = 16, at most twice as many.
    #[case::doubles_at_most(5, 8.0, 8.0, 10)]
    #[case::halves_at_most(5, 0.4, 0.4, 2)]
    // 4.1 > 2 * 2: the panic window's 9 instead of 4.
    #[case::panics(5, 2.0, 4.1, 9)]
    #[case::not_yet(5, 2.0, 4.0, 4)]
    #[case::an_empty_stable_window_panics(5, 0.0, 1.2, 3)]
    fn decides_as_computed_by_hand(
        #[case] current: u32,
        #[case] stable: f64,
        #[case] panic: f64,
        #[case] expected: u32,
    ) {
        assert_eq!(Kpa::new(0, 0.5).replicas(current, stable, panic), expected);
    }

    proptest! {
        #[test]
        fn never_more_than_twice_and_never_less_than_half(
            current in 1..100_u32, stable in 0.0..50.0_f64, panic in 0.0..50.0_f64,
        ) {
            let wanted = Kpa::new(0, 0.5).replicas(current, stable, panic);
            prop_assert!(wanted <= 2 * current && wanted >= current / 2);
        }
    }
}
