//! Worlds small enough to know what must come out.

mod build;
mod fleet;
mod metrics;
mod operator;
mod properties;
mod routing;
