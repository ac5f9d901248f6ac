//! Rates and windows of a HorizontalPodAutoscaler, per direction.
//!
//! Source: Kubernetes 1.37, `pkg/controller/podautoscaler/horizontal.go`: `stabilizeRecommendationWithBehaviors`,
//! `convertDesiredReplicasWithBehaviorRate`; defaults from `pkg/apis/autoscaling/v2/defaults.go`.

use std::collections::VecDeque;

use crate::snapshot::Bounds;

/// How much a direction may change within a period.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// How much: pods, or percent of what there was when the period began.
    pub step: Step,
    /// The period in seconds.
    pub period_s: f64,
}

/// The size of a change.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Step {
    /// So many pods.
    Pods(u32),
    /// So many percent.
    Percent(f64),
}

/// The rules of one direction. Of several rates the one that allows the largest change counts (`selectPolicy: Max`).
#[derive(Debug, Clone, PartialEq)]
pub struct Rules {
    /// Stabilisation in seconds: upwards the least, downwards the most that was recommended within it.
    pub window_s: f64,
    /// At least one.
    pub rates: Vec<Rate>,
}

/// The rules of both directions.
#[derive(Debug, Clone, PartialEq)]
pub struct Behavior {
    /// Upwards.
    pub up: Rules,
    /// Downwards.
    pub down: Rules,
}

/// The documented defaults: up at once by 4 pods or 100 % every 15 s, down to anything after 300 s.
impl Default for Behavior {
    fn default() -> Self {
        let rate = |step| Rate { step, period_s: 15.0 };
        Self {
            up: Rules {
                window_s: 0.0,
                rates: vec![rate(Step::Pods(4)), rate(Step::Percent(100.0))],
            },
            down: Rules {
                window_s: 300.0,
                rates: vec![rate(Step::Percent(100.0))],
            },
        }
    }
}

/// One object's controller state: what it recommended and what it did.
#[derive(Debug, Clone)]
pub struct Stabilizer {
    behavior: Behavior,
    begun: bool,
    /// When (in seconds), and how many.
    recommended: VecDeque<(f64, u32)>,
    added: VecDeque<(f64, u32)>,
    removed: VecDeque<(f64, u32)>,
}

impl Stabilizer {
    /// A controller that has just started.
    pub fn new(behavior: Behavior) -> Self {
        Self {
            behavior,
            begun: false,
            recommended: VecDeque::new(),
            added: VecDeque::new(),
            removed: VecDeque::new(),
        }
    }

    /// What becomes of `desired` at `now` (in seconds).
    pub fn apply(&mut self, now: f64, current: u32, desired: u32, bounds: Bounds) -> u32 {
        let steady = self.stabilized(now, current, desired);
        let limited = if steady > current {
            steady.min(self.most(now, current))
        } else {
            steady.max(self.least(now, current))
        };
        let decided = bounds.clamp(limited);
        if decided > current {
            self.added.push_back((now, decided - current));
        } else if decided < current {
            self.removed.push_back((now, current - decided));
        }
        decided
    }

    fn stabilized(&mut self, now: f64, current: u32, desired: u32) -> u32 {
        if !self.begun {
            // `recordInitialRecommendation`: what is there counts as recommended.
            self.begun = true;
            self.recommended.push_back((now, current));
        }
        let (up, down) = (self.behavior.up.window_s, self.behavior.down.window_s);
        forget(&mut self.recommended, now - up.max(down));
        let within = |window: f64| {
            let past = self.recommended.iter().filter(move |(at, _)| *at > now - window);
            past.map(|(_, n)| *n).chain([desired])
        };
        let least = within(up).min().unwrap_or(desired);
        let most = within(down).max().unwrap_or(desired);
        self.recommended.push_back((now, desired));
        current.max(least).min(most)
    }

    fn most(&mut self, now: f64, current: u32) -> u32 {
        let limits = self.behavior.up.rates.iter().map(|rate| {
            let began = self.at_start_of_period(now, current, rate.period_s);
            match rate.step {
                Step::Pods(pods) => began.saturating_add(pods),
                Step::Percent(percent) => (f64::from(began) * (1.0 + percent / 100.0)).ceil() as u32,
            }
        });
        // What was allowed a moment ago is not taken back.
        limits.max().unwrap_or(current).max(current)
    }

