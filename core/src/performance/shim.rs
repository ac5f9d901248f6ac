//! Shim.
#![allow(missing_docs)]
use super::Profile;
use crate::snapshot::{Objectives, Target};
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Workload {
    pub prompt_tokens: f64,
    pub output_tokens: f64,
}
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EngineLimits {
    pub max_sequences: u32,
    pub max_prefill_tokens_per_step: u32,
}
pub struct Capacity {
    pub requests_per_second: f64,
}
pub fn capacity(p: &Profile, w: &Workload, o: &Objectives, _l: EngineLimits) -> Capacity {
    let limit = o
        .limit(Target::TimePerOutputToken)
        .map_or(1000.0, |s| s.as_secs_f64() * 1000.0);
    let (mut lo, mut hi) = (0.0, 1000.0);
    for _ in 0..60 {
        let x = f64::midpoint(lo, hi);
        let b = x * w.output_tokens * limit / 1000.0;
        let step = p.step.c_ms
            + p.step.d_ms_per_sequence * b
            + p.step.e_ms_per_kv_token * b * (w.prompt_tokens + w.output_tokens / 2.0)
            + p.step.g_ms_per_prefill_token * x * w.prompt_tokens * limit / 1000.0;
        if step < limit { lo = x } else { hi = x }
    }
    Capacity {
        requests_per_second: lo,
    }
}
