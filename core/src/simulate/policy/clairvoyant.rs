//! `clairvoyant:1`: knows every arrival to come, and starts replicas as slowly as everybody.
//!
//! What one second needs is the mean of the arrivals over ten, over what a replica can do times the parameter. Ordered is
//! the most that any second needs until a replica ordered now would serve; a dip that is shorter than 150 s is bridged,
//! since a start and a drain would cost more than it saves. A bound that can be reached, not the cheapest one there is.
//! The parameter is the share of a replica's capacity that is used; the cheapest point of [`GRID`] that reaches the
//! objective is the bound of a trace.

use std::collections::VecDeque;

use super::{Order, Policy, View, signal};

/// The points that are tried, as shares of a replica's capacity. Above 1 the few bursts above it are let go.
pub const GRID: [f64; 12] = [0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 1.0, 1.05, 1.1, 1.2, 1.35, 1.5];

const PERIOD_S: f64 = 5.0;
/// Over how many seconds arrivals are averaged: shorter bursts fit into the target for the first token.
const SMOOTHED_S: usize = 10;
/// The longest dip that is bridged, in seconds.
const BRIDGED_S: usize = 150;

/// The schedule of a whole trace.
pub struct Clairvoyant {
    variant: usize,
    /// By second: what must be ordered.
    ordered: Vec<u32>,
}

impl Clairvoyant {
    /// Plans for `arrivals` by second, replicas that take `lead_s` seconds to serve and then do `capacity` requests a
    /// second each.
    pub fn new(variant: usize, arrivals: &[u32], lead_s: f64, capacity: f64) -> Self {
        let need: Vec<u32> = (0..arrivals.len())
            .map(|from| {
                let window = arrivals
                    .get(from..(from + SMOOTHED_S).min(arrivals.len()))
                    .unwrap_or_default();
                let rate = window.iter().map(|n| f64::from(*n)).sum::<f64>() / window.len().max(1) as f64;
                (rate / capacity - 1e-9).ceil().max(0.0) as u32
            })
            .collect();
        let bridged = ahead(&need, BRIDGED_S, |new, old| new >= old);
        let bridged = behind(bridged, BRIDGED_S, |new, old| new <= old);
        // The next decision comes a period later, and what it orders counts a lead time after that.
        let lead = (lead_s.max(0.0) + PERIOD_S).ceil() as usize;
        Self {
            variant,
            ordered: ahead(&bridged, lead, |new, old| new >= old),
        }
    }

    fn at(&self, second: usize) -> u32 {
        self.ordered.get(second).or(self.ordered.last()).copied().unwrap_or(0)
    }
}

impl Policy for Clairvoyant {
    fn period_s(&self) -> f64 {
        PERIOD_S
    }

    fn decide(&mut self, view: &View<'_>) -> Order {
        signal::only(view, self.variant, self.at(view.now.as_secs().max(0.0) as usize))
    }
}

/// At each place the extreme of itself and the `window` values after it.
fn ahead(values: &[u32], window: usize, beats: impl Fn(u32, u32) -> bool) -> Vec<u32> {
    let mut best: VecDeque<(usize, u32)> = VecDeque::new();
    let mut extremes: Vec<u32> = Vec::with_capacity(values.len());
    for (at, value) in values.iter().enumerate().rev() {
        while best.back().is_some_and(|(_, old)| beats(*value, *old)) {
            best.pop_back();
        }
        best.push_back((at, *value));
        while best.front().is_some_and(|(old, _)| *old > at + window) {
            best.pop_front();
        }
        extremes.push(best.front().map_or(*value, |(_, extreme)| *extreme));
    }
    extremes.reverse();
    extremes
}

/// At each place the extreme of itself and the `window` values before it.
fn behind(mut values: Vec<u32>, window: usize, beats: impl Fn(u32, u32) -> bool) -> Vec<u32> {
    values.reverse();
    let mut extremes = ahead(&values, window, beats);
    extremes.reverse();
    extremes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// 1000 s of 10 requests a second, 35 from second 500 to 599.
    fn burst() -> Vec<u32> {
        (0..1000)
            .map(|s| if (500..600).contains(&s) { 35 } else { 10 })
            .collect()
    }

    #[test]
    fn orders_a_lead_time_and_a_period_before_a_burst_and_lets_go_at_its_end() {
        // At 10 a second each: 1 before; the mean of ten seconds exceeds 30 from second 498 on (8 of 35, 2 of 10 = 30).
        let policy = Clairvoyant::new(0, &burst(), 120.0, 10.0);
        assert_eq!([0, 300].map(|s| policy.at(s)), [1, 1]);
        // Seconds 491 to 498 need 2 to 3, 499 on 4: 125 s before.
        assert_eq!([365, 366, 373, 374].map(|s| policy.at(s)), [1, 2, 3, 4]);
        assert_eq!([591, 599, 600, 5000].map(|s| policy.at(s)), [4, 2, 1, 1]);
    }

    #[test]
    fn bridges_a_dip_that_is_shorter_than_a_start_and_a_drain_are_worth() {
        let with_dip = |length| -> Vec<u32> {
            (0..2000)
                .map(|s| if (1000..1000 + length).contains(&s) { 5 } else { 35 })
                .collect()
        };
        let lowest = |arrivals: &[u32]| {
            let policy = Clairvoyant::new(0, arrivals, 0.0, 10.0);
            (0..2000).map(|s| policy.at(s)).min().unwrap()
        };
        assert_eq!(lowest(&with_dip(140)), 4);
        assert_eq!(lowest(&with_dip(200)), 1);
    }

    proptest! {
        #[test]
        fn always_carries_what_comes_within_the_lead_time(
            arrivals in prop::collection::vec(0..100_u32, 1..400), lead in 0..200_usize,
        ) {
            let policy = Clairvoyant::new(0, &arrivals, lead as f64, 7.0);
            let most = f64::from(*arrivals.iter().max().unwrap());
            for second in 0..arrivals.len() {
                let until = (second + lead).min(arrivals.len() - 1);
                for from in second..=until {
                    let window = &arrivals[from..(from + SMOOTHED_S).min(arrivals.len())];
                    let rate = f64::from(window.iter().sum::<u32>()) / window.len() as f64;
                    prop_assert!(f64::from(policy.at(second)) * 7.0 >= rate - 1e-6);
                }
                prop_assert!(f64::from(policy.at(second)) <= (most / 7.0).ceil());
            }
        }
    }
}
