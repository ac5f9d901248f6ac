//! One load: what arrives, what waits at the router, and what became of each request. Pure.

use std::collections::VecDeque;

use inferscale_core::simulate::Moment;
use inferscale_core::simulate::engine::Completion;

use super::replica::PodView;
use super::router_metrics::RouterMetrics;
use super::scenario::LoadSpec;
use super::timelapse::Arrival;

/// A request at the router.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Pending {
    /// When it arrived.
    pub at: Moment,
    pub input_tokens: u32,
    pub output_tokens: u32,
}

/// A request that was served to its end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Served {
    /// From arrival at the router.
    pub ttft_ms: f64,
    pub tpot_ms: Option<f64>,
}

/// One load of the scenario, being played.
#[derive(Debug)]
pub(super) struct Load {
    pub spec: LoadSpec,
    /// The model's name, from the first pod that was seen; before, the load's name.
    pub model: String,
    /// What is to come, and how far it has come.
    arrivals: Vec<Arrival>,
    next: usize,
    /// Requests that found no ready pod.
    pub backlog: VecDeque<Pending>,
    /// Given to pods and not finished.
    pub in_flight: usize,
    pub served: Vec<Served>,
    pub metrics: RouterMetrics,
    /// The longest that the backlog has been.
    pub longest_backlog: usize,
}

impl Load {
    pub fn new(spec: LoadSpec, arrivals: Vec<Arrival>) -> Self {
        Self {
            model: spec.name.clone(),
            spec,
            arrivals,
            next: 0,
            backlog: VecDeque::new(),
            in_flight: 0,
            served: Vec::new(),
            metrics: RouterMetrics::new(),
            longest_backlog: 0,
        }
    }

    /// Whether a pod serves this load.
    pub fn selects(&self, pod: &PodView) -> bool {
        let pods = &self.spec.pods;
        pods.namespace == pod.namespace && pods.match_labels.iter().all(|(k, v)| pod.labels.get(k) == Some(v))
    }

    /// When the next request arrives, the play having started at `started`.
    pub fn next_arrival(&self, started: Moment) -> Option<Moment> {
        self.arrivals.get(self.next).map(|arrival| started + arrival.at_ms)
    }

    /// Takes the next request off the trace into the backlog.
    pub fn arrive(&mut self, started: Moment) {
        let Some(arrival) = self.arrivals.get(self.next) else {
            return;
        };
        self.next += 1;
        self.metrics.arrived += 1;
        self.metrics.input_tokens.observe(f64::from(arrival.input_tokens));
        self.backlog.push_back(Pending {
            at: started + arrival.at_ms,
            input_tokens: arrival.input_tokens,
            output_tokens: arrival.output_tokens,
        });
    }

    /// Whether the trace is over.
    pub fn is_played(&self) -> bool {
        self.next >= self.arrivals.len()
    }

    /// How much of the trace is over, 0..=1.
    pub fn progress(&self) -> f64 {
        self.next as f64 / self.arrivals.len().max(1) as f64
    }

    /// Books a request that was served to its end; `waited_ms` is what it spent at the router.
    pub fn serve(&mut self, completion: &Completion, waited_ms: f64) {
        let ttft_ms = waited_ms + completion.ttft_ms;
        self.in_flight -= 1;
        self.metrics.duration.observe((waited_ms + completion.e2e_ms) / 1000.0);
        self.metrics.output_tokens.observe(f64::from(completion.output_tokens));
        if let Some(tpot_ms) = completion.tpot_ms {
            self.metrics.per_output_token.observe(tpot_ms / 1000.0);
        }
        self.served.push(Served {
            ttft_ms,
            tpot_ms: completion.tpot_ms,
        });
    }
}
