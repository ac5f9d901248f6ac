//! The chain as a whole: who is named, and whom nobody holds.

use super::*;

#[rstest]
#[case::blind(|c: &mut Case| c.evidence = build::evidence(Freshness::Missing))]
#[case::stale(|c: &mut Case| c.evidence = build::evidence(Freshness::Stale))]
#[case::frozen(|c: &mut Case| c.evidence = build::evidence(Freshness::Frozen))]
#[case::partial(|c: &mut Case| c.evidence = build::evidence(Freshness::Partial))]
#[case::suspicious(silent)]
#[case::learning(|c: &mut Case| c.capacities = vec![None])]
#[case::warming_up(|c: &mut Case| c.memory = ObjectMemory::new(NOW, NOW))]
#[case::in_flight(|c: &mut Case| c.object.variants = vec![build::variant("a", 6, 1)])]
#[case::draining(|c: &mut Case| {
    let mut going = build::ready_pod("going");
    going.phase = Phase::Draining;
    c.object.variants[0].pods.push(going);
})]
#[case::held(|c: &mut Case| c.held = None)]
#[case::no_forecast(|c: &mut Case| c.forecast = None)]
#[case::no_air(|c: &mut Case| c.forecast = Some(build::forecast(50.0, 50.0)))]
fn what_holds_the_operator_does_not_hold_a_person(#[case] bad: fn(&mut Case)) {
    let held = Case::of(&[(6, 6)]).with(bad);
    assert!(held.run(&[2]).0 > vec![2], "the case holds nothing");
    let ordered = Case::of(&[(6, 6)]).with(bad).with(|c| c.user_ordered = true);
    assert_eq!(ordered.run(&[2]), (vec![2], vec![]));
}

#[rstest]
#[case::paused(|c: &mut Case| c.object.mode = Mode::Paused, "paused")]
#[case::conflict(|c: &mut Case| c.object.conflicts = vec![build::hpa("a")], "conflict")]
fn paused_and_conflict_hold_persons_too_and_beat_the_bounds(#[case] set: fn(&mut Case), #[case] guard: &'static str) {
    // Below the minimum and above the maximum: what runs is not touched.
    for (min, max) in [(9, 20), (1, 3)] {
        for user_ordered in [false, true] {
            for proposal in [[2], [6], [9]] {
                let case = Case::of(&[(6, 6)]).with(set).with(|c| {
                    c.object.replicas = Bounds { min, max };
                    c.user_ordered = user_ordered;
                });
                let (left, guards) = case.run(&proposal);
                assert_eq!(left, [6]);
                assert!(guards.is_empty() || guards == [guard], "{guards:?}");
            }
        }
    }
}

#[test]
fn paused_is_named_before_a_conflict() {
    let case = Case::of(&[(6, 6)]).with(|c| {
        c.object.mode = Mode::Paused;
        c.object.conflicts = vec![build::hpa("a")];
    });
    assert_eq!(case.run(&[9]).1, ["paused"]);
}

#[test]
fn a_limit_tells_who_changed_what_from_what() {
    let case = Case::of(&[(6, 6)]).with(|c| c.object.replicas.max = 8);
    let (_, limits) = run(&case.context(), vec![12]);
    assert_eq!(limits.len(), 1);
    assert_eq!((limits[0].guard, limits[0].from, limits[0].to), ("bounds", 12, 8));
    assert_eq!(limits[0].message, "replicas.max is 8");
}

#[test]
fn later_guards_see_what_earlier_ones_left() {
    // The hold keeps six of eight; the maximum has nothing left to cut.
    let case = Case::of(&[(8, 8)]).with(|c| c.object.replicas.max = 8);
    assert_eq!(case.run(&[1]), (vec![6], vec!["hold"]));
    // Blind: the minimum alone still adds.
    let case = Case::of(&[(2, 2)]).with(|c| {
        c.evidence = build::evidence(Freshness::Missing);
        c.object.replicas.min = 3;
    });
    assert_eq!(case.run(&[9]), (vec![3], vec!["evidence", "bounds"]));
}

#[test]
fn ready_replicas_are_counted_per_variant() {
    let case = Case::of(&[(6, 4), (2, 2)]);
    let ready: Vec<_> = (0..3).map(|i| case.context().ready(i)).collect();
    assert_eq!(ready, [4, 2, 0]);
    assert_eq!(case.object.variants.iter().map(VariantSnapshot::ready).sum::<u32>(), 6);
}
