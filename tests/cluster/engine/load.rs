//! The load on one model and what its engines make of it: a fluid of requests, spread evenly over the ready pods.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Instant;

use inferscale_core::performance::Workload;

use super::exposition;

/// How long a request runs, in seconds.
const RUNS: f64 = 3.0;

/// How an engine answers a scrape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Answer {
    /// As it should.
    #[default]
    Metrics,
    /// With the same values all the time: it hangs in the middle of its work.
    Frozen,
    /// With NaN for every value.
    NotANumber,
    /// Not at all: the connection stays open until the scrape times out.
    Silent,
    /// It hangs up.
    Closed,
}

/// What the counters and gauges of one engine are made of, in requests.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counts {
    pub running: f64,
    pub arrived: f64,
    pub arrived_late: f64,
    pub completed: f64,
    pub completed_late: f64,
}

#[derive(Debug, Default)]
struct Pod {
    ready: bool,
    answer: Answer,
    counts: Counts,
}

#[derive(Debug)]
struct State {
    /// Requests/s over all pods.
    rate: f64,
    /// Share of the requests outside of every latency target.
    late: f64,
    /// Of pods that are still to come.
    answer: Answer,
    now: Instant,
    pods: BTreeMap<String, Pod>,
}

/// The load on one model.
#[derive(Debug)]
pub struct Load(Mutex<State>);

impl Default for Load {
    fn default() -> Self {
        Self(Mutex::new(State {
            rate: 0.0,
            late: 0.0,
            answer: Answer::Metrics,
            now: Instant::now(),
            pods: BTreeMap::new(),
        }))
    }
}

/// What a scraper gets.
pub enum Reply {
    Text(String),
    Nothing,
    HangUp,
}

impl Load {
    /// Mean tokens of a request.
    pub const WORKLOAD: Workload = Workload {
        prompt_tokens: 1155.0,
        output_tokens: 211.0,
    };

    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.0.lock().expect("no panic");
        state.advance();
        work(&mut state)
    }

    /// Requests/s over all pods together, from now on.
    pub fn set_rate(&self, rate: f64) {
        self.with(|state| state.rate = rate);
    }

    /// The share of the requests outside of every latency target, from now on.
    pub fn set_late(&self, late: f64) {
        self.with(|state| state.late = late);
    }

    /// How every engine answers, those to come too.
    pub fn set_answer(&self, answer: Answer) {
        self.with(|state| {
            state.answer = answer;
            state.pods.values_mut().for_each(|pod| pod.answer = answer);
        });
    }

    /// How `count` of the ready engines answer.
    pub fn set_answer_of(&self, count: usize, answer: Answer) {
        self.with(|state| {
            let ready = state.pods.values_mut().filter(|pod| pod.ready);
            ready.take(count).for_each(|pod| pod.answer = answer);
        });
    }

    /// Moves on to now.
    pub fn advance(&self) {
        self.with(|_| ());
    }

    pub(super) fn add(&self, pod: &str) {
        self.with(|state| {
            let answer = state.answer;
            state.pods.insert(
                pod.to_owned(),
                Pod {
                    answer,
                    ..Pod::default()
                },
            );
        });
    }

    pub(super) fn set_ready(&self, pod: &str, ready: bool) {
        self.with(|state| {
            if let Some(pod) = state.pods.get_mut(pod) {
                pod.ready = ready;
            }
        });
    }

    pub(super) fn remove(&self, pod: &str) {
        self.with(|state| state.pods.remove(pod));
    }

    pub(super) fn reply(&self, pod: &str) -> Reply {
        self.with(|state| {
            let Some(pod) = state.pods.get(pod) else {
                return Reply::HangUp;
            };
            let text = |broken| Reply::Text(exposition::text(&pod.counts, Self::WORKLOAD, broken));
            match pod.answer {
                Answer::Metrics | Answer::Frozen => text(false),
                Answer::NotANumber => text(true),
                Answer::Silent => Reply::Nothing,
                Answer::Closed => Reply::HangUp,
            }
        })
    }
}

impl State {
    fn advance(&mut self) {
        let now = Instant::now();
        let passed = now.duration_since(self.now).as_secs_f64();
        self.now = now;
        let ready = self.pods.values().filter(|pod| pod.ready).count();
        for pod in self.pods.values_mut().filter(|pod| pod.answer != Answer::Frozen) {
            let arriving = if pod.ready {
                self.rate * passed / ready as f64
            } else {
                0.0
            };
            let counts = &mut pod.counts;
            // Arrivals = completions + what more is running: the operator relies on it.
            let completing = (counts.running + arriving) * (1.0 - (-passed / RUNS).exp());
            counts.arrived += arriving;
            counts.arrived_late += arriving * self.late;
            counts.completed += completing;
            counts.completed_late += completing * self.late;
            counts.running += arriving - completing;
        }
    }
}
