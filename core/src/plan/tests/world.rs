//! A fluid world: pods with counters that grow as their share of the load says. No queueing; the engine of `simulate`
//! is for that. Good enough to see what a decision does when its order takes a while to serve.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::performance::{Fit, Profile, Source, StepLaw};
use crate::plan::{Memory, ObjectPlan, plan};
use crate::snapshot::*;
use crate::units::{Ratio, Span, Time, UsdPerHour};

pub const GRID: Span = Span::from_secs(15);
const TIMING: Timing = Timing { grid: GRID };
/// Mean tokens of a request.
const PROMPT: f64 = 1000.0;
const OUTPUT: f64 = 200.0;

pub fn key() -> ObjectKey {
    ObjectKey {
        namespace: "prod".into(),
        name: "chat".into(),
    }
}

pub fn profile() -> Profile {
    Profile {
        model: "Llama-3.1-8B".into(),
        accelerator: "A100-SXM4-80GB".into(),
        precision: "bf16".into(),
        step: StepLaw {
            floor_ms: 14.5,
            c_ms: 11.5,
            d_ms_per_sequence: 0.035,
            e_ms_per_kv_token: 8.3e-5,
            g_ms_per_prefill_token: 0.055,
            h_ms_per_prefill_token_context: 3e-6,
        },
        kv_capacity_tokens: 433_000,
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

struct Pod {
    name: String,
    created: Time,
    completed: f64,
}

/// One object with one variant, fed with a load.
pub struct World {
    pub now: Time,
    pub object: ObjectSnapshot,
    pub memory: Memory,
    /// Where the load's samples are lost on the way: pods whose index is at or above it are not seen.
    pub visible: usize,
    /// All samples stop at this instant.
    pub frozen_scrapes: Option<Time>,
    /// From asking for a pod until it serves.
    pub start: Span,
    /// Whether the objective is met.
    pub inside: f64,
    /// So many pods send these values in turn, on every counter and gauge.
    pub nonsense: Option<(usize, Vec<f64>)>,
    pods: Vec<Pod>,
    history: BTreeMap<String, Vec<(Time, f64)>>,
    made: usize,
}

impl World {
    pub fn new(replicas: u32) -> Self {
        let variant = VariantSnapshot {
            name: "a100".into(),
            replicas: Bounds { min: 0, max: 20 },
            target: TargetState::Found { replicas },
            accelerators: 1,
            pool: Some("a100".into()),
            accelerator_price: UsdPerHour::new(3.43),
            profile: Some(Arc::new(profile())),
            max_sequences: None,
            pods: Vec::new(),
        };
        let object = ObjectSnapshot {
            generation: 1,
            mode: Mode::Auto,
            objectives: Objectives {
                attainment: Ratio::clamped(0.99),
                window: Span::from_secs(300),
                targets: vec![Objective {
                    target: Target::TimePerOutputToken,
                    limit: Span::from_millis(50),
                }],
            },
            replicas: Bounds { min: 1, max: 20 },
            reported_max: Some(20),
            replicas_override: None,
            source_failure: None,
            conflicts: Vec::new(),
            variants: vec![variant],
        };
        let mut world = Self {
            now: Time::from_millis(0),
            object,
            memory: Memory::default(),
            visible: usize::MAX,
            frozen_scrapes: None,
            start: Span::from_secs(60),
            inside: 1.0,
            nonsense: None,
            pods: Vec::new(),
            history: BTreeMap::new(),
            made: 0,
        };
        world.scale(replicas, Span::ZERO);
        world.now = Time::from_millis(0) + GRID * 40;
        for pod in &mut world.pods {
            pod.created = Time::from_millis(-1_000_000);
        }
        world
    }

    pub fn replicas(&self) -> u32 {
        self.object.variants[0].ordered().unwrap()
    }

    fn scale(&mut self, replicas: u32, _lead: Span) {
        self.object.variants[0].target = TargetState::Found { replicas };
        self.pods.truncate(replicas as usize);
        while self.pods.len() < replicas as usize {
            self.made += 1;
            self.pods.push(Pod {
                name: format!("chat-{}", self.made),
                created: self.now,
                completed: 0.0,
            });
        }
    }

    /// One grid at `rate` requests/s; then absorbs, plans, and does what the plan says.
    pub fn tick(&mut self, rate: f64) -> ObjectPlan {
        let decided = self.look(rate);
        if decided.writes {
            self.scale(decided.desired(), self.start);
        }
        decided
    }

    /// Like [`World::tick`], but only looks.
    pub fn look(&mut self, rate: f64) -> ObjectPlan {
        self.now = self.now + GRID;
        let ready: Vec<usize> = (0..self.pods.len()).filter(|i| self.is_ready(*i)).collect();
        for i in &ready {
            self.pods[*i].completed += rate * GRID.as_secs_f64() / ready.len() as f64;
            if self.frozen_scrapes.is_none() {
                let pod = &self.pods[*i];
                self.history
                    .entry(pod.name.clone())
                    .or_default()
                    .push((self.now, pod.completed));
            }
        }
        let snapshot = self.snapshot();
        self.memory.absorb(&snapshot);
        plan(&snapshot, &self.memory).objects.remove(&key()).unwrap()
    }

    fn is_ready(&self, i: usize) -> bool {
        self.now.since(self.pods[i].created) >= self.start
    }

    pub fn snapshot(&self) -> Snapshot {
        let mut object = self.object.clone();
        object.variants[0].pods = self
            .pods
            .iter()
            .enumerate()
            .map(|(i, pod)| PodSnapshot {
                name: pod.name.clone(),
                phase: if self.is_ready(i) {
                    Phase::Ready
                } else {
                    Phase::Starting
                },
                created: pod.created,
                ready_since: self.is_ready(i).then(|| pod.created + self.start),
                signals: if i < self.visible {
                    self.sent(i, &pod.name)
                } else {
                    PodSignals::default()
                },
            })
            .collect();
        Snapshot {
            now: self.now,
            timing: TIMING,
            objects: [(key(), object)].into(),
            pools: BTreeMap::new(),
        }
    }

    fn sent(&self, i: usize, pod: &str) -> PodSignals {
        match &self.nonsense {
            Some((broken, values)) if i < *broken => {
                let mut signals = self.signals(pod);
                let spoil = |series: &mut Series| {
                    let samples = series.samples().iter().enumerate();
                    *series = Series::new(
                        samples
                            .map(|(i, s)| Sample {
                                at: s.at,
                                value: values[i % values.len()],
                            })
                            .collect(),
                    );
                };
                let PodSignals {
                    running,
                    waiting,
                    completed,
                    prompt_tokens,
                    generated_tokens,
                    kv_use,
                    time_to_first_token,
                    time_per_output_token,
                } = &mut signals;
                for series in [running, waiting, completed, prompt_tokens, generated_tokens, kv_use] {
                    spoil(series);
                }
                for histogram in [time_to_first_token, time_per_output_token] {
                    histogram.buckets.iter_mut().for_each(|(_, series)| spoil(series));
                }
                signals
            }
            _ => self.signals(pod),
        }
    }

    fn signals(&self, pod: &str) -> PodSignals {
        let since = self.now - TIMING.range();
        let points: Vec<(Time, f64)> = self
            .history
            .get(pod)
            .into_iter()
            .flatten()
            .filter(|(at, _)| *at >= since)
            .copied()
            .collect();
        let series = |of: &dyn Fn(f64) -> f64| {
            Series::new(
                points
                    .iter()
                    .map(|(at, done)| Sample {
                        at: *at,
                        value: of(*done),
                    })
                    .collect(),
            )
        };
        let inside = self.inside;
        let histogram = Histogram {
            buckets: vec![(0.05, series(&move |n| n * inside)), (f64::INFINITY, series(&|n| n))],
        };
        PodSignals {
            running: series(&|_| 8.0),
            waiting: series(&|_| 0.0),
            completed: series(&|n| n),
            prompt_tokens: series(&|n| n * PROMPT),
            generated_tokens: series(&|n| n * OUTPUT),
            kv_use: series(&|_| 0.3),
            time_to_first_token: histogram.clone(),
            time_per_output_token: histogram,
        }
    }
}
