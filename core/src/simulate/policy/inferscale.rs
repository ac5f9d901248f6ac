//! `inferscale`: the operator's own plan. The view becomes the snapshot that the operator would take of the cluster and
//! of Prometheus, and the very same [`plan`] decides on it.

use std::collections::{BTreeMap, HashMap};

use super::{Beginning, LatencyCounts, Order, PodScrape, Policy, TPOT_EDGES_S, TTFT_EDGES_S, View};
use crate::plan::bucket::Bucket;
use crate::plan::{Memory, plan};
use crate::simulate::Moment;
use crate::simulate::load::PastBucket;
use crate::snapshot::{
    Histogram, ObjectSnapshot, Objectives, PodSignals, PodSnapshot, Sample, Series, Snapshot, Target, TargetState,
    Timing,
};
use crate::units::{Ratio, Span, Time};

/// The start of the world on the operator's clock, in grids since the epoch: far enough from it for any history.
const START_GRIDS: i64 = 100_000_000;

/// The operator.
#[derive(Debug, Clone)]
pub struct InferScale {
    memory: Memory,
    history: Vec<PastBucket>,
    grid: Span,
}

impl Default for InferScale {
    fn default() -> Self {
        Self {
            memory: Memory::default(),
            history: Vec::new(),
            grid: Span::from_secs(15),
        }
    }
}

impl Policy for InferScale {
    fn period_s(&self) -> f64 {
        self.grid.as_secs_f64()
    }

    fn begin(&mut self, beginning: &Beginning<'_>) {
        self.grid = beginning.timing.grid;
        self.history = beginning.history.to_vec();
    }

    fn decide(&mut self, view: &View<'_>) -> Order {
        let snapshot = self.snapshot(view);
        if let Some(object) = snapshot.objects.get(view.key)
            && !self.history.is_empty()
        {
            let past = buckets(&std::mem::take(&mut self.history), view.timing, &object.objectives);
            self.memory.recall(view.key, object, view.timing, &past);
        }
        self.memory.absorb(&snapshot);
        let mut plan = plan(&snapshot, &self.memory);
        match plan.objects.remove(view.key) {
            Some(object) if object.writes => Order {
                replicas: object.variants.iter().map(|v| v.desired).collect(),
                why: Some(format!("{}: {}", object.decision.reason, object.decision.message)),
            },
            _ => Order::default(),
        }
    }
}

impl InferScale {
    /// The world's instant on the operator's clock, to the millisecond.
    fn time(&self, at: Moment) -> Time {
        Time::from_millis(START_GRIDS * self.grid.as_millis() + at.as_millis().round() as i64)
    }

    /// What the operator would see.
    fn snapshot(&self, view: &View<'_>) -> Snapshot {
        let mut object = ObjectSnapshot {
            generation: 1,
            reported_max: Some(view.object.replicas.max),
            ..view.object.clone()
        };
        let mut signals = self.signals(view);
        for (i, variant) in object.variants.iter_mut().enumerate() {
            let replicas = view.variants.get(i).map_or(0, |state| state.ordered);
            variant.target = TargetState::Found { replicas };
            let pods = view.pods.iter().filter(|pod| pod.variant == i);
            variant.pods = pods
                .map(|pod| PodSnapshot {
                    name: format!("{}-{}", variant.name, pod.id),
                    phase: pod.phase,
                    created: self.time(pod.created),
                    ready_since: pod.ready_since.map(|at| self.time(at)),
                    signals: signals.remove(&pod.id).unwrap_or_default(),
                })
                .collect();
        }
        Snapshot {
            now: self.time(view.now),
            timing: view.timing,
            objects: BTreeMap::from([(view.key.clone(), object)]),
            pools: BTreeMap::new(),
        }
    }

