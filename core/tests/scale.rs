//! Twice the objects take about twice the time: nothing in the brain looks at every object for each object.
// A test fails by panicking, and so do the functions it calls.
#![allow(clippy::expect_used)]

#[path = "../benches/fleet/mod.rs"]
mod fleet;

use std::time::{Duration, Instant};

use inferscale_core::plan::plan;

/// The shortest of three runs of absorb and plan over `n` objects.
fn shortest(n: usize) -> Duration {
    let memory = fleet::memory(n, 6);
    let next = fleet::snapshot(n, 7);
    let runs = (0..3).map(|_| {
        let mut memory = memory.clone();
        let start = Instant::now();
        memory.absorb(&next);
        let plan = plan(&next, &memory);
        assert_eq!(plan.objects.len(), n);
        start.elapsed()
    });
    runs.min().expect("three runs")
}

#[test]
fn twice_the_objects_take_about_twice_the_time() {
    // A quadratic step would take four times as long. Another process may get in the way of one try, not of four.
    let mut ratios = (0..4).map(|_| shortest(400).as_secs_f64() / shortest(200).as_secs_f64());
    assert!(ratios.any(|ratio| ratio < 3.0));
}
