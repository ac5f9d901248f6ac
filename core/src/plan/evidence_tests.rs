//! What samples are worth: a table over what can be wrong with them.

use rstest::rstest;

use super::*;
use crate::plan::tests::build::{self, NOW, TIMING};
use crate::plan::tests::world::GRID;
use crate::snapshot::PodSignals;

const SCRAPE: Span = Span::from_secs(5);

fn steady(until: Time) -> PodSignals {
    build::signals(NOW - GRID * 40, 2.0, NOW - GRID * 20, until, SCRAPE)
}

/// Two serving pods, both seen until now.
fn object() -> ObjectSnapshot {
    let mut variant = build::variant("a", 2, 2);
    for pod in &mut variant.pods {
        pod.signals = steady(NOW);
    }
    build::object(vec![variant])
}

fn pods(object: &mut ObjectSnapshot) -> &mut Vec<PodSnapshot> {
    &mut object.variants[0].pods
}

fn still(signals: &mut PodSignals) {
    for counter in [
        &mut signals.completed,
        &mut signals.prompt_tokens,
        &mut signals.generated_tokens,
    ] {
        *counter = build::series(NOW - GRID * 20, NOW, SCRAPE, |_| 77.0);
    }
}

#[rstest]
#[case::all_seen(|_: &mut ObjectSnapshot| {}, Freshness::Fresh, 1.0)]
#[case::nobody_serves(|o: &mut ObjectSnapshot| pods(o).clear(), Freshness::NoPods, 0.0)]
#[case::they_only_start(|o: &mut ObjectSnapshot| *pods(o) = vec![build::starting_pod("a")], Freshness::NoPods, 0.0)]
#[case::one_never_seen(|o: &mut ObjectSnapshot| pods(o)[0].signals = PodSignals::default(), Freshness::Partial, 0.5)]
#[case::one_is_old(|o: &mut ObjectSnapshot| pods(o)[0].signals = steady(NOW - GRID * 5), Freshness::Partial, 0.5)]
#[case::none_seen(|o: &mut ObjectSnapshot| for p in pods(o) { p.signals = PodSignals::default(); }, Freshness::Missing, 0.0)]
#[case::all_old(|o: &mut ObjectSnapshot| for p in pods(o) { p.signals = steady(NOW - GRID * 5); }, Freshness::Stale, 0.0)]
#[case::one_old_one_unseen(|o: &mut ObjectSnapshot| {
    pods(o)[0].signals = steady(NOW - GRID * 5);
    pods(o)[1].signals = PodSignals::default();
}, Freshness::Stale, 0.0)]
#[case::exactly_at_the_limit(|o: &mut ObjectSnapshot| for p in pods(o) { p.signals = steady(NOW - GRID * 4); }, Freshness::Fresh, 1.0)]
#[case::one_of_three_counts_lost(|o: &mut ObjectSnapshot| pods(o)[1].signals.waiting = Series::default(), Freshness::Partial, 0.5)]
#[case::one_of_three_counts_old(|o: &mut ObjectSnapshot| pods(o)[1].signals.completed = steady(NOW - GRID * 5).completed, Freshness::Partial, 0.5)]
#[case::source_down(|o: &mut ObjectSnapshot| {
    o.source_failure = Some("timeout".into());
    for p in pods(o) { p.signals = PodSignals::default(); }
}, Freshness::SourceUnreachable, 0.0)]
#[case::source_down_but_the_last_answer_is_fresh(|o: &mut ObjectSnapshot| o.source_failure = Some("timeout".into()), Freshness::Fresh, 1.0)]
#[case::one_stands_still(|o: &mut ObjectSnapshot| still(&mut pods(o)[1].signals), Freshness::Frozen, 1.0)]
#[case::one_stands_still_one_is_unseen(|o: &mut ObjectSnapshot| {
    still(&mut pods(o)[1].signals);
    pods(o)[0].signals = PodSignals::default();
}, Freshness::Frozen, 0.5)]
#[case::idle_is_not_frozen(|o: &mut ObjectSnapshot| {
    still(&mut pods(o)[1].signals);
    pods(o)[1].signals.running = build::series(NOW - GRID * 20, NOW, SCRAPE, |_| 0.0);
}, Freshness::Fresh, 1.0)]
#[case::tokens_flow_though_nothing_ends(|o: &mut ObjectSnapshot| {
    let flowing = pods(o)[1].signals.generated_tokens.clone();
    still(&mut pods(o)[1].signals);
    pods(o)[1].signals.generated_tokens = flowing;
}, Freshness::Fresh, 1.0)]
#[case::a_draining_pod_is_not_asked(|o: &mut ObjectSnapshot| {
    pods(o)[1].phase = Phase::Draining;
    pods(o)[1].signals = PodSignals::default();
}, Freshness::Fresh, 1.0)]
fn judges(#[case] change: fn(&mut ObjectSnapshot), #[case] freshness: Freshness, #[case] coverage: f64) {
    let mut object = object();
    change(&mut object);
    let evidence = assess(&object, TIMING, NOW);
    assert_eq!((evidence.freshness, evidence.coverage.get()), (freshness, coverage));
}

