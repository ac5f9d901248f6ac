//! The world in discrete events, of the same physics as the plan. Pure and deterministic by seed: time is an argument.
//!
//! ```text
//! load ──► router ──► engines ──► score
//!             │          │
//!             └─ scrapes ┘──► View ──► Policy ──► Order ──► replicas that start, serve and drain
//! ```

pub mod engine;
pub mod load;
mod moment;
pub mod policy;
pub mod random;
pub mod score;
pub mod world;

pub use moment::Moment;
