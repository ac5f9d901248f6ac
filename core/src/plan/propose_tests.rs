//! Orders of a person, learning without a profile, and the sentence that goes with each proposal.

use rstest::rstest;

use super::*;
use crate::plan::Freshness;
use crate::plan::tests::build::{self, NOW, TIMING};
use crate::plan::tests::world::GRID;
use crate::snapshot::{Bounds, Override, TargetState};
use crate::units::Span;

fn proposal(object: &ObjectSnapshot, forecast: Option<&Forecast>, freshness: Freshness) -> Proposal {
    let current: Vec<u32> = object.variants.iter().map(|v| v.ordered().unwrap_or(0)).collect();
    let memory = build::memory(object, &[3.0; 40]);
    let evidence = build::evidence(freshness);
    propose(object, &current, &evidence, &memory, forecast, TIMING, NOW)
}

/// A forecast with the token mix of the tests, so that profiles give a capacity.
fn known(rate: f64) -> Forecast {
    Forecast {
        workload: build::memory(&build::object(vec![build::variant("a", 1, 1)]), &[3.0; 40])
            .workload
            .workload(),
        ..build::forecast(rate, rate)
    }
}

fn ordered(replicas: u32, variants: &[(u32, u32)]) -> ObjectSnapshot {
    let names = ["a", "b", "c"];
    let variants = variants
        .iter()
        .zip(names)
        .map(|((n, ready), name)| build::variant(name, *n, *ready));
    let mut object = build::object(variants.collect());
    object.replicas_override = Some(Override { replicas, until: None });
    object
}

#[rstest]
#[case::up(9, &[(4, 4)], &[9])]
#[case::down(1, &[(4, 4)], &[1])]
#[case::same(4, &[(4, 4)], &[4])]
#[case::up_where_it_runs(9, &[(0, 0), (4, 4)], &[0, 9])]
#[case::down_what_does_not_serve(4, &[(3, 0), (4, 4)], &[0, 4])]
#[case::no_switch(4, &[(0, 0), (4, 4)], &[0, 4])]
fn an_override_is_the_total(#[case] replicas: u32, #[case] variants: &[(u32, u32)], #[case] proposed: &[u32]) {
    for freshness in [Freshness::Fresh, Freshness::Missing] {
        let p = proposal(&ordered(replicas, variants), None, freshness);
        assert_eq!(p.replicas, proposed);
        assert!(p.user_ordered && p.reason == Some(Reason::Override), "{p:?}");
    }
}

/// The other variant is much cheaper: without an order it would be switched to.
fn with_a_cheaper_one(replicas: u32, variants: &[(u32, u32)]) -> ObjectSnapshot {
    let mut object = ordered(replicas, variants);
    object.variants[0].accelerator_price = crate::units::UsdPerHour::new(0.5);
    object
}

#[rstest]
#[case::the_same_total_switches_nothing(4, &[(0, 0), (4, 4)], &[0, 4])]
#[case::more_come_as_the_plan_wants(6, &[(0, 0), (4, 4)], &[2, 4])]
#[case::fewer_go_from_what_the_plan_does_not_want(6, &[(4, 4), (4, 4)], &[4, 2])]
#[case::but_what_serves_stays_before_what_starts(4, &[(4, 0), (4, 4)], &[0, 4])]
fn an_override_never_takes_what_serves_for_a_switch(
    #[case] replicas: u32,
    #[case] variants: &[(u32, u32)],
    #[case] proposed: &[u32],
) {
    let object = with_a_cheaper_one(replicas, variants);
    let p = proposal(&object, Some(&known(3.0)), Freshness::Fresh);
    assert_eq!(p.replicas, proposed);
}

#[rstest]
#[case::stands(None, true)]
#[case::ahead(Some(1), true)]
#[case::over_at_the_instant(Some(0), false)]
#[case::over(Some(-1), false)]
fn an_override_ends_by_itself(#[case] ms: Option<i64>, #[case] in_force: bool) {
    let mut object = ordered(9, &[(4, 4)]);
    object.replicas_override = Some(Override {
        replicas: 9,
        until: ms.map(|ms| NOW + Span::from_millis(ms)),
    });
    assert_eq!(override_in_force(&object, NOW), in_force);
    assert_eq!(
        proposal(&object, None, Freshness::Fresh).replicas,
        [if in_force { 9 } else { 4 }]
    );
}

#[rstest]
#[case::lowered(Some(20), 2, &[2], true)]
#[case::never_reported(None, 2, &[2], true)]
#[case::scaled_up_by_hand(Some(2), 2, &[4], false)]
#[case::raised_but_still_below(Some(1), 2, &[4], false)]
#[case::at_the_maximum(Some(20), 4, &[4], false)]
fn a_lowered_maximum_is_an_order(
    #[case] reported: Option<u32>,
    #[case] max: u32,
    #[case] proposed: &[u32],
    #[case] is: bool,
) {
    let mut object = build::object(vec![build::variant("a", 4, 4)]);
    object.replicas = Bounds { min: 1, max };
    object.reported_max = reported;
    let p = proposal(&object, None, Freshness::Missing);
    assert_eq!((p.replicas.as_slice(), p.user_ordered), (proposed, is));
    assert_eq!(p.reason == Some(Reason::UserOrdered), is);
}

