//! What one bucket counts: phases of scrapes, pods that come and go, resets, late and broken data.

use rstest::rstest;

use super::*;
use crate::plan::tests::build::{self, NOW, TIMING};
use crate::plan::tests::world::GRID;
use crate::snapshot::{PodSignals, VariantSnapshot};

const SCRAPE: Span = Span::from_secs(5);

fn long_ago() -> Time {
    NOW - Span::from_secs(100_000)
}

/// Scraped every 5 s from five minutes ago until now, finishing `rate` requests/s.
fn steady(rate: f64) -> PodSignals {
    build::signals(long_ago(), rate, NOW - GRID * 20, NOW, SCRAPE)
}

fn object(signals: Vec<PodSignals>) -> ObjectSnapshot {
    let mut variant = build::variant("a", signals.len() as u32, signals.len() as u32);
    for (pod, signals) in variant.pods.iter_mut().zip(signals) {
        pod.signals = signals;
    }
    build::object(vec![variant])
}

fn pod(object: &mut ObjectSnapshot, i: usize) -> &mut PodSnapshot {
    &mut object.variants[0].pods[i]
}

/// The buckets of the last `n` grids.
fn last(object: &ObjectSnapshot, n: i64) -> Vec<Bucket> {
    closed(object, TIMING, NOW - GRID * n, NOW)
}

fn sum(buckets: &[Bucket]) -> f64 {
    buckets.iter().map(|b| b.arrivals).sum()
}

fn close_to(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-6 * (1.0 + a.abs().max(b.abs()))
}

#[test]
fn counts_the_fleet_and_its_tokens() {
    let buckets = last(&object(vec![steady(2.0), steady(3.0)]), 4);
    assert_eq!(buckets.len(), 4);
    for bucket in buckets {
        assert!(close_to(bucket.arrivals, 75.0), "{bucket:?}");
        assert!(
            close_to(bucket.completed, 75.0) && close_to(bucket.started, 75.0),
            "{bucket:?}"
        );
        assert!(close_to(bucket.prompt_tokens, 75_000.0) && close_to(bucket.generated_tokens, 15_000.0));
        assert_eq!((bucket.replicas, bucket.coverage), (2, Ratio::ONE));
        let tpot = bucket.time_per_output_token.unwrap();
        assert!(close_to(tpot.inside, 75.0) && close_to(tpot.total, 75.0), "{tpot:?}");
        assert_eq!(bucket.time_to_first_token, None, "there is no such target");
    }
}

#[test]
fn buckets_start_at_multiples_of_the_grid_and_follow_each_other() {
    let starts: Vec<_> = last(&object(vec![steady(2.0)]), 5).iter().map(|b| b.start).collect();
    let expected: Vec<_> = (1..=5).rev().map(|i| NOW - GRID * i).collect();
    assert_eq!(starts, expected);
}

#[test]
fn a_growing_queue_is_demand_though_nothing_completes() {
    let mut signals = steady(0.0);
    signals.generated_tokens = build::series(NOW - GRID * 20, NOW, SCRAPE, Time::as_secs_f64);
    signals.waiting = build::series(NOW - GRID * 20, NOW, SCRAPE, |at| {
        2.0 * at.since(NOW - GRID * 20).as_secs_f64()
    });
    let buckets = last(&object(vec![signals]), 2);
    assert!(close_to(sum(&buckets), 60.0), "{buckets:?}");
}

#[test]
fn a_queue_that_shrinks_is_no_negative_demand() {
    let mut signals = steady(1.0);
    signals.waiting = build::series(NOW - GRID * 20, NOW, SCRAPE, |at| {
        900.0 - at.since(NOW - GRID * 20).as_secs_f64() * 3.0
    });
    assert!(last(&object(vec![signals]), 4).iter().all(|b| b.arrivals == 0.0));
}

