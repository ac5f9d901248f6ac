//! `aibrix-apa:0.5`: `AIBrix`'s own algorithm.
//!
//! Source: `computeTargetReplicas` in `algorithm/apa.go`, `applyPendingReplicaGuard` in `autoscaler.go`. With `r` the mean use
//! over its target: above 1.1 `min(ceil(N*r), ceil(2N))`, below 0.9 `max(ceil(N*r), floor(N/2))`. Replicas that are not
//! ready count as empty upwards and as on target downwards.

use super::cooldown::Cooldown;
use super::{MAX_DOWN, MAX_UP, PERIOD_S, ceil};
use crate::simulate::policy::{Order, Policy, View, signal};

const TOLERANCE: f64 = 0.1;

/// The autoscaler.
pub struct Apa {
    variant: usize,
    target: f64,
    cooldown: Cooldown,
}

impl Apa {
    /// One that aims at the mean use `target` of the KV cache, 0..=1.
    pub fn new(variant: usize, target: f64) -> Self {
        Self {
            variant,
            target,
            cooldown: Cooldown::default(),
        }
    }

    fn replicas(&self, current: u32, ready: u32, mean: f64) -> u32 {
        let n = f64::from(current);
        let ratio = mean / self.target;
        let wanted = if ratio > 1.0 + TOLERANCE {
            ceil(n * ratio).min((MAX_UP * n).ceil() as u32)
        } else if ratio < 1.0 - TOLERANCE {
            ceil(n * ratio).max((n / MAX_DOWN).floor() as u32)
        } else {
            current
        };
        let ready = f64::from(ready.min(current));
        let pending = n - ready;
        if pending <= 0.0 || wanted == current {
            return wanted;
        }
        // N * (mean * ready + fill) / N / target
        if wanted > current {
            ceil(mean * ready / self.target).clamp(current, wanted)
        } else {
            ceil(mean * ready / self.target + pending).clamp(wanted, current)
        }
    }
}

impl Policy for Apa {
    fn period_s(&self) -> f64 {
        PERIOD_S
    }

    fn decide(&mut self, view: &View<'_>) -> Order {
        let variant = view.variants.get(self.variant).copied().unwrap_or_default();
        let (mut n, mut sum) = (0.0, 0.0);
        for pod in signal::newest(view)
            .into_iter()
            .flat_map(|round| signal::serving(round, self.variant))
        {
            n += 1.0;
            sum += pod.kv_use;
        }
        if n == 0.0 {
            return signal::only(view, self.variant, variant.ordered);
        }
        let recommended = self.replicas(variant.ordered, variant.ready, sum / n);
        let bounded = signal::bounds(view, self.variant).clamp(recommended);
        let order = self.cooldown.apply(view.now.as_secs(), variant.ordered, bounded);
        signal::only(view, self.variant, order)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    // .7/.5 = 1.4; 5 * 1.4 = 7.
    #[case::up(5, 5, 0.7, 7)]
    // 1.1 exactly is tolerated.
    #[case::tolerated(5, 5, 0.55, 5)]
    // 2 * 3 = 6, at most twice as many.
    #[case::doubles_at_most(3, 3, 1.5, 6)]
    // .2/.5 = .4; 10 * .4 = 4, but half at most.
    #[case::halves_at_most(10, 10, 0.2, 5)]
    #[case::down(10, 10, 0.4, 8)]
    // 10 * .9/.5 = 18; with five empty ones .9 * 5/.5 = 9: keep.
    #[case::pending_ones_count_as_empty_upwards(10, 5, 0.9, 10)]
    // 10 * .6 = 6; with five on target 3 + 5 = 8.
    #[case::pending_ones_count_as_on_target_downwards(10, 5, 0.3, 8)]
    fn decides_as_computed_by_hand(#[case] current: u32, #[case] ready: u32, #[case] mean: f64, #[case] expected: u32) {
        assert_eq!(Apa::new(0, 0.5).replicas(current, ready, mean), expected);
    }

    proptest! {
        #[test]
        fn never_more_than_twice_and_never_less_than_half(
            current in 1..100_u32, ready in 0..100_u32, mean in 0.0..1.0_f64, target in 0.05..1.0_f64,
        ) {
            let wanted = Apa::new(0, target).replicas(current, ready, mean);
            prop_assert!(wanted <= 2 * current && wanted >= current / 2);
        }
    }
}
