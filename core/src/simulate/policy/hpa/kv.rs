//! `hpa-kv:0.5`: the use of the KV cache.
//!
//! Source: a Pods metric of `vllm:kv_cache_usage_perc` through a Prometheus adapter; 0.5 is the target of the samples
//! in `vllm-project/aibrix:samples/autoscaling/hpa.yaml`.

use super::{Metric, pods_metric};
use crate::simulate::policy::{View, signal};

/// The share of the KV cache in use.
pub struct Kv {
    /// The mean over the replicas that is aimed at, 0..=1.
    pub target: f64,
}

impl Metric for Kv {
    fn desired(&self, view: &View<'_>, variant: usize, current: u32) -> Option<u32> {
        let pods = signal::by_pod(view, variant, |pod| pod.kv_use);
        pods_metric(current, &pods, self.target)
    }
}