#[test]
fn a_request_that_moves_between_pods_is_counted_once() {
    // Five requests a second are aborted on one pod and come to the other.
    let (mut from, mut to) = (steady(0.0), steady(0.0));
    from.waiting = build::series(NOW - GRID * 20, NOW, SCRAPE, |at| 5.0 * NOW.since(at).as_secs_f64());
    to.waiting = build::series(NOW - GRID * 20, NOW, SCRAPE, |at| {
        5.0 * (300.0 - NOW.since(at).as_secs_f64())
    });
    for signals in [&mut from, &mut to] {
        signals.generated_tokens = build::series(NOW - GRID * 20, NOW, SCRAPE, Time::as_secs_f64);
    }
    assert!(close_to(sum(&last(&object(vec![from, to]), 8)), 0.0));
}

#[test]
fn an_unseen_pod_is_missing_coverage_and_no_zero() {
    let mut object = object(vec![steady(2.0), steady(2.0), PodSignals::default(), steady(2.0)]);
    pod(&mut object, 3).signals.waiting = Series::default();
    // Nothing is closed before the data may no longer come.
    assert!(last(&object, 3).is_empty());
    let buckets = last(&object, 8);
    assert_eq!(buckets.len(), 4, "those that ended four grids ago");
    for bucket in &buckets {
        assert!(close_to(bucket.arrivals, 60.0), "{bucket:?}");
        assert_eq!((bucket.coverage, bucket.replicas), (Ratio::clamped(0.5), 4));
    }
}

#[test]
fn a_hole_has_no_coverage() {
    let buckets = last(&object(vec![PodSignals::default()]), 6);
    assert!(
        !buckets.is_empty() && buckets.iter().all(|b| b.coverage == Ratio::ZERO),
        "{buckets:?}"
    );
    let nobody = build::object(vec![build::variant("a", 0, 0)]);
    assert!(
        last(&nobody, 6)
            .iter()
            .all(|b| b.coverage == Ratio::ZERO && b.replicas == 0)
    );
}

#[test]
fn a_bucket_waits_for_data_that_is_late_and_then_is_whole() {
    let until = NOW - Span::from_secs(20);
    let late = object(vec![
        steady(2.0),
        build::signals(long_ago(), 2.0, NOW - GRID * 20, until, SCRAPE),
    ]);
    let early: Vec<_> = last(&late, 4);
    assert_eq!(early.len(), 2, "the bucket of the last 30 s waits");
    let mut now = NOW + SCRAPE;
    let arrived = object(vec![
        build::signals(long_ago(), 2.0, NOW - GRID * 20, now, SCRAPE),
        build::signals(long_ago(), 2.0, NOW - GRID * 20, now, SCRAPE),
    ]);
    let rest = closed(&arrived, TIMING, NOW - GRID * 2, now);
    assert!(
        rest.len() == 2
            && rest
                .iter()
                .all(|b| b.coverage == Ratio::ONE && close_to(b.arrivals, 60.0))
    );
    // What never comes is closed without it.
    now = NOW + TIMING.stale_after();
    let gone = closed(&late, TIMING, NOW - GRID * 2, now);
    assert!(gone.len() >= 2 && gone[1].coverage < Ratio::ONE, "{gone:?}");
}

#[test]
fn an_open_bucket_is_not_closed() {
    let object = object(vec![steady(2.0)]);
    assert!(closed(&object, TIMING, NOW, NOW + GRID + Span::from_millis(-1)).is_empty());
}

#[test]
fn an_operator_that_slept_does_not_close_the_night_one_by_one() {
    let buckets = closed(&object(vec![steady(2.0)]), TIMING, long_ago().floor_to(GRID), NOW);
    assert_eq!(buckets.len(), 40);
    assert_eq!(buckets[0].start, NOW - TIMING.backfill());
}

#[test]
fn a_fresh_pod_counts_from_zero() {
    let since = NOW - Span::from_secs(10);
    let mut object = object(vec![
        steady(2.0),
        build::signals(since, 3.0, since + Span::from_secs(1), NOW, Span::from_secs(3)),
    ]);
    let fresh = pod(&mut object, 1);
    (fresh.created, fresh.ready_since) = (NOW - Span::from_secs(70), Some(since));
    let bucket = last(&object, 1).remove(0);
    // Five requests are in its engine besides what it has finished.
    assert!(close_to(bucket.arrivals, 30.0 + 30.0 + 5.0), "{bucket:?}");
    assert_eq!(
        (bucket.replicas, bucket.coverage),
        (1, Ratio::ONE),
        "it did not serve all the while"
    );
}

