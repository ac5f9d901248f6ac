//! The pure decision core of InferScale.
//!
//! ```text
//! Snapshot ──► plan ──► Plan
//!                ▲
//!             Memory ◄── absorb(bucket)
//! ```
//!
//! Nothing here does I/O, reads a clock or waits: time comes in as an argument, so that the operator, the
//! simulator and a backtest drive the very same code. The compiler keeps it so: this crate depends on no
//! runtime, no client and no logger.
//!
//! - [`snapshot`]: plain data, all that a decision may look at;
//! - [`performance`]: the physics of serving (step law, KV cache, queueing), shared by plan and emulator;
//! - [`plan`]: evidence, demand, headroom, size, guards, decision;
//! - [`simulate`]: an engine of the same physics in discrete events;
//! - [`units`]: time, money and ratios as types.

pub mod performance;
pub mod plan;
pub mod simulate;
pub mod snapshot;
pub mod units;
