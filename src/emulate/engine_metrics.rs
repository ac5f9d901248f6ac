//! What vLLM says of itself on `/metrics`: names, types, labels and buckets of a real scrape. Pure.
//!
//! `e2e/engines/vllm/metrics-0.32.txt` is a recording of the real thing; a test compares.

use inferscale_core::simulate::engine::{Completion, Counters, Engine, Event};

use super::exposition::{Histogram, Page};

const REQUEST_SECONDS: &[f64] = &[
    0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 60.0, 120.0, 240.0, 480.0, 960.0,
    1920.0, 7680.0,
];
const FIRST_TOKEN_SECONDS: &[f64] = &[
    0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0,
    160.0, 640.0, 2560.0,
];
const TOKEN_SECONDS: &[f64] = &[
    0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0,
];
const STEP_TOKENS: &[f64] = &[
    1.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 2048.0, 4096.0, 8192.0, 16384.0,
];
/// vLLM ends these at the model's context length; that of the recording is short.
const REQUEST_TOKENS: &[f64] = &[1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0];
const REQUEST_PREEMPTIONS: &[f64] = &[1.0, 2.0, 3.0, 4.0, 5.0, 10.0, 20.0];
/// Tokens of one block of the KV cache.
const BLOCK: u64 = 16;

/// What one engine has counted.
#[derive(Debug)]
pub(super) struct EngineMetrics {
    /// Requests that could never run.
    refused: u64,
    first_token: Histogram,
    inter_token: Histogram,
    per_output_token: Histogram,
    end_to_end: Histogram,
    queue: Histogram,
    prefill: Histogram,
    decode: Histogram,
    inference: Histogram,
    step_tokens: Histogram,
    prompt_tokens: Histogram,
    generated_tokens: Histogram,
    preemptions: Histogram,
}

impl EngineMetrics {
    pub fn new() -> Self {
        Self {
            refused: 0,
            first_token: Histogram::new(FIRST_TOKEN_SECONDS),
            inter_token: Histogram::new(TOKEN_SECONDS),
            per_output_token: Histogram::new(TOKEN_SECONDS),
            end_to_end: Histogram::new(REQUEST_SECONDS),
            queue: Histogram::new(REQUEST_SECONDS),
            prefill: Histogram::new(REQUEST_SECONDS),
            decode: Histogram::new(REQUEST_SECONDS),
            inference: Histogram::new(REQUEST_SECONDS),
            step_tokens: Histogram::new(STEP_TOKENS),
            prompt_tokens: Histogram::new(REQUEST_TOKENS),
            generated_tokens: Histogram::new(REQUEST_TOKENS),
            preemptions: Histogram::new(REQUEST_PREEMPTIONS),
        }
    }

    pub fn refuse(&mut self) {
        self.refused += 1;
    }

    pub fn hear(&mut self, event: &Event) {
        match *event {
            Event::Iterations {
                steps,
                first_ms,
                growth_ms,
                decoding,
                prefill_tokens,
                ..
            } => {
                self.inter_token
                    .observe_ramp(first_ms / 1000.0, growth_ms / 1000.0, steps, decoding);
                self.step_tokens.observe_many((decoding + prefill_tokens) as f64, steps);
            }
            Event::FirstToken { ttft_ms, .. } => self.first_token.observe(ttft_ms / 1000.0),
            Event::Resumed { gap_ms, .. } => self.inter_token.observe(gap_ms / 1000.0),
            Event::Finished(completion) => self.finish(&completion),
            Event::Preempted { .. } | Event::Aborted { .. } => {}
        }
    }

    fn finish(&mut self, c: &Completion) {
        if let Some(tpot_ms) = c.tpot_ms {
            self.per_output_token.observe(tpot_ms / 1000.0);
        }
        self.end_to_end.observe(c.e2e_ms / 1000.0);
        self.queue.observe(c.queue_ms / 1000.0);
        self.prefill.observe(c.prefill_ms / 1000.0);
        self.decode.observe(c.decode_ms / 1000.0);
        self.inference.observe(c.inference_ms() / 1000.0);
        self.prompt_tokens.observe(f64::from(c.prompt_tokens));
        self.generated_tokens.observe(f64::from(c.output_tokens));
        self.preemptions.observe(f64::from(c.preemptions));
    }

