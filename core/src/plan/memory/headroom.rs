//! How much more than the signal must be bought, learned from the object's own surprises.
//!
//! For each bucket: how far above the highest signal of its order window did demand come? The order window reaches
//! from one lead time ago (a replica ordered later could not have served) back over the hold. The answers, weighted by
//! requests, form a decaying histogram of ln(demand / signal); the headroom is its quantile at the share of requests
//! that may be missed, unless the price of the last few is out of proportion. A controller scales that share by what was really missed.

use crate::units::Ratio;

/// Bins of ln(demand / signal), from `LOWEST` in steps of `WIDTH`: factors 0.5 to 12.
const BINS: usize = 64;
const LOWEST: f64 = -0.7;
const WIDTH: f64 = 0.05;
/// Half of what was learned is forgotten in this many buckets (two days of 15 s).
const HALF_LIFE: f64 = 11_520.0;
/// The prior weighs as much as this many buckets of average traffic: half a day of 15 s, so that one spike in the first
/// hour does not double the fleet for the rest of the day.
const PRIOR_BUCKETS: f64 = 3000.0;
/// The past signals that are kept, in buckets: bounds lead time + hold.
const RING: usize = 128;
/// What a missed request above the budget is worth, in units of the cost of what the signal itself needs: one point more
/// of misses outweighs 0.8 of the base cost, so that one freak spike does not buy a fivefold fleet for days.
const PENALTY: f64 = 80.0;
/// Share of the miss budget that the quantile may spend; the rest is for what the histogram does not see (queues that
/// outlive the bucket that made them).
const BUDGET: f64 = 0.7;

/// Share of the requests above e^x times the signal, at a lead time of two minutes: quantiles of the intercepts of
/// a pinball-loss fit on the prototype's training traces.
const PRIOR: [(f64, f64); 11] = [
    (0.6, -0.058),
    (0.75, -0.022),
    (0.85, 0.013),
    (0.91, 0.036),
    (0.95, 0.064),
    (0.97, 0.101),
    (0.983, 0.169),
    (0.991, 0.280),
    (0.995, 0.356),
    (0.9975, 0.549),
    (0.999, 0.723),
];

/// The error sketch of one object.
#[derive(Debug, Clone, PartialEq)]
pub struct Headroom {
    /// Requests by bin, decaying.
    bins: [f32; BINS],
    /// Past signals in requests/s, newest last.
    signals: Vec<f32>,
    /// Mean requests a bucket, decaying: the unit of the prior's weight.
    mean: f32,
    /// Scales the miss budget by what was really missed, 0.2..=2.5.
    correction: f32,
}

impl Default for Headroom {
    fn default() -> Self {
        Self {
            bins: [0.0; BINS],
            signals: Vec::new(),
            mean: 0.0,
            correction: 1.0,
        }
    }
}

impl Headroom {
    /// Folds in one bucket: `rate` requests/s arrived, and from now on the signal is `signal`.
    /// `lead` and `hold` are in buckets.
    pub fn absorb(&mut self, rate: f64, signal: f64, lead: usize, hold: usize) {
        let keep = 0.5_f64.powf(1.0 / HALF_LIFE);
        if let Some(base) = self.highest(lead, hold) {
            let error = (rate.max(0.02) / base.max(0.02)).ln();
            let bin = (((error - LOWEST) / WIDTH).floor().max(0.0) as usize).min(BINS - 1);
            for (i, count) in self.bins.iter_mut().enumerate() {
                let add = if i == bin { rate } else { 0.0 };
                *count = (f64::from(*count) * keep + add) as f32;
            }
        }
        self.mean = if self.mean == 0.0 {
            rate as f32
        } else {
            (f64::from(self.mean) * keep + rate * (1.0 - keep)) as f32
        };
        self.signals.push(signal as f32);
        if self.signals.len() > RING {
            self.signals.remove(0);
        }
    }

    /// Tells how many requests of one bucket missed, of how many.
    ///
    /// An integral controller on ln(budget): a day that burns its budget twice over halves what the quantile may spend.
    pub fn correct(&mut self, missed: f64, total: f64, attainment: Ratio) {
        if total <= 0.0 || self.mean <= 0.0 {
            return;
        }
        let allowed = (1.0 - attainment.get()).max(1e-4);
        // A day of 15 s buckets at the mean rate is the unit of time of the controller.
        let day = 5760.0 * f64::from(self.mean).max(1e-3);
        let step = 0.75 * (missed / allowed - total) / day;
        let ln = f64::from(self.correction).ln() - step.clamp(-0.5, 0.5);
        self.correction = ln.exp().clamp(0.2, 2.5) as f32;
    }