    fn least(&mut self, now: f64, current: u32) -> u32 {
        let limits = self.behavior.down.rates.iter().map(|rate| {
            let began = self.at_start_of_period(now, current, rate.period_s);
            match rate.step {
                Step::Pods(pods) => began.saturating_sub(pods),
                Step::Percent(percent) => (f64::from(began) * (1.0 - percent / 100.0)).max(0.0) as u32,
            }
        });
        let least = limits.min().unwrap_or(current).min(current);
        let longest = self.longest_period();
        forget(&mut self.added, now - longest);
        forget(&mut self.removed, now - longest);
        least
    }

    fn at_start_of_period(&self, now: f64, current: u32, period_s: f64) -> u32 {
        let since = |events: &VecDeque<(f64, u32)>| -> u32 {
            let recent = events.iter().filter(|(at, _)| *at > now - period_s);
            recent.map(|(_, n)| *n).sum()
        };
        (current + since(&self.removed)).saturating_sub(since(&self.added))
    }

    fn longest_period(&self) -> f64 {
        let rates = self.behavior.up.rates.iter().chain(&self.behavior.down.rates);
        rates.map(|rate| rate.period_s).fold(0.0, f64::max)
    }
}

fn forget(events: &mut VecDeque<(f64, u32)>, until: f64) {
    while events.front().is_some_and(|(at, _)| *at <= until) {
        events.pop_front();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WIDE: Bounds = Bounds { min: 1, max: 1000 };

    /// Runs the desired counts every 15 s, each order obeyed.
    fn run(behavior: Behavior, start: u32, desired: &[u32]) -> Vec<u32> {
        let mut stabilizer = Stabilizer::new(behavior);
        let mut current = start;
        desired
            .iter()
            .enumerate()
            .map(|(i, d)| {
                current = stabilizer.apply(15.0 * i as f64, current, *d, WIDE);
                current
            })
            .collect()
    }

    #[test]
    fn doubles_or_adds_four_each_sync_by_default() {
        // 1 + 4, max(5 + 4, 10), 20, then what is wanted.
        assert_eq!(run(Behavior::default(), 1, &[35; 5]), [5, 10, 20, 35, 35]);
    }

    #[test]
    fn goes_down_to_the_most_that_was_recommended_in_five_minutes() {
        let mut desired = vec![10, 4, 6];
        desired.extend([2; 20]);
        let orders = run(Behavior::default(), 10, &desired);
        // The 10 of second 0 counts through second 285, the 6 of second 30 through 315.
        assert_eq!(&orders[..20], [10; 20]);
        assert_eq!(&orders[20..], [6, 6, 2]);
    }

    #[test]
    fn walks_at_the_rate_of_its_own_rules() {
        let slow = Behavior {
            up: Rules {
                window_s: 30.0,
                rates: vec![Rate {
                    step: Step::Pods(2),
                    period_s: 60.0,
                }],
            },
            down: Rules {
                window_s: 0.0,
                rates: vec![Rate {
                    step: Step::Pods(1),
                    period_s: 30.0,
                }],
            },
        };
        // Upwards the least of the last 30 s (8 only from the third sync on), then 2 a minute.
        assert_eq!(
            run(slow.clone(), 3, &[3, 8, 8, 8, 8, 8, 8, 8]),
            [3, 3, 5, 5, 5, 5, 7, 7]
        );
        assert_eq!(run(slow, 8, &[2, 2, 2, 2, 2]), [7, 7, 6, 6, 5]);
    }

    #[test]
    fn stays_in_the_bounds() {
        let mut stabilizer = Stabilizer::new(Behavior::default());
        let bounds = Bounds { min: 2, max: 6 };
        assert_eq!(stabilizer.apply(0.0, 4, 100, bounds), 6);
        let mut stabilizer = Stabilizer::new(Behavior::default());
        assert_eq!(stabilizer.apply(0.0, 4, 0, bounds), 4);
        assert_eq!(stabilizer.apply(300.0, 4, 0, bounds), 2);
    }

    proptest! {
        #[test]
        fn never_leaves_what_the_rules_allow(start in 1..50_u32, desired in prop::collection::vec(0..200_u32, 1..60)) {
            let orders = run(Behavior::default(), start, &desired);
            let mut before = start;
            for (i, order) in orders.iter().enumerate() {
                prop_assert!(*order <= before.max((2 * before).max(before + 4)));
                let most = desired[i.saturating_sub(19)..=i].iter().max().unwrap();
                prop_assert!(*order >= (*most).min(before).max(1));
                prop_assert!(*order <= before.max(desired[i]).max(1));
                before = *order;
            }
            prop_assert_eq!(orders, run(Behavior::default(), start, &desired));
        }
    }
}
