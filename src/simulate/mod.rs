//! `inferscale simulate`: a scenario file into simulated worlds, one a policy and seed, and their outcomes into a report.

pub mod load;
pub mod policies;
mod progress;
pub mod scenario;
