//! Every policy lives through an hour of a world: a rise to eight times the load within ten minutes, a hole in the metrics
//! on the way down, pods that take two minutes to start.

use std::sync::Arc;

use super::fixture::{context, object};
use super::*;
use crate::performance::EngineLimits;
use crate::simulate::Moment;
use crate::simulate::load::Arrival;
use crate::simulate::random::Random;
use crate::simulate::world::{Balancing, ObjectOutcome, ObjectSetup, Queue, ScrapeSetup, Spread, WorldSetup, run};
use crate::snapshot::{ObjectKey, Timing};
use crate::units::Span;

const HOUR_S: f64 = 3600.0;
const START_S: f64 = 120.0;

fn rate(second: f64) -> f64 {
    match second {
        s if s < 900.0 => 5.0,
        s if s < 1500.0 => 5.0 + 35.0 * (s - 900.0) / 600.0,
        s if s < 2100.0 => 40.0,
        s if s < 2700.0 => 40.0 - 35.0 * (s - 2100.0) / 600.0,
        _ => 5.0,
    }
}

/// Poisson arrivals, prompts of 200 to 1800 and answers of 40 to 360 tokens.
fn arrivals() -> Vec<Arrival> {
    let mut random = Random::new(1, 2);
    let mut now = 0.0;
    let mut arrivals = Vec::new();
    loop {
        now += random.exponential() / rate(now);
        if now >= HOUR_S {
            return arrivals;
        }
        arrivals.push(Arrival {
            at: Moment::from_secs(now),
            prompt_tokens: 200 + (1600.0 * random.uniform()) as u32,
            output_tokens: 40 + (320.0 * random.uniform()) as u32,
        });
    }
}

fn live_through(policy: Box<dyn Policy>, arrivals: Vec<Arrival>) -> ObjectOutcome {
    let setup = WorldSetup {
        seed: 1,
        duration_s: HOUR_S,
        warmup_s: 0.0,
        objects: vec![ObjectSetup {
            key: ObjectKey {
                namespace: "test".into(),
                name: "test".into(),
            },
            spec: object(&["a"]),
            load: Box::new(arrivals.into_iter()),
            history: Vec::new(),
            holes: vec![(Moment::from_secs(2400.0), Moment::from_secs(2520.0))],
            initial: vec![2],
            policy,
        }],
        pools: Vec::new(),
        pod_start: Spread::constant(START_S),
        node_start: Spread::constant(0.0),
        drain_s: 60.0,
        start_failure: 0.0,
        reclaims_per_hour: 0.0,
        balancing: Balancing::LeastLoaded,
        queue: Queue::Fifo,
        scrape: ScrapeSetup::default(),
        engine: EngineLimits::default(),
        timing: Timing {
            grid: Span::from_secs(15),
        },
        timeline: true,
    };
    run(setup).remove(0)
}

#[test]
fn every_policy_lives_through_an_hour_and_its_replicas_follow_the_load() {
    let arrivals = arrivals();
    let mut by_second = vec![0_u32; HOUR_S as usize];
    for arrival in &arrivals {
        by_second[arrival.at.as_secs() as usize] += 1;
    }
    let object = object(&["a"]);
    let context = Context {
        lead_s: START_S,
        arrivals: Arc::from(by_second),
        ..context(&object)
    };
    let mut cost_of_the_objective = Vec::new();
    for kind in Kind::ALL {
        let spec = Spec::new(*kind, kind.about().default.unwrap_or(4.0)).unwrap();
        let outcome = live_through(spec.build(&context).unwrap(), arrivals.clone());
        let timeline = outcome.timeline.unwrap();
        let ready = |minute: usize| timeline.minutes[minute].ready;
        let most = timeline.minutes.iter().map(|m| m.ready + m.starting).max().unwrap();
        let score = outcome.score;
        println!(
            "{:24} attained {:.3}  GPU hours {:6.2}  starts {:4}  ready at 10, 33, 58 min {:2} {:2} {:2}  most {most}",
            spec.to_string(),
            score.attainment,
            score.gpu_hours,
            score.starts,
            ready(10),
            ready(33),
            ready(58),
        );
        let totals = outcome.totals;
        assert_eq!(totals.arrived, arrivals.len() as u64, "{kind}");
        let ended = totals.finished + totals.rejected + totals.aborted + totals.in_flight;
        assert_eq!(totals.arrived, ended, "{kind}");
        assert!((1..=50).contains(&most), "{kind}");
        assert_eq!(ready(33) > ready(10), *kind != Kind::Static, "{kind} follows the load");
        if score.attainment >= 0.99 {
            cost_of_the_objective.push((score.gpu_hours, *kind));
        }
    }
    let cheapest = cost_of_the_objective.iter().min_by(|a, b| a.0.total_cmp(&b.0));
    assert_eq!(cheapest.map(|(_, kind)| *kind), Some(Kind::Clairvoyant));
}
