//! Seeded random numbers: the same seed gives the same world on every machine.

use std::f64::consts::{E, TAU};

use super::world::Spread;

/// The generator splitmix64: one word of state, good enough for draws that nobody attacks.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// The stream `stream` of a seed. Different streams do not depend on how often another one is drawn from.
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut mixed = Self(seed);
        let seed = mixed.word();
        Self(seed ^ stream.wrapping_mul(0xD6E8_FEB8_6659_FD93))
    }

    /// Sixty-four random bits.
    pub fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Evenly from 0 to 1, 1 excluded.
    pub fn uniform(&mut self) -> f64 {
        (self.word() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Whether something of this probability happens.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.uniform() < probability
    }

    /// Exponential with a mean of 1.
    pub fn exponential(&mut self) -> f64 {
        -(1.0 - self.uniform()).ln()
    }

    /// Normal with a mean of 0 and a deviation of 1 (Box and Muller; the second number is thrown away).
    pub fn normal(&mut self) -> f64 {
        let radius = (2.0 * self.exponential()).sqrt();
        radius * (TAU * self.uniform()).cos()
    }

    /// Gamma of this shape, with a mean of `shape` (Marsaglia and Tsang; below a shape of 1 by their boost).
    pub fn gamma(&mut self, shape: f64) -> f64 {
        if shape < 1.0 {
            let boost = (1.0 - self.uniform()).powf(1.0 / shape.max(1e-6));
            return self.gamma(shape.max(1e-6) + 1.0) * boost;
        }
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let x = self.normal();
            let v = (1.0 + c * x).powi(3);
            if v > 0.0 && (1.0 - self.uniform()).ln() < x * x / 2.0 + d * (1.0 - v + v.ln()) {
                return d * v;
            }
        }
    }

    /// Log-normal by its median and its 95th percentile, in seconds.
    pub fn spread(&mut self, spread: Spread) -> f64 {
        let median = spread.median_s.max(0.0);
        if spread.p95_s <= median || median <= 0.0 {
            return median;
        }
        let sigma = (spread.p95_s / median).ln() / Z95;
        median * E.powf(sigma * self.normal())
    }
}

/// The 95th percentile of the normal law.
const Z95: f64 = 1.644_853_626_951_472_2;

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn moments(mut draw: impl FnMut(&mut Random) -> f64) -> (f64, f64) {
        let mut random = Random::new(7, 1);
        let all: Vec<f64> = (0..200_000).map(|_| draw(&mut random)).collect();
        let mean = all.iter().sum::<f64>() / all.len() as f64;
        let variance = all.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / all.len() as f64;
        (mean, variance)
    }

    #[rstest]
    #[case::uniform(Random::uniform as fn(&mut Random) -> f64, 0.5, 1.0 / 12.0)]
    #[case::exponential(Random::exponential as fn(&mut Random) -> f64, 1.0, 1.0)]
    #[case::normal(Random::normal as fn(&mut Random) -> f64, 0.0, 1.0)]
    #[case::a_peaked_gamma((|r| r.gamma(5.0)) as fn(&mut Random) -> f64, 5.0, 5.0)]
    #[case::a_bursty_gamma((|r| r.gamma(0.3)) as fn(&mut Random) -> f64, 0.3, 0.3)]
    fn has_the_mean_and_the_variance_of_its_law(
        #[case] draw: fn(&mut Random) -> f64,
        #[case] mean: f64,
        #[case] variance: f64,
    ) {
        let (m, v) = moments(draw);
        assert!((m - mean).abs() < 0.02, "mean {m}");
        assert!((v / variance - 1.0).abs() < 0.03, "variance {v}");
    }

    #[test]
    fn a_spread_has_the_median_and_the_tail_that_it_names() {
        let spread = Spread {
            median_s: 60.0,
            p95_s: 180.0,
        };
        let mut random = Random::new(1, 2);
        let mut all: Vec<f64> = (0..100_000).map(|_| random.spread(spread)).collect();
        all.sort_by(f64::total_cmp);
        assert!((all[50_000] / 60.0 - 1.0).abs() < 0.02);
        assert!((all[95_000] / 180.0 - 1.0).abs() < 0.03);
        assert!((random.spread(Spread::constant(9.0)) - 9.0).abs() < 1e-12);
    }

    #[test]
    fn streams_of_one_seed_differ_and_repeat() {
        let draw = |stream| {
            let mut random = Random::new(3, stream);
            [random.word(), random.word()]
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }
}
