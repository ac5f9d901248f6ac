//! The planner's Kalman predictor: level and trend, one step ahead.
//!
//! Source: `KalmanPredictor` in `core/load/predictors.py`: `F = [[1,1],[0,1]]`, `H = [1,0]`, `P0 = 1000 I`,
//! `Q = diag(1, 0.1)`, `R = 10`. The planner's default is an ARIMA whose order an automatic search picks after five points;
//! this predictor is the one that its authors name as the better match for bursty systems, and it can be computed by hand.

const Q_LEVEL: f64 = 1.0;
const Q_TREND: f64 = 0.1;
const R: f64 = 10.0;
const P0: f64 = 1000.0;

/// The filter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Kalman {
    level: f64,
    trend: f64,
    /// Covariance: level, level with trend, trend.
    p: (f64, f64, f64),
}

impl Kalman {
    /// One that starts at its first value; leading zeros are idle time and are skipped by the caller.
    pub fn new(first: f64) -> Self {
        Self {
            level: first,
            trend: 0.0,
            p: (P0, 0.0, P0),
        }
    }

    /// Steps ahead: what the next value should be, never negative.
    pub fn predict(&mut self) -> f64 {
        let (a, b, c) = self.p;
        self.level += self.trend;
        self.p = (a + 2.0 * b + c + Q_LEVEL, b + c, c + Q_TREND);
        self.level.max(0.0)
    }

    /// Takes the value that came.
    pub fn update(&mut self, value: f64) {
        let (a, b, c) = self.p;
        let innovation = value - self.level;
        let (k, l) = (a / (a + R), b / (a + R));
        self.level += k * innovation;
        self.trend += l * innovation;
        self.p = ((1.0 - k) * a, (1.0 - k) * b, c - l * b);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_as_computed_by_hand() {
        let mut filter = Kalman::new(100.0);
        assert!((filter.predict() - 100.0).abs() < 1e-9);
        // P = (1000 + 1000 + 1, 1000, 1000.1); gains 2001/2011 and 1000/2011 on 20.
        filter.update(120.0);
        let expected = 100.0 + 20.0 * 2001.0 / 2011.0 + 20.0 * 1000.0 / 2011.0;
        assert!((filter.predict() - expected).abs() < 1e-9);
    }

    #[test]
    fn learns_a_slope_and_keeps_a_level() {
        let mut slope = Kalman::new(10.0);
        let mut level = Kalman::new(50.0);
        for i in 1..60 {
            slope.predict();
            slope.update(10.0 + 5.0 * f64::from(i));
            level.predict();
            level.update(50.0);
        }
        assert!((slope.predict() - 310.0).abs() < 0.1);
        assert!((level.predict() - 50.0).abs() < 1e-9);
    }

    #[test]
    fn never_predicts_less_than_nothing() {
        let mut filter = Kalman::new(100.0);
        for value in [60.0, 20.0, 0.0, 0.0] {
            assert!(filter.predict() >= 0.0);
            filter.update(value);
        }
        assert!(filter.predict().abs() < 1e-9);
    }
}
