//! Eleven guesses of how far demand may come above its fastest level before a replica ordered now serves: from one that
//! is exceeded by 40 % of the requests to one that a thousandth exceeds. Each is linear in the features and learns from
//! every bucket (stochastic gradient of the pinball loss); the prior is a fit over the prototype's training traces, so
//! that the first minute is sensible.

use super::features::FEATURES;
use super::prior::WEIGHTS;

/// How many guesses.
pub(super) const HEADS: usize = 11;
/// The share of the requests that each should cover.
const TAUS: [f64; HEADS] = [0.6, 0.75, 0.85, 0.91, 0.95, 0.97, 0.983, 0.991, 0.995, 0.9975, 0.999];
/// The weights that are used are averages over a day of those that learn, in grids.
const AVERAGED: f64 = 5760.0;
/// ln(demand / level) beyond these is not believed.
const LOWEST: f64 = -1.0;
const HIGHEST: f64 = 2.5;

/// The guesses of one object.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Heads {
    learning: [[f32; FEATURES]; HEADS],
    used: [[f32; FEATURES]; HEADS],
    lessons: u32,
}

impl Default for Heads {
    fn default() -> Self {
        let prior = WEIGHTS.map(|weights| weights.map(|w| f32::from(w) / 1000.0));
        Self {
            learning: prior,
            used: prior,
            lessons: 0,
        }
    }
}

impl Heads {
    /// What demand came to: `error` = ln(demand / level), where the features were `numbers` when it had to be guessed.
    /// `weight` is the demand in units of the object's mean.
    pub fn learn(&mut self, numbers: &[f64; FEATURES], error: f64, weight: f64) {
        let rate = (0.005 / (1.0 + f64::from(self.lessons) / 2000.0).sqrt()).max(0.0005);
        self.lessons = self.lessons.saturating_add(1);
        for ((learning, used), tau) in self.learning.iter_mut().zip(&mut self.used).zip(TAUS) {
            let above = error > dot(learning, numbers);
            let step = rate * weight * if above { tau } else { tau - 1.0 };
            for ((learning, used), number) in learning.iter_mut().zip(used.iter_mut()).zip(numbers) {
                *learning += (step * number) as f32;
                *used += (f64::from(*learning - *used) / AVERAGED) as f32;
            }
        }
    }

    /// The guesses, in requests/s, lowest first.
    pub fn guesses(&self, level: f64, numbers: &[f64; FEATURES]) -> [f64; HEADS] {
        let mut lowest = 0.0_f64;
        self.used.each_ref().map(|weights| {
            // A stricter guess is never below a laxer one, although they learn apart.
            lowest = lowest.max(level * dot(weights, numbers).clamp(LOWEST, HIGHEST).exp());
            lowest
        })
    }
}

fn dot(weights: &[f32; FEATURES], numbers: &[f64; FEATURES]) -> f64 {
    weights.iter().zip(numbers).map(|(w, x)| f64::from(*w) * x).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn constant() -> [f64; FEATURES] {
        let mut numbers = [0.0; FEATURES];
        numbers[0] = 1.0;
        numbers
    }

    #[test]
    fn a_stricter_guess_is_never_lower() {
        let heads = Heads::default();
        for seed in 0..200 {
            let mut numbers = constant();
            for (i, number) in numbers.iter_mut().enumerate().skip(1) {
                *number = f64::from((seed * 37 + i as i32 * 11) % 19) / 4.0 - 2.0;
            }
            assert!(heads.guesses(3.0, &numbers).is_sorted());
        }
    }

    #[test]
    fn learns_the_quantiles_of_what_comes() {
        // ln(demand / level) runs through 0 to 0.9 evenly: the quantiles are known.
        let mut heads = Heads::default();
        for i in 0..60_000 {
            heads.learn(&constant(), f64::from(i * 7 % 10) / 10.0, 1.0);
        }
        let guesses = heads.guesses(1.0, &constant()).map(f64::ln);
        assert!((guesses[0] - 0.6).abs() < 0.12, "{guesses:?}");
        assert!((guesses[4] - 0.9).abs() < 0.12, "{guesses:?}");
    }
}