#[test]
fn a_pod_that_became_ready_later_is_not_missed() {
    let mut object = object(vec![steady(2.0), PodSignals::default()]);
    pod(&mut object, 1).ready_since = Some(NOW);
    assert_eq!(last(&object, 1)[0].coverage, Ratio::ONE);
}

#[rstest]
#[case::starting(Phase::Starting)]
#[case::unschedulable(Phase::Unschedulable)]
fn a_pod_that_does_not_serve_is_not_missed(#[case] phase: Phase) {
    let mut object = object(vec![steady(2.0), PodSignals::default()]);
    let other = pod(&mut object, 1);
    (other.phase, other.ready_since) = (phase, None);
    let bucket = last(&object, 1).remove(0);
    assert_eq!((bucket.replicas, bucket.coverage), (1, Ratio::ONE));
}

#[test]
fn what_a_draining_pod_finishes_counts_while_it_is_seen() {
    let mut object = object(vec![steady(2.0), steady(1.0)]);
    pod(&mut object, 1).phase = Phase::Draining;
    let bucket = last(&object, 1).remove(0);
    assert!(close_to(bucket.arrivals, 45.0), "{bucket:?}");
    assert_eq!((bucket.replicas, bucket.coverage), (1, Ratio::ONE));
    pod(&mut object, 1).signals = PodSignals::default();
    let bucket = last(&object, 1).remove(0);
    assert!(
        close_to(bucket.arrivals, 30.0) && bucket.coverage == Ratio::ONE,
        "{bucket:?}"
    );
}

#[test]
fn a_restarted_process_goes_on_counting() {
    let restart = NOW - Span::from_secs(20);
    let mut signals = steady(2.0);
    let counter = |factor: f64| {
        build::series(NOW - GRID * 20, NOW, SCRAPE, move |at| {
            let since = if at >= restart { restart } else { long_ago() };
            factor * (2.0 * at.since(since).as_secs_f64()).floor()
        })
    };
    signals.completed = counter(1.0);
    signals.generated_tokens = counter(200.0);
    // Ten seconds of requests at most are lost: those between the last scrape and the restart.
    let arrived = sum(&last(&object(vec![signals]), 4));
    assert!((100.0..=120.0).contains(&arrived), "{arrived}");
}

#[test]
fn metrics_that_stand_still_under_work_are_not_seen() {
    let mut frozen = steady(2.0);
    for counter in [
        &mut frozen.completed,
        &mut frozen.prompt_tokens,
        &mut frozen.generated_tokens,
    ] {
        *counter = build::series(NOW - GRID * 20, NOW, SCRAPE, |_| 1234.0);
    }
    let buckets = last(&object(vec![steady(2.0), frozen.clone()]), 8);
    assert!(
        buckets
            .iter()
            .all(|b| b.coverage == Ratio::clamped(0.5) && close_to(b.arrivals, 30.0)),
        "{buckets:?}"
    );
    // An idle engine stands still as well, and says so.
    frozen.running = build::series(NOW - GRID * 20, NOW, SCRAPE, |_| 0.0);
    let buckets = last(&object(vec![steady(2.0), frozen]), 8);
    assert!(buckets.iter().all(|b| b.coverage == Ratio::ONE));
}

#[rstest]
#[case::tokens_in(|s: &mut PodSignals| s.prompt_tokens = Series::default())]
#[case::tokens_out(|s: &mut PodSignals| s.generated_tokens = Series::default())]
#[case::first_tokens(|s: &mut PodSignals| s.time_to_first_token = Histogram::default())]
fn tokens_count_only_with_their_requests(#[case] lose: fn(&mut PodSignals)) {
    let mut without = steady(2.0);
    lose(&mut without);
    let bucket = last(&object(vec![steady(2.0), without]), 1).remove(0);
    assert!(close_to(bucket.arrivals, 60.0) && bucket.coverage == Ratio::ONE);
    assert!(close_to(bucket.prompt_tokens, 1000.0 * bucket.started), "{bucket:?}");
    assert!(
        close_to(bucket.generated_tokens, 200.0 * bucket.completed),
        "{bucket:?}"
    );
}

