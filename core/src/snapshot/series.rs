//! Raw samples with the time at which they were scraped.

use crate::units::Time;

/// One measured value and when it was measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// When it was scraped.
    pub at: Time,
    /// The value, in the SI unit of its signal. From 0 to [`MOST`]: whoever reads metrics drops the others and
    /// counts them.
    pub value: f64,
}

/// The largest value that is a measurement, 2^53: a counter beyond it can no longer count by one.
pub const MOST: f64 = 9_007_199_254_740_992.0;

/// The samples of one metric of one pod, oldest first, no two at one instant.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Series(Vec<Sample>);

impl Series {
    /// Sorts the samples by time. Of two at one instant the later given one stays; values that are not
    /// between 0 and [`MOST`] are dropped.
    pub fn new(mut samples: Vec<Sample>) -> Self {
        samples.retain(|s| (0.0..=MOST).contains(&s.value));
        samples.sort_by_key(|s| s.at);
        samples.reverse();
        samples.dedup_by_key(|s| s.at);
        samples.reverse();
        Self(samples)
    }

    /// The samples, oldest first.
    pub fn samples(&self) -> &[Sample] {
        &self.0
    }

    /// The newest sample.
    pub fn last(&self) -> Option<Sample> {
        self.0.last().copied()
    }

    /// Whether nothing was seen.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The samples from `from` to `to`, both included.
    pub fn between(&self, from: Time, to: Time) -> &[Sample] {
        let start = self.0.partition_point(|s| s.at < from);
        let end = self.0.partition_point(|s| s.at <= to);
        self.0.get(start..end).unwrap_or_default()
    }

    /// The value at instant `t` on the straight line between the samples around it; `None` outside of them.
    pub fn at(&self, t: Time) -> Option<f64> {
        let after = self.0.partition_point(|s| s.at < t);
        let right = self.0.get(after)?;
        if right.at == t {
            return Some(right.value);
        }
        let left = self.0.get(after.checked_sub(1)?)?;
        let share = t.since(left.at).as_secs_f64() / right.at.since(left.at).as_secs_f64();
        Some(left.value + (right.value - left.value) * share)
    }

    /// The samples from `t` on.
    #[must_use]
    pub fn since(&self, t: Time) -> Self {
        Self(self.0.iter().filter(|s| s.at >= t).copied().collect())
    }

    /// This counter with its resets (a restarted process counts from zero again) taken out: it never falls.
    #[must_use]
    pub fn monotone(&self) -> Self {
        let mut lost = 0.0;
        let mut previous = 0.0;
        let samples = self.0.iter().map(|s| {
            if s.value < previous {
                lost += previous;
            }
            previous = s.value;
            Sample {
                at: s.at,
                value: s.value + lost,
            }
        });
        Self(samples.collect())
    }
}

/// A Prometheus histogram: a counter for each upper edge, cumulative over the edges.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Histogram {
    /// Upper edge in seconds (`f64::INFINITY` for the last) and its counter, by rising edge.
    pub buckets: Vec<(f64, Series)>,
}

impl Histogram {
    /// The samples from `t` on.
    #[must_use]
    pub fn since(&self, t: Time) -> Self {
        Self {
            buckets: self
                .buckets
                .iter()
                .map(|(edge, counter)| (*edge, counter.since(t)))
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(points: &[(i64, f64)]) -> Series {
        Series::new(
            points
                .iter()
                .map(|&(ms, value)| Sample {
                    at: Time::from_millis(ms),
                    value,
                })
                .collect(),
        )
    }

    #[test]
    fn drops_values_that_are_no_measurement() {
        let s = series(&[
            (0, f64::NAN),
            (1, f64::INFINITY),
            (2, f64::NEG_INFINITY),
            (3, -1.0),
            (4, f64::MAX),
            (5, 1e16),
            (6, 4.0),
        ]);
        assert_eq!(s.samples().len(), 1);
    }

    #[test]
    fn sorts_and_keeps_one_sample_an_instant() {
        let s = series(&[(5, 1.0), (0, 2.0), (5, 3.0)]);
        assert_eq!(s.samples().iter().map(|s| s.value).collect::<Vec<_>>(), [2.0, 3.0]);
    }

    #[test]
    fn interpolates_between_samples_and_never_beyond() {
        let s = series(&[(0, 0.0), (10, 10.0)]);
        assert_eq!(s.at(Time::from_millis(4)), Some(4.0));
        assert_eq!(s.at(Time::from_millis(10)), Some(10.0));
        assert_eq!(s.at(Time::from_millis(11)), None);
        assert_eq!(s.at(Time::from_millis(-1)), None);
    }

    #[test]
    fn a_counter_reset_is_not_a_fall() {
        let s = series(&[(0, 5.0), (1, 7.0), (2, 1.0), (3, 4.0)]).monotone();
        assert_eq!(
            s.samples().iter().map(|s| s.value).collect::<Vec<_>>(),
            [5.0, 7.0, 8.0, 11.0]
        );
    }
}
