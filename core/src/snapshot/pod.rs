//! One pod of a variant, and what was measured on it.

use super::series::{Histogram, Series};
use crate::units::Time;

/// Where a pod stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// No node has room for it.
    Unschedulable,
    /// Placed or waiting to be, not ready yet.
    Starting,
    /// It serves.
    Ready,
    /// It is being deleted, or is ready no more.
    Draining,
}

/// One pod at one instant.
#[derive(Debug, Clone, PartialEq)]
pub struct PodSnapshot {
    /// The pod's name.
    pub name: String,
    /// Where it stands.
    pub phase: Phase,
    /// When it was created.
    pub created: Time,
    /// When it became ready; `None` = it is not.
    pub ready_since: Option<Time>,
    /// What its engine reports.
    pub signals: PodSignals,
}

/// The engine's metrics of one pod as scraped over the last [`Timing::range`](super::Timing::range).
/// An empty series means that nothing was seen: absent is never zero.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PodSignals {
    /// Requests in the running batch (gauge).
    pub running: Series,
    /// Requests waiting in the engine's queue (gauge).
    pub waiting: Series,
    /// Requests finished since the process started (counter).
    pub completed: Series,
    /// Prompt tokens processed since the process started (counter).
    pub prompt_tokens: Series,
    /// Tokens generated since the process started (counter).
    pub generated_tokens: Series,
    /// Share of the KV cache in use, 0..=1 (gauge).
    pub kv_use: Series,
    /// Time to first token in seconds.
    pub time_to_first_token: Histogram,
    /// Mean time per output token of each finished request, in seconds.
    pub time_per_output_token: Histogram,
}

impl PodSignals {
    /// What was scraped from `t` on.
    #[must_use]
    pub fn since(&self, t: Time) -> Self {
        Self {
            running: self.running.since(t),
            waiting: self.waiting.since(t),
            completed: self.completed.since(t),
            prompt_tokens: self.prompt_tokens.since(t),
            generated_tokens: self.generated_tokens.since(t),
            kv_use: self.kv_use.since(t),
            time_to_first_token: self.time_to_first_token.since(t),
            time_per_output_token: self.time_per_output_token.since(t),
        }
    }
}
