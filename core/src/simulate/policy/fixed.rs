//! `static:N`: N replicas, whatever happens. What most people run.

use super::{Order, Policy, View, signal};

/// A fixed number of replicas of one variant.
#[derive(Debug, Clone, Copy, Default)]
pub struct Fixed {
    /// The variant.
    pub variant: usize,
    /// How many.
    pub replicas: u32,
}

impl Policy for Fixed {
    fn period_s(&self) -> f64 {
        60.0
    }

    fn decide(&mut self, view: &View<'_>) -> Order {
        signal::only(view, self.variant, self.replicas)
    }
}
