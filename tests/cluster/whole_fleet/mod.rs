//! Tests that need the operator, Prometheus or the definitions for themselves. One at a time, after all others.

mod crowd;
mod failover;
mod malformed;
mod outage;
mod quiet;
mod restart;
mod trio;
