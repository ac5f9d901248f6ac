//! `inferscale simulate`: a scenario file into simulated worlds, one a policy and seed, and their outcomes into a report.
//!
//! ```text
//!  scenario.yaml ─► scenario ─► run: a world of the core for each policy and seed ─► report: table, JSON, page
//!                      │                     ▲
//!  traces ─────────────┴─► load ─────────────┘
//! ```

pub mod load;
pub mod policies;
pub mod progress;
pub mod report;
pub mod run;
pub mod scenario;
