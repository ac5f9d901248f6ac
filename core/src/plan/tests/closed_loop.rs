//! What it does with a load: up for a ramp, down after it, silent when nothing changes.

use super::world::{GRID, World};
use crate::plan::Reason;
use crate::units::Span;

#[test]
fn settles_and_then_falls_silent() {
    let mut world = World::new(3);
    for _ in 0..60 {
        world.tick(12.0);
    }
    let settled = world.replicas();
    for _ in 0..100 {
        let decided = world.tick(12.0);
        assert_eq!(decided.desired(), settled, "{}", decided.decision.message);
        assert_eq!(decided.decision.reason, Reason::Steady);
    }
}

#[test]
fn adds_replicas_for_a_ramp_and_counts_those_that_start() {
    let mut world = World::new(2);
    for _ in 0..40 {
        world.tick(6.0);
    }
    let before = world.replicas();
    let mut orders = Vec::new();
    for _ in 0..12 {
        orders.push(world.tick(30.0).desired());
    }
    let after = world.replicas();
    assert!(after > before + 2, "{before} -> {after}");
    // While they load, the order stays what the demand needs; it does not run away.
    assert!(after <= 10, "{orders:?}");
}

#[test]
fn gives_replicas_back_only_after_the_hold() {
    let mut world = World::new(6);
    for _ in 0..60 {
        world.tick(25.0);
    }
    let high = world.replicas();
    let mut first_down = None;
    for i in 0..60 {
        world.tick(5.0);
        if world.replicas() < high && first_down.is_none() {
            first_down = Some(i);
        }
    }
    assert!(first_down.is_some_and(|i| i >= 8), "{first_down:?}");
    assert!(world.replicas() <= high - 2, "{high} -> {}", world.replicas());
}

#[test]
fn a_spike_shorter_than_the_lead_time_ends_where_it_began() {
    let mut world = World::new(2);
    for _ in 0..200 {
        world.tick(6.0);
    }
    let before = world.replicas();
    for _ in 0..2 {
        world.tick(20.0);
    }
    for _ in 0..120 {
        world.tick(6.0);
    }
    assert!(world.replicas() <= before + 1, "{before} -> {}", world.replicas());
}

#[test]
fn an_override_is_the_total_and_expires_by_itself() {
    let mut world = World::new(2);
    for _ in 0..40 {
        world.tick(6.0);
    }
    let until = world.now + GRID * 10;
    world.object.replicas_override = Some(crate::snapshot::Override {
        replicas: 7,
        until: Some(until),
    });
    let decided = world.tick(6.0);
    assert_eq!((decided.desired(), decided.decision.reason), (7, Reason::Override));
    for _ in 0..80 {
        world.tick(6.0);
    }
    assert!(world.replicas() < 7);
}

#[test]
fn learns_without_a_profile_up_on_misses_by_a_quarter() {
    let mut world = World::new(4);
    world.object.variants[0].profile = None;
    world.inside = 0.5;
    let mut ups = Vec::new();
    for _ in 0..30 {
        let decided = world.tick(12.0);
        if decided.decision.reason == Reason::ObjectiveMissed {
            ups.push(decided.desired());
        }
    }
    assert_eq!(ups.first(), Some(&5), "{ups:?}");
}

#[test]
fn the_message_shows_the_arithmetic() {
    let mut world = World::new(2);
    for _ in 0..40 {
        world.tick(6.0);
    }
    let message = world.tick(6.0).decision.message;
    for part in ["req/s now", "expected within 1m", "headroom", "of a100 at"] {
        assert!(message.contains(part), "{message}");
    }
    assert!(world.start == Span::from_secs(60));
}
