//! `hpa-concurrency:16`: requests running and waiting in each engine.
//!
//! Source: a Pods metric of `vllm:num_requests_running` + `vllm:num_requests_waiting` through a Prometheus adapter, as
//! in the GKE guides to autoscaling inference by batch size; 16 is the running-requests trigger of the llm-d guide
//! `guides/workload-autoscaling/keda-epp`.

use super::{Metric, pods_metric};
use crate::simulate::policy::{View, signal};

/// Requests in the engine.
pub struct Concurrency {
    /// The mean over the replicas that is aimed at.
    pub target: f64,
}

impl Metric for Concurrency {
    fn desired(&self, view: &View<'_>, variant: usize, current: u32) -> Option<u32> {
        let pods = signal::by_pod(view, variant, |pod| f64::from(pod.running) + f64::from(pod.waiting));
        pods_metric(current, &pods, self.target)
    }
}