#[test]
fn a_lowered_maximum_takes_what_does_not_serve_first() {
    let mut object = build::object(vec![build::variant("a", 3, 0), build::variant("b", 5, 5)]);
    object.replicas.max = 5;
    assert_eq!(proposal(&object, None, Freshness::Missing).replicas, [0, 5]);
}

#[test]
fn the_forecast_decides_when_nobody_orders() {
    let object = build::object(vec![build::variant("a", 4, 4)]);
    let p = proposal(&object, Some(&known(20.0)), Freshness::Fresh);
    let each = p.capacities[0].unwrap().requests_per_second;
    assert_eq!(p.replicas, [size::replicas(20.0, each)]);
    assert_eq!((p.user_ordered, p.reason, p.enough), (false, None, true));
    for part in [
        "20.00 req/s now",
        "20.00 expected within 1m",
        "headroom 1.00",
        "of a at",
        "(profile)",
    ] {
        assert!(p.message.contains(part), "{}", p.message);
    }
}

#[test]
fn held_is_sized_for_the_same_variant_at_the_held_demand() {
    let object = build::object(vec![build::variant("a", 4, 4)]);
    let forecast = Forecast {
        held: 40.0,
        ..known(20.0)
    };
    let p = proposal(&object, Some(&forecast), Freshness::Fresh);
    let each = p.capacities[0].unwrap().requests_per_second;
    assert_eq!(p.held, Some(vec![size::replicas(40.0, each)]));
}

#[test]
fn more_than_the_bounds_allow_is_said() {
    let mut object = build::object(vec![build::variant("a", 2, 2)]);
    object.variants[0].replicas.max = 3;
    let p = proposal(&object, Some(&known(1000.0)), Freshness::Fresh);
    assert_eq!((p.replicas.as_slice(), p.enough), (&[3][..], false));
    assert!(p.message.ends_with("more than the bounds allow"), "{}", p.message);
}

#[rstest]
#[case::no_bucket_yet(None, "no closed bucket")]
#[case::no_demand(Some(build::forecast(0.0, 0.0)), "no demand")]
#[case::no_capacity(Some(build::forecast(3.0, 3.0)), "not known yet")]
fn what_is_not_known_changes_nothing_and_says_so(#[case] forecast: Option<Forecast>, #[case] words: &str) {
    let mut object = build::object(vec![build::variant("a", 4, 4)]);
    object.variants[0].profile = None;
    let p = proposal(&object, forecast.as_ref(), Freshness::Fresh);
    assert_eq!(p.replicas, [4]);
    assert!(p.message.contains(words), "{}", p.message);
}

/// Four replicas without a profile whose requests miss their target.
fn missing(replicas: u32, ready: u32) -> (ObjectSnapshot, ObjectMemory) {
    let mut object = build::object(vec![build::variant("a", replicas, ready)]);
    object.variants[0].profile = None;
    let mut memory = ObjectMemory::new(NOW - GRID * 40, NOW - GRID * 40);
    for i in 0..40 {
        let mut bucket = build::bucket(NOW - GRID * (40 - i), 3.0, ready);
        if let Some(a) = bucket.time_per_output_token.as_mut() {
            a.inside *= 0.5;
        }
        memory.absorb(&bucket, &object, TIMING);
    }
    (object, memory)
}

fn learn(object: &ObjectSnapshot, memory: &ObjectMemory, freshness: Freshness) -> Vec<u32> {
    let current: Vec<u32> = object.variants.iter().map(|v| v.ordered().unwrap_or(0)).collect();
    propose(object, &current, &build::evidence(freshness), memory, None, TIMING, NOW).replicas
}

#[rstest]
#[case::a_quarter(8, &[10])]
#[case::at_least_one(2, &[3])]
#[case::inside_the_maximum(18, &[20])]
fn learning_grows_by_a_quarter_on_misses(#[case] replicas: u32, #[case] proposed: &[u32]) {
    let (object, memory) = missing(replicas, replicas);
    assert_eq!(learn(&object, &memory, Freshness::Fresh), proposed);
    assert_eq!(learn(&object, &memory, Freshness::Partial), proposed);
}

#[rstest]
#[case::pods_that_start(|o: &mut ObjectSnapshot| o.variants[0].pods[3] = build::starting_pod("x"))]
#[case::a_pod_just_ready(|o: &mut ObjectSnapshot| o.variants[0].pods[3].ready_since = Some(NOW - GRID * 7))]
#[case::pods_that_no_quota_allows(|o: &mut ObjectSnapshot| o.variants[0].target = TargetState::Found { replicas: 5 })]
fn learning_waits_for_what_it_has_ordered(#[case] change: fn(&mut ObjectSnapshot)) {
    let (mut object, memory) = missing(4, 4);
    change(&mut object);
    let current = object.variants[0].ordered().unwrap();
    assert_eq!(learn(&object, &memory, Freshness::Fresh), [current]);
}

#[rstest]
#[case(Freshness::Stale)]
#[case(Freshness::Missing)]
#[case(Freshness::Frozen)]
#[case(Freshness::SourceUnreachable)]
#[case(Freshness::NoPods)]
fn learning_does_not_grow_on_old_misses(#[case] freshness: Freshness) {
    let (object, memory) = missing(4, 4);
    assert_eq!(learn(&object, &memory, freshness), [4]);
}
