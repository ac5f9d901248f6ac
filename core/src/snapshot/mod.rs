//! All that a decision may look at: plain data with unit, time and coverage. No logic beyond reading it.
//!
//! The operator fills it from the cluster's stores and from Prometheus, the simulator from its world.

mod bounds;
mod fleet;
mod object;
mod pod;
mod pool;
mod series;
mod variant;

pub use bounds::Bounds;
pub use fleet::{Snapshot, Timing};
pub use object::{Conflict, Mode, ObjectKey, ObjectSnapshot, Objective, Objectives, Override, Target};
pub use pod::{Phase, PodSignals, PodSnapshot};
pub use pool::PoolSnapshot;
pub use series::{Histogram, MOST, Sample, Series};
pub use variant::{TargetState, VariantSnapshot};
