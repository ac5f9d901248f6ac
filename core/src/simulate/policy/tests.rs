//! Names and parameters, and each policy in front of a view.

use rstest::rstest;

use super::fixture::{Scene, context, object, scrape};
use super::*;
use crate::simulate::Moment;

#[rstest]
#[case("hpa-rps:0.7", "hpa-rps:0.7")]
#[case("hpa-rps", "hpa-rps:0.7")]
#[case(" knative ", "knative:70")]
#[case("static:4", "static:4")]
#[case("wva-v1", "wva-v1:0.8")]
#[case("dynamo-load : 0.9", "dynamo-load:0.9")]
fn reads_a_name_with_or_without_a_parameter(#[case] text: &str, #[case] expected: &str) {
    assert_eq!(parse(text).unwrap().to_string(), expected);
}

#[test]
fn every_name_is_read_back_with_its_default() {
    for kind in Kind::ALL {
        let spec = Spec::new(*kind, kind.about().default.unwrap_or(3.0)).unwrap();
        assert_eq!(parse(&spec.to_string()), Ok(spec));
    }
}

#[rstest]
#[case("hpa", "policy 'hpa' is not known: use one of static, hpa-gpu, ")]
#[case("", "policy '' is not known")]
#[case(
    "hpa-gpu:80",
    "policy 'hpa-gpu:80': the parameter (mean share of the time busy) must be a number from 0.001 to 1; without one it is 0.8"
)]
#[case(
    "knative:many",
    "policy 'knative:many': the parameter (requests in flight for each replica) must be a number"
)]
#[case("knative:NaN", "policy 'knative:NaN'")]
#[case("knative:", "policy 'knative:'")]
#[case(
    "static",
    "policy 'static:': the parameter (replicas) must be a number from 0 to 100000, as in static:4"
)]
#[case("static:2.5", "policy 'static:2.5'")]
fn says_what_is_wrong_and_what_would_be_right(#[case] text: &str, #[case] start: &str) {
    let error = parse(text).unwrap_err().to_string();
    assert!(error.starts_with(start), "{error}");
}

#[test]
fn a_capacity_that_is_unknown_is_an_error_and_names_the_variant() {
    let mut object = object(&["a"]);
    object.variants[0].profile = None;
    for name in ["hpa-rps", "clairvoyant", "dynamo-load"] {
        let error = parse(name).unwrap().build(&context(&object)).err().unwrap().to_string();
        assert!(error.contains("variant 'a'"), "{error}");
    }
    let beyond = Context {
        variant: 3,
        ..context(&object)
    };
    assert!(matches!(
        parse("knative").unwrap().build(&beyond),
        Err(Error::Variant { variants: 1, .. })
    ));
}

fn router(arrived: u64, queued: u32) -> RouterScrape {
    RouterScrape {
        arrived,
        queued,
        ..RouterScrape::default()
    }
}

/// Two replicas with 20 and 28 requests each, 40 of them waiting in all, 30 requests a second for a minute.
fn loaded(starting: u32) -> Scene {
    let pods = |n: u64| [scrape(0, 20, 10, 0.6, 100 + n), scrape(1, 28, 30, 0.7, 100 + n)];
    let mut scene = Scene::new(60.0, 2, starting)
        .round(0.0, Some(&router(0, 0)), &pods(0))
        .round(30.0, Some(&router(900, 0)), &pods(30))
        .round(60.0, Some(&router(1800, 2)), &pods(60));
    for _ in 0..60 {
        scene.live.push(Second {
            in_flight: 90.0,
            arrived: 30,
        });
    }
    scene
}

