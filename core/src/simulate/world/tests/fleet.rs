//! Replicas that start, drain, fail and are paid for.

use rstest::rstest;

use super::build::*;
use crate::simulate::world::fleet::clamp;
use crate::simulate::world::*;
use crate::snapshot::Bounds;
use crate::snapshot::Phase::{Ready, Starting, Unschedulable};

/// One request on each of two replicas at 48 s: 100 prompt tokens take 20 ms, 1000 more tokens 10 s.
fn two_long_requests() -> Vec<crate::simulate::load::Arrival> {
    load(&[(48.0, 100, 1001), (48.0, 100, 1001)])
}

#[rstest]
// The first replica for 100 s; the second from its order at 10 s until it has finished at 58.02 s.
#[case::until_it_is_idle(30.0, 100.0 + 48.02, 0)]
// Five seconds after 50 s it is killed with its request.
#[case::until_it_is_killed(5.0, 100.0 + 45.0, 1)]
#[case::at_once(0.0, 100.0 + 40.0, 1)]
fn a_replica_is_paid_for_from_its_order_to_the_end_of_its_drain(
    #[case] drain_s: f64,
    #[case] replica_s: f64,
    #[case] aborted: u64,
) {
    let (policy, _) = script(&[(10.0, &[2]), (50.0, &[1])], |_| ());
    let outcome = live(WorldSetup {
        drain_s,
        ..world(object(&[1], two_long_requests(), policy))
    });
    let score = outcome.score;
    assert!((score.gpu_hours - 2.0 * replica_s / 3600.0).abs() < 1e-6, "{score:?}");
    assert!((score.cost_usd - 6.0 * replica_s / 3600.0).abs() < 1e-6);
    assert_eq!((score.aborted, score.finished), (aborted, 2 - aborted));
    assert!((score.attainment - score.finished as f64 / 2.0).abs() < 1e-12);
    assert_eq!((score.starts, score.replica_changes), (1, 2));
    assert!(balanced(outcome.totals));
}

#[test]
fn what_has_not_started_goes_first_and_costs_only_its_wait() {
    let (policy, seen) = script(&[(10.0, &[2]), (15.0, &[1])], |view| view.variants[0]);
    let outcome = live(world(object(&[1], even(1.0, 0.0, 100.0), policy)));
    assert!((outcome.score.gpu_hours - 2.0 * 105.0 / 3600.0).abs() < 1e-6);
    assert!(seen.lock().unwrap().iter().all(|v| v.ready == 1 && v.draining == 0));
    assert!((outcome.score.mean_ready - 1.0).abs() < 1e-9);
}

#[test]
fn the_one_with_the_fewest_requests_drains_and_gets_no_more() {
    // The first takes a long request, the second a short one; then one of them must go.
    let requests = load(&[(1.0, 100, 2001), (1.0, 100, 11), (5.0, 100, 11), (6.0, 100, 11)]);
    let (policy, seen) = script(&[(4.0, &[1])], |view| {
        view.pods.iter().map(|p| p.id).collect::<Vec<_>>()
    });
    let outcome = live(world(object(&[2], requests, policy)));
    assert_eq!(seen.lock().unwrap()[10], [0]);
    assert_eq!((outcome.score.finished, outcome.score.aborted), (4, 0));
}

#[test]
fn warm_up_is_left_out_of_bill_and_score() {
    let (policy, _) = script(&[(10.0, &[2])], |_| ());
    let outcome = live(WorldSetup {
        warmup_s: 40.0,
        ..world(object(&[1], even(1.0, 0.0, 100.0), policy))
    });
    assert_eq!(outcome.score.requests, 60);
    assert_eq!((outcome.score.starts, outcome.score.replica_changes), (0, 0));
    assert!((outcome.score.gpu_hours - 2.0 * 2.0 * 60.0 / 3600.0).abs() < 1e-6);
    assert!((outcome.score.mean_ready - 2.0).abs() < 1e-9);
}

#[test]
fn a_failed_start_takes_as_long_again() {
    let (policy, seen) = script(&[(1.0, &[41])], |view| view.pods.to_vec());
    live(WorldSetup {
        start_failure: 0.5,
        pod_start: Spread::constant(10.0),
        ..world(object(&[1], Vec::new(), policy))
    });
    let pods = seen.lock().unwrap().last().unwrap().clone();
    let starts: Vec<f64> = pods.iter().filter_map(|p| Some(p.ready_since? - p.created)).collect();
    let within = |tries: f64| {
        starts
            .iter()
            .filter(|ms| (**ms - tries * 10_000.0).abs() < 1e-3)
            .count()
    };
    assert!(
        (13..=29).contains(&(within(1.0) - 1)),
        "about half of 40 at the first try: {starts:?}"
    );
    assert!(within(2.0) > 3 && within(3.0) > 0, "{starts:?}");
}

