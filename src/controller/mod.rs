//! The tick and the reconcile recipe.
//!
//! One tick looks at the whole fleet, folds the closed buckets into memory, plans, and publishes. The kube-runtime
//! controller then reconciles each object with its part of what was published: prepare, apply, report. An early tick
//! (an edited object, a pod that became ready) plans again on the same memory and the same metrics.

mod candidate;
mod collect;
mod context;
mod metrics;
mod pools;
mod published;
mod reconcile;
mod run;
mod tick;

pub use run::{RunError, run};
