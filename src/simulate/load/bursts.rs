//! Bursts inside the windows of a rate trace: a gamma-Poisson process. Pure.
//!
//! The rate of each stretch of `correlation` seconds is multiplied by a number drawn from a gamma law of mean 1:
//! the smaller the shape, the wilder. Each stretch has a draw of its own, told by its place in the trace, so that a
//! day is the same day wherever the played part begins.

use super::draw::Stream;

/// How bursty the traffic of a window is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bursts {
    /// Shape of the gamma law; the variance of the rate is its square over this.
    pub shape: f64,
    /// How long a rate holds, in seconds.
    pub correlation_s: f64,
    /// The day's own seed; absent: the run's.
    pub seed: Option<u64>,
}

impl Bursts {
    pub(super) fn seeded(self, seed: u64, name: &str) -> SeededBursts {
        SeededBursts {
            bursts: self,
            stream: Stream::new(self.seed.unwrap_or(seed), name).fork(0xB0_57),
        }
    }
}

/// Bursts with their draws.
#[derive(Debug, Clone)]
pub(super) struct SeededBursts {
    bursts: Bursts,
    stream: Stream,
}

impl SeededBursts {
    pub fn stretch_s(&self) -> f64 {
        self.bursts.correlation_s
    }

    /// What the rate of a stretch is multiplied by.
    pub fn multiplier(&self, stretch: u64) -> f64 {
        self.stream.fork(stretch).gamma(self.bursts.shape)
    }
}
