//! Who serves what, and who waits.

use rstest::rstest;

use super::build::*;
use crate::simulate::world::*;

#[test]
fn a_lone_request_takes_what_the_law_says() {
    let outcome = live(world(object(&[1], load(&[(1.0, 100, 11)]), idle())));
    let score = outcome.score;
    assert!((score.ttft_p50_ms / 20.0 - 1.0).abs() < 0.006, "{score:?}");
    assert!((score.tpot_p99_ms / 10.0 - 1.0).abs() < 0.006);
    assert!((score.attainment - 1.0).abs() < 1e-12);
}

#[test]
fn requests_wait_at_the_router_while_nobody_is_ready() {
    // None at the start (the bounds say so), one is ordered at 1 s and ready at 21 s: the request waits 16 s.
    let (policy, seen) = script(&[(1.0, &[1])], |view| {
        view.scrapes.last().and_then(|s| s.router).map(|r| r.queued)
    });
    let mut object = object(&[0], load(&[(5.0, 100, 11)]), policy);
    object.spec.replicas.min = 0;
    let outcome = live(world(object));
    assert!((outcome.score.ttft_p50_ms / 16_020.0 - 1.0).abs() < 0.006);
    assert!(outcome.score.attainment_ttft < 1e-12);
    assert_eq!(seen.lock().unwrap()[15], Some(1));
}

#[test]
fn a_request_that_never_fits_is_rejected() {
    let outcome = live(world(object(
        &[1],
        load(&[(1.0, 90_000, 20_000), (2.0, 100, 11)]),
        idle(),
    )));
    assert_eq!((outcome.score.rejected, outcome.score.finished), (1, 1));
    assert!((outcome.score.attainment - 0.5).abs() < 1e-12);
}

#[test]
fn requests_of_the_last_moment_may_finish() {
    let outcome = live(world(object(&[1], load(&[(99.9, 100, 1001)]), idle())));
    assert_eq!((outcome.score.finished, outcome.score.unfinished), (1, 0));
}

#[test]
fn whoever_does_not_finish_is_a_miss() {
    // Half an hour of tokens; ten minutes after the end the world is given up.
    let outcome = live(world(object(&[1], load(&[(1.0, 100, 90_000), (2.0, 100, 11)]), idle())));
    assert_eq!((outcome.score.finished, outcome.score.unfinished), (1, 1));
    assert_eq!(outcome.totals.in_flight, 1);
    assert!(balanced(outcome.totals));
}

/// Requests that each of two pods took, one with steps of 10 ms and one with steps of 30 ms.
fn shares(balancing: Balancing) -> [f64; 2] {
    let (policy, seen) = script(&[], |view| {
        let pods = view.scrapes.last().map(|s| s.pods.clone()).unwrap_or_default();
        [0, 1].map(|v| {
            pods.iter()
                .filter(|p| p.variant == v)
                .map(|p| p.arrived as f64)
                .sum::<f64>()
        })
    });
    let mut object = object(&[1, 1], even(7.0, 0.0, 100.0), policy);
    object.spec.variants[1] = variant("slow", 30.0);
    live(WorldSetup {
        balancing,
        ..world(object)
    });
    let last = *seen.lock().unwrap().last().unwrap();
    let sum = last[0] + last[1];
    last.map(|n| n / sum)
}

#[rstest]
#[case::equal(Balancing::Equal, 0.49, 0.51)]
#[case::least_loaded(Balancing::LeastLoaded, 0.6, 0.9)]
#[case::weighted(Balancing::Weighted, 0.7, 0.8)]
fn spreads_requests_as_told(#[case] balancing: Balancing, #[case] from: f64, #[case] to: f64) {
    let [fast, _] = shares(balancing);
    assert!((from..=to).contains(&fast), "{fast}");
}

/// Eight sequences of a second each: 8 requests/s fit, 12 come for a minute, then 4.
fn overload(queue: Queue) -> ObjectOutcome {
    let mut requests = even(12.0, 0.0, 60.0);
    requests.extend(even(4.0, 60.0, 180.0));
    live(WorldSetup {
        duration_s: 180.0,
        queue,
        ..world(object(&[1], requests, idle()))
    })
}

#[test]
fn late_requests_last_lets_an_overload_hurt_only_the_excess() {
    let [fifo, last, reject] = [Queue::Fifo, Queue::LateLast, Queue::Reject].map(overload);
    // 240 of 1200 requests are too many; first come, first served makes nearly everybody late until they are through.
    assert!(fifo.score.attainment < 0.45, "{:?}", fifo.score);
    assert!((0.7..=0.85).contains(&last.score.attainment), "{:?}", last.score);
    assert_eq!((fifo.score.finished, last.score.finished), (1200, 1200));
    // The price is paid by those that are served late.
    assert!(last.score.late_ttft_p99_ms > fifo.score.late_ttft_p99_ms);
    assert!((200..=300).contains(&reject.score.rejected), "{:?}", reject.score);
    assert!(reject.score.attainment >= last.score.attainment - 0.02);
    assert!(reject.score.ttft_p99_ms <= 2000.0);
    for outcome in [fifo, last, reject] {
        assert!(balanced(outcome.totals) && outcome.totals.in_flight == 0);
    }
}

#[test]
fn objects_of_one_world_do_not_disturb_each_other() {
    let make = |name: &str, rate: f64| {
        let mut object = object(&[2], even(rate, 0.0, 100.0), script(&[(20.0, &[3])], |_| ()).0);
        object.key.name = name.into();
        object
    };
    let alone = live(world(make("a", 5.0)));
    let mut both = world(make("a", 5.0));
    both.objects.push(make("b", 9.0));
    let both = run(both);
    assert_eq!(both[0], alone);
    assert_eq!((both[1].key.name.as_str(), both[1].score.requests), ("b", 900));
}
