//! `hpa-gpu:0.8`: the utilisation of the GPUs.
//!
//! Source: a Pods metric of the DCGM exporter's `DCGM_FI_DEV_GPU_UTIL` through a Prometheus adapter; 80 % is what
//! Hugging Face Inference Endpoints scale at. The counter says that *some* kernel ran, so it is near 100 % with one
//! request in flight (NVIDIA/dcgm-exporter#301).

use super::{Metric, pods_metric};
use crate::simulate::policy::{View, signal};

/// The share of the time in which a GPU was busy.
pub struct Gpu {
    /// The mean over the replicas that is aimed at, 0..=1.
    pub target: f64,
}

impl Metric for Gpu {
    fn desired(&self, view: &View<'_>, variant: usize, current: u32) -> Option<u32> {
        let pods = signal::by_pod(view, variant, |pod| pod.busy_share);
        pods_metric(current, &pods, self.target)
    }
}