#[test]
fn starts_vary_as_the_spread_says() {
    let (policy, seen) = script(&[(1.0, &[50])], |view| view.variants[0].ready);
    live(WorldSetup {
        pod_start: Spread {
            median_s: 30.0,
            p95_s: 60.0,
        },
        ..world(object(&[1], Vec::new(), policy))
    });
    let ready = seen.lock().unwrap().clone();
    assert!((18..=32).contains(&ready[30]), "half after the median: {}", ready[30]);
    assert!(
        (44..=50).contains(&ready[61]),
        "nearly all after the 95th percentile: {}",
        ready[61]
    );
}

#[test]
fn a_lost_node_is_replaced_and_its_requests_may_end() {
    let (policy, seen) = script(&[], |view| view.variants[0]);
    let outcome = live(WorldSetup {
        duration_s: 3600.0,
        reclaims_per_hour: 6.0,
        ..world(object(&[3], even(4.0, 0.0, 3600.0), policy))
    });
    assert!((6..40).contains(&outcome.score.starts), "{:?}", outcome.score);
    let seen = seen.lock().unwrap();
    assert!(seen.iter().all(|v| v.ordered == 3 && v.ready + v.starting == 3));
    assert!(seen.iter().any(|v| v.draining > 0));
    assert_eq!(outcome.score.aborted, 0);
}

#[test]
fn pods_beyond_the_nodes_wait_until_others_go() {
    let pool = PoolSetup {
        name: "a100".into(),
        accelerators_per_node: 4,
        min_nodes: 1,
        max_nodes: 2,
    };
    // Two replicas of two accelerators a node: the fourth needs the second node, the fifth has none.
    let (policy, seen) = script(&[(10.0, &[2, 0]), (11.0, &[2, 3]), (60.0, &[1, 3])], |view| {
        view.pods.iter().map(|p| p.phase).collect::<Vec<_>>()
    });
    live(WorldSetup {
        pools: vec![pool],
        node_start: Spread::constant(15.0),
        ..world(object(&[2, 0], Vec::new(), policy))
    });
    let seen = seen.lock().unwrap();
    // At 20 s the node has been asked for; at 46 s node and pod have started (11 + 15 + 20).
    assert_eq!(seen[19], [Ready, Ready, Starting, Starting, Unschedulable]);
    assert_eq!(seen[44], [Ready, Ready, Starting, Starting, Unschedulable]);
    assert_eq!(seen[46], [Ready, Ready, Ready, Ready, Unschedulable]);
    assert_eq!(seen[61], [Ready, Ready, Ready, Starting]);
    assert_eq!(seen[81], [Ready; 4]);
}

#[rstest]
#[case::inside(&[2, 3], &[2, 3])]
#[case::a_missing_variant_keeps_what_it_has(&[2], &[2, 4])]
#[case::a_variant_above_its_maximum(&[2, 9], &[2, 6])]
#[case::more_than_the_total_takes_from_the_last(&[5, 6], &[5, 3])]
#[case::less_than_the_total_gives_to_the_first(&[0, 1], &[1, 1])]
fn an_order_is_moved_into_the_bounds(#[case] order: &[u32], #[case] expected: &[u32]) {
    let mut spec = spec(vec![variant("a", 10.0), variant("b", 10.0)]);
    spec.replicas = Bounds { min: 2, max: 8 };
    spec.variants[1].replicas = Bounds { min: 1, max: 6 };
    assert_eq!(clamp(&spec, &[1, 4], order), expected);
}

#[test]
fn the_time_line_shows_minutes_and_orders() {
    let (policy, _) = script(&[(70.0, &[2])], |_| ());
    let outcome = live(WorldSetup {
        duration_s: 180.0,
        timeline: true,
        ..world(object(&[1], even(2.0, 0.0, 60.0), policy))
    });
    let timeline = outcome.timeline.unwrap();
    let rates: Vec<f64> = timeline.minutes.iter().map(|m| m.rate).collect();
    let ready: Vec<u32> = timeline.minutes.iter().map(|m| m.ready).collect();
    assert_eq!((rates, ready), (vec![2.0, 0.0, 0.0], vec![1, 2, 2]));
    let first = timeline.minutes[0];
    // At most three steps of about 12 ms to the first token: the one in progress, the one behind it, its own; told in classes of latency.
    let (ttft, tpot) = (first.ttft_p99_ms.unwrap(), first.tpot_p99_ms.unwrap());
    assert!((8.0..45.0).contains(&ttft) && tpot < 15.0, "{ttft} {tpot}");
    // The two of the last second end in the next minute.
    assert_eq!((first.ended, first.attained), (118, 118));
    let mark = &timeline.marks[0];
    assert_eq!((mark.before.as_slice(), mark.after.as_slice()), (&[1][..], &[2][..]));
    assert_eq!(mark.why.as_deref(), Some("the script says so"));
}
