//! How much stronger or weaker the replicas are than their profile says, learned from the requests that they miss.
//!
//! Each of a few strengths foretells how many requests would have missed under the load that really came; what really
//! missed tells which of them is likely (Poisson, in units of a bucket of traffic, for misses come in bursts). Only sums
//! are compared, so it does not matter in which bucket a late request is counted. A fleet that is never loaded teaches
//! nothing, and the prior stays.

use super::fluid::Fluid;

/// Strengths that are weighed, from `WEAKEST` up in steps of `STEP`: 0.6 to 1.6.
const STRENGTHS: usize = 16;
const WEAKEST: f64 = 0.6;
const STEP: f64 = 1.068;
/// Half of what was seen is forgotten in this many buckets (two days of 15 s).
const HALF_LIFE: f64 = 11_520.0;
/// How far a profile is off, as the standard deviation of ln(strength): measured against real runs it is 10 to 15 %.
const DOUBT: f64 = 0.12;
/// What a bucket counts as evidence: its neighbours tell of the same burst, and a miss is counted when the request ends.
const EVIDENCE: f64 = 0.15;

/// What was learned of the strength of one object's replicas.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Strength {
    fluids: [Fluid; STRENGTHS],
    foretold: [f32; STRENGTHS],
    missed: f32,
}

/// One bucket that was seen completely.
#[derive(Debug, Clone, Copy)]
pub struct Loaded {
    /// Demand, in requests/s.
    pub rate: f64,
    /// What the ready replicas carry as their profile says, in requests/s.
    pub capacity: f64,
    /// Requests/s that missed a target.
    pub missed: f64,
    /// Mean demand of the object, in requests/s.
    pub mean: f64,
    /// Width of the bucket in seconds.
    pub grid_s: f64,
    /// How long a request may wait, in seconds.
    pub patience_s: f64,
}

impl Strength {
    /// Folds in one bucket.
    pub fn absorb(&mut self, seen: Loaded) {
        let keep = 0.5_f64.powf(1.0 / HALF_LIFE);
        let unit = seen.mean.max(1e-6);
        for (i, (fluid, sum)) in self.fluids.iter_mut().zip(&mut self.foretold).enumerate() {
            let miss = fluid.miss(seen.rate, seen.capacity * strength(i), seen.grid_s, seen.patience_s);
            *sum = (f64::from(*sum) * keep + miss / unit) as f32;
        }
        self.missed = (f64::from(self.missed) * keep + seen.missed.max(0.0) / unit) as f32;
    }

    /// The likely strength: what a profile says is multiplied by it.
    pub fn factor(&self) -> f64 {
        let likelihood = |i: usize, foretold: f32| {
            let foretold = f64::from(foretold).max(1e-6);
            let doubt = strength(i).ln() / DOUBT;
            EVIDENCE * (f64::from(self.missed) * foretold.ln() - foretold) - doubt * doubt / 2.0
        };
        let likelihoods: Vec<f64> = self
            .foretold
            .iter()
            .enumerate()
            .map(|(i, f)| likelihood(i, *f))
            .collect();
        let most = likelihoods.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let weights = likelihoods.iter().map(|l| (l - most).exp());
        let (sum, all) = weights
            .enumerate()
            .fold((0.0, 0.0), |(sum, all), (i, w)| (sum + w * strength(i).ln(), all + w));
        (sum / all).exp()
    }
}

fn strength(i: usize) -> f64 {
    WEAKEST * STEP.powi(i as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A fleet of 20 requests/s by its profile, that is really `true_strength` times as strong, under a load that
    /// comes close to it and beyond.
    fn learned(true_strength: f64, buckets: usize) -> f64 {
        let (mut learned, mut world) = (Strength::default(), Fluid::default());
        for i in 0..buckets {
            let rate = 14.0 + (i * 7 % 23) as f64 / 2.0;
            let missed = world.miss(rate, 20.0 * true_strength, 15.0, 2.0);
            learned.absorb(Loaded {
                rate,
                capacity: 20.0,
                missed,
                mean: 19.5,
                grid_s: 15.0,
                patience_s: 2.0,
            });
        }
        learned.factor()
    }

    #[test]
    fn believes_the_profile_at_first() {
        assert!(
            (Strength::default().factor() - 1.0).abs() < 0.03,
            "{}",
            Strength::default().factor()
        );
    }

    #[test]
    fn finds_the_true_strength() {
        for truth in [0.75, 0.9, 1.0, 1.12, 1.3] {
            let found = learned(truth, 8000);
            assert!((found / truth - 1.0).abs() < 0.05, "{found} for {truth}");
        }
    }

    #[test]
    fn an_idle_fleet_teaches_nothing() {
        let mut idle = Strength::default();
        for _ in 0..5000 {
            idle.absorb(Loaded {
                rate: 4.0,
                capacity: 20.0,
                missed: 0.0,
                mean: 4.0,
                grid_s: 15.0,
                patience_s: 2.0,
            });
        }
        assert!((idle.factor() - 1.0).abs() < 0.05, "{}", idle.factor());
    }
}
