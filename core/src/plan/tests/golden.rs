//! What people read: whole decisions, word for word. A change here is a change of the product.

use std::fmt::Write;

use super::build::{self, NOW, TIMING};
use super::generate;
use super::world::{GRID, key};
use crate::plan::{ObjectPlan, Reason, plan_object};
use crate::snapshot::*;
use crate::units::{Span, UsdPerHour};

/// A plan as `explain` would print it.
fn told(plan: &ObjectPlan) -> String {
    let mut text = String::new();
    let decision = &plan.decision;
    for variant in &plan.variants {
        let observed = variant.observed.map_or("?".to_owned(), |n| n.to_string());
        let capacity = variant.capacity.map_or("unknown".to_owned(), |c| {
            format!("{:.2} req/s each ({})", c.requests_per_second, c.origin)
        });
        let cost = variant
            .cost
            .map_or("unknown".to_owned(), |c| format!("${:.2}/h", c.get()));
        let _ = writeln!(
            text,
            "{}: {observed} -> {}, {capacity}, {cost}",
            variant.name, variant.desired
        );
    }
    let _ = writeln!(text, "{}: {}", decision.reason, decision.message);
    let _ = writeln!(text, "writes: {}, enough: {}", plan.writes, plan.enough);
    for input in &decision.inputs {
        let age = input.age.map_or("never".to_owned(), |a| a.to_string());
        let _ = writeln!(
            text,
            "input {}: {} (age {age}, {})",
            input.name, input.value, input.coverage
        );
    }
    for c in &decision.candidates {
        let cost = c.cost.map_or("no price".to_owned(), |c| format!("${:.2}/h", c.get()));
        let _ = writeln!(text, "candidate {}: {cost}, {}", c.replicas, c.verdict);
    }
    for limit in &plan.limits {
        let _ = writeln!(
            text,
            "limit {}: {} {} -> {}",
            limit.guard, limit.reason, limit.from, limit.to
        );
    }
    text
}

/// One variant with `replicas` that serve.
fn one(replicas: u32) -> ObjectSnapshot {
    let mut object = build::object(vec![build::variant("a100-bf16", replicas, replicas)]);
    generate::serve(&mut object);
    object
}

/// Two variants: what runs is the dear one.
fn two(dear: u32) -> ObjectSnapshot {
    let mut object = build::object(vec![
        build::variant("h100-bf16", dear, dear),
        build::variant("a100-bf16", 0, 0),
    ]);
    object.variants[0].accelerator_price = UsdPerHour::new(6.88);
    object.variants[1].accelerator_price = UsdPerHour::new(3.43);
    generate::serve(&mut object);
    object
}

/// The decision after a long time at `before` requests/s and then `n` buckets at `now` requests/s.
fn decide(object: &ObjectSnapshot, before: f64, now: f64, n: usize) -> ObjectPlan {
    let mut rates = vec![before; 150];
    rates.extend(vec![now; n]);
    plan_object(&key(), object, &build::memory(object, &rates), TIMING, NOW)
}

#[test]
fn up_for_more_demand() {
    let plan = decide(&one(2), 6.0, 20.0, 4);
    assert_eq!(plan.decision.reason, Reason::DemandUp);
    insta::assert_snapshot!(told(&plan));
}

#[test]
fn down_in_steps_after_the_hold() {
    let plan = decide(&one(12), 40.0, 6.0, 60);
    assert_eq!(plan.decision.reason, Reason::DemandDown);
    insta::assert_snapshot!(told(&plan));
}

#[test]
fn held_while_the_need_was_higher_a_moment_ago() {
    let plan = decide(&one(9), 40.0, 4.0, 8);
    assert_eq!(plan.decision.reason, Reason::HoldingDown);
    insta::assert_snapshot!(told(&plan));
}

#[test]
fn held_on_stale_samples() {
    let mut object = one(12);
    for pod in &mut object.variants[0].pods {
        pod.signals = build::signals(NOW - GRID * 1000, 2.0, NOW - GRID * 10, NOW - GRID * 5, GRID);
    }
    let plan = decide(&object, 40.0, 6.0, 60);
    assert_eq!(plan.decision.reason, Reason::SignalsStale);
    insta::assert_snapshot!(told(&plan));
}

#[test]
fn held_on_a_sudden_silence() {
    let plan = decide(&one(14), 40.0, 0.0, 20);
    assert_eq!(plan.decision.reason, Reason::SuspiciousZero);
    insta::assert_snapshot!(told(&plan));
}

#[test]
fn held_at_the_maximum() {
    let mut object = one(4);
    object.replicas.max = 4;
    object.variants[0].replicas.max = 4;
    let plan = decide(&object, 40.0, 60.0, 10);
    assert_eq!(plan.decision.reason, Reason::AtMaximum);
    insta::assert_snapshot!(told(&plan));
}

#[test]
fn the_cheaper_variant_comes_before_the_dearer_goes() {
    let plan = decide(&two(3), 12.0, 12.0, 10);
    assert_eq!(plan.decision.reason, Reason::CheaperVariant);
    insta::assert_snapshot!(told(&plan));
}

#[test]
fn then_the_dearer_goes() {
    let mut object = two(3);
    object.variants[1].target = TargetState::Found { replicas: 3 };
    generate::serve(&mut object);
    let plan = decide(&object, 12.0, 12.0, 10);
    assert_eq!(plan.decision.reason, Reason::CheaperVariant);
    insta::assert_snapshot!(told(&plan));
}

#[test]
fn a_person_orders() {
    let mut object = one(3);
    object.replicas_override = Some(Override {
        replicas: 7,
        until: Some(NOW + Span::from_secs(5400)),
    });
    let plan = decide(&object, 12.0, 12.0, 10);
    assert_eq!(plan.decision.reason, Reason::Override);
    insta::assert_snapshot!(told(&plan));
}

#[test]
fn nothing_is_known_of_a_replica() {
    let mut object = one(3);
    object.variants[0].profile = None;
    object.variants[0].accelerator_price = None;
    let plan = decide(&object, 12.0, 12.0, 10);
    assert_eq!(plan.decision.reason, Reason::Steady);
    insta::assert_snapshot!(told(&plan));
}

#[test]
fn somebody_else_scales_it() {
    let mut object = one(3);
    object.conflicts = vec![build::hpa("a100-bf16")];
    let plan = decide(&object, 40.0, 40.0, 10);
    assert_eq!(plan.decision.reason, Reason::Conflicted);
    insta::assert_snapshot!(told(&plan));
}

#[test]
fn a_target_is_missing() {
    let mut object = one(3);
    object.variants[0].target = TargetState::Missing;
    let plan = decide(&object, 40.0, 40.0, 10);
    assert_eq!(plan.decision.reason, Reason::TargetUnavailable);
    insta::assert_snapshot!(told(&plan));
}
