//! Tests on a real API server: one cluster for all of them, a namespace for each.
//!
//! `cargo test --features cluster-tests --test cluster`. `INFERSCALE_TEST_CLUSTER=name` keeps the cluster of that
//! name up between runs.

mod api;
mod harness;

#[path = "../api_rules/cases.rs"]
mod cases;
