//! Which pods hold which devices: the kubelet's pod-resources API on a unix socket. I/O.

mod client;
pub mod messages;

pub use client::{ListError, list};
