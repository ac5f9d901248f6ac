//! The Workload Variant Autoscaler of llm-d: an analyzer that looks at every replica of every variant, and a
//! HorizontalPodAutoscaler for each variant that acts on what it says.
//!
//! Source: `llm-d/llm-d-workload-variant-autoscaler` v0.9, later `llm-d/llm-d-autoscaling`. The analyzers run
//! every 60 s (`reconcileInterval`) on the worst of the last minute. The autoscaler's metric is External, `AverageValue` 1
//! of `wva_desired_replicas`, with the chart's behaviour: 240 s of stabilisation and 10 pods in 150 s, both ways. When there is
//! nothing to analyze, the last wish stands.
//!
//! One deviation: the autoscaler has no tolerance. With the default of 10 % it would ignore a step of one from ten replicas
//! on, and the percentage analyzer would wait for it for ever.

mod v1;
mod v2;

pub use v1::V1;
pub use v2::V2;

use super::hpa::{Behavior, Rate, Rules, SYNC_S, Stabilizer, Step};
use super::scrape::PodScrape;
use super::{Order, Policy, View, signal};
use crate::units::UsdPerHour;

/// `reconcileInterval` in seconds.
const CYCLE_S: f64 = 60.0;
/// `max_over_time` of the gauges, in seconds.
const PEAK_S: f64 = 60.0;
/// `variantCost` where none is given.
const COST: f64 = 10.0;

/// One replica as the collector reports it: the worst of the last minute.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Replica {
    variant: usize,
    kv_use: f64,
    kv_capacity: u64,
    waiting: u32,
}

/// One variant as the collector reports it.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Variant<'a> {
    name: &'a str,
    cost: f64,
    /// Replicas in the scale subresource.
    current: u32,
    ready: u32,
    /// What was last wished; `None` = nothing yet.
    desired: Option<u32>,
}

/// What wishes replicas.
trait Analyzer: Send {
    /// The wish by variant; `None` = there is nothing to analyze.
    fn analyze(&mut self, view: &View<'_>, replicas: &[Replica], variants: &[Variant<'_>]) -> Option<Vec<u32>>;
}

/// An analyzer and the autoscalers that obey it.
pub struct Wva<A> {
    analyzer: A,
    /// When the analyzer runs next, in seconds.
    next: f64,
    wished: Vec<u32>,
    stabilizers: Vec<Stabilizer>,
}

impl<A> Wva<A> {
    /// One that has not wished anything yet.
    pub fn new(analyzer: A) -> Self {
        Self {
            analyzer,
            next: 0.0,
            wished: Vec::new(),
            stabilizers: Vec::new(),
        }
    }
}

#[allow(private_bounds)] // Only this module's analyzers exist.
impl<A: Analyzer> Policy for Wva<A> {
    fn period_s(&self) -> f64 {
        SYNC_S
    }

    fn decide(&mut self, view: &View<'_>) -> Order {
        let now = view.now.as_secs();
        if now >= self.next {
            self.next = now + CYCLE_S;
            let replicas = replicas(view);
            let variants = variants(view, &self.wished);
            if let Some(wish) = self.analyzer.analyze(view, &replicas, &variants) {
                self.wished = wish;
            }
        }
        self.stabilizers
            .resize_with(view.variants.len(), || Stabilizer::new(behavior()));
        let autoscalers = view.variants.iter().zip(&mut self.stabilizers).enumerate();
        let orders = autoscalers.map(|(i, (variant, stabilizer))| {
            let current = variant.ordered;
            let Some(wish) = self.wished.get(i) else { return current };
            let bounds = view.object.variants.get(i).map_or(view.object.replicas, |v| v.replicas);
            stabilizer.apply(now, current, *wish, bounds)
        });
        Order {
            replicas: orders.collect(),
            why: None,
        }
    }
}

fn behavior() -> Behavior {
    let rules = || Rules {
        window_s: 240.0,
        rates: vec![Rate {
            step: Step::Pods(10),
            period_s: 150.0,
        }],
    };
    Behavior {
        up: rules(),
        down: rules(),
    }
}

fn replicas(view: &View<'_>) -> Vec<Replica> {
    let Some(last) = signal::newest(view) else {
        return Vec::new();
    };
    let peak = |id: u64, gauge: &dyn Fn(&PodScrape) -> f64| {
        let rounds = signal::window(view, PEAK_S);
        let values = rounds.filter_map(|round| round.pods.iter().find(|pod| pod.id == id));
        values.map(gauge).fold(0.0, f64::max)
    };
    let pods = last.pods.iter().filter(|pod| !pod.draining);
    pods.map(|pod| Replica {
        variant: pod.variant,
        kv_use: peak(pod.id, &|pod| pod.kv_use),
        kv_capacity: pod.kv_capacity,
        waiting: peak(pod.id, &|pod| f64::from(pod.waiting)) as u32,
    })
    .collect()
}

fn variants<'a>(view: &View<'a>, wished: &[u32]) -> Vec<Variant<'a>> {
    let specs = view.object.variants.iter().zip(view.variants).enumerate();
    specs
        .map(|(i, (spec, state))| Variant {
            name: &spec.name,
            cost: spec.replica_price().map_or(COST, UsdPerHour::get),
            current: state.ordered,
            ready: state.ready,
            desired: wished.get(i).copied(),
        })
        .collect()
}
