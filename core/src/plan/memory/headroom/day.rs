//! What each time of day brought on the days before: the mean and the peak of 288 slots (five minutes at a 15 s grid).
//!
//! Stored as logarithms in 16 bits (steps of 0.1 %), so that a day costs 1.2 KB.

use crate::units::{Span, Time};

/// Slots of a day, and grids of a slot: a day is 5,760 grids.
const SLOTS: usize = 288;
const GRIDS: i64 = 20;
/// How fast the usual mean follows today's.
const FOLLOW: f64 = 0.4;
/// What is left of a peak the day after.
const KEEP: f64 = 0.7;

/// The usual day of one object.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Day {
    mean: [u16; SLOTS],
    peak: [u16; SLOTS],
    slot: u16,
    sum: f32,
    most: f32,
    buckets: u16,
}

impl Default for Day {
    fn default() -> Self {
        Self {
            mean: [UNKNOWN; SLOTS],
            peak: [UNKNOWN; SLOTS],
            slot: 0,
            sum: 0.0,
            most: 0.0,
            buckets: 0,
        }
    }
}

impl Day {
    /// The slot of a bucket that starts at `at`.
    pub fn slot(at: Time, grid: Span) -> usize {
        let slot = (grid * GRIDS).as_millis().max(1);
        at.as_millis().div_euclid(slot).rem_euclid(SLOTS as i64) as usize
    }

    /// Folds in the rate of one bucket, in requests/s.
    pub fn absorb(&mut self, slot: usize, rate: f64) {
        if slot != usize::from(self.slot) {
            self.close();
            self.slot = slot as u16;
        }
        self.sum += rate as f32;
        self.most = self.most.max(rate as f32);
        self.buckets = self.buckets.saturating_add(1);
    }

    /// ln(usual mean of the next two slots / of this one and the last); `None` on the first day.
    pub fn trend(&self, slot: usize) -> Option<f64> {
        let before = self.mean_of(slot)? + self.mean_of(slot + SLOTS - 1)?;
        let after = self.mean_of(slot + 1)? + self.mean_of(slot + 2)?;
        Some((after / before).ln())
    }

    /// The usual peak of the next two slots, in requests/s; `None` on the first day.
    pub fn peak_ahead(&self, slot: usize) -> Option<f64> {
        let of = |slot: usize| self.peak.get(slot % SLOTS).copied().and_then(unpacked);
        Some(of(slot + 1)?.max(of(slot + 2)?))
    }

    fn mean_of(&self, slot: usize) -> Option<f64> {
        self.mean.get(slot % SLOTS).copied().and_then(unpacked)
    }

    /// Takes the slot that is over into the usual day.
    fn close(&mut self) {
        let slot = usize::from(self.slot);
        if self.buckets > 0
            && let (Some(mean), Some(peak)) = (self.mean.get_mut(slot), self.peak.get_mut(slot))
        {
            let today = f64::from(self.sum) / f64::from(self.buckets);
            *mean = packed(unpacked(*mean).map_or(today, |usual| usual + FOLLOW * (today - usual)));
            let most = f64::from(self.most);
            *peak = packed(unpacked(*peak).map_or(most, |usual| most.max(KEEP * usual)));
        }
        (self.sum, self.most, self.buckets) = (0.0, 0.0, 0);
    }
}

const UNKNOWN: u16 = 0;
/// The smallest rate that can be told apart from none, in requests/s.
const LEAST: f64 = 1e-4;

fn packed(rate: f64) -> u16 {
    (1.0 + 1000.0 * (rate.max(LEAST) / LEAST).ln()).min(f64::from(u16::MAX)) as u16
}

fn unpacked(packed: u16) -> Option<f64> {
    (packed != UNKNOWN).then(|| LEAST * (f64::from(packed - 1) / 1000.0).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRID: Span = Span::from_secs(15);

    fn day_of(rate: impl Fn(usize) -> f64, days: usize) -> Day {
        let mut day = Day::default();
        for bucket in 0..=days * SLOTS * GRIDS as usize {
            let slot = bucket / GRIDS as usize % SLOTS;
            day.absorb(slot, rate(slot));
        }
        day
    }

    #[test]
    fn knows_nothing_on_the_first_day() {
        let mut day = Day::default();
        for bucket in 0..100 {
            day.absorb(bucket / 20, 5.0);
        }
        assert_eq!((day.trend(200), day.peak_ahead(200)), (None, None));
    }

    #[test]
    fn sees_the_morning_come() {
        let day = day_of(|slot| if slot < 100 { 1.0 } else { 4.0 }, 1);
        assert!((day.trend(99).unwrap() - 4.0_f64.ln()).abs() < 0.01);
        assert!((day.peak_ahead(98).unwrap() - 4.0).abs() < 0.01);
        assert!(day.trend(50).unwrap().abs() < 0.01);
    }

    #[test]
    fn a_peak_that_does_not_come_back_fades() {
        let mut day = day_of(|slot| if slot == 10 { 100.0 } else { 1.0 }, 1);
        for slot in 0..SLOTS {
            day.absorb(slot, 1.0);
        }
        day.absorb(0, 1.0);
        assert!((day.peak_ahead(8).unwrap() - 70.0).abs() < 1.0);
    }

    #[test]
    fn a_slot_is_five_minutes_of_a_utc_day_at_the_ordinary_grid() {
        let at = |s: i64| Day::slot(Time::from_millis(s * 1000), GRID);
        assert_eq!((at(0), at(299), at(300), at(86_400)), (0, 0, 1, 0));
    }
}
