//! What holds for any object with any past.

use proptest::prelude::*;

use super::build::{self, NOW, TIMING};
use super::generate::{self, calm, healthy, object, past, remember};
use super::world::{GRID, World, key};
use crate::plan::memory::ObjectMemory;
use crate::plan::{Freshness, Memory, ObjectPlan, Reason, override_in_force, plan_object};
use crate::snapshot::*;
use crate::units::Span;

fn decide(object: &ObjectSnapshot, memory: &ObjectMemory) -> ObjectPlan {
    plan_object(&key(), object, memory, TIMING, NOW)
}

fn current(object: &ObjectSnapshot) -> Vec<u32> {
    object.variants.iter().map(|v| v.ordered().unwrap_or(0)).collect()
}

fn desired(plan: &ObjectPlan) -> Vec<u32> {
    plan.variants.iter().map(|v| v.desired).collect()
}

/// A person ordered the total: by an override, or by a maximum lowered below what runs.
fn is_ordered(object: &ObjectSnapshot) -> bool {
    let total: u32 = current(object).iter().sum();
    override_in_force(object, NOW)
        || (total > object.replicas.max && object.reported_max.is_none_or(|m| m > object.replicas.max))
}

/// The order of `now` for `object`, carried out at once.
fn carry_out(object: &mut ObjectSnapshot, now: &ObjectPlan) {
    for (variant, planned) in object.variants.iter_mut().zip(&now.variants) {
        variant.target = TargetState::Found {
            replicas: planned.desired,
        };
    }
    generate::serve(object);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, ..ProptestConfig::default() })]

    #[test]
    fn the_bounds_are_never_exceeded_by_an_increase(object in object(), past in past()) {
        let plan = decide(&object, &remember(&object, &past));
        let (before, after) = (current(&object), desired(&plan));
        let (from, to): (u32, u32) = (before.iter().sum(), after.iter().sum());
        prop_assert!(to <= from.max(object.replicas.max), "{} -> {}", from, to);
        for ((variant, before), after) in object.variants.iter().zip(&before).zip(&after) {
            prop_assert!(*after <= *before.max(&variant.replicas.max), "{}: {} -> {}", variant.name, before, after);
        }
    }

    #[test]
    fn the_minimum_is_kept_where_the_maxima_allow_it(object in object(), past in past()) {
        let plan = decide(&object, &remember(&object, &past));
        let in_control = object.mode != Mode::Paused
            && object.conflicts.is_empty()
            && object.variants.iter().all(|v| v.ordered().is_some());
        let possible: u32 = object.variants.iter().map(|v| v.replicas.max).sum();
        let least = object.replicas.min.min(object.replicas.max).min(possible);
        prop_assert!(!in_control || plan.desired() >= least, "{} < {}", plan.desired(), least);
    }

    #[test]
    fn nothing_is_given_back_but_on_fresh_evidence_or_an_order(object in object(), past in past()) {
        let memory = remember(&object, &past);
        let plan = decide(&object, &memory);
        let lowered = current(&object).iter().zip(desired(&plan)).any(|(before, after)| after < *before);
        if lowered && !is_ordered(&object) {
            prop_assert_eq!(plan.evidence.freshness, Freshness::Fresh);
            let forecast = plan.forecast.unwrap();
            prop_assert!(generate::watched(&past) >= forecast.hold, "it was not watched for long enough");
            prop_assert!(GRID * memory.complete_run() as i64 >= forecast.hold, "it was not seen for long enough");
            prop_assert!(memory.levels.suspicious(NOW, GRID).is_none());
            prop_assert!(plan.variants.iter().any(|v| v.capacity.is_some()), "nothing is known");
        }
    }

    #[test]
    fn an_order_never_takes_more_in_total_than_it_says(object in object(), past in past()) {
        let plan = decide(&object, &remember(&object, &past));
        if is_ordered(&object) && plan.writes {
            let order = match object.replicas_override.filter(|_| override_in_force(&object, NOW)) {
                Some(order) => order.replicas,
                None => object.replicas.max,
            };
            let total: u32 = current(&object).iter().sum();
            prop_assert!(plan.desired() >= order.min(total).min(object.replicas.max), "{}", plan.decision.message);
        }
    }

    #[test]
    fn what_is_not_ours_is_not_touched(object in object(), past in past()) {
        let plan = decide(&object, &remember(&object, &past));
        let unreadable = object.variants.iter().any(|v| v.ordered().is_none());
        if object.mode == Mode::Paused || !object.conflicts.is_empty() || unreadable {
            prop_assert_eq!(desired(&plan), current(&object));
        }
        let ours = object.mode == Mode::Auto && object.conflicts.is_empty() && !unreadable;
        prop_assert_eq!(plan.writes, ours);
    }

    #[test]
    fn while_replicas_start_no_other_is_given_back(object in object(), past in past()) {
        let plan = decide(&object, &remember(&object, &past));
        let starting = object.variants.iter().any(|v| v.ordered().unwrap_or(0) > v.ready());
        if starting && !is_ordered(&object) {
            for (variant, planned) in object.variants.iter().zip(&plan.variants) {
                let serving = variant.ready().min(variant.ordered().unwrap_or(0));
                prop_assert!(planned.desired >= serving, "{}", plan.decision.message);
            }
        }
    }

    #[test]
    fn a_plan_is_the_same_twice_and_can_be_told(object in object(), past in past()) {
        let memory = remember(&object, &past);
        let plan = decide(&object, &memory);
        prop_assert_eq!(&plan, &decide(&object, &memory));
        let decision = &plan.decision;
        prop_assert!(decision.id.len() == 8 && decision.id.chars().all(|c| c.is_ascii_hexdigit()));
        prop_assert!(!decision.message.is_empty() && !decision.message.contains('\n'));
        prop_assert!(!decision.message.contains("NaN") && !decision.message.contains("inf "), "{}", decision.message);
        prop_assert!(decision.candidates.len() <= 5);
        prop_assert_eq!(plan.variants.len(), object.variants.len());
        if desired(&plan) == current(&object) && plan.limits.is_empty() {
            prop_assert!(!matches!(decision.reason, Reason::DemandUp | Reason::DemandDown | Reason::CheaperVariant));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    /// Each plan carried out at once, on the same demand: it ends, and then stays.
    #[test]
    fn orders_come_to_an_end(start in healthy(), past in calm()) {
        let mut object = start;
        let memory = remember(&object, &past);
        let mut plan = decide(&object, &memory);
        let mut orders = 0;
        while desired(&plan) != current(&object) {
            orders += 1;
            prop_assert!(orders < 60, "{:?} -> {:?}: {}", current(&object), desired(&plan), plan.decision.message);
            carry_out(&mut object, &plan);
            plan = decide(&object, &memory);
        }
        carry_out(&mut object, &plan);
        prop_assert_eq!(desired(&decide(&object, &memory)), current(&object));
    }

    /// The strength that serves never falls below what the demand needs, or below what it was, on the way to another
    /// mix: what goes is replaced before.
    #[test]
    fn a_change_of_the_mix_keeps_its_strength(start in healthy(), past in calm()) {
        let mut object = start;
        let memory = remember(&object, &past);
        for _ in 0..60 {
            let plan = decide(&object, &memory);
            let (before, after) = (current(&object), desired(&plan));
            let adds = before.iter().zip(&after).any(|(b, a)| a > b);
            let takes = before.iter().zip(&after).any(|(b, a)| a < b);
            let room = before.iter().sum::<u32>() < object.replicas.max;
            prop_assert!(!(adds && takes && room), "{:?} -> {:?}", before, after);
            carry_out(&mut object, &plan);
        }
    }

    /// Nothing but the demand differs, and more of it: never fewer replicas.
    #[test]
    fn more_demand_never_plans_less(
        (ready, min, max) in (0..15_u32, 1..4_u32, 4..20_u32),
        (low, more) in (0.0..80.0_f64, 0.0..80.0_f64),
        (held_low, held_more) in (0.0..80.0_f64, 0.0..80.0_f64),
    ) {
        let mut object = build::object(vec![build::variant("a", ready, ready)]);
        object.replicas = Bounds { min, max };
        generate::serve(&mut object);
        let plan = |expected: f64, held: f64| direct(&object, expected, held.max(expected));
        let (a, b) = (plan(low, held_low), plan(low + more, held_low + held_more));
        prop_assert!(a <= b, "{} requests/s: {:?}, {}: {:?}", low, a, low + more, b);
    }
}

/// What is ordered for a given forecast, all else being well.
fn direct(object: &ObjectSnapshot, expected: f64, held: f64) -> Vec<u32> {
    use crate::plan::{guards, propose};
    let memory = build::memory(object, &[3.0; 150]);
    let forecast = crate::plan::Forecast {
        workload: memory.workload.workload(),
        ..build::forecast(expected, held)
    };
    let evidence = build::evidence(Freshness::Fresh);
    let now = current(object);
    let proposal = propose::propose(object, &now, &evidence, &memory, Some(&forecast), TIMING, NOW);
    let capacities: Vec<_> = proposal
        .capacities
        .iter()
        .map(|c| c.map(|c| c.requests_per_second))
        .collect();
    let context = guards::Context {
        now: NOW,
        timing: TIMING,
        object,
        evidence: &evidence,
        memory: &memory,
        forecast: Some(&forecast),
        current: &now,
        held: proposal.held.as_deref(),
        active: proposal.active,
        capacities: &capacities,
        user_ordered: proposal.user_ordered,
    };
    guards::run(&context, proposal.replicas.clone()).0
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]

    /// A constant load on a fleet of any size, with any lead time: it settles, and all that is still to come is a
    /// replica less, once, when it has learned that the load is calm.
    #[test]
    fn a_constant_load_ends_in_silence(replicas in 1..16_u32, rate in 0.3..60.0_f64, start in 15..240_i64) {
        let mut world = World::new(replicas);
        world.start = Span::from_secs(start);
        for _ in 0..200 {
            world.tick(rate);
        }
        let settled = world.replicas();
        let mut changes = Vec::new();
        for _ in 0..100 {
            let before = world.replicas();
            let plan = world.tick(rate);
            prop_assert!(plan.desired() <= before, "{} -> {}: {}", before, plan.desired(), plan.decision.message);
            changes.extend((plan.desired() < before).then(|| plan.decision.message.clone()));
        }
        prop_assert!(changes.len() <= 1 && world.replicas() + 1 >= settled, "{:?}", changes);
    }

    /// Half as much again at every instant, from the beginning: never fewer replicas. No fall is so deep that it counts as
    /// a silence, which is believed only later.
    #[test]
    fn a_greater_load_never_runs_fewer(shape in prop::collection::vec(3.0..20.0_f64, 1..6), factor in 1.5..3.0_f64) {
        let run = |factor: f64| {
            let mut world = World::new(4);
            for rate in &shape {
                for _ in 0..30 {
                    world.tick(rate * factor);
                }
            }
            world.replicas()
        };
        prop_assert!(run(1.0) <= run(factor), "{} and {}", run(1.0), run(factor));
    }

    /// Whatever the load does: what is left after giving back would have carried all that was expected within the hold.
    #[test]
    fn nothing_is_given_back_that_was_needed_within_the_hold(
        shape in prop::collection::vec((0.5..60.0_f64, 1..20_usize), 4..14),
        start in 15..300_i64,
    ) {
        let mut world = World::new(4);
        world.start = Span::from_secs(start);
        let mut expected: Vec<f64> = Vec::new();
        for rate in shape.iter().flat_map(|(rate, ticks)| std::iter::repeat_n(*rate, *ticks)) {
            let before = world.replicas();
            let plan = world.tick(rate);
            let Some(forecast) = plan.forecast else { continue };
            expected.push(forecast.expected);
            if plan.desired() >= before {
                continue;
            }
            let hold = forecast.hold.in_buckets(TIMING.grid).max(8);
            prop_assert!(expected.len() >= hold, "after {} of {hold} grids", expected.len());
            let highest = expected.iter().rev().take(hold).fold(0.0_f64, |a, b| a.max(*b));
            let each = plan.variants[0].capacity.map_or(f64::INFINITY, |c| c.requests_per_second);
            let carried = f64::from(plan.desired()) * each;
            // What is needed may be more than the maximum of this fleet.
            prop_assert!(carried >= highest * 0.999 || plan.desired() == 20,
                "{before} -> {}: carries {carried}, {highest} was needed", plan.desired());
        }
    }

    /// Some pods send nonsense: nothing panics, and nothing is given back for it.
    #[test]
    fn nonsense_never_lowers(
        broken in 1..7_usize,
        values in prop::collection::vec(prop_oneof![
            Just(f64::NAN), Just(f64::INFINITY), Just(f64::NEG_INFINITY), Just(-1.0), Just(f64::MAX), Just(1e300),
            Just(1e18), Just(1e15), Just(1e12), Just(f64::MIN_POSITIVE), Just(1e-300), Just(5e-324),
        ], 1..4),
    ) {
        let mut world = World::new(6);
        for _ in 0..60 {
            world.tick(25.0);
        }
        let before = world.replicas();
        world.nonsense = Some((broken, values));
        for _ in 0..60 {
            let plan = world.tick(25.0);
            prop_assert!(plan.desired() >= before, "{} -> {}: {}", before, plan.desired(), plan.decision.message);
        }
        world.nonsense = None;
        for _ in 0..60 {
            let plan = world.tick(25.0);
            prop_assert!(plan.desired() >= before.min(6), "{} -> {}: {}", before, plan.desired(), plan.decision.message);
        }
    }

    /// Early ticks, with the same metrics or newer ones, leave the memory as the regular ticks make it.
    #[test]
    fn early_ticks_do_not_advance_the_memory(early in prop::collection::vec(1..900_000_i64, 0..40)) {
        let from = NOW - GRID * 60;
        let regular: Vec<i64> = (0..=60).map(|i| i * 15_000).collect();
        let mut mixed = [regular.clone(), early].concat();
        mixed.sort_unstable();
        let run = |ticks: &[i64]| {
            let mut memory = Memory::default();
            for ms in ticks {
                let now = from + Span::from_millis(*ms);
                let mut object = build::object(vec![build::variant("a", 3, 3)]);
                for (i, pod) in object.variants[0].pods.iter_mut().enumerate() {
                    let phase = Span::from_millis(4_000 * i as i64);
                    pod.signals = build::signals(NOW - GRID * 1000, 1.0 + i as f64, from - GRID * 8 + phase, now, GRID);
                }
                memory.absorb(&Snapshot {
                    now,
                    timing: TIMING,
                    objects: [(key(), object)].into(),
                    pools: std::collections::BTreeMap::new(),
                });
            }
            memory
        };
        prop_assert_eq!(run(&regular), run(&mixed));
    }

    /// Whatever was remembered: at most six kilobytes an object, the heap included.
    #[test]
    fn the_memory_of_an_object_is_small(past in past(), window in 10..3600_i64) {
        let mut object = build::object(vec![build::variant("a", 3, 3)]);
        object.objectives.window = Span::from_secs(window);
        let mut memory = remember(&object, &past);
        for i in 0..2000 {
            memory.absorb(&build::bucket(NOW + GRID * i, 3.0, 3), &object, TIMING);
        }
        let bytes = std::mem::size_of::<ObjectMemory>() + memory.heap_bytes();
        prop_assert!(bytes <= 6 * 1024, "{} bytes", bytes);
    }
}
