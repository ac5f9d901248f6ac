//! Small worlds that can be computed by hand: a step lasts 10 ms, a prompt token 0.1 ms more.

use std::sync::{Arc, Mutex};

use crate::performance::{EngineLimits, Fit, Profile, Source, StepLaw};
use crate::simulate::Moment;
use crate::simulate::load::Arrival;
use crate::simulate::policy::{Order, Policy, View};
use crate::simulate::world::*;
use crate::snapshot::*;
use crate::units::{Ratio, Span, UsdPerHour};

pub fn profile(step_ms: f64) -> Profile {
    Profile {
        model: "test".into(),
        accelerator: "test".into(),
        precision: "bf16".into(),
        step: StepLaw {
            floor_ms: step_ms,
            c_ms: step_ms,
            d_ms_per_sequence: 0.0,
            e_ms_per_kv_token: 0.0,
            g_ms_per_prefill_token: 0.1,
            h_ms_per_prefill_token_context: 0.0,
        },
        kv_capacity_tokens: 100_000,
        source: Source {
            dataset: "made up for tests".into(),
            licence: "Apache-2.0".into(),
            fit: Fit {
                median_error_percent: 0.0,
                worst_error_percent: 0.0,
            },
        },
    }
}

pub fn variant(name: &str, step_ms: f64) -> VariantSnapshot {
    VariantSnapshot {
        name: name.into(),
        replicas: Bounds { min: 0, max: 50 },
        target: TargetState::Missing,
        accelerators: 2,
        pool: Some("a100".into()),
        accelerator_price: UsdPerHour::new(3.0),
        profile: Some(Arc::new(profile(step_ms))),
        max_sequences: Some(8),
        pods: Vec::new(),
    }
}

pub fn spec(variants: Vec<VariantSnapshot>) -> ObjectSnapshot {
    ObjectSnapshot {
        generation: 1,
        mode: Mode::Auto,
        objectives: Objectives {
            attainment: Ratio::clamped(0.99),
            window: Span::from_secs(300),
            targets: vec![
                Objective {
                    target: Target::TimeToFirstToken,
                    limit: Span::from_secs(2),
                },
                Objective {
                    target: Target::TimePerOutputToken,
                    limit: Span::from_millis(50),
                },
            ],
        },
        replicas: Bounds { min: 1, max: 50 },
        reported_max: None,
        replicas_override: None,
        source_failure: None,
        conflicts: Vec::new(),
        variants,
    }
}

/// What a policy saw, decision by decision.
pub type Seen<T> = Arc<Mutex<Vec<T>>>;

/// Orders by a time table, in seconds, and notes something of each view.
pub struct Script<T> {
    orders: Vec<(f64, Vec<u32>)>,
    note: fn(&View<'_>) -> T,
    seen: Seen<T>,
}

impl<T: Send> Policy for Script<T> {
    fn period_s(&self) -> f64 {
        1.0
    }

    fn decide(&mut self, view: &View<'_>) -> Order {
        self.seen.lock().unwrap().push((self.note)(view));
        let due = self.orders.iter().rev().find(|(at, _)| *at <= view.now.as_secs());
        Order {
            replicas: due.map(|(_, replicas)| replicas.clone()).unwrap_or_default(),
            why: Some("the script says so".into()),
        }
    }
}

/// The script, and where its notes go.
pub fn script<T: Send + 'static>(orders: &[(f64, &[u32])], note: fn(&View<'_>) -> T) -> (Box<dyn Policy>, Seen<T>) {
    let seen = Seen::default();
    let script = Script {
        orders: orders.iter().map(|(at, n)| (*at, n.to_vec())).collect(),
        note,
        seen: Arc::clone(&seen),
    };
    (Box::new(script), seen)
}

/// A policy that keeps what is there.
pub fn idle() -> Box<dyn Policy> {
    script(&[], |_| ()).0
}

/// Requests: second, prompt tokens, output tokens.
pub fn load(requests: &[(f64, u32, u32)]) -> Vec<Arrival> {
    let arrival = |&(s, prompt_tokens, output_tokens)| Arrival {
        at: Moment::from_secs(s),
        prompt_tokens,
        output_tokens,
    };
    requests.iter().map(arrival).collect()
}

/// `rate` requests a second from `from` to `to`, evenly.
pub fn even(rate: f64, from: f64, to: f64) -> Vec<Arrival> {
    let n = ((to - from) * rate) as u32;
    (0..n)
        .map(|i| load(&[(from + f64::from(i) / rate, 100, 101)]).remove(0))
        .collect()
}

pub fn object(initial: &[u32], load: Vec<Arrival>, policy: Box<dyn Policy>) -> ObjectSetup {
    ObjectSetup {
        key: ObjectKey {
            namespace: "default".into(),
            name: "chat".into(),
        },
        spec: spec(vec![variant("a", 10.0); initial.len()]),
        load: Box::new(load.into_iter()),
        history: Vec::new(),
        holes: Vec::new(),
        initial: initial.to_vec(),
        policy,
    }
}

/// A hundred seconds, all of them scored; pods start within 20 s.
pub fn world(object: ObjectSetup) -> WorldSetup {
    WorldSetup {
        seed: 1,
        duration_s: 100.0,
        warmup_s: 0.0,
        objects: vec![object],
        pools: Vec::new(),
        pod_start: Spread::constant(20.0),
        node_start: Spread::constant(0.0),
        drain_s: 30.0,
        start_failure: 0.0,
        reclaims_per_hour: 0.0,
        balancing: Balancing::Equal,
        queue: Queue::Fifo,
        scrape: ScrapeSetup::default(),
        engine: EngineLimits::default(),
        timing: Timing {
            grid: Span::from_secs(15),
        },
        timeline: false,
    }
}

pub fn live(setup: WorldSetup) -> ObjectOutcome {
    run(setup).remove(0)
}

/// Nobody was lost.
pub fn balanced(totals: Totals) -> bool {
    totals.arrived == totals.finished + totals.rejected + totals.aborted + totals.in_flight
}
