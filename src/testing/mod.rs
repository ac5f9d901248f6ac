//! What unit tests share: an API server in memory, and an object with its plan.

pub mod fake_api;
pub mod samples;
