//! Tests on a real API server: one cluster for all of them, a namespace for each.
//!
//! `cargo test --features cluster-tests --test cluster -- --test-threads 32`: they wait more than they work, so more
//! of them at once than the machine has cores. `INFERSCALE_TEST_CLUSTER=name` keeps the cluster of that name up between
//! runs. Those of the operator share one ([`stage`]); those that break what all share come last, one at a time.
// A test fails by panicking, and so do the functions it calls.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod api;
mod audit;
mod bad_config;
mod conflicts;
mod engine;
mod evidence;
mod harness;
mod kubectl;
mod model;
mod modes;
mod operator;
mod scaling;
mod seen;
mod setup;
mod stage;
mod targets;
mod turns;
mod whole_fleet;

#[path = "../api_rules/cases.rs"]
mod cases;
