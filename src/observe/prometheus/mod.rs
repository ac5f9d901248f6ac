//! What the engines of all pods report, read from a Prometheus in a few queries over the whole fleet. I/O.
//!
//! ```text
//! preset + limits ──► query ──► source (HTTP, bounded) ──► reply (JSON, bounded) ──► pods (join, combine) ──► Collected
//! ```
//!
//! Each signal of a preset is one instant query with a range selector, so that raw samples with the time of their
//! scrape come back and the core can judge their age. Names in a query come from a preset that was checked; nothing
//! that a tenant writes ever enters one. A query that fails takes only its own signal with it, and no text of the
//! server is kept: it may hold what was sent, a token included.

mod collect;
mod failure;
mod pod_key;
mod pods;
mod query;
mod reply;
mod sample;
mod source;

pub use collect::{Asked, Collected};
pub use failure::{DropCause, DroppedSamples, FailureClass, QueryFailure};
pub use pod_key::PodKey;
pub use query::Limits;
pub use source::{Source, SourceError};

#[cfg(test)]
mod real_tests;
