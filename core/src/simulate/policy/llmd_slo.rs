//! `llmd-slo:0.55`: the latency-aware control law of llm-d over KEDA.
//!
//! Source: `llm-d/llm-d:guides/workload-autoscaling/README.slo-aware.md` (2026). Every 15 s the worst of the 90th
//! percentiles of time to first token and time per output token, each over its target, over one minute; no traffic and no
//! metrics are 0. `s` is the mean over 45 s of that, each at most 2. With N ordered and R ready, `c = R/N`: above 0.55
//! `N + ceil(N * (s*c/0.55 - 1))`, below 0.40 `N - floor(N * (1 - s/0.40))`. The HorizontalPodAutoscaler then allows
//! max(100 %, 4 pods) a minute upwards after 30 s, and one pod in two minutes downwards after 180 s.
//!
//! The targets are the object's; the latencies are measured by the router. The parameter is the upper threshold; the
//! lower one keeps its ratio to it.

use std::collections::VecDeque;

use super::hpa::{Behavior, Rate, Rules, SYNC_S, Stabilizer, Step, average_value};
use super::scrape::{TPOT_EDGES_S, TTFT_EDGES_S};
use super::{Order, Policy, View, signal};
use crate::snapshot::Target;
use crate::units::Span;

const QUANTILE: f64 = 0.9;
const RATE_S: f64 = 60.0;
const CLAMP: f64 = 2.0;
/// Samples of 15 s in 45 s.
const SMOOTHED: usize = 3;
const DOWN_TO_UP: f64 = 0.40 / 0.55;

/// The autoscaler.
pub struct LlmdSlo {
    variant: usize,
    up: f64,
    samples: VecDeque<f64>,
    stabilizer: Stabilizer,
}

impl LlmdSlo {
    /// One that scales up above the saturation `up`.
    pub fn new(variant: usize, up: f64) -> Self {
        let rate = |step, period_s| Rate { step, period_s };
        let behavior = Behavior {
            up: Rules {
                window_s: 30.0,
                rates: vec![rate(Step::Percent(100.0), 60.0), rate(Step::Pods(4), 60.0)],
            },
            down: Rules {
                window_s: 180.0,
                rates: vec![rate(Step::Pods(1), 120.0)],
            },
        };
        Self {
            variant,
            up,
            samples: VecDeque::new(),
            stabilizer: Stabilizer::new(behavior),
        }
    }

    /// Takes a sample of the saturation and gives its mean over 45 s.
    fn smoothed(&mut self, raw: f64) -> f64 {
        if self.samples.len() == SMOOTHED {
            self.samples.pop_front();
        }
        self.samples.push_back(raw.min(CLAMP));
        self.samples.iter().sum::<f64>() / self.samples.len() as f64
    }

    /// The control law.
    fn law(&self, saturation: f64, ordered: u32, ready: u32) -> u32 {
        let n = f64::from(ordered);
        let credit = if ready > 0 && ready < ordered {
            f64::from(ready) / n
        } else {
            1.0
        };
        let down = self.up * DOWN_TO_UP;
        let change = if saturation > self.up {
            (n * (saturation * credit / self.up - 1.0)).ceil()
        } else if saturation < down {
            -(n * (1.0 - saturation / down)).floor()
        } else {
            0.0
        };
        (n + change).max(0.0) as u32
    }
}

impl Policy for LlmdSlo {
    fn period_s(&self) -> f64 {
        SYNC_S
    }

    fn decide(&mut self, view: &View<'_>) -> Order {
        let state = view.variants.get(self.variant).copied().unwrap_or_default();
        let saturation = self.smoothed(raw(view));
        let desired = self.law(saturation, state.ordered, state.ready);
        // The formula's result is the metric of an autoscaler with an average of 1 as its target.
        let desired = average_value(state.ordered, f64::from(desired), 1.0);
        let bounds = signal::bounds(view, self.variant);
        let order = self
            .stabilizer
            .apply(view.now.as_secs(), state.ordered, desired, bounds);
        signal::only(view, self.variant, order)
    }
}

/// The worst percentile over its target; 0 without traffic or metrics.
fn raw(view: &View<'_>) -> f64 {
    let mut rounds = signal::window(view, RATE_S).filter_map(|round| round.router);
    let (Some(first), Some(last)) = (rounds.next(), rounds.next_back()) else {
        return 0.0;
    };
    let over = |target, seconds: Option<f64>| {
        let limit = view.object.objectives.limit(target).map(Span::as_secs_f64);
        seconds.zip(limit).map_or(0.0, |(seconds, limit)| seconds / limit)
    };
    let ttft = signal::quantile(&TTFT_EDGES_S, &first.ttft, &last.ttft, QUANTILE);
    let tpot = signal::quantile(&TPOT_EDGES_S, &first.tpot, &last.tpot, QUANTILE);
    over(Target::TimeToFirstToken, ttft).max(over(Target::TimePerOutputToken, tpot))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    // 4 * (.66/.55 - 1) = .8: one more.
    #[case::up(0.66, 4, 4, 5)]
    // 4 * (2/.55 - 1) = 10.5: eleven more.
    #[case::far_up(2.0, 4, 4, 15)]
    // Half is starting: 8 * (.66*.5/.55 - 1) = -3.2, rounded up to -3: the credit may even ask for fewer.
    #[case::starting_ones_are_credited(0.66, 8, 4, 5)]
    // 8 * (1.1*.5/.55 - 1) = 0.
    #[case::exactly_credited(1.1, 8, 4, 8)]
    #[case::in_the_band(0.5, 8, 8, 8)]
    // 8 * (1 - .3/.4) = 2.
    #[case::down(0.3, 8, 8, 6)]
    // 3 * (1 - .3/.4) = .75: none.
    #[case::not_a_whole_one(0.3, 3, 3, 3)]
    #[case::no_traffic(0.0, 3, 3, 0)]
    fn decides_as_computed_by_hand(
        #[case] saturation: f64,
        #[case] ordered: u32,
        #[case] ready: u32,
        #[case] expected: u32,
    ) {
        assert_eq!(LlmdSlo::new(0, 0.55).law(saturation, ordered, ready), expected);
    }

    #[test]
    fn one_wild_sample_counts_twice_its_target_at_most_for_three_samples() {
        let mut policy = LlmdSlo::new(0, 0.55);
        let seen: Vec<f64> = [0.2, 90.0, 0.2, 0.2, 0.2]
            .into_iter()
            .map(|raw| policy.smoothed(raw))
            .collect();
        for (seen, expected) in seen.iter().zip([0.2, 1.1, 0.8, 0.8, 0.2]) {
            assert!((seen - expected).abs() < 1e-9, "{seen} is not {expected}");
        }
    }

    proptest! {
        #[test]
        fn never_more_than_the_clamp_allows(saturation in 0.0..2.0_f64, ordered in 1..100_u32, ready in 0..100_u32) {
            let policy = LlmdSlo::new(0, 0.55);
            let wanted = policy.law(saturation, ordered, ready.min(ordered));
            prop_assert!(f64::from(wanted) <= (f64::from(ordered) * 2.0 / 0.55).ceil());
        }
    }
}
