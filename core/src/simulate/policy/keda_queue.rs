//! `keda-queue:5`: KEDA on the requests that wait.
//!
//! Source: `vllm-project/production-stack:docs/source/use_cases/autoscaling-keda.rst` (trigger on
//! `vllm:num_requests_waiting`, threshold 5, polled every 15 s) and KEDA 2.20: between 1 and the maximum the
//! HorizontalPodAutoscaler that KEDA creates decides, on an External metric with an `AverageValue`. KEDA reads a series
//! that has vanished as 0 (`ignoreNullValues`, on by default), so that a hole in the metrics scales down.
//!
//! Requests that wait at the router count too: where a gateway holds them back, the engines' queues stay empty, and
//! the trigger is its queue (`llm-d:guides/workload-autoscaling/keda-epp`).

use super::hpa::{Metric, average_value};
use super::{View, signal};

/// Requests in the queues.
pub struct Waiting {
    /// How many for each replica.
    pub threshold: f64,
}

impl Metric for Waiting {
    fn desired(&self, view: &View<'_>, variant: usize, current: u32) -> Option<u32> {
        let waiting = signal::newest(view).map_or(0, |round| {
            let engines: u32 = signal::serving(round, variant).map(|pod| pod.waiting).sum();
            engines + round.router.map_or(0, |router| router.queued)
        });
        Some(average_value(current, f64::from(waiting), self.threshold))
    }
}
