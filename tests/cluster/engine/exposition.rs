//! The metrics of one engine as vLLM 0.32 writes them: names, labels, types and bucket edges are its own.

use std::fmt::Write as _;

use inferscale_core::performance::Workload;

use super::load::Counts;

const LABELS: &str = "engine=\"0\",model_name=\"llama-3.1-8b\"";
/// Seconds to the first token of a request inside and outside of the target, and the same between tokens.
const FIRST: [f64; 2] = [0.3, 15.0];
const PER_TOKEN: [f64; 2] = [0.02, 0.35];
/// Tokens of the KV cache.
const CACHE: f64 = 432_992.0;

const FIRST_EDGES: [f64; 22] = [
    0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0,
    160.0, 640.0, 2560.0,
];
const PER_TOKEN_EDGES: [f64; 19] = [
    0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0,
];

struct Page {
    text: String,
    broken: bool,
}

impl Page {
    fn head(&mut self, name: &str, kind: &str) {
        let _ = writeln!(self.text, "# HELP {name} As vLLM has it.\n# TYPE {name} {kind}");
    }

    fn line(&mut self, name: &str, labels: &str, value: f64) {
        let value = if self.broken { f64::NAN } else { value };
        let comma = if labels.is_empty() { "" } else { "," };
        let _ = writeln!(self.text, "{name}{{{LABELS}{comma}{labels}}} {value:?}");
    }

    fn gauge(&mut self, name: &str, value: f64) {
        self.head(name, "gauge");
        self.line(name, "", value);
    }

    fn counter(&mut self, name: &str, value: f64) {
        self.head(name, "counter");
        self.line(name, "", value.floor());
    }

    /// A histogram of requests of which each took one of two times.
    fn histogram(&mut self, name: &str, edges: &[f64], [quick, slow]: [f64; 2], all: f64, late: f64) {
        self.head(name, "histogram");
        let (all, late) = (all.floor(), late.floor());
        let bucket = format!("{name}_bucket");
        for edge in edges {
            let below = if *edge < quick { 0.0 } else { all - late };
            let count = if *edge < slow { below } else { all };
            self.line(&bucket, &format!("le=\"{edge:?}\""), count);
        }
        self.line(&bucket, "le=\"+Inf\"", all);
        self.line(&format!("{name}_count"), "", all);
        self.line(&format!("{name}_sum"), "", (all - late) * quick + late * slow);
    }
}

/// What `/metrics` answers. `broken`: every value is NaN.
pub fn text(counts: &Counts, workload: Workload, broken: bool) -> String {
    let mut page = Page {
        text: String::new(),
        broken,
    };
    let running = counts.running.round();
    let tokens = counts.running * (workload.prompt_tokens + workload.output_tokens / 2.0);
    page.gauge("vllm:num_requests_running", running);
    page.gauge("vllm:num_requests_waiting", 0.0);
    page.gauge("vllm:kv_cache_usage_perc", (tokens / CACHE).min(1.0));
    page.counter("vllm:prompt_tokens_total", counts.arrived * workload.prompt_tokens);
    // Half of what runs has been generated.
    let generated = counts.completed + counts.running / 2.0;
    page.counter("vllm:generation_tokens_total", generated * workload.output_tokens);
    page.head("vllm:request_success_total", "counter");
    for (reason, value) in [("stop", counts.completed.floor()), ("length", 0.0), ("abort", 0.0)] {
        let label = format!("finished_reason=\"{reason}\"");
        page.line("vllm:request_success_total", &label, value);
    }
    page.histogram(
        "vllm:time_to_first_token_seconds",
        &FIRST_EDGES,
        FIRST,
        counts.arrived,
        counts.arrived_late,
    );
    page.histogram(
        "vllm:request_time_per_output_token_seconds",
        &PER_TOKEN_EDGES,
        PER_TOKEN,
        counts.completed,
        counts.completed_late,
    );
    page.text
}
