//! The `PodAutoscaler` of `AIBrix`.
//!
//! Source: `vllm-project/aibrix` (main of August 2026), `pkg/controller/podautoscaler/` (`algorithm/{apa,kpa}.go`, `autoscaler.go`,
//! `podautoscaler_controller.go`, defaults in `context/context.go`): a decision every 10 s on the use of the KV cache with
//! the target 0.5 of the samples; at most twice as many and half as few replicas at once.

mod apa;
mod cooldown;
mod kpa;

pub use apa::Apa;
pub use kpa::Kpa;

/// The resync period in seconds.
const PERIOD_S: f64 = 10.0;
const MAX_UP: f64 = 2.0;
const MAX_DOWN: f64 = 2.0;

/// Up to the next whole replica; what floating point adds to a whole number is not one more.
fn ceil(replicas: f64) -> u32 {
    (replicas - 1e-9).ceil().max(0.0) as u32
}
