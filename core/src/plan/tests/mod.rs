//! The whole pipeline against a small fluid world: what it decides, and what it never does.

pub mod build;
mod closed_loop;
mod generate;
mod golden;
mod never;
mod properties;
pub mod world;
