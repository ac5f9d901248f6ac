//! A HorizontalPodAutoscaler on one metric of one variant's workload.
//!
//! Source: Kubernetes 1.37, `pkg/controller/podautoscaler`. Every 15 s: how many replicas the metric asks for
//! ([`calculator`]), then windows and rates ([`behavior`]), then the bounds. A metric that cannot be read changes nothing.

mod behavior;
mod calculator;
mod concurrency;
mod gpu;
mod kv;
mod rps;

pub use behavior::{Behavior, Rate, Rules, Stabilizer, Step};
pub use calculator::{Pod, average_value, pods_metric};
pub use concurrency::Concurrency;
pub use gpu::Gpu;
pub use kv::Kv;
pub use rps::Rps;

use super::{Order, Policy, View, signal};

/// `--horizontal-pod-autoscaler-sync-period`, in seconds.
pub const SYNC_S: f64 = 15.0;

/// What an autoscaler looks at.
pub trait Metric: Send {
    /// How many replicas it asks for where `current` are ordered; `None` = it cannot be read.
    fn desired(&self, view: &View<'_>, variant: usize, current: u32) -> Option<u32>;
}

/// The autoscaler.
pub struct Hpa<M> {
    variant: usize,
    metric: M,
    stabilizer: Stabilizer,
}

impl<M: Metric> Hpa<M> {
    /// One with the default behaviour.
    pub fn new(variant: usize, metric: M) -> Self {
        Self {
            variant,
            metric,
            stabilizer: Stabilizer::new(Behavior::default()),
        }
    }
}

impl<M: Metric> Policy for Hpa<M> {
    fn period_s(&self) -> f64 {
        SYNC_S
    }

    fn decide(&mut self, view: &View<'_>) -> Order {
        let current = view.variants.get(self.variant).map_or(0, |v| v.ordered);
        let bounds = signal::bounds(view, self.variant);
        let order = match self.metric.desired(view, self.variant, current) {
            Some(desired) => self.stabilizer.apply(view.now.as_secs(), current, desired, bounds),
            None => current,
        };
        signal::only(view, self.variant, order)
    }
}