    /// The factor above the signal that must be ready so that the share `attainment` of the requests finds room.
    pub fn factor(&self, attainment: Ratio) -> f64 {
        let budget = (1.0 - attainment.get()) * BUDGET * f64::from(self.correction);
        let prior = PRIOR_BUCKETS * f64::from(self.mean).max(1e-6);
        let learned: f64 = self.bins.iter().map(|c| f64::from(*c)).sum();
        let all = prior + learned;
        // From the top: how many requests came above the lower edge of each bin, and is room for them worth its price?
        let mut above = 0.0;
        let mut best = (f64::INFINITY, 1.0);
        for bin in (0..BINS).rev() {
            above += f64::from(self.bins.get(bin).copied().unwrap_or(0.0));
            let edge = LOWEST + WIDTH * bin as f64;
            let missed = (above + prior * prior_above(edge)) / all;
            let price = edge.exp() + PENALTY * (missed - budget).max(0.0);
            // Never below the signal itself: the level is what is known best.
            if price < best.0 && edge >= 0.0 {
                best = (price, edge.exp());
            }
        }
        best.1
    }

    /// The highest signal among the last `hold` buckets (the newest included), in requests/s.
    pub fn held(&self, hold: usize) -> Option<f64> {
        self.highest(0, hold)
    }

    /// What it holds outside of itself.
    #[cfg(test)]
    pub fn heap_bytes(&self) -> usize {
        self.signals.capacity() * size_of::<f32>()
    }

    /// The highest of the `hold` signals that end `lead` buckets ago.
    fn highest(&self, lead: usize, hold: usize) -> Option<f64> {
        let end = self.signals.len().checked_sub(lead.min(RING / 2))?;
        let start = end.saturating_sub(hold.clamp(1, RING / 2));
        let window = self.signals.get(start..end)?;
        window.iter().copied().map(f64::from).reduce(f64::max)
    }
}

/// The prior's share of requests above e^x times the signal, straight between its points in ln(share).
fn prior_above(x: f64) -> f64 {
    let mut before = (0.0_f64, -0.7);
    for (level, edge) in PRIOR {
        if x < edge {
            let share = ((x - before.1) / (edge - before.1)).clamp(0.0, 1.0);
            return ((1.0 - before.0).ln() * (1.0 - share) + (1.0 - level).ln() * share).exp();
        }
        before = (level, edge);
    }
    // Beyond the last point the tail halves every 0.2.
    (1.0 - before.0) * 0.5_f64.powf((x - before.1) / 0.2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(p: f64) -> Ratio {
        Ratio::clamped(p)
    }

    fn fed(rates: impl Iterator<Item = f64>, signal: f64) -> Headroom {
        let mut h = Headroom::default();
        for rate in rates {
            h.absorb(rate, signal, 9, 8);
        }
        h
    }

    #[test]
    fn is_sensible_before_anything_was_learned() {
        let h = fed(std::iter::repeat_n(5.0, 10), 5.0);
        let factor = h.factor(share(0.99));
        assert!((1.2..1.6).contains(&factor), "{factor}");
    }

    #[test]
    fn shrinks_for_a_calm_object_and_grows_for_a_bursty_one() {
        let calm = fed(std::iter::repeat_n(5.0, 5000), 5.0).factor(share(0.99));
        let bursty = fed((0..5000).map(|i| if i % 25 == 0 { 12.0 } else { 4.7 }), 5.0).factor(share(0.99));
        assert!(calm < 1.3, "{calm}");
        assert!(bursty > 2.0, "{bursty}");
    }

    #[test]
    fn a_stricter_objective_never_needs_less() {
        let h = fed((0..3000).map(|i| 4.0 + f64::from(i % 7)), 6.0);
        let factors: Vec<f64> = [0.9, 0.95, 0.99, 0.999].iter().map(|p| h.factor(share(*p))).collect();
        assert!(factors.is_sorted(), "{factors:?}");
    }

    #[test]
    fn real_misses_raise_it_and_their_absence_lowers_it_slowly() {
        let mut h = fed(std::iter::repeat_n(5.0, 100), 5.0);
        let before = h.factor(share(0.99));
        for _ in 0..200 {
            h.correct(1.0, 5.0, share(0.99));
        }
        assert!(h.factor(share(0.99)) > before);
    }

    #[test]
    fn judges_each_bucket_by_what_could_have_been_ordered_for_it() {
        let mut h = Headroom::default();
        for _ in 0..20 {
            h.absorb(5.0, 5.0, 9, 8);
        }
        // The signal rises with the demand, but nine buckets too late for it.
        h.absorb(50.0, 50.0, 9, 8);
        assert!(h.bins.iter().skip(50).sum::<f32>() > 40.0);
    }
}
