//! `static:N`: the same number of replicas all the time.

use super::{Order, Policy, View};

/// Always `replicas` of the first variant.
#[derive(Debug, Clone, Copy)]
pub struct Fixed {
    /// How many.
    pub replicas: u32,
}

impl Policy for Fixed {
    fn period_s(&self) -> f64 {
        60.0
    }

    fn decide(&mut self, view: &View<'_>) -> Order {
        Order::first(self.replicas, view.variants.len())
    }
}
