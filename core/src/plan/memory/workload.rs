//! What one request costs: tokens in and out, averaged over the object's own traffic.

use crate::performance::Workload;
use crate::plan::bucket::Bucket;

/// Time constant in grids: half an hour at 15 s. The mix drifts over hours, and a few long prompts must not move it.
const GRIDS: f64 = 120.0;
/// Fewer requests than this say nothing of the mix.
const ENOUGH: f64 = 5.0;

/// Decaying sums of tokens and of the requests they belong to.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct WorkloadMix {
    prompt_tokens: f64,
    started: f64,
    generated_tokens: f64,
    completed: f64,
}

impl WorkloadMix {
    /// Folds in one bucket.
    pub fn absorb(&mut self, bucket: &Bucket) {
        let keep = (-1.0 / GRIDS).exp();
        for (sum, add) in [
            (&mut self.prompt_tokens, bucket.prompt_tokens),
            (&mut self.started, bucket.started),
            (&mut self.generated_tokens, bucket.generated_tokens),
            (&mut self.completed, bucket.completed),
        ] {
            *sum = *sum * keep + add;
        }
    }

    /// Mean tokens of a request; `None` before enough requests were seen.
    pub fn workload(&self) -> Option<Workload> {
        (self.started >= ENOUGH && self.completed >= ENOUGH).then(|| Workload {
            prompt_tokens: (self.prompt_tokens / self.started).max(1.0),
            output_tokens: (self.generated_tokens / self.completed).max(1.0),
        })
    }
}
