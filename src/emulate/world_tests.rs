//! The router and its pods, in a time that the tests set.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use inferscale_core::performance::Profile;
use inferscale_core::simulate::Moment;
use inferscale_core::units::Span;
use rstest::rstest;

use super::*;
use crate::config::Profiles;
use crate::emulate::scenario::{Pods, Targets};
use crate::emulate::summary::LoadSummary;
use crate::emulate::timelapse::Rescale;

const PROFILE: &str = "llama-3.1-8b/a100/bf16";

fn profile() -> Arc<Profile> {
    Arc::clone(Profiles::embedded().unwrap().get(PROFILE).unwrap())
}

fn pod(uid: &str, app: &str, arguments: &[&str]) -> PodView {
    PodView {
        uid: uid.to_owned(),
        namespace: "demo".to_owned(),
        name: format!("{app}-{uid}"),
        labels: BTreeMap::from([("app".to_owned(), app.to_owned())]),
        address: Some([127, 0, 0, 1].into()),
        emulate: PROFILE.to_owned(),
        ready: true,
        terminating: false,
        arguments: arguments.iter().map(|&a| a.to_owned()).collect(),
    }
}

/// A load of requests at these seconds, each with 100 tokens in and `output` out.
fn load(name: &str, spread: Spread, output: u32, at_s: &[f64]) -> (LoadSpec, Vec<Arrival>) {
    let spec = LoadSpec {
        name: name.to_owned(),
        trace: PathBuf::new(),
        rescale: Rescale::Factor(1.0),
        pods: Pods {
            namespace: "demo".to_owned(),
            match_labels: BTreeMap::from([("app".to_owned(), name.to_owned())]),
        },
        spread,
        targets: Targets {
            time_to_first_token: Some(Span::from_millis(500)),
            time_per_output_token: Some(Span::from_millis(50)),
        },
    };
    let arrival = |at: &f64| Arrival {
        at_ms: at * 1000.0,
        input_tokens: 100,
        output_tokens: output,
    };
    (spec, at_s.iter().map(arrival).collect())
}

fn s(seconds: f64) -> Moment {
    Moment::from_secs(seconds)
}

fn serve(world: &mut World, now: Moment, pod: PodView) {
    let uid = pod.uid.clone();
    world.add_pod(now, pod, &profile());
    world.set_listening(now, &uid);
}

fn only(world: &mut World, now: Moment) -> LoadSummary {
    world.summary(now).loads.remove(0)
}

#[test]
fn plays_nothing_before_every_load_has_a_pod_that_answers() {
    let mut world = World::new(vec![
        load("a", Spread::LeastLoaded, 5, &[0.0]),
        load("b", Spread::LeastLoaded, 5, &[0.0]),
    ]);
    serve(&mut world, s(1.0), pod("1", "a", &[]));
    world.add_pod(s(2.0), pod("2", "b", &[]), &profile());
    world.advance(s(10.0));
    assert!(!world.has_started() && world.next_event().is_none());
    world.set_listening(s(11.0), "2");
    world.advance(s(12.0));
    let served: Vec<_> = world.summary(s(12.0)).loads.iter().map(|l| l.served).collect();
    assert_eq!(served, [1, 1]);
    assert!(world.is_over());
}

#[rstest]
#[case::not_ready(true)]
#[case::being_deleted(false)]
fn requests_that_find_no_ready_pod_wait_at_the_router_and_count_from_their_arrival(#[case] by_condition: bool) {
    let mut world = World::new(vec![load("a", Spread::LeastLoaded, 5, &[0.0, 10.0])]);
    serve(&mut world, s(0.0), pod("1", "a", &[]));
    let mut leaving = pod("1", "a", &[]);
    if by_condition {
        leaving.ready = false;
    } else {
        leaving.terminating = true;
    }
    world.update_pod(s(5.0), leaving);
    world.advance(s(12.0));
    assert_eq!(only(&mut world, s(12.0)).unfinished, 1);
    serve(&mut world, s(14.0), pod("2", "a", &[]));
    let load = only(&mut world, s(20.0));
    assert_eq!((load.served, load.longest_queue), (2, 1));
    let p99 = load.time_to_first_token.p99_ms.unwrap();
    assert!(
        (4000.0..4100.0).contains(&p99),
        "4 s at the router and a prefill: {p99}"
    );
    assert_eq!(
        (load.time_to_first_token.attained, load.attained),
        (Some(0.5), Some(0.5))
    );
}

#[test]
fn a_pod_that_is_being_deleted_finishes_what_it_has_and_gets_nothing_new() {
    let mut world = World::new(vec![load("a", Spread::LeastLoaded, 200, &[0.0, 1.0])]);
    serve(&mut world, s(0.0), pod("1", "a", &[]));
    serve(&mut world, s(0.5), pod("2", "a", &[]));
    let mut leaving = pod("1", "a", &[]);
    leaving.terminating = true;
    world.update_pod(s(0.6), leaving);
    world.advance(s(1.1));
    let (first, second) = (
        world.engine_page(s(1.1), "1").unwrap(),
        world.engine_page(s(1.1), "2").unwrap(),
    );
    let running = "vllm:num_requests_running{engine=\"0\",model_name=\"llama-3.1-8b\"} 1.0";
    assert!(first.contains(running) && second.contains(running));
    world.advance(s(8.0));
    assert_eq!(world.remove_pod(s(8.0), "1"), 0, "it had time to finish");
    assert_eq!(only(&mut world, s(8.0)).served, 2);
}

