//! The senses: Prometheus and the cluster's stores into a snapshot.

pub mod cluster;
pub mod prometheus;
mod snapshot;
mod validate;

pub use snapshot::{CollectedBySource, Observed, ObservedObject, ObservedTarget, Scene, key_of};
pub use validate::{Invalid, Valid, ValidVariant, validate};
