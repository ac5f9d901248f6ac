//! What the router says on its own `/metrics`, in the names of the llm-d endpoint picker (`llm_d_epp_*`, the successor
//! of the Gateway API inference extension's): requests counted when they arrive, latencies from then on. Pure.

use super::exposition::{Histogram, Page};

const DURATION_SECONDS: &[f64] = &[
    0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 15.0, 20.0, 30.0,
    45.0, 60.0, 120.0, 180.0, 240.0, 300.0, 360.0, 480.0, 600.0, 900.0, 1200.0, 1800.0, 2700.0, 3600.0,
];
const FIRST_TOKEN_SECONDS: &[f64] = &[
    0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 15.0, 20.0, 30.0,
    45.0, 60.0, 120.0,
];
const TOKEN_SECONDS: &[f64] = &[
    0.0005, 0.002_05, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.125, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 2.0,
];
const TOKENS: &[f64] = &[
    1.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 2048.0, 4096.0, 8192.0,
];

/// What the router has counted for one load.
#[derive(Debug)]
pub(super) struct RouterMetrics {
    pub arrived: u64,
    /// Cut off with their pod.
    pub cut: u64,
    /// Refused by the engine.
    pub refused: u64,
    pub first_token: Histogram,
    pub per_output_token: Histogram,
    pub duration: Histogram,
    pub input_tokens: Histogram,
    pub output_tokens: Histogram,
}

/// What is true at the moment of a scrape.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct PoolState {
    /// Requests that wait at the router.
    pub queued: usize,
    /// Requests given to pods and not finished.
    pub running: usize,
    pub ready_endpoints: usize,
    /// Means over the ready pods.
    pub mean_waiting: f64,
    pub mean_running: f64,
    pub mean_kv_use: f64,
}

impl RouterMetrics {
    pub fn new() -> Self {
        Self {
            arrived: 0,
            cut: 0,
            refused: 0,
            first_token: Histogram::new(FIRST_TOKEN_SECONDS),
            per_output_token: Histogram::new(TOKEN_SECONDS),
            duration: Histogram::new(DURATION_SECONDS),
            input_tokens: Histogram::new(TOKENS),
            output_tokens: Histogram::new(TOKENS),
        }
    }
}

/// One load on the page.
pub(super) struct Entry<'a> {
    pub load: &'a str,
    pub model: &'a str,
    pub metrics: &'a RouterMetrics,
    pub state: PoolState,
}

type Value = fn(&PoolState) -> f64;
type Counted = fn(&RouterMetrics) -> &Histogram;

/// The page of all loads.
pub(super) fn page(entries: &[Entry<'_>]) -> String {
    let mut page = Page::default();
    page.metric("llm_d_epp_request_total", "counter");
    for entry in entries {
        page.sample("llm_d_epp_request_total", &labels(entry), entry.metrics.arrived as f64);
    }
    page.metric("llm_d_epp_request_error_total", "counter");
    for entry in entries {
        let [model, target, fairness, priority] = labels(entry);
        for (code, value) in [
            ("ServiceUnavailable", entry.metrics.cut),
            ("BadRequest", entry.metrics.refused),
        ] {
            let labels = [model, target, fairness, priority, ("error_code", code)];
            page.sample("llm_d_epp_request_error_total", &labels, value as f64);
        }
    }
    page.metric("llm_d_epp_request_running", "gauge");
    for entry in entries {
        page.sample("llm_d_epp_request_running", &labels(entry), entry.state.running as f64);
    }
    page.metric("llm_d_epp_request_ttft_seconds", "histogram");
    for entry in entries {
        let [model, target, fairness, priority] = labels(entry);
        let labels = [model, target, fairness, priority, ("streaming", "true")];
        page.histogram("llm_d_epp_request_ttft_seconds", &labels, &entry.metrics.first_token);
    }
    let histograms: [(&str, Counted); 4] = [
        ("llm_d_epp_request_streaming_tpot_seconds", |m| &m.per_output_token),
        ("llm_d_epp_request_duration_seconds", |m| &m.duration),
        ("llm_d_epp_request_input_tokens", |m| &m.input_tokens),
        ("llm_d_epp_request_output_tokens", |m| &m.output_tokens),
    ];
    for (name, histogram) in histograms {
        page.metric(name, "histogram");
        for entry in entries {
            page.histogram(name, &labels(entry), histogram(entry.metrics));
        }
    }
    page.metric("llm_d_epp_flow_control_queue_size", "gauge");
    for entry in entries {
        let [model, target, fairness, priority] = labels(entry);
        let labels = [fairness, priority, ("inference_pool", entry.load), model, target];
        page.sample("llm_d_epp_flow_control_queue_size", &labels, entry.state.queued as f64);
    }
    let pool: [(&str, Value); 4] = [
        ("llm_d_epp_ready_endpoints", |s| s.ready_endpoints as f64),
        ("llm_d_epp_average_queue_size", |s| s.mean_waiting),
        ("llm_d_epp_average_running_requests", |s| s.mean_running),
        ("llm_d_epp_average_kv_cache_utilization", |s| s.mean_kv_use),
    ];
    for (name, value) in pool {
        page.metric(name, "gauge");
        for entry in entries {
            page.sample(name, &[("name", entry.load)], value(&entry.state));
        }
    }
    page.into_text()
}

fn labels<'a>(entry: &Entry<'a>) -> [(&'static str, &'a str); 4] {
    [
        ("model_name", entry.model),
        ("target_model_name", entry.model),
        ("fairness_id", "default-flow"),
        ("priority", "0"),
    ]
}
