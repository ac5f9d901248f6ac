//! The operator's own Prometheus metrics: what it decided for each object, and how it is itself.
//!
//! Everything about one object is replaced as a whole, so that no series of a variant that is gone stays behind.
//! `docs/reference/metrics.md` is written from the registry by a test.

mod object;
mod operator;

pub use object::{ObjectMetrics, ObjectiveMetrics, SignalMetrics, VariantMetrics};
pub use operator::{OperatorMetrics, Outcome};

#[cfg(test)]
mod tests;
