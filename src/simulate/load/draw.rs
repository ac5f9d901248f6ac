//! Seeded draws: the core's generator, with a stream of its own for each load and purpose. Pure.

use inferscale_core::simulate::random::Random;

/// A stream of random numbers that does not depend on how many another has drawn.
#[derive(Debug, Clone)]
pub(super) struct Stream {
    seed: u64,
    random: Random,
}

impl Stream {
    pub fn new(seed: u64, name: &str) -> Self {
        Self::of(
            name.bytes()
                .fold(seed, |state, byte| Random::new(state, u64::from(byte)).word()),
        )
    }

    fn of(seed: u64) -> Self {
        Self {
            seed,
            random: Random::new(seed, 0),
        }
    }

    /// Another stream, by a number.
    pub fn fork(&self, number: u64) -> Self {
        Self::of(Random::new(self.seed, number).word())
    }

    /// Evenly between 0 and 1, 1 excluded.
    pub fn uniform(&mut self) -> f64 {
        self.random.uniform()
    }

    /// Exponential with a mean of 1.
    pub fn exponential(&mut self) -> f64 {
        self.random.exponential()
    }

    /// Gamma with a mean of 1.
    pub fn gamma(&mut self, shape: f64) -> f64 {
        self.random.gamma(shape) / shape
    }

    /// Weibull; `mean` is the mean of the law with a scale of 1, by which it is divided.
    pub fn weibull(&mut self, shape: f64, mean: f64) -> f64 {
        self.exponential().powf(1.0 / shape) / mean
    }

    /// A whole number below `n`, 0 when there is none.
    pub fn below(&mut self, n: usize) -> usize {
        ((self.uniform() * n as f64) as usize).min(n.saturating_sub(1))
    }
}

/// The mean of a Weibull law of scale 1: the gamma function at `1 + 1/shape`.
pub(super) fn weibull_mean(shape: f64) -> f64 {
    ln_gamma(1.0 + 1.0 / shape).exp().clamp(f64::MIN_POSITIVE, f64::MAX)
}

/// Stirling's series above 8, reached by the recurrence `gamma(x + 1) = x gamma(x)`: better than 1e-10.
fn ln_gamma(x: f64) -> f64 {
    let (mut x, mut below) = (x, 0.0);
    while x < 8.0 {
        below += x.ln();
        x += 1.0;
    }
    let series = 1.0 / (12.0 * x) - 1.0 / (360.0 * x.powi(3)) + 1.0 / (1260.0 * x.powi(5));
    (x - 0.5) * x.ln() - x + 0.5 * (2.0 * std::f64::consts::PI).ln() + series - below
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(1.0, 1.0)]
    #[case(2.0, 0.886_226_925_5)]
    #[case(0.5, 2.0)]
    #[case(0.25, 24.0)]
    fn the_mean_of_a_weibull_law_is_known(#[case] shape: f64, #[case] mean: f64) {
        assert!(
            (weibull_mean(shape) / mean - 1.0).abs() < 1e-9,
            "{}",
            weibull_mean(shape)
        );
    }

    #[rstest]
    #[case(0.3)]
    #[case(1.0)]
    #[case(3.0)]
    fn gamma_and_weibull_draws_have_a_mean_of_one(#[case] shape: f64) {
        let mut stream = Stream::new(1, "chat");
        let n = 200_000;
        let gamma: f64 = (0..n).map(|_| stream.gamma(shape)).sum::<f64>() / f64::from(n);
        let mean = weibull_mean(shape);
        let weibull: f64 = (0..n).map(|_| stream.weibull(shape, mean)).sum::<f64>() / f64::from(n);
        assert!(
            (gamma - 1.0).abs() < 0.03 && (weibull - 1.0).abs() < 0.06,
            "{gamma} {weibull}"
        );
    }

    #[test]
    fn streams_are_their_own() {
        let draw = |seed, name| Stream::new(seed, name).uniform();
        assert_eq!(draw(1, "a"), draw(1, "a"));
        assert_ne!(draw(1, "a"), draw(1, "b"));
        assert_ne!(draw(1, "a"), draw(2, "a"));
        let mut used = Stream::new(1, "a");
        used.uniform();
        assert_eq!(used.fork(7).uniform(), Stream::new(1, "a").fork(7).uniform());
    }
}
