//! Objects, pods and evidence for tests that look at one step alone.

use std::sync::Arc;

use super::world::{GRID, profile};
use crate::plan::bucket::{Attained, Bucket};
use crate::plan::{Evidence, Forecast, Freshness, ObjectMemory};
use crate::snapshot::*;
use crate::units::{Ratio, Span, Time, UsdPerHour};

pub const TIMING: Timing = Timing { grid: GRID };

/// Far enough from the epoch that nothing reaches below it.
pub const NOW: Time = Time::from_millis(100_000_000 - 100_000_000 % 15_000);

/// A pod that has served for an hour after starting for a minute.
pub fn ready_pod(name: &str) -> PodSnapshot {
    PodSnapshot {
        name: name.into(),
        phase: Phase::Ready,
        created: NOW - Span::from_secs(3660),
        ready_since: Some(NOW - Span::from_secs(3600)),
        signals: PodSignals::default(),
    }
}

/// A pod that was made just now.
pub fn starting_pod(name: &str) -> PodSnapshot {
    PodSnapshot {
        name: name.into(),
        phase: Phase::Starting,
        created: NOW,
        ready_since: None,
        signals: PodSignals::default(),
    }
}

/// A variant with `ordered` replicas of which `ready` serve and the others start; it has a price and a profile.
pub fn variant(name: &str, ordered: u32, ready: u32) -> VariantSnapshot {
    let pods = (0..ordered.max(ready)).map(|i| {
        let pod = format!("{name}-{i}");
        if i < ready { ready_pod(&pod) } else { starting_pod(&pod) }
    });
    VariantSnapshot {
        name: name.into(),
        replicas: Bounds { min: 0, max: 20 },
        target: TargetState::Found { replicas: ordered },
        accelerators: 1,
        pool: Some(name.into()),
        accelerator_price: UsdPerHour::new(2.0),
        profile: Some(Arc::new(profile())),
        max_sequences: None,
        pods: pods.collect(),
    }
}

/// An object of these variants with bounds 1..=20 and one target, in control.
pub fn object(variants: Vec<VariantSnapshot>) -> ObjectSnapshot {
    ObjectSnapshot {
        generation: 1,
        mode: Mode::Auto,
        objectives: Objectives {
            attainment: Ratio::clamped(0.99),
            window: Span::from_secs(300),
            targets: vec![Objective {
                target: Target::TimePerOutputToken,
                limit: Span::from_millis(50),
            }],
        },
        replicas: Bounds { min: 1, max: 20 },
        reported_max: Some(20),
        replicas_override: None,
        source_failure: None,
        conflicts: Vec::new(),
        variants,
    }
}

pub fn hpa(variant: &str) -> Conflict {
    Conflict {
        kind: "HorizontalPodAutoscaler".into(),
        name: "chat".into(),
        variant: variant.into(),
    }
}

pub fn evidence(freshness: Freshness) -> Evidence {
    let coverage = match freshness {
        Freshness::Fresh | Freshness::Frozen => Ratio::ONE,
        Freshness::Partial => Ratio::clamped(0.5),
        _ => Ratio::ZERO,
    };
    Evidence {
        freshness,
        coverage,
        age: Some(Span::from_secs(5)),
        running: 8.0,
        waiting: 0.0,
        kv_use: Some(Ratio::clamped(0.3)),
    }
}

/// A forecast with a lead time of one minute and a hold of eight grids.
pub fn forecast(expected: f64, held: f64) -> Forecast {
    Forecast {
        now: expected,
        expected,
        held: held.max(expected),
        headroom: 1.0,
        workload: None,
        lead_time: Span::from_secs(60),
        hold: GRID * 8,
    }
}

/// A bucket of `rate` requests/s on `replicas`, all seen, every request inside its target.
pub fn bucket(start: Time, rate: f64, replicas: u32) -> Bucket {
    let n = rate * GRID.as_secs_f64();
    Bucket {
        start,
        arrivals: n,
        completed: n,
        started: n,
        prompt_tokens: n * 1000.0,
        generated_tokens: n * 200.0,
        time_to_first_token: None,
        time_per_output_token: Some(Attained { inside: n, total: n }),
        replicas,
        coverage: Ratio::ONE,
    }
}

/// The memory of an object that was watched for an hour, with `rates` (requests/s) in its newest buckets.
pub fn memory(object: &ObjectSnapshot, rates: &[f64]) -> ObjectMemory {
    let start = NOW - GRID * rates.len() as i64;
    let mut memory = ObjectMemory::new(start, NOW - Span::from_secs(3600));
    for (i, rate) in rates.iter().enumerate() {
        let replicas: u32 = object.variants.iter().map(VariantSnapshot::ready).sum();
        memory.absorb(&bucket(start + GRID * i as i64, *rate, replicas), object, TIMING);
    }
    memory
}

/// Samples of one pod every `every`, from `from` to `to`: `of` tells the value at an instant.
pub fn series(from: Time, to: Time, every: Span, of: impl Fn(Time) -> f64) -> Series {
    let mut samples = Vec::new();
    let mut at = from;
    while at <= to {
        samples.push(Sample { at, value: of(at) });
        at = at + every;
    }
    Series::new(samples)
}

/// What an engine reports that finishes `rate` requests/s from `since` on, scraped every `every` at phase `from`.
pub fn signals(since: Time, rate: f64, from: Time, to: Time, every: Span) -> PodSignals {
    let done = move |at: Time| (rate * at.since(since).as_secs_f64()).floor();
    let of = |factor: f64| series(from, to, every, move |at| factor * done(at));
    PodSignals {
        running: series(from, to, every, |_| 4.0),
        waiting: series(from, to, every, |_| 1.0),
        completed: of(1.0),
        prompt_tokens: of(1000.0),
        generated_tokens: of(200.0),
        kv_use: series(from, to, every, |_| 0.3),
        time_to_first_token: Histogram {
            buckets: vec![(0.5, of(1.0)), (f64::INFINITY, of(1.0))],
        },
        time_per_output_token: Histogram {
            buckets: vec![(0.05, of(1.0)), (f64::INFINITY, of(1.0))],
        },
    }
}
