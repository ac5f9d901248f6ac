//! `ray-serve:2`: Ray Serve's default autoscaling policy.
//!
//! Source: `ray-project/ray` (master of 2026), `python/ray/serve/autoscaling_policy.py` (`_core_replica_queue_length_policy`,
//! `_apply_delay_logic`), defaults from `python/ray/serve/config.py`: 2 ongoing requests for each replica, running and
//! queued ones together, averaged over 30 s and reported every 10 s; a wish upwards must last 30 s, one downwards 600 s
//! without a break, and then the newest wish is taken as a whole. The smoothing factors are 1. Its own proxies count the
//! requests.

use super::{Order, Policy, View, signal};
use crate::snapshot::Bounds;

/// `metrics_interval_s`: between two reports nothing new is known.
const PERIOD_S: f64 = 10.0;
const LOOK_BACK_S: usize = 30;
const UPSCALE_DELAY_S: f64 = 30.0;
const DOWNSCALE_DELAY_S: f64 = 600.0;

/// The autoscaler of one deployment.
pub struct RayServe {
    variant: usize,
    target: f64,
    /// The direction of the wishes, and since when in seconds.
    wish: Option<(Direction, f64)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    Up,
    Down,
}

impl RayServe {
    /// One that aims at `target` ongoing requests for each replica.
    pub fn new(variant: usize, target: f64) -> Self {
        Self {
            variant,
            target,
            wish: None,
        }
    }

    fn scale(&mut self, now: f64, current: u32, ongoing: f64, bounds: Bounds) -> u32 {
        let desired = bounds.clamp((ongoing / self.target).ceil() as u32);
        let direction = match desired.cmp(&current) {
            std::cmp::Ordering::Greater => Direction::Up,
            std::cmp::Ordering::Less => Direction::Down,
            std::cmp::Ordering::Equal => {
                self.wish = None;
                return current;
            }
        };
        let since = match self.wish {
            Some((same, since)) if same == direction => since,
            _ => now,
        };
        self.wish = Some((direction, since));
        let (delay, decided) = match direction {
            Direction::Up => (UPSCALE_DELAY_S, desired),
            // To zero only from one.
            Direction::Down => (DOWNSCALE_DELAY_S, if current == 1 { desired } else { desired.max(1) }),
        };
        if now - since < delay {
            return current;
        }
        self.wish = None;
        decided
    }
}

impl Policy for RayServe {
    fn period_s(&self) -> f64 {
        PERIOD_S
    }

    fn decide(&mut self, view: &View<'_>) -> Order {
        let current = view.variants.get(self.variant).map_or(0, |v| v.ordered);
        if view.live.last(1).len() == 0 {
            return signal::only(view, self.variant, current);
        }
        let ongoing = view.live.mean_in_flight(LOOK_BACK_S);
        let bounds = signal::bounds(view, self.variant);
        let replicas = self.scale(view.now.as_secs(), current, ongoing, bounds);
        signal::only(view, self.variant, replicas)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WIDE: Bounds = Bounds { min: 1, max: 100 };

    /// Ongoing requests every 10 s; each order is obeyed.
    fn run(start: u32, ongoing: &[f64]) -> Vec<u32> {
        let mut policy = RayServe::new(0, 2.0);
        let mut current = start;
        ongoing
            .iter()
            .enumerate()
            .map(|(i, n)| {
                current = policy.scale(10.0 * i as f64, current, *n, WIDE);
                current
            })
            .collect()
    }

    #[test]
    fn goes_up_to_the_newest_wish_after_thirty_seconds_of_wishing() {
        // 7/2 -> 4, 9/2 -> 5, 6/2 -> 3, 11/2 -> 6.
        assert_eq!(run(2, &[7.0, 9.0, 6.0, 11.0, 11.0]), [2, 2, 2, 6, 6]);
    }

    #[test]
    fn a_moment_on_target_starts_the_delay_anew() {
        assert_eq!(run(2, &[7.0, 9.0, 4.0, 7.0, 7.0, 7.0, 7.0]), [2, 2, 2, 2, 2, 2, 4]);
    }

    #[test]
    fn goes_down_after_ten_minutes_without_a_break() {
        let mut ongoing = vec![2.0; 61];
        ongoing.extend([1.0; 3]);
        let orders = run(8, &ongoing);
        assert_eq!((orders[59], orders[60], orders[63]), (8, 1, 1));
        ongoing[30] = 16.0;
        assert_eq!(run(8, &ongoing)[63], 8);
    }

    proptest! {
        #[test]
        fn never_goes_beyond_the_newest_wish(start in 1..50_u32, ongoing in prop::collection::vec(0.0..150.0_f64, 1..200)) {
            let orders = run(start, &ongoing);
            let mut before = start;
            for (order, n) in orders.iter().zip(&ongoing) {
                let wish = WIDE.clamp((n / 2.0).ceil() as u32);
                prop_assert!(*order == before || *order == wish);
                before = *order;
            }
            prop_assert_eq!(orders, run(start, &ongoing));
        }
    }
}
