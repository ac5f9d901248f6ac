//! What a policy sees, and how late.

use super::build::*;
use crate::simulate::Moment;
use crate::simulate::policy::{LatencyCounts, PodScrape, TTFT_EDGES_S};
use crate::simulate::world::*;

#[test]
fn a_scrape_is_seen_only_after_its_delay() {
    let (policy, seen) = script(&[], |view| {
        (view.now.as_secs(), view.scrapes.last().map(|s| s.at.as_secs()))
    });
    live(WorldSetup {
        scrape: ScrapeSetup {
            delay_s: 4.0,
            ..ScrapeSetup::default()
        },
        ..world(object(&[1], Vec::new(), policy))
    });
    for (now, last) in seen.lock().unwrap().iter().skip(4) {
        // Scrapes at 0, 7.5, 22.5, ...: the last one that is four seconds old.
        let known = now - 4.0;
        let expected = if known < 7.5 {
            0.0
        } else {
            7.5 + ((known - 7.5) / 15.0).floor() * 15.0
        };
        assert_eq!(*last, Some(expected), "at {now} s");
    }
}

#[test]
fn lost_scrapes_are_missing_one_by_one() {
    let seen = |loss: f64| {
        let (counts, pods) = script(&[], |view| {
            let rounds = view.scrapes.rounds();
            (
                rounds.iter().map(|r| r.pods.len()).sum::<usize>(),
                rounds.iter().filter(|r| r.router.is_some()).count(),
            )
        });
        live(WorldSetup {
            duration_s: 600.0,
            scrape: ScrapeSetup {
                loss,
                ..ScrapeSetup::default()
            },
            ..world(object(&[5], Vec::new(), counts))
        });
        *pods.lock().unwrap().last().unwrap()
    };
    assert_eq!(seen(0.0), (41 * 5, 41));
    assert_eq!(seen(1.0), (0, 0));
    let (pods, router) = seen(0.5);
    assert!(
        (70..=130).contains(&pods) && (10..=30).contains(&router),
        "{pods} {router}"
    );
}

#[test]
fn a_hole_has_no_metrics_at_all() {
    let (policy, seen) = script(&[], |view| {
        view.scrapes.rounds().iter().map(|r| r.at.as_secs()).collect::<Vec<_>>()
    });
    let mut object = object(&[1], Vec::new(), policy);
    object.holes = vec![(Moment::from_secs(20.0), Moment::from_secs(60.0))];
    live(world(object));
    assert_eq!(*seen.lock().unwrap().last().unwrap(), [0.0, 7.5, 67.5, 82.5, 97.5]);
}

#[test]
fn a_pod_reports_what_it_did() {
    // 20 ms for the prompt and ten steps of 10 ms: busy for 120 ms of the 15 s before 22.5 s.
    let (policy, seen) = script(&[], |view| {
        view.scrapes
            .rounds()
            .iter()
            .flat_map(|r| r.pods.clone())
            .collect::<Vec<PodScrape>>()
    });
    live(world(object(&[1], load(&[(10.0, 100, 11), (22.49, 100, 11)]), policy)));
    let pods = seen.lock().unwrap()[30].clone();
    let pod = pods[2];
    assert!((pod.busy_share * 15_000.0 - 130.0).abs() < 1e-6, "{pod:?}");
    assert!((pod.mean_in_flight * 15_000.0 - 130.0).abs() < 1e-6);
    assert_eq!((pod.running, pod.waiting, pod.arrived, pod.completed), (1, 0, 2, 1));
    assert_eq!((pod.prompt_tokens, pod.generated_tokens), (100, 11));
    assert!((pod.ttft.sum_s - 0.02).abs() < 1e-9 && pod.ttft.total == 1);
    assert!((pod.tpot.sum_s - 0.01).abs() < 1e-9);
    assert!((pod.kv_use - 100.0 / 100_000.0).abs() < 1e-9);
    assert_eq!((pods[1].busy_share, pods[1].arrived), (0.0, 0));
}

#[test]
fn the_router_counts_from_arrival_and_knows_each_second() {
    let (policy, seen) = script(&[], |view| {
        (
            view.scrapes.last().and_then(|s| s.router),
            view.live.last(3).copied().collect::<Vec<_>>(),
        )
    });
    live(world(object(&[1], load(&[(10.1, 100, 11), (10.5, 100, 11)]), policy)));
    let seen = seen.lock().unwrap();
    let (_, seconds) = &seen[11];
    let eleventh = seconds.iter().find(|s| s.arrived > 0).unwrap();
    assert_eq!(eleventh.arrived, 2);
    assert!((eleventh.in_flight - 0.24).abs() < 1e-9);
    let (router, _) = &seen[30];
    let router = router.unwrap();
    assert_eq!((router.arrived, router.queued, router.in_flight), (2, 0, 0));
    assert!((router.mean_in_flight * 15.0 - 0.24).abs() < 1e-9);
    assert!((router.ttft.sum_s - 0.04).abs() < 1e-9);
}

#[test]
fn scrapes_are_kept_for_a_quarter_of_an_hour() {
    let (policy, seen) = script(&[], |view| {
        let rounds = view.scrapes.rounds();
        rounds.back().zip(rounds.front()).map_or(0.0, |(b, a)| b.at - a.at)
    });
    live(WorldSetup {
        duration_s: 3000.0,
        ..world(object(&[1], Vec::new(), policy))
    });
    assert!((*seen.lock().unwrap().last().unwrap() - 900_000.0).abs() < 1e-6);
}

#[test]
fn a_histogram_counts_a_value_on_an_edge_below_it() {
    let mut counts = LatencyCounts::default();
    for seconds in [0.001, 0.0011, 1e9] {
        counts.observe(&TTFT_EDGES_S, seconds);
    }
    assert_eq!((counts.counts[0], counts.counts[1], counts.counts[22]), (1, 1, 1));
    assert_eq!(counts.mean_since_s(&counts), None);
    let mut later = counts;
    later.observe(&TTFT_EDGES_S, 3.0);
    assert_eq!(later.mean_since_s(&counts), Some(3.0));
}

#[test]
fn an_instant_query_finds_what_is_at_most_five_minutes_old() {
    let (policy, seen) = script(&[(10.0, &[1])], |view| {
        let found = view.scrapes.latest(view.now, 1);
        found.map(|(at, pod)| (at.as_secs(), pod.id))
    });
    live(WorldSetup {
        duration_s: 400.0,
        ..world(object(&[2], Vec::new(), policy))
    });
    let seen = seen.lock().unwrap();
    // The second pod is gone at 10 s, after its scrape at 7.5 s.
    assert_eq!((seen[8], seen[300]), (Some((0.0, 1)), Some((7.5, 1))));
    assert_eq!(seen[310], None);
}
