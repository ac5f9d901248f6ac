//! What was measured before the start: requests counted into the buckets of the demand grid. Pure.

use inferscale_core::simulate::load::PastBucket;

use super::{Hole, Timed};

/// Buckets of `grid_s` from `from_s` to `to_s`; the last one ends at `to_s`, a rest at the beginning is left out.
pub(super) fn buckets(
    requests: impl Iterator<Item = Timed>,
    from_s: f64,
    to_s: f64,
    grid_s: f64,
    holes: &[Hole],
) -> Vec<PastBucket> {
    let count = ((to_s - from_s) / grid_s + 1e-9).floor().max(0.0) as usize;
    let first_s = to_s - count as f64 * grid_s;
    let mut sums = vec![(0_u64, 0_u64, 0_u64); count];
    for request in requests {
        let index = ((request.t_s - first_s) / grid_s).floor();
        if index >= 0.0
            && let Some((requests, prompts, outputs)) = sums.get_mut(index as usize)
        {
            *requests += 1;
            *prompts += u64::from(request.prompt_tokens);
            *outputs += u64::from(request.output_tokens);
        }
    }
    let bucket = |(index, &(requests, prompts, outputs)): (usize, &(u64, u64, u64))| {
        let begin_s = first_s + index as f64 * grid_s;
        let blind = holes
            .iter()
            .any(|hole| hole.from_s < begin_s + grid_s && hole.to_s > begin_s);
        if blind {
            return PastBucket {
                rate: 0.0,
                prompt_tokens: 0.0,
                output_tokens: 0.0,
                coverage: 0.0,
            };
        }
        let mean = |sum: u64| {
            if requests == 0 {
                0.0
            } else {
                sum as f64 / requests as f64
            }
        };
        PastBucket {
            rate: requests as f64 / grid_s,
            prompt_tokens: mean(prompts),
            output_tokens: mean(outputs),
            coverage: 1.0,
        }
    };
    sums.iter().enumerate().map(bucket).collect()
}
