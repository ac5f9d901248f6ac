//! A day of traffic in the simulator: how long it takes, and that it is a day of good service.

#![allow(clippy::unwrap_used)] // the whole file is a test

use std::f64::consts::TAU;
use std::sync::Arc;
use std::time::Instant;

use inferscale_core::performance::{EngineLimits, Profile};
use inferscale_core::simulate::Moment;
use inferscale_core::simulate::load::Arrival;
use inferscale_core::simulate::policy::inferscale::InferScale;
use inferscale_core::simulate::random::Random;
use inferscale_core::simulate::world::{
    Balancing, ObjectOutcome, ObjectSetup, Queue, ScrapeSetup, Spread, WorldSetup, run,
};
use inferscale_core::snapshot::{
    Bounds, Mode, ObjectKey, ObjectSnapshot, Objective, Objectives, Target, TargetState, Timing, VariantSnapshot,
};
use inferscale_core::units::{Ratio, Span, UsdPerHour};

/// Poisson arrivals at `mean` requests/s that swing over the day, with about the tokens of a production chat.
fn day(mean: f64, hours: f64) -> impl Iterator<Item = Arrival> + Send {
    let mut random = Random::new(11, 0);
    let peak = 1.6 * mean;
    let mut s = 0.0;
    std::iter::from_fn(move || {
        loop {
            s += random.exponential() / peak;
            let rate = mean * (1.0 - 0.6 * (TAU * s / 86_400.0).cos());
            if random.chance(rate / peak) {
                break;
            }
        }
        (s < hours * 3600.0).then(|| Arrival {
            at: Moment::from_secs(s),
            prompt_tokens: (1155.0 * random.gamma(1.5) / 1.5) as u32 + 1,
            output_tokens: (211.0 * random.gamma(1.2) / 1.2) as u32 + 1,
        })
    })
}

fn live(mean: f64, hours: f64) -> ObjectOutcome {
    let profile: Profile = serde_yaml::from_str(
        &std::fs::read_to_string(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../profiles/llama-3.1-8b/a100/bf16.yaml"
        ))
        .unwrap(),
    )
    .unwrap();
    let spec = ObjectSnapshot {
        generation: 1,
        mode: Mode::Auto,
        objectives: Objectives {
            attainment: Ratio::clamped(0.99),
            window: Span::from_secs(300),
            targets: vec![
                Objective {
                    target: Target::TimeToFirstToken,
                    limit: Span::from_secs(2),
                },
                Objective {
                    target: Target::TimePerOutputToken,
                    limit: Span::from_millis(50),
                },
            ],
        },
        replicas: Bounds { min: 1, max: 60 },
        reported_max: None,
        replicas_override: None,
        source_failure: None,
        conflicts: Vec::new(),
        variants: vec![VariantSnapshot {
            name: "a100".into(),
            replicas: Bounds { min: 0, max: 60 },
            target: TargetState::Missing,
            accelerators: 1,
            pool: None,
            accelerator_price: UsdPerHour::new(3.43),
            profile: Some(Arc::new(profile)),
            max_sequences: Some(96),
            pods: Vec::new(),
        }],
    };
    let object = ObjectSetup {
        key: ObjectKey {
            namespace: "default".into(),
            name: "chat".into(),
        },
        spec,
        load: Box::new(day(mean, hours)),
        history: Vec::new(),
        holes: Vec::new(),
        initial: vec![(mean / 3.0).ceil() as u32],
        policy: Box::new(InferScale::default()),
    };
    let world = WorldSetup {
        seed: 1,
        duration_s: hours * 3600.0,
        warmup_s: 900.0,
        objects: vec![object],
        pools: Vec::new(),
        pod_start: Spread::constant(120.0),
        node_start: Spread::constant(0.0),
        drain_s: 30.0,
        start_failure: 0.0,
        reclaims_per_hour: 0.0,
        balancing: Balancing::Equal,
        queue: Queue::Fifo,
        scrape: ScrapeSetup::default(),
        engine: EngineLimits::default(),
        timing: Timing {
            grid: Span::from_secs(15),
        },
        timeline: false,
    };
    run(world).remove(0)
}

#[test]
fn two_quiet_hours_keep_the_objective() {
    let outcome = live(6.0, 2.0);
    assert!(outcome.score.attainment >= 0.99, "{outcome:#?}");
    assert_eq!(outcome.totals.in_flight, 0);
}

/// `cargo test --release -p inferscale-core --test day -- --ignored --nocapture`
#[test]
#[ignore = "a measurement: needs a release build"]
fn a_day_at_35_requests_a_second_takes_at_most_ten_seconds() {
    let began = Instant::now();
    let outcome = live(35.0, 24.0);
    let took = began.elapsed().as_secs_f64();
    println!(
        "{took:.1} s for {} requests: {:#?}",
        outcome.totals.arrived, outcome.score
    );
    assert!(took <= 10.0, "{took} s");
}
