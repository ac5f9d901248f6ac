//! What every long-running command stands on: the clock, the end, who leads, the HTTP server, metrics, logs. I/O.

pub mod chain;
pub mod clock;
pub mod http;
pub mod leader;
pub mod metrics;
pub mod readiness;
pub mod shutdown;
pub mod telemetry;
