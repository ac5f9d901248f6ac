//! Engines of the core in real time behind pod addresses, with a router that plays a trace: what `inferscale emulate`
//! runs, for the demo and the cluster tests.
//!
//! ```text
//!  trace ─► timelapse ─┐                       ┌─► listen: GET pod:8000/metrics, vLLM's names
//!                      ├─► drive ─► World ─────┼─► listen: GET --listen/metrics, the router's names
//!  pods (watch) ───────┘   (time)   (pure)     └─► summary
//! ```
//!
//! [`world`] holds everything that happens, takes the time as an argument and does no I/O; [`drive`] gives it the
//! real time, the cluster's pods and whoever scrapes. The engine behind each address is the core's own
//! ([`inferscale_core::simulate::engine`]): requests keep their real service time whatever the speed of the trace.

mod draw;
pub mod drive;
mod engine_metrics;
pub mod exposition;
mod listen;
mod load;
mod pods;
mod replica;
mod router_metrics;
pub mod scenario;
mod summary;
pub mod timelapse;
pub mod world;
