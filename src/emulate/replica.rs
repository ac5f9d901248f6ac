//! One pod as the emulator sees it: who it is, whether it serves, and the engine behind its address. Pure.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use inferscale_core::performance::{EngineLimits, Profile};
use inferscale_core::simulate::Moment;
use inferscale_core::simulate::engine::{Engine, Event, Refusal, Request};

use super::engine_metrics::EngineMetrics;

/// A pod, reduced to what the emulator reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodView {
    /// Its identity: a new pod of the same name is another one.
    pub uid: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its address, once it has one.
    pub address: Option<IpAddr>,
    /// The profile it names in the annotation `inferscale.dev/emulate`.
    pub emulate: String,
    /// Whether it is Ready.
    pub ready: bool,
    /// Whether it is being deleted.
    pub terminating: bool,
    /// Command and arguments of its containers.
    pub arguments: Vec<String>,
}

impl PodView {
    /// Whether new requests may go to it.
    pub fn takes_requests(&self) -> bool {
        self.ready && !self.terminating
    }

    /// The name that it serves its model under: `--served-model-name`, else the first part of the profile's.
    pub fn model(&self) -> &str {
        let family = self.emulate.split('/').next().unwrap_or_default();
        self.argument("--served-model-name").unwrap_or(family)
    }

    /// The batch limits that its arguments set, else vLLM's defaults.
    pub fn limits(&self) -> EngineLimits {
        let number = |flag: &str| self.argument(flag).and_then(|value| value.parse().ok());
        let default = EngineLimits::default();
        EngineLimits {
            max_sequences: number("--max-num-seqs").unwrap_or(default.max_sequences),
            max_tokens_per_step: number("--max-num-batched-tokens").unwrap_or(default.max_tokens_per_step),
        }
    }

    /// The value of `--flag value` or `--flag=value`.
    fn argument(&self, flag: &str) -> Option<&str> {
        let mut rest = self.arguments.iter();
        while let Some(argument) = rest.next() {
            if argument == flag {
                return rest.next().map(String::as_str);
            }
            if let Some(value) = argument.strip_prefix(flag).and_then(|value| value.strip_prefix('=')) {
                return Some(value);
            }
        }
        None
    }
}

/// A pod with its engine.
#[derive(Debug)]
pub(super) struct Replica {
    pub pod: PodView,
    /// The load whose pods it belongs to; `None` = nobody sends it anything.
    pub load: Option<usize>,
    /// Whether something answers on its address.
    pub listening: bool,
    /// When it was last given a request, as a running number.
    pub last_turn: u64,
    engine: Engine,
    metrics: EngineMetrics,
}

impl Replica {
    pub fn new(pod: PodView, profile: &Arc<Profile>, load: Option<usize>) -> Self {
        Self {
            engine: Engine::new(profile, pod.limits()),
            metrics: EngineMetrics::new(),
            load,
            listening: false,
            last_turn: 0,
            pod,
        }
    }

    pub fn takes_requests(&self) -> bool {
        self.listening && self.pod.takes_requests()
    }

    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    pub fn in_flight(&self) -> usize {
        self.engine.running() + self.engine.waiting()
    }

    pub fn submit(&mut self, now: Moment, request: Request, events: &mut Vec<Event>) -> Result<(), Refusal> {
        let taken = self.engine.submit(now, request, &mut hear(&mut self.metrics, events));
        if taken.is_err() {
            self.metrics.refuse();
        }
        taken
    }

    pub fn advance(&mut self, now: Moment, events: &mut Vec<Event>) {
        self.engine.advance(now, &mut hear(&mut self.metrics, events));
    }

    pub fn abort_all(&mut self, now: Moment, events: &mut Vec<Event>) {
        self.engine.abort_all(now, &mut hear(&mut self.metrics, events));
    }

    pub fn page(&self) -> String {
        self.metrics.page(self.pod.model(), &self.engine)
    }
}

fn hear(metrics: &mut EngineMetrics, events: &mut Vec<Event>) -> impl FnMut(Event) {
    |event| {
        metrics.hear(&event);
        events.push(event);
    }
}
