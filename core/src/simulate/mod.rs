//! The world in discrete events, of the same physics as the plan. Pure: time is an argument.

pub mod engine;
mod moment;

pub use moment::Moment;
