//! InferScale: keeps every AI model inside its latency objective at the lowest GPU cost.
//!
//! ```text
//!              observe ──► Snapshot ──► plan ──► Plan ──► prepare ──► Prepared ──► apply ──► Applied ──► status
//!    (I/O)    prometheus,               pure               pure                    (I/O)                 (I/O)
//!             cluster stores            (inferscale_core)  (act)                   (act)
//! ```
//!
//! This crate is the senses and the hands; the brain is the pure crate [`inferscale_core`].
//!
//! | module | does | I/O |
//! |---|---|---|
//! | [`cli`] | one file a subcommand | yes |
//! | [`api`] | what users write: the custom resources, conditions, unit types | no |
//! | [`config`] | the operator's own YAML, presets, profiles | files |
//! | [`observe`] | Prometheus and the cluster's stores into a `Snapshot` | yes |
//! | [`act`] | prepare (plan -> writes, pure) and apply | yes |
//! | [`status`] | what the object's status says, conditions, events | yes |
//! | [`controller`] | the tick, the reconcile recipe, wiring | yes |
//! | [`top`] | the fleet as a live table | yes |
//! | [`runtime`] | clock, leader election, shutdown, HTTP server, metrics, telemetry | yes |
//! | `simulate` | worlds of the core from a scenario file, and reports (feature `laboratory`) | files |
//! | `trace` | traces of traffic, every format (feature `laboratory`) | files |
//! | `emulate` | engines of the core in real time behind pod addresses (feature `laboratory`) | yes |
//! | `gpu` | NVML of one node, and whose pods hold its GPUs (feature `gpu`) | yes |

pub mod act;
pub mod api;
pub mod cli;
pub mod config;
pub mod controller;
#[cfg(feature = "laboratory")]
pub mod emulate;
#[cfg(feature = "gpu")]
pub mod gpu;
pub mod observe;
pub mod runtime;
#[cfg(feature = "laboratory")]
pub mod simulate;
pub mod status;
#[cfg(test)]
pub(crate) mod testing;
pub mod top;
#[cfg(feature = "laboratory")]
pub mod trace;
