//! What an engine was told not to exceed in one iteration.

/// The batch limits of one replica.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EngineLimits {
    /// Sequences that run at once (vLLM: `--max-num-seqs`).
    pub max_sequences: u32,
    /// Tokens of one iteration, decoding sequences first (one each), prompt tokens with what is left
    /// (vLLM: `--max-num-batched-tokens`).
    pub max_tokens_per_step: u32,
}

impl EngineLimits {
    /// The limits as an engine can work with them: at least one sequence, and at least one token for each
    /// sequence, as vLLM itself demands at its start.
    #[must_use]
    pub fn sound(self) -> Self {
        let max_sequences = self.max_sequences.max(1);
        Self {
            max_sequences,
            max_tokens_per_step: self.max_tokens_per_step.max(max_sequences),
        }
    }
}

/// vLLM's own defaults for a server on a data-centre GPU.
impl Default for EngineLimits {
    fn default() -> Self {
        Self {
            max_sequences: 256,
            max_tokens_per_step: 2048,
        }
    }
}
