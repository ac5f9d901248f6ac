//! The sizing formula against the engine: Poisson arrivals at the computed capacity, and what share of the requests
//! is really inside the objective. The two share the step law and nothing else.

#![allow(clippy::unwrap_used, clippy::panic)] // the whole file is a test

use std::fmt::Write;

use inferscale_core::performance::{EngineLimits, Profile, Workload, capacity};
use inferscale_core::simulate::Moment;
use inferscale_core::simulate::engine::{Completion, Engine, Event, Request};
use inferscale_core::snapshot::{Objective, Objectives, Target};
use inferscale_core::units::{Ratio, Span};

/// Enough that chance moves a share by no more than half a point, though requests that meet are not independent.
const REQUESTS: u64 = 80_000;

/// splitmix64: small, seeded, and good enough for arrivals.
struct Draw(u64);

impl Draw {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn exponential(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.uniform()).ln()
    }

    /// A size around `mean` with a coefficient of variation of 1, 0.71 or 0.
    fn size(&mut self, mean: f64, shape: u32) -> u32 {
        let size = match shape {
            0 => mean,
            _ => (0..shape).map(|_| self.exponential(mean / f64::from(shape))).sum(),
        };
        (size.round() as u32).clamp(1, 30_000)
    }
}

struct Case {
    workload: Workload,
    /// Gamma shape of prompts and of outputs; 0 = all equal.
    shapes: (u32, u32),
    ttft_ms: i64,
    tpot_ms: i64,
}

fn objectives(case: &Case, attainment: f64) -> Objectives {
    let target = |target, ms| Objective {
        target,
        limit: Span::from_millis(ms),
    };
    Objectives {
        attainment: Ratio::clamped(attainment),
        window: Span::from_secs(300),
        targets: vec![
            target(Target::TimeToFirstToken, case.ttft_ms),
            target(Target::TimePerOutputToken, case.tpot_ms),
        ],
    }
}

#[derive(Debug, Default)]
struct Measured {
    requests: f64,
    inside: f64,
    steps_ms: f64,
    steps: f64,
}

impl Measured {
    fn attained(&self) -> f64 {
        self.inside / self.requests
    }

    fn step_ms(&self) -> f64 {
        self.steps_ms / self.steps
    }
}

fn measure(profile: &Profile, limits: EngineLimits, case: &Case, rate: f64, requests: u64) -> Measured {
    let mut engine = Engine::new(profile, limits);
    let mut draw = Draw(7);
    let mut m = Measured::default();
    let mut at = 0.0;
    let warm = requests / 20;
    let mut hear = |e: Event| match e {
        Event::Finished(Completion {
            id, ttft_ms, tpot_ms, ..
        }) if id >= warm => {
            m.requests += 1.0;
            let inside = ttft_ms <= case.ttft_ms as f64 && tpot_ms.is_none_or(|ms| ms <= case.tpot_ms as f64);
            m.inside += f64::from(u8::from(inside));
        }
        Event::Iterations {
            steps,
            first_ms,
            growth_ms,
            ..
        } => {
            let n = steps as f64;
            m.steps += n;
            m.steps_ms += n * first_ms + growth_ms * n * (n - 1.0) / 2.0;
        }
        _ => {}
    };
    for id in 0..requests {
        at += draw.exponential(1000.0 / rate);
        let request = Request {
            id,
            prompt_tokens: draw.size(case.workload.prompt_tokens, case.shapes.0),
            output_tokens: draw.size(case.workload.output_tokens, case.shapes.1),
        };
        let _ = engine.submit(Moment::from_millis(at), request, &mut hear);
    }
    while let Some(next) = engine.next_event() {
        engine.advance(next, &mut hear);
    }
    m
}

/// Shipped profiles, slow and fast, small and large caches.
fn profiles() -> [(&'static str, Profile); 3] {
    ["a100/bf16", "h100/fp8", "l40s/bf16"].map(|name| {
        let path = format!("{}/../profiles/llama-3.1-8b/{name}.yaml", env!("CARGO_MANIFEST_DIR"));
        (
            name,
            serde_yaml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap(),
        )
    })
}

/// Name, prompt and output tokens, gamma shapes of both, targets in ms, sequences.
fn cases() -> [(&'static str, Case, u32); 5] {
    let case = |prompt_tokens, output_tokens, shapes, ttft_ms, tpot_ms| Case {
        workload: Workload {
            prompt_tokens,
            output_tokens,
        },
        shapes,
        ttft_ms,
        tpot_ms,
    };
    [
        ("chat, tight", case(1155.0, 211.0, (1, 2), 1000, 40), 256),
        ("chat, wide", case(1155.0, 211.0, (1, 2), 2000, 100), 256),
        ("chat, 64 sequences", case(1155.0, 211.0, (1, 2), 2000, 100), 64),
        ("writing", case(500.0, 500.0, (1, 2), 1000, 50), 256),
        ("all alike", case(200.0, 200.0, (0, 0), 500, 50), 128),
    ]
}

/// At the computed capacity the objective of 99 % is attained within 1.5 points, and a quarter more load misses it.
/// Shown: capacity, what binds, predicted and measured step, the share inside at the capacity and at 1.25 times it.
#[test]
fn the_engine_attains_the_objective_at_the_computed_capacity_and_not_far_above() {
    let mut table = String::new();
    for (accelerator, profile) in &profiles() {
        for (work, case, max_sequences) in cases() {
            let limits = EngineLimits {
                max_sequences,
                ..EngineLimits::default()
            };
            let c = capacity(profile, case.workload, &objectives(&case, 0.99), limits);
            let at = measure(profile, limits, &case, c.requests_per_second, REQUESTS);
            let above = measure(profile, limits, &case, 1.25 * c.requests_per_second, REQUESTS);
            let name = format!("{accelerator}, {work}");
            writeln!(
                table,
                "{name:30} {:6.2}/s {:18} {:4.1} ms, {:4.1} ms {:6.1} % {:6.1} %",
                c.requests_per_second,
                c.bound_by.to_string(),
                c.at.step_ms,
                at.step_ms(),
                100.0 * at.attained(),
                100.0 * above.attained(),
            )
            .unwrap();
            assert!(
                at.attained() >= 0.975,
                "{name}: {:.4} attained at {:.2}/s",
                at.attained(),
                c.requests_per_second
            );
            assert!(
                above.attained() < 0.99,
                "{name}: {:.4} attained at 1.25 times its capacity",
                above.attained()
            );
            assert!(
                (at.step_ms() / c.at.step_ms - 1.0).abs() < 0.1,
                "{name}: steps of {:.1} ms",
                at.step_ms()
            );
        }
    }
    insta::assert_snapshot!(table);
}
