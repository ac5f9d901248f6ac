//! The hands: prepare what a plan asks to be written (pure), then write it (I/O).
//!
//! `Prepared` says what should be written and what it presumes; `Applied` says what the API server answered. Status
//! is made from `Applied`, so it can only report what really happened.

mod apply;
mod prepare;

pub use apply::{Applied, Outcome, Written, apply};
pub use prepare::{Prepared, ScaleWrite, prepare};