#[rstest]
#[case(Freshness::Fresh, true, true, false)]
#[case(Freshness::Partial, true, false, false)]
#[case(Freshness::Frozen, true, false, true)]
#[case(Freshness::NoPods, false, false, false)]
#[case(Freshness::Stale, false, false, true)]
#[case(Freshness::Missing, false, false, true)]
#[case(Freshness::SourceUnreachable, false, false, true)]
fn what_it_allows(#[case] freshness: Freshness, #[case] up: bool, #[case] down: bool, #[case] blind: bool) {
    let evidence = build::evidence(freshness);
    assert_eq!(
        (evidence.allows_up(), evidence.allows_down(), evidence.is_blind()),
        (up, down, blind)
    );
}

#[test]
fn sums_the_fresh_pods_and_takes_the_fullest_cache() {
    let mut object = object();
    pods(&mut object)[0].signals.kv_use = build::series(NOW, NOW, SCRAPE, |_| 0.9);
    let evidence = assess(&object, TIMING, NOW + Span::from_secs(3));
    assert!((evidence.running - 8.0).abs() < 1e-9 && (evidence.waiting - 2.0).abs() < 1e-9);
    assert_eq!(evidence.kv_use, Some(Ratio::clamped(0.9)));
    assert_eq!(evidence.age, Some(Span::from_secs(3)));
}

#[test]
fn the_age_is_that_of_the_pod_seen_the_longest_ago() {
    let mut object = object();
    pods(&mut object)[1].signals = steady(NOW - Span::from_secs(30));
    assert_eq!(assess(&object, TIMING, NOW).age, Some(Span::from_secs(30)));
    pods(&mut object)[0].signals = PodSignals::default();
    pods(&mut object)[1].signals = PodSignals::default();
    assert_eq!(assess(&object, TIMING, NOW).age, None);
}

#[test]
fn a_clock_behind_the_scrapes_makes_them_new() {
    assert_eq!(
        assess(&object(), TIMING, NOW - Span::from_secs(2)).age,
        Some(Span::ZERO)
    );
}

#[rstest]
#[case::two_grids_are_enough(2, true)]
#[case::one_is_not(1, false)]
fn standing_still_takes_two_grids_to_tell(#[case] grids: i64, #[case] is: bool) {
    let mut pod = object().variants[0].pods.remove(0);
    let since = NOW - GRID * grids;
    pod.signals = build::signals(NOW, 0.0, since, NOW, SCRAPE);
    assert_eq!(frozen(&pod, TIMING, NOW), is);
}

#[test]
fn every_judgement_says_what_and_holds() {
    let object = object();
    for freshness in [
        Freshness::SourceUnreachable,
        Freshness::Stale,
        Freshness::Frozen,
        Freshness::Partial,
        Freshness::NoPods,
        Freshness::Missing,
    ] {
        let (reason, message) = build::evidence(freshness).judgement(&object);
        assert!(reason.to_string().starts_with("Signals"), "{reason}");
        assert!(message.len() > 15 && !message.contains('\n'), "{message}");
    }
    let mut silent = object;
    silent.source_failure = Some("connection refused".into());
    let (_, message) = build::evidence(Freshness::SourceUnreachable).judgement(&silent);
    assert!(message.contains("connection refused"), "{message}");
}
