//! The GPU exporter: what NVML says of the GPUs of one node, and whose pods hold them.
//!
//! ```text
//!  libnvidia-ml.so ──► session ──► NodeReading ─┐
//!     (one thread)     (device, mig, gpm, xid)  ├─► page ──► Published ──► /metrics, /healthz
//!  kubelet's socket ─► pod_resources ─► Holders ┘
//! ```
//!
//! One loop samples; whoever scrapes gets the page of the last sample, until it is too old to be true. What a GPU does
//! not tell is absent, never 0.

mod cgroup;
mod dcgm;
mod device;
mod device_id;
mod fault;
mod gpm;
mod health;
mod holders;
mod library;
mod metrics;
mod mig;
mod page;
pub mod pod_resources;
mod processes;
mod published;
mod reading;
mod run;
mod sampler;
mod serve;
mod session;
mod specials;
mod text;
mod throttle;
mod xid;

pub use run::{Config, Failure, run};