    /// The page of an engine that serves `model`.
    pub fn page(&self, model: &str, engine: &Engine) -> String {
        let labels = [("engine", "0"), ("model_name", model)];
        let mut page = Page::default();
        let waiting = engine.waiting() as f64;
        page.single("vllm:num_requests_running", "gauge", &labels, engine.running() as f64);
        page.single("vllm:num_requests_waiting", "gauge", &labels, waiting);
        page.metric("vllm:num_requests_waiting_by_reason", "gauge");
        for (reason, value) in [("capacity", waiting), ("deferred", 0.0)] {
            let labels = [labels[0], labels[1], ("reason", reason)];
            page.sample("vllm:num_requests_waiting_by_reason", &labels, value);
        }
        page.single("vllm:kv_cache_usage_perc", "gauge", &labels, engine.kv_use());
        let Counters {
            finished,
            aborted,
            preemptions,
            prompt_tokens,
            generated_tokens,
            ..
        } = engine.counters();
        for (name, value) in [
            ("vllm:prefix_cache_queries_total", prompt_tokens),
            ("vllm:prefix_cache_hits_total", 0),
            ("vllm:num_preemptions_total", preemptions),
            ("vllm:prompt_tokens_total", prompt_tokens),
            ("vllm:generation_tokens_total", generated_tokens),
        ] {
            page.single(name, "counter", &labels, value as f64);
        }
        page.metric("vllm:request_success_total", "counter");
        // Emulated requests generate exactly what the trace says: they end by length, as with `ignore_eos`.
        for (reason, value) in [
            ("stop", 0),
            ("length", finished),
            ("abort", aborted),
            ("error", self.refused),
            ("repetition", 0),
        ] {
            let labels = [labels[0], ("finished_reason", reason), labels[1]];
            page.sample("vllm:request_success_total", &labels, value as f64);
        }
        for (name, histogram) in [
            ("vllm:request_prompt_tokens", &self.prompt_tokens),
            ("vllm:request_generation_tokens", &self.generated_tokens),
            ("vllm:iteration_tokens_total", &self.step_tokens),
            ("vllm:time_to_first_token_seconds", &self.first_token),
            ("vllm:inter_token_latency_seconds", &self.inter_token),
            ("vllm:request_time_per_output_token_seconds", &self.per_output_token),
            ("vllm:e2e_request_latency_seconds", &self.end_to_end),
            ("vllm:request_queue_time_seconds", &self.queue),
            ("vllm:request_inference_time_seconds", &self.inference),
            ("vllm:request_prefill_time_seconds", &self.prefill),
            ("vllm:request_decode_time_seconds", &self.decode),
            ("vllm:request_num_preemptions", &self.preemptions),
        ] {
            page.metric(name, "histogram");
            page.histogram(name, &labels, histogram);
        }
        cache_config(&mut page, engine.kv_capacity());
        page.into_text()
    }
}

/// The facts of the KV cache, as labels. Those that an emulated engine does not have say what vLLM says by default.
fn cache_config(page: &mut Page, capacity: u64) {
    let (blocks, tokens) = ((capacity / BLOCK).to_string(), capacity.to_string());
    let labels = [
        ("_block_size_resolved", "True"),
        ("block_size", "16"),
        ("cache_dtype", "auto"),
        ("cache_hit_alignment_tokens", "None"),
        ("effective_attention_block_size", "16"),
        ("enable_mamba_shared_prefix_checkpoint", "False"),
        ("enable_prefix_caching", "False"),
        ("engine", "0"),
        ("gpu_memory_utilization", "0.9"),
        ("hash_block_size", "None"),
        ("is_attention_free", "False"),
        ("kv_cache_dtype_skip_layers", "[]"),
        ("kv_cache_layout", "None"),
        ("kv_cache_max_concurrency", "None"),
        ("kv_cache_memory_bytes", "None"),
        ("kv_cache_size_tokens", &tokens),
        ("kv_offloading_backend", "native"),
        ("kv_offloading_size", "None"),
        ("kv_sharing_fast_prefill", "False"),
        ("mamba_block_size", "None"),
        ("mamba_cache_dtype", "auto"),
        ("mamba_cache_mode", "none"),
        ("mamba_page_size_padded", "None"),
        ("mamba_ssm_cache_dtype", "auto"),
        ("num_cpu_blocks", "None"),
        ("num_gpu_blocks", &blocks),
        ("num_gpu_blocks_override", "None"),
        ("prefix_cache_retention_interval", "0"),
        ("prefix_caching_hash_algo", "sha256"),
        ("prefix_match_unit", "None"),
        ("replayssm_buffer_len", "16"),
        ("skip_page_size_padded", "None"),
        ("sliding_window", "None"),
        ("swa_bounded_replay", "True"),
        ("use_kda_recoverssm", "False"),
        ("use_replayssm", "False"),
        ("user_specified_block_size", "False"),
    ];
    page.single("vllm:cache_config_info", "gauge", &labels, 1.0);
}

#[cfg(test)]
#[path = "engine_metrics_tests.rs"]
mod tests;
