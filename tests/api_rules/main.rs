//! Holds the custom resource definitions, their rules and their reference pages to the Rust types.
//!
//! `INFERSCALE_UPDATE=1 cargo test --test api_rules` writes `crds/` and `docs/reference/` anew.

mod cases;
mod drift;
mod explain;
mod reference;
mod rules;
