//! How requests spread around their mean, and the tails that follow from it. Pure arithmetic.

/// A distribution around its mean as thirteen classes, narrow at both ends, where misses happen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Spread {
    /// Size relative to the mean, and the share of the requests.
    pub classes: [(f64, f64); 13],
    /// Mean of the squares over the square of the mean.
    pub second: f64,
}

impl Spread {
    /// Gamma law with a coefficient of variation of 0.96: the prompts of the public Azure chat trace (2023).
    pub const PROMPTS: Self = Self {
        classes: [
            (0.0072, 0.01),
            (0.0262, 0.02),
            (0.0801, 0.07),
            (0.2475, 0.2),
            (0.5396, 0.2),
            (0.9422, 0.2),
            (1.5038, 0.15),
            (2.2991, 0.1),
            (3.2768, 0.03),
            (4.0593, 0.01),
            (4.7079, 0.005),
            (5.6267, 0.004),
            (7.5004, 0.001),
        ],
        second: 1.92,
    };
    /// Gamma law with a coefficient of variation of 0.77: the outputs of the same trace.
    pub const OUTPUTS: Self = Self {
        classes: [
            (0.0319, 0.01),
            (0.0780, 0.02),
            (0.1657, 0.07),
            (0.3663, 0.2),
            (0.6534, 0.2),
            (1.0023, 0.2),
            (1.4526, 0.15),
            (2.0556, 0.1),
            (2.7694, 0.03),
            (3.3272, 0.01),
            (3.7833, 0.005),
            (4.4219, 0.004),
            (5.7066, 0.001),
        ],
        second: 1.59,
    };
}

/// Gamma-distributed amounts of one mean, against one limit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Excess {
    /// The limit relative to the mean, its cube root. `None` = above the limit whatever the variance.
    root: Option<f64>,
    mean: f64,
}

impl Excess {
    /// What is above `limit` of an amount that is `mean` on average.
    pub fn over(limit: f64, mean: f64) -> Self {
        Self {
            root: (limit > 0.0).then(|| (limit / mean.max(1e-9)).cbrt()),
            mean,
        }
    }

    /// The probability of being above the limit (Wilson and Hilferty: the cube root of a gamma law is nearly normal).
    pub fn share(&self, variance: f64) -> f64 {
        let Some(root) = self.root else {
            return 1.0;
        };
        // Below a fifth the approximation bends; there the amount is nearly always nothing at all.
        let shape = (self.mean * self.mean / variance.max(1e-12)).max(0.2);
        let z = (root - (1.0 - 1.0 / (9.0 * shape))) * 3.0 * shape.sqrt();
        if z > 8.0 { 0.0 } else { 1.0 - normal_cdf(z) }
    }
}

/// Standard normal distribution function (Abramowitz and Stegun 26.2.17, off by at most 7.5e-8).
pub(super) fn normal_cdf(z: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.231_641_9 * z.abs());
    let poly =
        t * (0.319_381_530 + t * (-0.356_563_782 + t * (1.781_477_937 + t * (-1.821_255_978 + t * 1.330_274_429))));
    let tail = 0.398_942_280_401_432_7 * (-z * z / 2.0).exp() * poly;
    if z >= 0.0 { 1.0 - tail } else { tail }
}

/// How many standard deviations lie below the share `p` (Abramowitz and Stegun 26.2.23, off by at most 4.5e-4).
/// Clamped to shares from one half to one in a million short of all.
pub(super) fn normal_quantile(p: f64) -> f64 {
    let tail = (1.0 - p).clamp(1e-6, 0.5);
    let t = (-2.0 * tail.ln()).sqrt();
    let upper = 2.515_517 + t * (0.802_853 + t * 0.010_328);
    let lower = 1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308));
    (t - upper / lower).max(0.0)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(Spread::PROMPTS)]
    #[case(Spread::OUTPUTS)]
    fn classes_cover_everybody_and_keep_the_mean(#[case] spread: Spread) {
        let all: f64 = spread.classes.iter().map(|c| c.1).sum();
        let mean: f64 = spread.classes.iter().map(|c| c.0 * c.1).sum();
        assert!((all - 1.0).abs() < 1e-9 && (mean - 1.0).abs() < 1e-3);
    }

    #[rstest]
    #[case(0.0, 0.5)]
    #[case(1.0, 0.841_344_7)]
    #[case(-2.326_348, 0.01)]
    fn the_normal_law_is_the_normal_law(#[case] z: f64, #[case] p: f64) {
        assert!((normal_cdf(z) - p).abs() < 1e-6);
    }

    #[rstest]
    #[case(0.5, 0.0)]
    #[case(0.99, 2.326)]
    #[case(0.999, 3.090)]
    fn the_quantile_is_its_inverse(#[case] p: f64, #[case] z: f64) {
        assert!((normal_quantile(p) - z).abs() < 1e-3);
    }

    #[rstest]
    #[case::exponential(3.0, 1.0, 1.0, 0.049_8)]
    #[case::nearly_normal(130.0, 100.0, 100.0, 0.002_73)]
    fn a_gamma_tail_is_close_to_the_exact_one(
        #[case] limit: f64,
        #[case] mean: f64,
        #[case] variance: f64,
        #[case] exact: f64,
    ) {
        let tail = Excess::over(limit, mean).share(variance);
        assert!((tail - exact).abs() < 0.05 * exact, "{tail} against {exact}");
    }
}
