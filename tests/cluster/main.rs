//! Tests on a real API server: one cluster for all of them, a namespace for each.
//!
//! `cargo test --features cluster-tests --test cluster`. `INFERSCALE_TEST_CLUSTER=name` keeps the cluster of that
//! name up between runs.
// A test fails by panicking, and so do the functions it calls.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod api;
mod harness;

#[path = "../api_rules/cases.rs"]
mod cases;
