//! `dynamo-load:1`: every 5 s one replica more or fewer, above the floor that [`Throughput`] sets every 180 s.
//!
//! Source: `core/load_scaling.py` (`_advance_load_agg`, SLA mode): for each engine the time to first token behind its queue
//! and the time per output token at its cache are estimated. One more when *all* engines exceed one of the targets. One fewer
//! when, with the load of N engines on N-1, for each engine the queue's part of the time to first token stays below 80 % of
//! what the target leaves beside the own prompt, the cache suffices, and the time per output token stays below 80 % of its
//! target. Nothing while a replica starts or drains, or when an engine does not report. The parameter multiplies both
//! targets of the object: below 1 is slack.

use super::Planned;
use super::engine::context;
use super::throughput::{INTERVAL_S, Throughput};
use crate::performance::Workload;
use crate::simulate::policy::{Order, Policy, View, signal};

/// `load_adjustment_interval` in seconds.
const PERIOD_S: f64 = 5.0;
/// `load_scaling_down_sensitivity`.
const SENSITIVITY: f64 = 0.8;
/// Over how many seconds mean tokens are taken: about the 64 samples that the regression keeps.
const TOKENS_S: f64 = 300.0;

/// The planner.
pub struct Load {
    plan: Planned,
    floor: Throughput,
    /// What the floor last said, and when it says again in seconds.
    at_least: u32,
    next: f64,
}

/// One engine as it reports.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Engine {
    /// Prompt tokens in its queue.
    queued: f64,
    /// Tokens in its cache.
    kv: f64,
}

impl Load {
    /// One that has not seen traffic yet.
    pub fn new(plan: Planned) -> Self {
        Self {
            plan,
            floor: Throughput::new(plan),
            at_least: 1,
            next: INTERVAL_S,
        }
    }

    fn step(&self, engines: &[Engine], work: Workload) -> u32 {
        let n = engines.len() as u32;
        let (first, per_token) = (self.first_token(engines, work), self.per_token(engines, work));
        if first == Verdict::Up || per_token == Verdict::Up {
            n + 1
        } else if first == Verdict::Down && per_token == Verdict::Down && n > 1 {
            n - 1
        } else {
            n
        }
    }

    fn first_token(&self, engines: &[Engine], work: Workload) -> Verdict {
        let (model, sla) = (self.plan.engine, self.plan.ttft_ms);
        let fewer = consolidation(engines);
        let late = |e: &Engine| model.ttft_ms(work, e.queued, e.kv) > sla;
        let safe = |e: &Engine| {
            let own = model.ttft_ms(work, 0.0, e.kv * fewer);
            let budget = (sla - own) * SENSITIVITY;
            budget > 0.0 && model.ttft_ms(work, (e.queued * fewer).floor(), e.kv * fewer) - own < budget
        };
        verdict(engines, late, safe)
    }

    fn per_token(&self, engines: &[Engine], work: Workload) -> Verdict {
        let (model, sla) = (self.plan.engine, self.plan.itl_ms);
        let fewer = consolidation(engines);
        let sequences = engines.iter().map(|e| e.kv).sum::<f64>() / context(work) / engines.len().max(1) as f64;
        let prefill = sequences * work.prompt_tokens / work.output_tokens.max(1.0);
        let late = |e: &Engine| model.itl_ms(work, prefill, e.kv) > sla;
        let safe = |e: &Engine| {
            let kv = (e.kv + e.queued) * fewer;
            kv < model.kv_capacity() && model.itl_ms(work, prefill, kv) < sla * SENSITIVITY
        };
        verdict(engines, late, safe)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Up,
    Down,
    Keep,
}

fn verdict(engines: &[Engine], late: impl Fn(&Engine) -> bool, safe: impl Fn(&Engine) -> bool) -> Verdict {
    if engines.iter().all(late) {
        Verdict::Up
    } else if engines.iter().all(safe) {
        Verdict::Down
    } else {
        Verdict::Keep
    }
}

/// How much more each engine carries when there is one fewer.
fn consolidation(engines: &[Engine]) -> f64 {
    let n = engines.len() as f64;
    if n > 1.0 { n / (n - 1.0) } else { 1.0 }
}

impl Policy for Load {
    fn period_s(&self) -> f64 {
        PERIOD_S
    }

    fn decide(&mut self, view: &View<'_>) -> Order {
        let index = self.plan.variant;
        let variant = view.variants.get(index).copied().unwrap_or_default();
        if view.now.as_secs() >= self.next {
            self.next += INTERVAL_S;
            self.at_least = self.floor.replicas(view).unwrap_or(self.at_least);
        }
        let work = signal::tokens(view, index, TOKENS_S);
        let round = signal::newest(view);
        let engines: Vec<Engine> = round.zip(work).map_or_else(Vec::new, |(round, work)| {
            let serving = signal::serving(round, index);
            serving
                .map(|pod| Engine {
                    queued: f64::from(pod.waiting) * work.prompt_tokens,
                    kv: pod.kv_use * pod.kv_capacity as f64,
                })
                .collect()
        });
        let moving = variant.ready != variant.ordered || variant.draining > 0;
        let blind = engines.is_empty() || engines.len() as u32 != variant.ready;
        let order = match work {
            Some(work) if !moving && !blind => self.step(&engines, work).max(self.at_least),
            _ => variant.ordered,
        };
        signal::only(view, index, order)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::performance::EngineLimits;
    use crate::simulate::policy::dynamo::engine::EngineModel;
    use crate::simulate::policy::fixture;

    const WORK: Workload = Workload {
        prompt_tokens: 1000.0,
        output_tokens: 200.0,
    };

    fn planner() -> Load {
        // 10 ms + .0001 a cached token + .06 a prompt token, 400,000 tokens: fixture::profile.
        Load::new(Planned {
            variant: 0,
            engine: EngineModel::new(&fixture::profile(), EngineLimits::default()),
            ttft_ms: 1000.0,
            itl_ms: 50.0,
        })
    }

    fn all(n: usize, queued: f64, kv: f64) -> Vec<Engine> {
        vec![Engine { queued, kv }; n]
    }

    #[rstest]
    // Beside 110,000 tokens (100 sequences) 500 prompt tokens a step: 10 + 11.1 + 30 = 51.1 ms > 50.
    #[case::per_token_breaks(all(4, 0.0, 110_000.0), 5)]
    // 35,000 + 1000 tokens: 17.6 steps of about 133 ms beside 55,000.
    #[case::the_queue_is_too_long(all(4, 35_000.0, 55_000.0), 5)]
    // One engine that is fine is enough to wait.
    #[case::one_has_room([all(3, 35_000.0, 55_000.0), all(1, 0.0, 55_000.0)].concat(), 4)]
    // 55,000 on three: 73,333 + 1100 cached, 250 prompt tokens: 10 + 7.4 + 15 = 32.4 < 40.
    #[case::three_could_do_it(all(4, 0.0, 55_000.0), 3)]
    // 88,000 on three: 10 + 11.8 + 24 = 45.9 > 40.
    #[case::three_could_not(all(4, 0.0, 88_000.0), 4)]
    #[case::the_last_one_stays(all(1, 0.0, 0.0), 1)]
    fn steps_as_computed_by_hand(#[case] engines: Vec<Engine>, #[case] expected: u32) {
        assert_eq!(planner().step(&engines, WORK), expected);
    }
}
