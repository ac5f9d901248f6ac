//! What goes into an engine and what is heard from it.

use crate::simulate::Moment;

/// One request. A prompt or an output of no tokens counts as one token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// The caller's own number for it.
    pub id: u64,
    /// Tokens of the prompt.
    pub prompt_tokens: u32,
    /// Tokens it will generate.
    pub output_tokens: u32,
}

/// A request that could never run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the request needs {tokens} tokens of KV cache, the engine has {kv_capacity}: shorten it or use a larger cache"
)]
pub struct Refusal {
    /// Tokens that it would hold at its end.
    pub tokens: u64,
    /// Tokens that fit.
    pub kv_capacity: u64,
}

/// A request that ran to its end. Times as vLLM defines them, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Completion {
    /// The caller's number.
    pub id: u64,
    /// When it arrived at the engine.
    pub arrived: Moment,
    /// When its last token came.
    pub at: Moment,
    /// Tokens of the prompt.
    pub prompt_tokens: u32,
    /// Tokens generated.
    pub output_tokens: u32,
    /// From arrival to the first token.
    pub ttft_ms: f64,
    /// Mean over the tokens after the first; `None` when there is only one.
    pub tpot_ms: Option<f64>,
    /// From arrival to the last token.
    pub e2e_ms: f64,
    /// From arrival to its first step.
    pub queue_ms: f64,
    /// From its first step to its first token.
    pub prefill_ms: f64,
    /// From its first token to its last.
    pub decode_ms: f64,
    /// How often it lost its cache.
    pub preemptions: u32,
}

impl Completion {
    /// From its first step to its last token.
    pub fn inference_ms(&self) -> f64 {
        self.prefill_ms + self.decode_ms
    }
}

/// Something that happened in an engine.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Event {
    /// Steps of one batch in a row. Step `i` (from 0) lasted `first_ms + i * growth_ms`, and each of the `decoding`
    /// sequences got one token from each: those are also the latencies between tokens.
    Iterations {
        /// When the last of them ended.
        ended: Moment,
        /// How many.
        steps: u64,
        /// Duration of the first.
        first_ms: f64,
        /// What each following one took longer.
        growth_ms: f64,
        /// Sequences that decoded.
        decoding: u64,
        /// Prompt tokens processed (in one step only).
        prefill_tokens: u64,
    },
    /// A prompt is done and the first token is out.
    FirstToken {
        /// The caller's number.
        id: u64,
        /// When.
        at: Moment,
        /// Tokens of the prompt.
        prompt_tokens: u32,
        /// From arrival at the engine.
        ttft_ms: f64,
    },
    /// A preempted request has its cache back, and its next token is out.
    Resumed {
        /// The caller's number.
        id: u64,
        /// When.
        at: Moment,
        /// How long its reader waited for this token.
        gap_ms: f64,
    },
    /// A request ran to its end.
    Finished(Completion),
    /// A request lost its cache and is in the queue again.
    Preempted {
        /// The caller's number.
        id: u64,
        /// When.
        at: Moment,
    },
    /// A request was cut off.
    Aborted {
        /// The caller's number.
        id: u64,
        /// When.
        at: Moment,
        /// Tokens its reader had got.
        generated: u32,
    },
}
