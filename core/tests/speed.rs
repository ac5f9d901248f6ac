//! How fast the engine and the sizing formula are. Not run by default: `cargo test --release -p inferscale-core --test
//! speed -- --ignored --nocapture`.

#![allow(clippy::unwrap_used)] // the whole file is a test

use std::time::Instant;

use inferscale_core::performance::{EngineLimits, Profile, Workload, capacity};
use inferscale_core::simulate::Moment;
use inferscale_core::simulate::engine::{Engine, Event, Request};
use inferscale_core::snapshot::{Objective, Objectives, Target};
use inferscale_core::units::{Ratio, Span};

fn profile() -> Profile {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../profiles/llama-3.1-8b/a100/bf16.yaml");
    serde_yaml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// A day of 35 requests/s over 8 replicas, chat-like: 3 million requests.
#[test]
#[ignore = "a measurement"]
fn a_day_of_traffic() {
    let mut engines: Vec<_> = (0..8)
        .map(|_| Engine::new(&profile(), EngineLimits::default()))
        .collect();
    let (mut steps, mut heard, mut seed) = (0_u64, 0_u64, 1_u64);
    let mut hear = |event: Event| {
        heard += 1;
        if let Event::Iterations { steps: n, .. } = event {
            steps += n;
        }
    };
    let mut next = || {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (seed >> 11) as f64 / (1_u64 << 53) as f64
    };
    let started = Instant::now();
    let (mut at, mut id) = (0.0, 0);
    while at < 86_400.0 {
        at += -(1.0 - next()).ln() / 35.0;
        let size = |mean: f64, u: f64| (-(1.0 - u).ln() * mean) as u32 + 1;
        let request = Request {
            id,
            prompt_tokens: size(1000.0, next()),
            output_tokens: size(200.0, next()),
        };
        let engine = engines.get_mut((id % 8) as usize).unwrap();
        engine.submit(Moment::from_secs(at), request, &mut hear).unwrap();
        id += 1;
    }
    let took = started.elapsed().as_secs_f64();
    println!(
        "{id} requests, {steps} steps, {heard} events in {took:.2} s: {:.0} simulated seconds a second",
        at / took
    );
}

#[test]
#[ignore = "a measurement"]
fn one_capacity() {
    let target = |target, ms| Objective {
        target,
        limit: Span::from_millis(ms),
    };
    let objectives = Objectives {
        attainment: Ratio::clamped(0.99),
        window: Span::from_secs(300),
        targets: vec![
            target(Target::TimeToFirstToken, 1000),
            target(Target::TimePerOutputToken, 50),
        ],
    };
    let (profile, started) = (profile(), Instant::now());
    for i in 0..1000 {
        let workload = Workload {
            prompt_tokens: 900.0 + f64::from(i),
            output_tokens: 200.0,
        };
        std::hint::black_box(capacity(&profile, workload, &objectives, EngineLimits::default()));
    }
    println!("{:?} a capacity", started.elapsed() / 1000);
}
