//! What the recent past looks like, as 14 numbers: levels on five time scales against the fastest, what peaked lately,
//! how rough it has been, and what this time of day brought on other days.

use super::day::Day;
use super::prior::SCALE;

/// How many numbers.
pub(super) const FEATURES: usize = 14;
/// A rate below this is as good as none, in requests/s.
const LEAST: f64 = 0.02;
/// Time constants of the levels in grids: 30 s, 60 s, 5, 15 and 45 min at a 15 s grid.
const LEVELS: [f64; 5] = [2.0, 4.0, 20.0, 60.0, 180.0];
/// How long a peak is remembered, in grids: an hour and ten minutes; and over what the roughness is averaged: an hour.
const PEAKS: [f64; 2] = [240.0, 40.0];
const ROUGHNESS: f64 = 240.0;
/// Buckets until peaks are remembered: two minutes of 15 s.
const SETTLING: u32 = 8;

/// The state behind the numbers.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Features {
    levels: [f32; 5],
    peaks: [f32; 2],
    roughness: f32,
    buckets: u32,
}

impl Features {
    /// Folds in the rate of one bucket, in requests/s.
    pub fn absorb(&mut self, rate: f64) {
        self.buckets = self.buckets.saturating_add(1);
        let weights = LEVELS.map(|grids| self.weight(grids));
        for (level, weight) in self.levels.iter_mut().zip(weights) {
            *level += (weight * (rate - f64::from(*level))) as f32;
        }
        let fast = self.fast();
        // What was queued before the first replica served arrives at once: no peak of the demand.
        let young = self.buckets <= SETTLING;
        for (peak, grids) in self.peaks.iter_mut().zip(PEAKS) {
            let faded = f64::from(*peak) * (-1.0 / grids).exp();
            *peak = if young { fast } else { faded.max(fast) } as f32;
        }
        let rough = self.over_fast(self.levels[3]).abs();
        self.roughness += (self.weight(ROUGHNESS) * (rough - f64::from(self.roughness))) as f32;
    }

    /// The fastest level, in requests/s: what the others are compared with.
    pub fn fast(&self) -> f64 {
        f64::from(self.levels[0])
    }

    /// What arrives now, in requests/s: the fastest level, or that of five minutes where it is higher.
    pub fn now(&self) -> f64 {
        self.fast().max(f64::from(self.levels[2]))
    }

    /// The highest that was lately reached, in requests/s: over about ten minutes, or in the next minutes of other days.
    pub fn reached(&self, day: &Day, slot: usize) -> f64 {
        f64::from(self.peaks[1]).max(day.peak_ahead(slot).unwrap_or(0.0))
    }

    /// The numbers; `slot` is that of the bucket folded in last.
    pub fn numbers(&self, day: &Day, slot: usize) -> [f64; FEATURES] {
        let [_, minute, five, fifteen, long] = self.levels.map(|level| self.over_fast(level));
        let [hour, ten] = self.peaks.map(|peak| self.over_fast(peak));
        // Chance is a matter of requests, whose number in 15 s the fit was made with, whatever the grid is: a request lasts
        // for seconds, and what is shorter the batch absorbs.
        let requests = f64::from(self.levels[3]);
        let usual_peak = day.peak_ahead(slot).map_or(0.0, |peak| self.over_fast(peak as f32));
        let numbers = [
            1.0,
            five,
            fifteen,
            long,
            fifteen.max(0.0),
            minute,
            (-minute).max(0.0),
            hour,
            ten,
            f64::from(self.roughness),
            1.0 / (requests + 0.1).sqrt(),
            day.trend(slot).unwrap_or(0.0),
            usual_peak,
            usual_peak.max(0.0),
        ];
        let mut scaled = [0.0; FEATURES];
        for ((out, number), scale) in scaled.iter_mut().zip(numbers).zip(SCALE) {
            *out = number / scale;
        }
        scaled
    }

    /// ln(rate / fastest level).
    fn over_fast(&self, rate: f32) -> f64 {
        (f64::from(rate).max(LEAST) / self.fast().max(LEAST)).ln()
    }

    /// The weight of one bucket in an average over `grids`; at first a plain mean, so that one odd first bucket does
    /// not stand for an hour.
    fn weight(&self, grids: f64) -> f64 {
        (1.0 - (-1.0 / grids).exp()).max(1.0 / f64::from(self.buckets.max(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(rates: &[f64]) -> [f64; FEATURES] {
        let mut features = Features::default();
        for rate in rates {
            features.absorb(*rate);
        }
        features.numbers(&Day::default(), 0)
    }

    #[test]
    fn a_calm_load_shows_nothing_but_its_size() {
        let calm = numbers(&[10.0; 500]);
        for (i, number) in calm.iter().enumerate() {
            let expected = match i {
                0 => 1.0,
                10 => 1.0 / 10.1_f64.sqrt() / SCALE[10],
                _ => 0.0,
            };
            assert!((number - expected).abs() < 1e-3, "{i}: {number}");
        }
    }

    #[test]
    fn does_not_depend_on_the_scale_of_the_load() {
        let shape: Vec<f64> = (0..300).map(|i| 5.0 + f64::from(i % 17)).collect();
        let large: Vec<f64> = shape.iter().map(|rate| rate * 40.0).collect();
        let (small, large) = (numbers(&shape), numbers(&large));
        for i in (0..FEATURES).filter(|i| *i != 10) {
            assert!((small[i] - large[i]).abs() < 1e-3, "{i}: {} and {}", small[i], large[i]);
        }
        assert!(small[10] > large[10]);
    }

    #[test]
    fn after_a_fall_the_slow_levels_and_the_peaks_stand_above_the_fast_one() {
        let fallen = numbers(&[&[20.0; 300][..], &[5.0; 10]].concat());
        for i in [1, 3, 7, 8] {
            assert!(fallen[i] * SCALE[i] > 0.9, "{i}: {fallen:?}");
        }
    }
}