#[test]
fn a_pod_that_is_gone_takes_its_requests_with_it() {
    let mut world = World::new(vec![load("a", Spread::LeastLoaded, 1000, &[0.0, 0.1, 0.2])]);
    serve(&mut world, s(0.0), pod("1", "a", &["--max-num-seqs=2"]));
    assert_eq!(world.remove_pod(s(1.0), "1"), 3, "two running and one waiting");
    let load = only(&mut world, s(1.0));
    assert_eq!((load.arrived, load.cut, load.served, load.unfinished), (3, 3, 0, 0));
    assert_eq!(load.attained, Some(0.0), "a cut stream is a miss");
    assert!(world.is_over() && world.engine_page(s(1.0), "1").is_none());
    let page = world.router_page(s(1.0));
    assert!(page.contains("error_code=\"ServiceUnavailable\"} 3.0"), "{page}");
}

#[test]
fn a_request_that_fits_no_engine_is_refused_and_counted() {
    let mut world = World::new(vec![load("a", Spread::LeastLoaded, 10_000_000, &[0.0])]);
    serve(&mut world, s(0.0), pod("1", "a", &[]));
    let load = only(&mut world, s(1.0));
    assert_eq!((load.refused, load.attained), (1, Some(0.0)));
    assert!(
        world
            .engine_page(s(1.0), "1")
            .unwrap()
            .contains("finished_reason=\"error\",model_name=\"llama-3.1-8b\"} 1.0")
    );
}

#[rstest]
// Pod 1 is slow to finish its first request; whoever counts sees it, whoever takes turns does not.
#[case::fewest_first(Spread::LeastLoaded, 1.0, 2.0)]
#[case::in_turn(Spread::RoundRobin, 2.0, 1.0)]
fn spreads_as_the_load_says(#[case] spread: Spread, #[case] on_first: f64, #[case] on_second: f64) {
    let (spec, mut arrivals) = load("a", spread, 2, &[0.0, 0.1, 1.0, 1.001]);
    arrivals[0].output_tokens = 1000;
    arrivals[2].output_tokens = 1000;
    arrivals[3].output_tokens = 1000;
    let mut world = World::new(vec![(spec, arrivals)]);
    world.add_pod(s(0.0), pod("1", "a", &[]), &profile());
    world.add_pod(s(0.0), pod("2", "a", &[]), &profile());
    world.set_listening(s(0.0), "2");
    world.set_listening(s(0.0), "1");
    world.advance(s(1.5));
    let mut running = |uid: &str| {
        let page = world.engine_page(s(1.5), uid).unwrap();
        let line = page
            .lines()
            .find(|l| l.starts_with("vllm:num_requests_running"))
            .unwrap();
        line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()
    };
    let found = (running("1"), running("2"));
    assert!(
        found == (on_first, on_second) || found == (on_second, on_first),
        "{found:?}"
    );
}

#[test]
fn the_router_counts_arrivals_at_once_and_latencies_from_then_on() {
    let mut world = World::new(vec![load("a", Spread::LeastLoaded, 5, &[0.0, 1.0, 2.0])]);
    serve(&mut world, s(0.0), pod("1", "a", &[]));
    let page = world.router_page(s(1.5));
    let labels =
        "model_name=\"llama-3.1-8b\",target_model_name=\"llama-3.1-8b\",fairness_id=\"default-flow\",priority=\"0\"";
    for line in [
        format!("llm_d_epp_request_total{{{labels}}} 2.0"),
        format!("llm_d_epp_request_ttft_seconds_count{{{labels},streaming=\"true\"}} 2.0"),
        format!("llm_d_epp_request_streaming_tpot_seconds_count{{{labels}}} 2.0"),
        "llm_d_epp_ready_endpoints{name=\"a\"} 1.0".to_owned(),
    ] {
        assert!(page.contains(&line), "{line} is not in {page}");
    }
}

#[test]
fn scrapes_in_between_change_nothing() {
    let at: Vec<f64> = (0..200).map(|i| f64::from(i) * 0.05).collect();
    let play = |looks: bool| {
        let mut world = World::new(vec![load("a", Spread::LeastLoaded, 50, &at)]);
        serve(&mut world, s(0.0), pod("1", "a", &[]));
        if looks {
            for i in 0..700 {
                world.engine_page(s(f64::from(i) * 0.017), "1");
                world.router_page(s(f64::from(i) * 0.017));
            }
        }
        only(&mut world, s(60.0))
    };
    let (quiet, watched) = (play(false), play(true));
    assert_eq!(quiet.served, watched.served);
    let close = |a: Option<f64>, b: Option<f64>| (a.unwrap() - b.unwrap()).abs() < 1e-3;
    assert!(close(
        quiet.time_to_first_token.p99_ms,
        watched.time_to_first_token.p99_ms
    ));
    assert!(close(
        quiet.time_per_output_token.p99_ms,
        watched.time_per_output_token.p99_ms
    ));
}
