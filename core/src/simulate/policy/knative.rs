//! `knative:70`: the Knative Pod Autoscaler on concurrency.
//!
//! Source: `knative/serving` 1.23, `pkg/autoscaler/scaling/autoscaler.go`, constants from
//! `config/core/configmaps/autoscaler.yaml`: a decision every 2 s; a stable window of 60 s and a panic window of 10 %
//! of it; 70 requests in flight for each pod (70 % of the default container concurrency of 100); up at most 1000
//! times, down at most by half of the ready pods. Panic begins when the panic window asks for twice the ready pods or
//! more, and ends 60 s after it last did; meanwhile nothing goes down. Its own proxies count the requests, each second.

use super::{Order, Policy, View, signal};

const PERIOD_S: f64 = 2.0;
const STABLE_S: usize = 60;
const PANIC_S: usize = 6;
const PANIC_THRESHOLD: f64 = 2.0;
const MAX_UP: f64 = 1000.0;
const MAX_DOWN: f64 = 2.0;

/// The autoscaler of one revision.
pub struct Knative {
    variant: usize,
    target: f64,
    state: Option<Panic>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Panic {
    /// When the panic window last asked for twice the ready pods, in seconds; `None` = no panic.
    since: Option<f64>,
    /// The most that was wanted in this panic.
    most: u32,
}

impl Knative {
    /// One that aims at `target` requests in flight for each replica.
    pub fn new(variant: usize, target: f64) -> Self {
        Self {
            variant,
            target,
            state: None,
        }
    }

    fn scale(&mut self, now: f64, ready: u32, stable: f64, panic: f64) -> u32 {
        // It starts in panic where more than one pod serves: it must not scale down before it has seen a window.
        let state = self.state.get_or_insert(Panic {
            since: (ready > 1).then_some(now),
            most: ready,
        });
        let ready = f64::from(ready.max(1));
        let (most, least) = ((MAX_UP * ready).ceil(), (ready / MAX_DOWN).floor());
        let wanted = |value: f64| (value / self.target).ceil();
        let limited = |pods: f64| pods.max(least).min(most) as u32;
        let over = wanted(panic) / ready >= PANIC_THRESHOLD;
        if over {
            state.since = Some(now);
        } else if state.since.is_some_and(|since| since + (STABLE_S as f64) < now) {
            *state = Panic { since: None, most: 0 };
        }
        let desired = limited(wanted(stable));
        if state.since.is_none() {
            return desired;
        }
        state.most = state.most.max(desired).max(limited(wanted(panic)));
        state.most
    }
}

impl Policy for Knative {
    fn period_s(&self) -> f64 {
        PERIOD_S
    }

    fn decide(&mut self, view: &View<'_>) -> Order {
        let variant = view.variants.get(self.variant).copied().unwrap_or_default();
        if view.live.last(1).len() == 0 {
            // No data yet: the result is not valid.
            return signal::only(view, self.variant, variant.ordered);
        }
        let (stable, panic) = (view.live.mean_in_flight(STABLE_S), view.live.mean_in_flight(PANIC_S));
        let pods = self.scale(view.now.as_secs(), variant.ready, stable, panic);
        signal::only(view, self.variant, pods)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    // 140/70 = 2, not 2 x 2 ready: stable.
    #[case(&[(0.0, 2, 140.0, 140.0), (70.0, 2, 140.0, 140.0)], &[2, 2])]
    // 700/70 = 10 over 2 ready: panic. In panic 10 stays although both windows fall; it ends more than 60 s later.
    #[case(
        &[(0.0, 1, 60.0, 60.0), (2.0, 2, 100.0, 700.0), (60.0, 10, 300.0, 70.0), (62.0, 10, 300.0, 70.0), (64.0, 10, 300.0, 70.0)],
        &[1, 10, 10, 10, 5]
    )]
    // Down to half of the ready pods at most: 10 -> 5 -> 2.
    #[case(&[(0.0, 1, 0.0, 0.0), (2.0, 10, 0.0, 0.0), (4.0, 5, 0.0, 0.0)], &[0, 5, 2])]
    // More than one at the start: panic, so the 4 stay for 60 s.
    #[case(&[(0.0, 4, 70.0, 70.0), (60.0, 4, 70.0, 70.0), (62.0, 4, 70.0, 70.0)], &[4, 4, 2])]
    // The first replica still loads: ready counts as 1.
    #[case(&[(0.0, 0, 210.0, 210.0)], &[3])]
    fn decides_as_computed_by_hand(#[case] seen: &[(f64, u32, f64, f64)], #[case] expected: &[u32]) {
        let mut policy = Knative::new(0, 70.0);
        let decided: Vec<u32> = seen
            .iter()
            .map(|(now, ready, stable, panic)| policy.scale(*now, *ready, *stable, *panic))
            .collect();
        assert_eq!(decided, expected);
    }

    proptest! {
        #[test]
        fn never_below_half_of_what_is_ready_and_never_more_than_both_windows_and_the_panic_ask_for(
            seen in prop::collection::vec((0..40_u32, 0.0..5000.0_f64, 0.0..5000.0_f64), 1..60)
        ) {
            let (mut one, mut other) = (Knative::new(0, 70.0), Knative::new(0, 70.0));
            let mut asked = 0;
            for (i, (ready, stable, panic)) in seen.into_iter().enumerate() {
                let now = 2.0 * i as f64;
                let pods = one.scale(now, ready, stable, panic);
                asked = asked.max((stable.max(panic) / 70.0).ceil() as u32).max(ready);
                prop_assert!(pods >= ready / 2 && pods <= asked);
                prop_assert_eq!(pods, other.scale(now, ready, stable, panic));
            }
        }
    }
}
