//! Holds the custom resource definitions, their rules and their reference pages to the Rust types.
//!
//! `INFERSCALE_UPDATE=1 cargo test --test api_rules` writes `crds/` and `docs/reference/` anew.
// A test fails by panicking, and so do the functions it calls.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod cases;
mod cli;
mod drift;
mod explain;
mod reference;
mod rules;
