//! Any object at all, with any past, for properties.

use proptest::prelude::*;

use super::build::{self, NOW, TIMING};
use super::world::GRID;
use crate::plan::ObjectMemory;
use crate::snapshot::*;
use crate::units::{Ratio, Span, UsdPerHour};

/// What can be seen of a pod.
#[derive(Debug, Clone, Copy)]
pub enum Sight {
    /// Everything, until now.
    Good,
    /// Nothing.
    None,
    /// Everything, but the last sample is five grids old.
    Old,
    /// Samples go on, numbers do not.
    Still,
    /// One of the three counts of demand is missing.
    Half,
    /// Numbers that no engine has.
    Absurd,
}

/// A pod: its phase, what can be seen of it, and since how many grids it serves.
#[derive(Debug, Clone, Copy)]
pub struct AnyPod {
    phase: Phase,
    sight: Sight,
    grids: i64,
}

fn pod() -> impl Strategy<Value = AnyPod> {
    let phase = prop_oneof![
        8 => Just(Phase::Ready),
        1 => Just(Phase::Starting),
        1 => Just(Phase::Unschedulable),
        1 => Just(Phase::Draining),
    ];
    let sight = prop_oneof![
        20 => Just(Sight::Good),
        1 => Just(Sight::None),
        1 => Just(Sight::Old),
        1 => Just(Sight::Still),
        1 => Just(Sight::Half),
        1 => Just(Sight::Absurd),
    ];
    (phase, sight, 0..100_i64).prop_map(|(phase, sight, grids)| AnyPod { phase, sight, grids })
}

fn snapshot_of(i: usize, any: AnyPod) -> PodSnapshot {
    let since = NOW - GRID * any.grids;
    let from = NOW - GRID * 10;
    let good = build::signals(NOW - GRID * 1000, 2.0, from, NOW, GRID);
    let signals = match any.sight {
        Sight::Good => good,
        Sight::None => PodSignals::default(),
        Sight::Old => build::signals(NOW - GRID * 1000, 2.0, from, NOW - GRID * 5, GRID),
        Sight::Still => PodSignals {
            completed: build::series(from, NOW, GRID, |_| 7.0),
            prompt_tokens: build::series(from, NOW, GRID, |_| 7.0),
            generated_tokens: build::series(from, NOW, GRID, |_| 7.0),
            ..good
        },
        Sight::Half => PodSignals {
            waiting: Series::default(),
            ..good
        },
        Sight::Absurd => PodSignals {
            running: build::series(from, NOW, GRID, |_| f64::MAX),
            waiting: build::series(from, NOW, GRID, |_| 1e-300),
            completed: build::series(from, NOW, GRID, |at| f64::from(u8::from(at == NOW)) * f64::MAX),
            ..good
        },
    };
    PodSnapshot {
        name: format!("pod-{i}"),
        phase: any.phase,
        created: since - GRID * 4,
        ready_since: (any.phase == Phase::Ready || any.phase == Phase::Draining).then_some(since),
        signals,
    }
}

fn variant() -> impl Strategy<Value = VariantSnapshot> {
    (
        prop_oneof![20 => (0..12_u32).prop_map(Some), 1 => Just(None)],
        prop::collection::vec(pod(), 0..10),
        (0..4_u32, 1..14_u32),
        prop::option::weighted(0.8, 0..1000_u32),
        prop::bool::weighted(0.8),
        1..9_u32,
    )
        .prop_map(|(ordered, pods, (min, max), cents, seeded, accelerators)| {
            let base = build::variant("v", 0, 0);
            VariantSnapshot {
                replicas: Bounds { min, max },
                target: ordered.map_or(TargetState::Missing, |replicas| TargetState::Found { replicas }),
                accelerator_price: cents.and_then(|c| UsdPerHour::new(f64::from(c) / 100.0)),
                profile: base.profile.clone().filter(|_| seeded),
                accelerators,
                pods: pods.into_iter().enumerate().map(|(i, p)| snapshot_of(i, p)).collect(),
                ..base
            }
        })
}

