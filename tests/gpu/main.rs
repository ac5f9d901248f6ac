//! `inferscale gpu-exporter` as a process of its own, on machines that `e2e/fake-nvml` makes up.
//!
//! Each test has its own copy of the fake library with its state beside it, so that they run side by side.
// A test fails by panicking, and so do the functions it calls.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod attribution;
mod exporter;
mod faults;
mod kubelet;
mod machine;
mod page;
mod readings;