#[rstest]
// 1/.8 = 1.25; * 2 = 2.5.
#[case("hpa-gpu", 0, 3)]
// 88/2/16 = 2.75; * 2 = 5.5.
#[case("hpa-concurrency", 0, 6)]
// 88/5/16 = 1.1: what starts is enough.
#[case("hpa-concurrency", 3, 5)]
// .65/.5 = 1.3; * 2 = 2.6.
#[case("hpa-kv", 0, 3)]
// 42 waiting, two of them at the router: 42/5 = 8.4, but 2 + 4 at once.
#[case("keda-queue", 0, 6)]
#[case("keda-queue:21", 0, 2)]
// 90/70 = 1.3.
#[case("knative", 0, 2)]
// 90/10 = 9 over 2 ready is panic: all at once.
#[case("knative:10", 0, 9)]
// A wish of 9 must last 30 s.
#[case("ray-serve:10", 0, 2)]
#[case("static:7", 0, 7)]
// .65/.5 = 1.3; * 2 = 2.6.
#[case("aibrix-apa", 0, 3)]
// Three of five are not ready: .65 * 2/.5 = 2.6 of five: stay.
#[case("aibrix-apa", 3, 5)]
// 1.3/.5 = 2.6.
#[case("aibrix-kpa", 0, 3)]
// 40 waiting: both saturated: one more, but the autoscaler has held two for 240 s.
#[case("wva-v1", 0, 2)]
fn decides_on_a_view_as_computed_by_hand(#[case] text: &str, #[case] starting: u32, #[case] expected: u32) {
    let scene = loaded(starting);
    let mut policy = parse(text).unwrap().build(&context(&scene.object)).unwrap();
    assert_eq!(policy.decide(&scene.view()).replicas, [expected]);
}

#[rstest]
// Both saturated by their queues: one more.
#[case("wva-v1", 3)]
// 520,000 + 40 * 1000 tokens, and 2 * 1200 at the router; both are observed full at 260,000 on average.
// 562,400/.85 - 520,000 = 141,647: one more.
#[case("wva-v2", 3)]
fn the_variant_autoscaler_acts_after_its_window(#[case] text: &str, #[case] expected: u32) {
    let mut scene = loaded(0);
    let mut policy = parse(text).unwrap().build(&context(&scene.object)).unwrap();
    let mut orders = Vec::new();
    while scene.now_s < 310.0 {
        let mut pods = scene.scrapes.last().unwrap().pods.clone();
        for pod in &mut pods {
            pod.completed += 1;
        }
        orders.push(policy.decide(&scene.view()).replicas[0]);
        scene.now_s += 15.0;
        let now = scene.now_s;
        scene = scene.round(now, Some(&router(1800, 2)), &pods);
    }
    // The window holds the two of second 60 until second 299.
    assert_eq!(orders, [vec![2; 16], vec![expected]].concat());
}

#[test]
fn requests_a_second_are_divided_by_what_a_replica_can_do() {
    let scene = loaded(0);
    let context = context(&scene.object);
    let objectives = &scene.object.objectives;
    let profile = fixture::profile();
    let capacity = crate::performance::capacity(&profile, context.workload, objectives, context.engine);
    // At a share of 1.2 it asks for fewer than the six that it may order at once.
    let mut policy = parse("hpa-rps:1.2").unwrap().build(&context).unwrap();
    let expected = (30.0 / 1.2 / capacity.requests_per_second).ceil() as u32;
    assert_eq!(policy.decide(&scene.view()).replicas, [expected]);
}

#[test]
fn the_latency_law_reads_the_routers_percentiles() {
    let mut slow = router(100, 0);
    // All between 1 and 2.5 s: the 90th percentile is 2.35 s, 1.175 times the target. 4 * (1.175/.55 - 1) = 4.5.
    for _ in 0..100 {
        slow.ttft.observe(&TTFT_EDGES_S, 2.0);
    }
    let mut scene = Scene::new(60.0, 4, 0)
        .round(30.0, Some(&router(0, 0)), &[])
        .round(45.0, Some(&slow), &[]);
    let mut policy = parse("llmd-slo").unwrap().build(&context(&scene.object)).unwrap();
    // Nine are asked for; the four of the start hold for 30 s, and max(100 %, 4 pods) a minute allows eight.
    for (now_s, expected) in [(60.0, 4), (75.0, 4), (90.0, 8)] {
        scene.now_s = now_s;
        assert_eq!(policy.decide(&scene.view()).replicas, [expected], "{now_s} s");
    }
}

#[test]
fn without_metrics_each_does_what_its_users_see() {
    for kind in Kind::ALL {
        let spec = Spec::new(*kind, kind.about().default.unwrap_or(4.0)).unwrap();
        let scene = Scene::new(600.0, 4, 0);
        let mut policy = spec.build(&context(&scene.object)).unwrap();
        let order = policy.decide(&scene.view()).replicas;
        let expected = match kind {
            // An empty queue and no latency are read as no load; the windows still hold what was.
            // The clairvoyant looks at no metric.
            Kind::KedaQueue | Kind::LlmdSlo | Kind::Clairvoyant => continue,
            _ => 4,
        };
        assert_eq!(order, [expected], "{kind}");
    }
}