    /// The engines' metrics over the range of the plan, by pod.
    fn signals(&self, view: &View<'_>) -> HashMap<u64, PodSignals> {
        let range_ms = view.timing.range().as_millis() as f64;
        let mut pods: HashMap<u64, Vec<(Time, &PodScrape)>> = HashMap::with_capacity(view.pods.len());
        for round in view.scrapes.since(view.now + -range_ms) {
            let at = self.time(round.at);
            for pod in &round.pods {
                pods.entry(pod.id).or_default().push((at, pod));
            }
        }
        let ttft_edges = neighbours(&TTFT_EDGES_S, &view.object.objectives, Target::TimeToFirstToken);
        let tpot_edges = neighbours(&TPOT_EDGES_S, &view.object.objectives, Target::TimePerOutputToken);
        let signals = |scraped: &[(Time, &PodScrape)]| PodSignals {
            running: series(scraped, |p| f64::from(p.running)),
            waiting: series(scraped, |p| f64::from(p.waiting)),
            completed: series(scraped, |p| p.completed as f64),
            prompt_tokens: series(scraped, |p| p.prompt_tokens as f64),
            generated_tokens: series(scraped, |p| p.generated_tokens as f64),
            kv_use: series(scraped, |p| p.kv_use),
            time_to_first_token: histogram(&ttft_edges, scraped, |p| &p.ttft),
            time_per_output_token: histogram(&tpot_edges, scraped, |p| &p.tpot),
        };
        pods.iter().map(|(id, scraped)| (*id, signals(scraped))).collect()
    }
}

fn series(scraped: &[(Time, &PodScrape)], value: impl Fn(&PodScrape) -> f64) -> Series {
    let samples = scraped.iter().map(|(at, pod)| Sample {
        at: *at,
        value: value(pod),
    });
    Series::new(samples.collect())
}

/// The edges next to a target, each with the number of buckets up to it: all that the operator asks Prometheus for.
fn neighbours(edges: &[f64], objectives: &Objectives, target: Target) -> Vec<(f64, usize)> {
    let mut near = Vec::with_capacity(3);
    if let Some(limit) = objectives.limit(target) {
        let limit = limit.as_secs_f64();
        let above = edges.partition_point(|edge| *edge < limit);
        let from = above.saturating_sub(1);
        let around = edges.iter().enumerate().skip(from).take(above + 1 - from);
        near.extend(around.map(|(i, edge)| (*edge, i + 1)));
    }
    near.push((f64::INFINITY, edges.len() + 1));
    near
}

fn histogram(
    edges: &[(f64, usize)],
    scraped: &[(Time, &PodScrape)],
    counts: impl Fn(&PodScrape) -> &LatencyCounts,
) -> Histogram {
    let up_to = |pod: &PodScrape, buckets: usize| counts(pod).counts.iter().take(buckets).sum::<u64>() as f64;
    Histogram {
        buckets: edges
            .iter()
            .map(|&(edge, buckets)| (edge, series(scraped, |pod| up_to(pod, buckets))))
            .collect(),
    }
}

/// The history as the buckets that the operator would have closed; of latencies nothing is known.
fn buckets(history: &[PastBucket], timing: Timing, objectives: &Objectives) -> Vec<Bucket> {
    let grid = timing.grid;
    let start = Time::from_millis((START_GRIDS - history.len() as i64) * grid.as_millis());
    let nothing = |target| objectives.limit(target).map(|_| Default::default());
    let past = history.iter().enumerate().map(|(i, past)| {
        let coverage = Ratio::clamped(past.coverage);
        // A bucket counts what was seen of it.
        let requests = past.rate.max(0.0) * grid.as_secs_f64() * coverage.get();
        Bucket {
            start: start + grid * i as i64,
            arrivals: requests,
            completed: requests,
            started: requests,
            prompt_tokens: requests * past.prompt_tokens,
            generated_tokens: requests * past.output_tokens,
            time_to_first_token: nothing(Target::TimeToFirstToken),
            time_per_output_token: nothing(Target::TimePerOutputToken),
            replicas: 0,
            coverage,
        }
    });
    past.collect()
}
