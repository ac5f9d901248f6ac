//! The level of demand: a fast and a slow moving average, with holes and sudden zeros kept out.

use crate::units::{Span, Time};

/// A sudden zero counts as missing data for at most this many grids (half an hour at 15 s).
const SUSPICION_GRIDS: i64 = 120;
/// How many requests the last five minutes must have had for a silence to be suspicious.
const SUSPICION_REQUESTS: f64 = 30.0;
/// Less than this share of the demand is as good as none.
const GONE: f64 = 0.1;
/// So many buckets in a row are no trickle (two minutes at 15 s).
const LASTING: u32 = 8;
/// Time constants in grids: 30 s, and 5 min at a 15 s grid.
const FAST_GRIDS: f64 = 2.0;
const SLOW_GRIDS: f64 = 20.0;

/// Moving averages of the arrival rate, in requests/s.
///
/// Two time scales: the slow one carries the sizing, the fast one catches ramps. `max(slow, 0.95 fast)` was the best
/// static signal in the prototype's comparison of signals.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Levels {
    fast: Option<f64>,
    slow: f64,
    buckets: u32,
    suspicious_since: Option<Time>,
    /// Buckets in a row that had some demand while it was suspicious.
    back: u32,
}

impl Levels {
    /// Folds in the arrival rate of one bucket and returns the rate that it counts as: itself, or the slow level when
    /// demand fell to nothing at once, which is more often a broken metric than a dead service.
    pub fn absorb(&mut self, at: Time, rate: f64, grid: Span) -> f64 {
        let Some(fast) = self.fast else {
            (self.fast, self.slow, self.buckets) = (Some(rate), rate, 1);
            return rate;
        };
        // A few requests that trickle in, or are counted late, do not clear the suspicion: half of the demand must be back.
        // Or a lower demand must have lasted: then it is one.
        let some = rate >= GONE * self.slow;
        self.back = if some { self.back.saturating_add(1) } else { 0 };
        let doubted = self.suspicious_since.is_some() && self.back < LASTING;
        let gone = if doubted { 0.5 } else { GONE };
        let vanished = rate < gone * self.slow && self.slow * grid.as_secs_f64() * SLOW_GRIDS >= SUSPICION_REQUESTS;
        let rate = if vanished {
            let since = *self.suspicious_since.get_or_insert(at);
            if at.since(since) < grid * SUSPICION_GRIDS {
                self.slow
            } else {
                rate
            }
        } else {
            self.suspicious_since = None;
            rate
        };
        // At first a plain mean: one odd first bucket must not stand for minutes.
        self.buckets = self.buckets.saturating_add(1);
        let mean = 1.0 / f64::from(self.buckets);
        self.fast = Some(fast + step(FAST_GRIDS).max(mean) * (rate - fast));
        self.slow += step(SLOW_GRIDS).max(mean) * (rate - self.slow);
        rate
    }

    /// The demand signal in requests/s; `None` before the first bucket.
    pub fn signal(&self) -> Option<f64> {
        self.fast.map(|fast| self.slow.max(0.95 * fast))
    }

    /// The fast level: what arrives now, in requests/s.
    pub fn now(&self) -> f64 {
        self.fast.unwrap_or(0.0)
    }

    /// Since when demand has been gone in a way that looks like a broken metric, and is still treated as one.
    pub fn suspicious(&self, now: Time, grid: Span) -> Option<Time> {
        self.suspicious_since
            .filter(|since| now.since(*since) < grid * SUSPICION_GRIDS)
    }
}

/// The weight of one bucket in a moving average with a time constant of `grids` buckets.
fn step(grids: f64) -> f64 {
    1.0 - (-1.0 / grids).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRID: Span = Span::from_secs(15);

    fn run(levels: &mut Levels, from: i64, rates: &[f64]) -> Vec<f64> {
        let at = |i: usize| Time::from_millis(0) + GRID * (from + i as i64);
        rates
            .iter()
            .enumerate()
            .map(|(i, r)| levels.absorb(at(i), *r, GRID))
            .collect()
    }

    #[test]
    fn follows_a_ramp_faster_than_the_slow_level() {
        let mut levels = Levels::default();
        run(&mut levels, 0, &[1.0; 40]);
        run(&mut levels, 40, &[10.0; 4]);
        assert!(levels.signal().unwrap() > 7.0, "{levels:?}");
    }

    #[test]
    fn an_odd_first_bucket_is_soon_forgotten() {
        let mut levels = Levels::default();
        run(&mut levels, 0, &[30.0, 6.0, 6.0, 6.0, 6.0, 6.0, 6.0, 6.0]);
        assert!(levels.signal().unwrap() <= 9.1, "{levels:?}");
    }

    #[test]
    fn a_sudden_silence_counts_as_the_old_demand() {
        let mut levels = Levels::default();
        run(&mut levels, 0, &[10.0; 40]);
        let counted = run(&mut levels, 40, &[0.0; 20]);
        assert!(counted.iter().all(|r| *r > 9.9), "{counted:?}");
        assert!(levels.suspicious(Time::from_millis(0) + GRID * 60, GRID).is_some());
    }

    #[test]
    fn a_trickle_does_not_clear_a_suspicion_and_a_return_does() {
        let mut levels = Levels::default();
        run(&mut levels, 0, &[10.0; 40]);
        let counted = run(&mut levels, 40, &[0.0, 3.0, 0.0, 2.0, 4.0, 0.0]);
        assert!(counted.iter().all(|r| *r > 9.9), "{counted:?}");
        assert_eq!(run(&mut levels, 46, &[8.0]), [8.0]);
        assert_eq!(levels.suspicious(Time::from_millis(0) + GRID * 47, GRID), None);
    }

    #[test]
    fn a_lower_demand_that_lasts_is_believed_although_it_began_with_a_gap() {
        let mut levels = Levels::default();
        run(&mut levels, 0, &[15.0; 40]);
        let counted = run(&mut levels, 40, &[0.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0]);
        assert!(counted[..8].iter().all(|r| *r > 14.9), "{counted:?}");
        assert_eq!(counted[8..], [3.0, 3.0]);
        assert_eq!(levels.suspicious(Time::from_millis(0) + GRID * 50, GRID), None);
    }

    #[test]
    fn a_silence_is_believed_after_half_an_hour() {
        let mut levels = Levels::default();
        run(&mut levels, 0, &[10.0; 40]);
        run(&mut levels, 40, &[0.0; 200]);
        assert!(levels.signal().unwrap() < 1.0);
        assert_eq!(levels.suspicious(Time::from_millis(0) + GRID * 240, GRID), None);
    }

    #[test]
    fn a_trickle_may_end_without_suspicion() {
        let mut levels = Levels::default();
        run(&mut levels, 0, &[0.05; 40]);
        assert_eq!(run(&mut levels, 40, &[0.0]), [0.0]);
    }

    #[test]
    fn a_gradual_decline_is_no_suspicion() {
        let mut levels = Levels::default();
        let rates: Vec<f64> = (0..60).map(|i| 10.0 * (1.0 - f64::from(i) / 60.0)).collect();
        run(&mut levels, 0, &rates[..55]);
        assert_eq!(levels.suspicious(Time::from_millis(0) + GRID * 55, GRID), None);
    }
}
