//! What the planner expects of an engine: `AggRegressionModel` in `core/perf_model/agg.py`.

use crate::performance::{EngineLimits, Profile, StepLaw, Workload};

/// One engine: how long its steps take and what fits into it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EngineModel {
    law: StepLaw,
    limits: EngineLimits,
    kv_capacity: f64,
}

/// What an engine can do at its best batch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Best {
    /// Requests a second.
    pub requests_per_second: f64,
    /// Estimated time to first token in ms.
    pub ttft_ms: f64,
    /// Estimated time per output token in ms.
    pub itl_ms: f64,
}

impl EngineModel {
    /// The engine of a profile as it is started.
    pub fn new(profile: &Profile, limits: EngineLimits) -> Self {
        Self {
            law: profile.step,
            limits: limits.sound(),
            kv_capacity: profile.kv_capacity_tokens as f64,
        }
    }

    /// Tokens that fit into the cache.
    pub fn kv_capacity(&self) -> f64 {
        self.kv_capacity
    }

    /// One step with `prefill` prompt tokens beside `kv` cached tokens, in ms.
    fn step_ms(&self, work: Workload, prefill: f64, kv: f64) -> f64 {
        let sequences = kv / context(work);
        self.law.step(sequences, kv, prefill, work.prompt_tokens / 2.0)
    }

    /// `estimate_next_ttft`: the steps that the queue and then one more prompt take, in ms.
    pub fn ttft_ms(&self, work: Workload, queued_tokens: f64, kv: f64) -> f64 {
        let budget = f64::from(self.limits.max_tokens_per_step);
        let tokens = queued_tokens + work.prompt_tokens;
        let full = (tokens / budget).floor();
        let rest = tokens - full * budget;
        let last = if rest > 0.0 { self.step_ms(work, rest, kv) } else { 0.0 };
        full * self.step_ms(work, budget, kv) + last
    }

    /// `estimate_next_itl`: a step beside the usual prompt tokens, with one more sequence in the cache, in ms.
    pub fn itl_ms(&self, work: Workload, prefill: f64, kv: f64) -> f64 {
        self.step_ms(work, prefill, kv + context(work))
    }

    /// `find_best_engine_agg_rps`: the largest batch inside both targets. One request alone, where even that is outside.
    pub fn best(&self, work: Workload, ttft_sla_ms: f64, itl_sla_ms: f64) -> Best {
        let mut best = self.at(work, 1.0);
        for batch in 2..=self.largest_batch(work) {
            let at = self.at(work, f64::from(batch));
            if at.itl_ms > itl_sla_ms || at.ttft_ms > ttft_sla_ms {
                break;
            }
            best = at;
        }
        best
    }

    fn at(&self, work: Workload, batch: f64) -> Best {
        let output = work.output_tokens.max(1.0);
        let kv = batch * context(work);
        let prefill = (batch * work.prompt_tokens / output).min(f64::from(self.limits.max_tokens_per_step));
        let itl_ms = self.step_ms(work, prefill, kv);
        Best {
            requests_per_second: 1000.0 * batch / (output * itl_ms),
            ttft_ms: self.ttft_ms(work, prefill.floor(), kv),
            itl_ms,
        }
    }

    /// What the cache, the sequences and the balance of prompts and answers allow.
    fn largest_batch(&self, work: Workload) -> u32 {
        let budget = f64::from(self.limits.max_tokens_per_step);
        let balanced = (budget - work.prompt_tokens / work.output_tokens.max(1.0)).floor();
        let kv = (self.kv_capacity / context(work)).floor();
        let hard = kv.min(f64::from(self.limits.max_sequences)).min(budget - 1.0);
        hard.min(balanced).max(1.0) as u32
    }
}

/// Tokens in the cache of a sequence on average.
pub fn context(work: Workload) -> f64 {
    (work.prompt_tokens + work.output_tokens / 2.0).max(1.0)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const WORK: Workload = Workload {
        prompt_tokens: 1000.0,
        output_tokens: 200.0,
    };

    /// 10 ms + .1 ms a sequence + .02 ms a prompt token: with 1100 tokens a sequence.
    fn engine(max_sequences: u32, kv_capacity: f64) -> EngineModel {
        EngineModel {
            law: StepLaw {
                floor_ms: 0.0,
                c_ms: 10.0,
                d_ms_per_sequence: 0.1,
                e_ms_per_kv_token: 0.0,
                g_ms_per_prefill_token: 0.02,
                h_ms_per_prefill_token_context: 0.0,
            },
            limits: EngineLimits {
                max_sequences,
                max_tokens_per_step: 2048,
            },
            kv_capacity,
        }
    }

    #[rstest]
    // A batch of b takes 10 + .1 b + .02 * 5 b = 10 + .2 b ms: 30 ms at 100; 100/(200 * .03).
    #[case::per_token_binds(engine(500, 1e9), 1e9, 30.0, 100.0 / 6.0, 30.0)]
    #[case::sequences_bind(engine(50, 1e9), 1e9, 30.0, 50.0 / 4.0, 20.0)]
    // 66,000/1100 = 60 fit.
    #[case::cache_binds(engine(500, 66_000.0), 1e9, 30.0, 60.0 / 4.4, 22.0)]
    // At 40: 200 + 1000 prompt tokens in one step of 10 + 4 + 24 = 38 ms.
    #[case::first_token_binds(engine(500, 1e9), 38.0, 30.0, 40.0 / 3.6, 18.0)]
    // Not even one: 10.2 ms.
    #[case::nothing_is_inside(engine(500, 1e9), 1e9, 5.0, 1.0 / 2.04, 10.2)]
    fn finds_the_best_batch_as_computed_by_hand(
        #[case] engine: EngineModel,
        #[case] ttft_ms: f64,
        #[case] itl_ms: f64,
        #[case] rps: f64,
        #[case] expected_itl_ms: f64,
    ) {
        let best = engine.best(WORK, ttft_ms, itl_ms);
        assert!((best.requests_per_second - rps).abs() < 1e-9, "{best:?}");
        assert!((best.itl_ms - expected_itl_ms).abs() < 1e-9, "{best:?}");
    }

    #[test]
    fn a_queue_takes_whole_steps_first() {
        // 3096 + 1000 = 4096 tokens: two full steps of 10 + 10 + 40.96 ms beside 100 sequences.
        let ttft = engine(500, 1e9).ttft_ms(WORK, 3096.0, 110_000.0);
        assert!((ttft - 2.0 * 60.96).abs() < 1e-9, "{ttft}");
    }
}