#[rstest]
#[case::a_huge_counter(|s: &mut PodSignals| s.completed = glitch(1e300))]
#[case::a_huge_queue(|s: &mut PodSignals| s.waiting = glitch(1e300))]
#[case::overflow(|s: &mut PodSignals| { s.completed = glitch(f64::MAX); s.waiting = glitch(f64::MAX); })]
fn an_impossible_number_is_no_measurement(#[case] broken: fn(&mut PodSignals)) {
    let mut signals = steady(2.0);
    broken(&mut signals);
    for bucket in last(&object(vec![steady(2.0), signals]), 8) {
        let per_pod = bucket.arrivals / bucket.coverage.get() / 2.0;
        assert!(per_pod.is_finite() && per_pod < 100.0, "{bucket:?}");
    }
}

#[test]
fn impossible_tokens_do_not_spoil_the_mix() {
    let mut signals = steady(2.0);
    signals.prompt_tokens = glitch(1e300);
    for bucket in last(&object(vec![signals]), 8) {
        assert!(bucket.prompt_tokens <= 1e10, "{bucket:?}");
    }
}

/// A value that jumps up for one scrape.
fn glitch(to: f64) -> Series {
    let at = NOW - Span::from_secs(45);
    build::series(NOW - GRID * 20, NOW, SCRAPE, move |t| {
        if t == at {
            to
        } else {
            2.0 * t.since(long_ago()).as_secs_f64()
        }
    })
}

fn with_histogram(edges: &[(f64, f64)], limit: Span) -> Attained {
    let mut signals = steady(2.0);
    signals.time_per_output_token = Histogram {
        buckets: edges
            .iter()
            .map(|(edge, share)| {
                let share = *share;
                let counter = build::series(NOW - GRID * 20, NOW, SCRAPE, move |at| {
                    share * 2.0 * at.since(long_ago()).as_secs_f64()
                });
                (*edge, counter)
            })
            .collect(),
    };
    let mut object = object(vec![signals]);
    object.objectives.targets[0].limit = limit;
    last(&object, 1)[0].time_per_output_token.unwrap()
}

#[rstest]
#[case::at_an_edge(50, 24.0)]
#[case::between_edges(75, 25.5)]
#[case::below_the_first_edge(12, 5.76)]
#[case::beyond_the_last_edge_is_a_miss(500, 27.0)]
fn attained_lies_on_the_line_between_the_edges(#[case] limit_ms: i64, #[case] inside: f64) {
    let edges = [(0.025, 0.4), (0.05, 0.8), (0.1, 0.9), (f64::INFINITY, 1.0)];
    let attained = with_histogram(&edges, Span::from_millis(limit_ms));
    assert!(
        close_to(attained.inside, inside) && close_to(attained.total, 30.0),
        "{attained:?}"
    );
}

#[test]
fn without_a_histogram_nothing_is_attained_and_nothing_missed() {
    assert_eq!(with_histogram(&[], Span::from_millis(50)), Attained::default());
}

#[test]
fn the_first_bucket_starts_at_the_oldest_sample_within_the_backfill() {
    let young = object(vec![build::signals(
        long_ago(),
        2.0,
        NOW - Span::from_secs(50),
        NOW,
        SCRAPE,
    )]);
    assert_eq!(
        first_start(&young, TIMING, NOW),
        (NOW - Span::from_secs(50)).floor_to(GRID)
    );
    let old = object(vec![build::signals(long_ago(), 2.0, NOW - GRID * 200, NOW, SCRAPE)]);
    assert_eq!(first_start(&old, TIMING, NOW), NOW - TIMING.backfill());
    let blind = object(vec![PodSignals::default()]);
    assert_eq!(first_start(&blind, TIMING, NOW + Span::from_millis(7)), NOW);
    assert_eq!(
        object(vec![]).variants.iter().map(VariantSnapshot::ready).sum::<u32>(),
        0
    );
}

#[path = "bucket_properties.rs"]
mod properties;
