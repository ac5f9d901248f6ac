//! The measured seed of a performance model, as it stands in `profiles/`.

use serde::{Deserialize, Serialize};

/// Step law and KV capacity of one model on one accelerator in one precision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Profile {
    /// The model's name, such as `Llama-3.1-8B`.
    pub model: String,
    /// The accelerator's product name, such as `A100-SXM4-80GB`.
    pub accelerator: String,
    /// Number format of the weights, such as `bf16` or `fp8`.
    pub precision: String,
    /// How long one engine iteration takes.
    pub step: StepLaw,
    /// Tokens that fit into the KV cache of one replica.
    pub kv_capacity_tokens: u64,
    /// Where the numbers come from.
    pub source: Source,
}

/// `max(floor, c + d*sequences + e*kv_tokens + g*prefill_tokens + h*prefill_tokens*prompt/2)`, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StepLaw {
    /// No step is shorter than this.
    pub floor_ms: f64,
    /// Constant share: reading the weights once.
    pub c_ms: f64,
    /// For each decoding sequence.
    pub d_ms_per_sequence: f64,
    /// For each token in the KV cache of the decoding sequences.
    pub e_ms_per_kv_token: f64,
    /// For each prompt token processed in the step.
    pub g_ms_per_prefill_token: f64,
    /// For each prompt token processed in the step times half the length of its prompt (attention).
    pub h_ms_per_prefill_token_context: f64,
}

/// Where a profile's numbers come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// The data set.
    pub dataset: String,
    /// Its licence, as an SPDX expression.
    pub licence: String,
    /// How well the law fits it.
    pub fit: Fit,
}

/// How far the fitted law is off its data points, in percent.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Fit {
    /// Half of the points are closer than this.
    pub median_error_percent: f64,
    /// No point is further off than this.
    pub worst_error_percent: f64,
}
