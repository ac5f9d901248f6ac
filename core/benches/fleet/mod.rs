//! A fleet of any size, each object with two variants and two pods a variant, eight samples a signal.

use std::collections::BTreeMap;
use std::sync::Arc;

use inferscale_core::performance::Profile;
use inferscale_core::plan::Memory;
use inferscale_core::snapshot::{
    Bounds, Histogram, Mode, ObjectKey, ObjectSnapshot, Objective, Objectives, Phase, PodSignals, PodSnapshot, Sample,
    Series, Snapshot, Target, TargetState, Timing, VariantSnapshot,
};
use inferscale_core::units::{Ratio, Span, Time, UsdPerHour};

const GRID: Span = Span::from_secs(15);
/// Samples of one signal of one pod.
const SAMPLES: i64 = 8;

/// Takes the profile from where the repository keeps it.
fn profile() -> Arc<Profile> {
    let text = include_str!("../../../profiles/llama-3.1-8b/a100/bf16.yaml");
    Arc::new(serde_yaml::from_str(text).expect("the profile is sound"))
}

fn counter(now: Time, rate: f64, phase: Span) -> Series {
    let at = |i: i64| now - phase - GRID * i;
    let samples = (0..SAMPLES).map(|i| Sample {
        at: at(i),
        value: (rate * at(i).as_secs_f64()).floor(),
    });
    Series::new(samples.collect())
}

fn gauge(now: Time, value: f64, phase: Span) -> Series {
    let samples = (0..SAMPLES).map(|i| Sample {
        at: now - phase - GRID * i,
        value,
    });
    Series::new(samples.collect())
}

fn pod(name: String, now: Time, rate: f64, phase: Span) -> PodSnapshot {
    let histogram = |share: f64| Histogram {
        buckets: [(0.025, 0.6 * share), (0.05, share), (0.1, 1.0), (f64::INFINITY, 1.0)]
            .map(|(edge, share)| (edge, counter(now, rate * share, phase)))
            .into(),
    };
    PodSnapshot {
        name,
        phase: Phase::Ready,
        created: Time::from_millis(0),
        ready_since: Some(Time::from_millis(60_000)),
        signals: PodSignals {
            running: gauge(now, 8.0, phase),
            waiting: gauge(now, 1.0, phase),
            completed: counter(now, rate, phase),
            prompt_tokens: counter(now, rate * 1000.0, phase),
            generated_tokens: counter(now, rate * 200.0, phase),
            kv_use: gauge(now, 0.4, phase),
            time_to_first_token: histogram(0.99),
            time_per_output_token: histogram(0.995),
        },
    }
}

fn object(i: usize, now: Time, profile: &Arc<Profile>) -> ObjectSnapshot {
    // Loads and scrape phases differ from object to object, as in life.
    let rate = 1.0 + (i % 17) as f64 / 4.0;
    let phase = Span::from_millis((i % 15) as i64 * 1000);
    let variant = |name: &str, usd: f64| VariantSnapshot {
        name: name.to_owned(),
        replicas: Bounds { min: 0, max: 20 },
        target: TargetState::Found { replicas: 2 },
        accelerators: 1,
        pool: Some(name.to_owned()),
        accelerator_price: UsdPerHour::new(usd),
        profile: Some(profile.clone()),
        max_sequences: None,
        pods: (0..2)
            .map(|p| pod(format!("{name}-{i}-{p}"), now, rate, phase))
            .collect(),
    };
    let target = |target, ms| Objective {
        target,
        limit: Span::from_millis(ms),
    };
    ObjectSnapshot {
        generation: 1,
        mode: Mode::Auto,
        objectives: Objectives {
            attainment: Ratio::clamped(0.99),
            window: Span::from_secs(300),
            targets: vec![
                target(Target::TimeToFirstToken, 500),
                target(Target::TimePerOutputToken, 50),
            ],
        },
        replicas: Bounds { min: 1, max: 20 },
        reported_max: Some(20),
        replicas_override: None,
        source_failure: None,
        conflicts: Vec::new(),
        variants: vec![variant("a100-bf16", 3.43), variant("h100-fp8", 6.88)],
    }
}

/// A fleet of `n` objects as it is seen `ticks` grids after its beginning.
pub fn snapshot(n: usize, ticks: i64) -> Snapshot {
    let now = Time::from_millis(0) + GRID * (1000 + ticks);
    let profile = profile();
    let objects = (0..n).map(|i| {
        let key = ObjectKey {
            namespace: format!("team-{}", i % 50),
            name: format!("model-{i}"),
        };
        (key, object(i, now, &profile))
    });
    Snapshot {
        now,
        timing: Timing { grid: GRID },
        objects: objects.collect(),
        pools: BTreeMap::new(),
    }
}

/// A memory that has seen the first `ticks` grids of a fleet of `n` objects.
pub fn memory(n: usize, ticks: i64) -> Memory {
    let mut memory = Memory::default();
    for tick in 0..=ticks {
        memory.absorb(&snapshot(n, tick));
    }
    memory
}