/// Any object: any bounds, orders, rivals, modes, and pods in any state.
pub fn object() -> impl Strategy<Value = ObjectSnapshot> {
    (
        prop::collection::vec(variant(), 1..4),
        (1..6_u32, 1..16_u32),
        prop::option::weighted(0.9, 1..16_u32),
        prop::option::weighted(0.1, (1..16_u32, prop::option::of(-3..3_i64))),
        prop::bool::weighted(0.05),
        prop::bool::weighted(0.05),
        prop_oneof![10 => Just(Mode::Auto), 1 => Just(Mode::Advise), 1 => Just(Mode::Paused)],
    )
        .prop_map(|(mut variants, (min, max), reported_max, order, rival, silent, mode)| {
            for (i, variant) in variants.iter_mut().enumerate() {
                variant.name = format!("v{i}");
            }
            ObjectSnapshot {
                mode,
                replicas: Bounds { min, max },
                reported_max,
                replicas_override: order.map(|(replicas, grids)| Override {
                    replicas,
                    until: grids.map(|n| NOW + GRID * n),
                }),
                source_failure: silent.then(|| "timeout".to_owned()),
                conflicts: rival.then(|| build::hpa("v0")).into_iter().collect(),
                ..build::object(variants)
            }
        })
}

/// An object that the operator controls, all of whose pods serve and are seen well.
pub fn healthy() -> impl Strategy<Value = ObjectSnapshot> {
    let one = (0..10_u32, 0..3_u32, 3..14_u32, prop::option::weighted(0.9, 1..1000_u32));
    (prop::collection::vec(one, 1..4), 1..4_u32, 6..30_u32).prop_map(|(variants, min, max)| {
        let variants = variants
            .into_iter()
            .enumerate()
            .map(|(i, (ordered, least, most, cents))| {
                let mut v = build::variant(&format!("v{i}"), ordered, ordered);
                v.replicas = Bounds { min: least, max: most };
                v.accelerator_price = cents.and_then(|c| UsdPerHour::new(f64::from(c) / 100.0));
                v
            });
        let mut object = build::object(variants.collect());
        object.replicas = Bounds { min, max };
        serve(&mut object);
        object
    })
}

/// Gives every variant exactly the pods that are ordered, all of them serving and seen well.
pub fn serve(object: &mut ObjectSnapshot) {
    for variant in &mut object.variants {
        let n = variant.ordered().unwrap_or(0);
        let pods = (0..n).map(|i| {
            let mut pod = build::ready_pod(&format!("{}-{i}", variant.name));
            pod.signals = build::signals(NOW - GRID * 1000, 2.0, NOW - GRID * 10, NOW, GRID);
            pod
        });
        variant.pods = pods.collect();
    }
}

/// A past: what arrived in each bucket (requests/s), how much of it was seen, and which share was in time.
#[derive(Debug, Clone)]
pub struct Past {
    buckets: Vec<(f64, f64, f64)>,
    watched: i64,
}

/// Any past, seen more or less well.
pub fn past() -> impl Strategy<Value = Past> {
    let rate = prop_oneof![8 => 0.0..60.0_f64, 1 => Just(0.0), 1 => 0.0..5000.0_f64];
    let coverage = prop_oneof![20 => Just(1.0), 1 => Just(0.0), 1 => Just(0.5)];
    let share = prop_oneof![5 => Just(1.0), 1 => 0.0..1.0_f64];
    (prop::collection::vec((rate, coverage, share), 0..60), 0..200_i64)
        .prop_map(|(buckets, watched)| Past { buckets, watched })
}

/// A long past of one rate, seen well: nothing but the arithmetic holds a decision.
pub fn calm() -> impl Strategy<Value = Past> {
    (0.0..60.0_f64).prop_map(|rate| Past {
        buckets: vec![(rate, 1.0, 1.0); 150],
        watched: 200,
    })
}

/// The memory of `object` after that past.
pub fn remember(object: &ObjectSnapshot, past: &Past) -> ObjectMemory {
    let start = NOW - GRID * past.buckets.len() as i64;
    let mut memory = ObjectMemory::new(start, NOW - GRID * past.watched);
    for (i, (rate, coverage, share)) in past.buckets.iter().enumerate() {
        let mut bucket = build::bucket(start + GRID * i as i64, *rate, 3);
        bucket.arrivals *= coverage;
        bucket.coverage = Ratio::clamped(*coverage);
        if let Some(attained) = bucket.time_per_output_token.as_mut() {
            attained.inside *= share;
        }
        memory.absorb(&bucket, object, TIMING);
    }
    memory
}

/// How long a past was watched by this operator.
pub fn watched(past: &Past) -> Span {
    GRID * past.watched
}
