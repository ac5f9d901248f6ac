//! `hpa-rps:0.7`: requests a second, of what a replica can do.
//!
//! Source: an External metric with an `AverageValue` (`GetExternalPerPodMetricReplicas`), the router's request rate over
//! one minute. What a replica can do is told to it, with the true mean tokens of the evaluated part: a user would have
//! to measure it, and again whenever the mix of requests changes.

use super::{Metric, average_value};
use crate::simulate::policy::{View, signal};

/// The range of the rate query in seconds.
const WINDOW_S: f64 = 60.0;

/// Requests a second at the router.
pub struct Rps {
    /// Requests a second for each replica.
    pub target: f64,
}

impl Metric for Rps {
    fn desired(&self, view: &View<'_>, _variant: usize, current: u32) -> Option<u32> {
        if self.target <= 0.0 {
            return None;
        }
        signal::arrival_rate(view, WINDOW_S).map(|rate| average_value(current, rate, self.target))
    }
}
