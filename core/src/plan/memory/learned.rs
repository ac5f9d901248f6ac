//! Without a profile: what one replica was seen to carry, and the range of load over which that is known.

/// A thousandth is forgotten each bucket: a new model version is believed within hours.
const FORGET: f64 = 0.999;
/// Buckets of traffic before a learned figure may lower anything.
const ENOUGH_BUCKETS: u32 = 40;
/// The load must have varied by this factor: a figure seen at one load only says nothing of others.
const ENOUGH_RANGE: f64 = 1.3;

/// This many buckets in a row that missed are no burst any more: the replicas are weaker than was thought.
const PERSISTENT: u32 = 8;

/// The most demand a replica carried inside the objective, in requests/s.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Learned {
    ceiling: Option<f64>,
    missed: u32,
    missed_rate: f64,
    sustained: f64,
    lowest: Option<f64>,
    buckets: u32,
}

impl Learned {
    /// Folds in the demand a replica carried in one bucket, and whether the objective was met in it.
    pub fn absorb(&mut self, rate_per_replica: f64, met: bool) {
        if rate_per_replica <= 0.0 {
            return;
        }
        self.buckets = self.buckets.saturating_add(1);
        self.sustained *= FORGET;
        self.watch_misses(rate_per_replica, met);
        if met {
            self.sustained = self.sustained.max(rate_per_replica);
            self.lowest = Some(
                self.lowest
                    .map_or(rate_per_replica, |low| (low / FORGET).min(rate_per_replica)),
            );
        } else if rate_per_replica < self.sustained {
            // It missed below what it was thought to carry: believe the miss, in steps.
            self.sustained += 0.2 * (rate_per_replica - self.sustained);
        }
    }

    /// Two minutes of misses in a row set a ceiling at the rate they came at; buckets that are met lift it slowly.
    fn watch_misses(&mut self, rate: f64, met: bool) {
        if met {
            (self.missed, self.missed_rate) = (0, 0.0);
            self.ceiling = self.ceiling.map(|c| c / FORGET);
            return;
        }
        self.missed += 1;
        self.missed_rate += (rate - self.missed_rate) / f64::from(self.missed);
        if self.missed >= PERSISTENT {
            self.ceiling = Some(self.ceiling.map_or(self.missed_rate, |c| c.min(self.missed_rate)));
        }
    }

    /// A rate at which a replica has missed the objective for minutes, in requests/s: whatever a profile says, it
    /// carries less.
    pub fn ceiling(&self) -> Option<f64> {
        self.ceiling
    }

    /// What one replica carries inside the objective, once that is known over a range of load.
    pub fn capacity(&self) -> Option<f64> {
        let range = self.lowest.map_or(1.0, |low| self.sustained / low.max(1e-9));
        (self.buckets >= ENOUGH_BUCKETS && range >= ENOUGH_RANGE).then_some(self.sustained)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_nothing_from_one_load_only() {
        let mut learned = Learned::default();
        for _ in 0..100 {
            learned.absorb(2.0, true);
        }
        assert_eq!(learned.capacity(), None);
    }

    #[test]
    fn believes_the_highest_load_that_was_met() {
        let mut learned = Learned::default();
        for i in 0..100 {
            learned.absorb(1.0 + f64::from(i % 10) / 5.0, true);
        }
        let capacity = learned.capacity().unwrap();
        assert!((2.6..=2.8).contains(&capacity), "{capacity}");
    }

    #[test]
    fn minutes_of_misses_set_a_ceiling_and_a_burst_does_not() {
        let mut learned = Learned::default();
        for _ in 0..7 {
            learned.absorb(5.0, false);
        }
        learned.absorb(5.0, true);
        assert_eq!(learned.ceiling(), None);
        for _ in 0..8 {
            learned.absorb(5.0, false);
        }
        assert!((learned.ceiling().unwrap() - 5.0).abs() < 1e-9);
    }

    #[test]
    fn a_miss_below_it_lowers_it() {
        let mut learned = Learned::default();
        for i in 0..100 {
            learned.absorb(1.0 + f64::from(i % 10) / 5.0, true);
        }
        for _ in 0..10 {
            learned.absorb(2.0, false);
        }
        assert!(learned.capacity().unwrap() < 2.2);
    }
}