#[test]
fn a_policy_for_one_workload_leaves_the_others_at_none() {
    let scene = loaded(0);
    let mut two = Scene::new(60.0, 2, 0);
    two.object = object(&["a", "b"]);
    let second = Context {
        variant: 1,
        ..context(&two.object)
    };
    let mut policy = parse("static:3").unwrap().build(&second).unwrap();
    let mut variants = scene.view().variants.to_vec();
    variants.push(VariantState::default());
    let view = View {
        variants: &variants,
        object: &two.object,
        ..scene.view()
    };
    assert_eq!(policy.decide(&view).replicas, [0, 3]);
}

/// A policy's orders on an hour of made-up metrics, each obeyed at once, with holes and with replicas that vanish.
fn made_up_hour(spec: Spec, seed: u64) -> Vec<u32> {
    let mut random = seed;
    let mut draw = |below: u64| {
        // Knuth's multiplier: any numbers will do, as long as they are the same ones again.
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % below
    };
    let mut policy = spec.build(&context(&object(&["a"]))).unwrap();
    let (mut orders, mut ordered, mut arrived) = (Vec::new(), 3, 0);
    let mut scrapes = Scrapes::default();
    let mut live = Live::default();
    for round in 0..240 {
        let now = 15.0 * f64::from(round);
        arrived += draw(900);
        for _ in 0..15 {
            live.push(Second {
                in_flight: draw(500) as f64,
                arrived: 30,
            });
        }
        let ready = ordered.min(draw(60) as u32);
        let mut scene = Scene::new(now, ready, ordered - ready);
        if draw(10) > 0 {
            let pods: Vec<PodScrape> = (0..ready)
                .filter_map(|id| {
                    let pod = (draw(200) as u32, draw(30) as u32, draw(101) as f64 / 100.0);
                    (draw(20) > 0).then(|| scrape(u64::from(id), pod.0, pod.1, pod.2, arrived / 10))
                })
                .collect();
            let mut router = router(arrived, draw(20) as u32);
            router.ttft.observe(&TTFT_EDGES_S, draw(5000) as f64 / 1000.0);
            scrapes.push(Scrape {
                at: Moment::from_secs(now),
                router: (draw(20) > 0).then_some(router),
                pods,
            });
        }
        (scene.scrapes, scene.live) = (std::mem::take(&mut scrapes), std::mem::take(&mut live));
        let order = policy.decide(&scene.view());
        assert_eq!(order.replicas.len(), 1);
        ordered = signal::bounds(&scene.view(), 0).clamp(order.replicas[0]);
        orders.push(ordered);
        (scrapes, live) = (scene.scrapes, scene.live);
    }
    orders
}

#[test]
fn the_same_metrics_give_the_same_orders_and_no_metrics_break_a_policy() {
    for kind in Kind::ALL {
        for seed in 0..3 {
            let spec = Spec::new(*kind, kind.about().default.unwrap_or(4.0)).unwrap();
            let orders = made_up_hour(spec, seed);
            assert_eq!(orders, made_up_hour(spec, seed), "{kind}");
            let moves = !matches!(kind, Kind::Static | Kind::Clairvoyant);
            assert_eq!(
                orders.windows(2).any(|pair| pair[0] != pair[1]),
                moves,
                "{kind} {orders:?}"
            );
        }
    }
}

#[test]
fn the_documentation_has_every_policy_with_its_default_range_and_parameter() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/reference/policies.md");
    let page = std::fs::read_to_string(path).unwrap();
    let rows: Vec<Vec<&str>> = page
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| line.split('|').map(str::trim).collect())
        .collect();
    assert_eq!(rows.len(), Kind::ALL.len());
    for (row, kind) in rows.iter().zip(Kind::ALL) {
        let about = kind.about();
        let name = about
            .default
            .map_or(format!("`{kind}:N`"), |default| format!("`{kind}:{default}`"));
        let range = format!("{} to {}", about.range.0, about.range.1);
        assert_eq!(
            row[1..5],
            [name.as_str(), about.what, about.parameter, range.as_str()],
            "{kind}"
        );
    }
}
