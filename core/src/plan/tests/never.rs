//! What must never happen: a scale-down from data that is missing, stale, partial or frozen.

use rstest::rstest;

use super::world::World;
use crate::plan::{Freshness, Reason};
use crate::snapshot::{Conflict, Mode, TargetState};

/// A fleet of six at its load, then the load all but vanishes while `fault` is in force.
fn world_with(fault: impl Fn(&mut World)) -> (World, u32) {
    let mut world = World::new(6);
    for _ in 0..60 {
        world.tick(25.0);
    }
    let before = world.replicas();
    fault(&mut world);
    (world, before)
}

#[rstest]
#[case::no_pod_is_seen(|w: &mut World| w.visible = 0)]
#[case::one_pod_is_seen(|w: &mut World| w.visible = 1)]
#[case::scrapes_stopped(|w: &mut World| w.frozen_scrapes = Some(w.now))]
#[case::the_source_fails(|w: &mut World| { w.visible = 0; w.object.source_failure = Some("timeout".into()); })]
fn never_goes_down_on_bad_data(#[case] fault: fn(&mut World)) {
    let (mut world, before) = world_with(fault);
    for _ in 0..200 {
        let decided = world.tick(5.0);
        assert!(decided.desired() >= before, "{}", decided.decision.message);
        assert!(!decided.evidence.allows_down() || decided.evidence.freshness == Freshness::Fresh);
    }
}

#[test]
fn bad_data_is_named() {
    let (mut world, _) = world_with(|w| w.visible = 0);
    assert_eq!(world.tick(5.0).evidence.freshness, Freshness::Missing);
    let (mut world, _) = world_with(|w| w.frozen_scrapes = Some(w.now));
    for _ in 0..6 {
        world.tick(5.0);
    }
    assert_eq!(world.tick(5.0).evidence.freshness, Freshness::Stale);
    let (mut world, _) = world_with(|w| w.visible = 3);
    assert_eq!(world.tick(25.0).evidence.freshness, Freshness::Partial);
}

#[test]
fn a_frozen_exporter_is_not_a_quiet_engine() {
    let (mut world, before) = world_with(|_| {});
    for _ in 0..60 {
        // Timestamps advance, eight requests "run", nothing moves.
        let decided = world.tick(0.0);
        assert!(decided.desired() >= before, "{}", decided.decision.message);
    }
    assert_eq!(world.tick(0.0).evidence.freshness, Freshness::Frozen);
}

#[test]
fn partial_data_may_still_add() {
    let mut world = World::new(4);
    for _ in 0..40 {
        world.tick(15.0);
    }
    let before = world.replicas();
    world.visible = 2;
    for _ in 0..8 {
        world.tick(45.0);
    }
    assert!(world.replicas() > before);
}

#[rstest]
#[case::paused(|w: &mut World| w.object.mode = Mode::Paused, Reason::Paused)]
#[case::conflict(|w: &mut World| w.object.conflicts = vec![Conflict {
    kind: "HorizontalPodAutoscaler".into(), name: "chat".into(), variant: "a100".into() }], Reason::Conflicted)]
#[case::no_target(|w: &mut World| w.object.variants[0].target = TargetState::Missing, Reason::TargetUnavailable)]
fn writes_nothing_when_it_is_not_in_control(#[case] set: fn(&mut World), #[case] reason: Reason) {
    let mut world = World::new(2);
    for _ in 0..40 {
        world.tick(6.0);
    }
    set(&mut world);
    let decided = world.look(60.0);
    assert!(!decided.writes);
    assert_eq!(decided.decision.reason, reason);
}

#[test]
fn advise_decides_and_does_not_write() {
    let mut world = World::new(1);
    world.object.mode = Mode::Advise;
    for _ in 0..20 {
        world.tick(30.0);
    }
    let decided = world.tick(30.0);
    assert!(decided.desired() > 1 && !decided.writes);
    assert_eq!(decided.decision.reason, Reason::DemandUp);
}

#[test]
fn a_lowered_maximum_is_a_persons_order_and_needs_no_evidence() {
    let (mut world, before) = world_with(|w| w.visible = 0);
    world.object.replicas.max = 2;
    assert!(before > 2);
    let decided = world.tick(25.0);
    assert_eq!((decided.desired(), decided.decision.reason), (2, Reason::UserOrdered));
}

#[test]
fn scaling_by_hand_above_the_maximum_is_no_order_to_go_down_blindly() {
    let (mut world, _) = world_with(|w| w.visible = 0);
    world.object.replicas.max = 2;
    world.object.reported_max = Some(2);
    let before = world.replicas();
    assert!(world.tick(25.0).desired() >= before);
}

#[test]
fn a_restarted_operator_gives_nothing_back_before_it_has_watched() {
    let (mut world, before) = world_with(|_| {});
    world.memory = crate::plan::Memory::default();
    for i in 0..8 {
        let decided = world.tick(10.0);
        assert!(decided.desired() >= before, "{i}: {}", decided.decision.message);
    }
}

#[test]
fn a_restarted_operator_comes_to_the_same_decision_under_steady_load() {
    let (mut world, before) = world_with(|_| {});
    world.memory = crate::plan::Memory::default();
    for _ in 0..60 {
        world.tick(25.0);
    }
    assert!(
        world.replicas().abs_diff(before) <= 1,
        "{before} -> {}",
        world.replicas()
    );
}
