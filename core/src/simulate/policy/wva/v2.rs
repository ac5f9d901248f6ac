//! `wva-v2:0.85`: the token analyzer and the cost-aware optimizer.
//!
//! Source: `internal/engines/analyzers/saturation_v2/analyzer.go`, `internal/engines/pipeline/cost_aware_optimizer.go`.
//! A replica's demand is the tokens in its cache plus those of the prompts in its queue; its capacity is the least of 80 %
//! of the cache and what computing allows: the tokens in the cache when 5 or more wait, else the mean of the last ten such
//! observations for answers of this length, else `n * (I + O/2)` with `n = min(B*O/(I+O), S)`. Up when demand / 0.85 is more
//! than all replicas that are ordered carry: all of it on the variant with the least cost for its capacity. Down when
//! demand / 0.70 is less than the ready ones carry: whole replicas, the dearest first.
//!
//! The parameter is the first of the two thresholds; the second keeps its ratio to it. One deviation: a variant without
//! replicas has its real cost here; the original reads it from the replicas' metrics and so counts it as 0.

use std::collections::VecDeque;

use super::{Analyzer, Replica, Variant};
use crate::performance::{EngineLimits, Workload};
use crate::simulate::policy::{View, signal};

const KV_THRESHOLD: f64 = 0.8;
const QUEUE_THRESHOLD: u32 = 5;
/// `scaleDownBoundary` / `scaleUpThreshold`.
const DOWN_TO_UP: f64 = 0.70 / 0.85;
/// `RollingAverageWindowSize`.
const OBSERVATIONS: usize = 10;
/// The range of the rates from which the mean tokens come, in seconds.
const TOKENS_S: f64 = 300.0;

/// The analyzer.
pub struct V2 {
    /// Up from this share of the capacity on, 0..=1.
    pub up_threshold: f64,
    /// By variant, as the engines were started.
    pub limits: Vec<EngineLimits>,
    memory: Vec<Memory>,
}

/// What is remembered of a variant.
#[derive(Debug, Clone, Default)]
struct Memory {
    /// Tokens in the cache of a saturated replica, by length of the answers.
    observed: [VecDeque<f64>; 3],
    /// The capacity of a replica when there last was one.
    capacity: Option<f64>,
}

/// One variant for the optimizer.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Supply<'a> {
    name: &'a str,
    cost: f64,
    current: u32,
    ready: u32,
    per_replica: f64,
}

impl V2 {
    /// One that has not seen anything yet.
    pub fn new(up_threshold: f64, limits: Vec<EngineLimits>) -> Self {
        Self {
            up_threshold,
            limits,
            memory: Vec::new(),
        }
    }

    /// What a replica carries, in tokens.
    fn capacity(&mut self, replica: &Replica, work: Option<Workload>) -> f64 {
        let memory_bound = (replica.kv_capacity as f64 * KV_THRESHOLD).floor();
        let in_use = in_use(replica);
        let limits = self.limits.get(replica.variant).copied().unwrap_or_default();
        let Some(memory) = self.memory.get_mut(replica.variant) else {
            return memory_bound;
        };
        let Some(observed) = memory.observed.get_mut(length(work)) else {
            return memory_bound;
        };
        let compute_bound = if replica.waiting >= QUEUE_THRESHOLD && in_use > 0.0 {
            if observed.len() == OBSERVATIONS {
                observed.pop_front();
            }
            observed.push_back(in_use);
            in_use
        } else if observed.is_empty() {
            work.and_then(|work| derived(limits, work)).unwrap_or(memory_bound)
        } else {
            observed.iter().sum::<f64>() / observed.len() as f64
        };
        memory_bound.min(compute_bound)
    }

    fn wish(&self, supplies: &[Supply<'_>], demand: f64) -> Vec<u32> {
        let mut targets: Vec<u32> = supplies.iter().map(|s| s.current).collect();
        let ordered: f64 = supplies.iter().map(|s| f64::from(s.current) * s.per_replica).sum();
        let ready: f64 = supplies.iter().map(|s| f64::from(s.ready) * s.per_replica).sum();
        let required = demand / self.up_threshold - ordered;
        let spare = ready - demand / (self.up_threshold * DOWN_TO_UP);
        let mut known: Vec<usize> = (0..supplies.len())
            .filter(|i| supplies.get(*i).is_some_and(|s| s.per_replica > 0.0))
            .collect();
        let of = |i: usize, value: fn(&Supply<'_>) -> f64| supplies.get(i).map_or(0.0, value);
        if required > 0.0 {
            known.sort_by(|i, j| of(*i, efficiency).total_cmp(&of(*j, efficiency)));
            if let Some(best) = known.first()
                && let Some(target) = targets.get_mut(*best)
            {
                *target += (required / of(*best, |s| s.per_replica)).ceil() as u32;
            }
        } else if spare > 0.0 {
            known.sort_by(|i, j| of(*j, |s| s.cost).total_cmp(&of(*i, |s| s.cost)));
            let cheapest = known.last().copied();
            let mut left = spare;
            for i in known {
                let others: u32 = targets
                    .iter()
                    .enumerate()
                    .filter(|(j, _)| *j != i)
                    .map(|(_, n)| *n)
                    .sum();
                let keep = u32::from(Some(i) == cheapest && others == 0);
                let per_replica = of(i, |s| s.per_replica);
                let Some(target) = targets.get_mut(i) else { continue };
                let removed = ((left / per_replica).floor().max(0.0) as u32).min(target.saturating_sub(keep));
                *target -= removed;
                left -= f64::from(removed) * per_replica;
            }
        }
        targets
    }
}

impl Analyzer for V2 {
    fn analyze(&mut self, view: &View<'_>, replicas: &[Replica], variants: &[Variant<'_>]) -> Option<Vec<u32>> {
        if replicas.is_empty() {
            return None;
        }
        self.memory.resize_with(variants.len(), Memory::default);
        let work: Vec<Option<Workload>> = (0..variants.len()).map(|i| signal::tokens(view, i, TOKENS_S)).collect();
        let known: Vec<Workload> = work.iter().flatten().copied().collect();
        let mean = mean(&known);
        let mut demand = 0.0;
        let mut capacities: Vec<Vec<f64>> = vec![Vec::new(); variants.len()];
        for replica in replicas {
            let work = work.get(replica.variant).copied().flatten();
            demand += in_use(replica) + f64::from(replica.waiting) * work.map_or(0.0, |w| w.prompt_tokens.floor());
            let capacity = self.capacity(replica, work);
            if let Some(of_variant) = capacities.get_mut(replica.variant) {
                of_variant.push(capacity);
            }
        }
        let queued = signal::newest(view)
            .and_then(|round| round.router)
            .map_or(0, |router| router.queued);
        demand += f64::from(queued) * mean.map_or(0.0, |w| w.prompt_tokens + w.output_tokens);
        let supplies = variants.iter().enumerate().map(|(i, v)| {
            let limits = self.limits.get(i).copied().unwrap_or_default();
            let kv = view
                .object
                .variants
                .get(i)
                .and_then(|v| v.profile.as_ref())
                .map(|p| p.kv_capacity_tokens);
            let unseen = || {
                let bound = kv.map_or(f64::INFINITY, |kv| kv as f64 * KV_THRESHOLD);
                mean.and_then(|work| derived(limits, work))
                    .map_or(0.0, |derived| derived.min(bound))
            };
            let memory = self.memory.get_mut(i);
            let per_replica = match (memory, capacities.get_mut(i).and_then(|all| median(all))) {
                (Some(memory), Some(now)) => *memory.capacity.insert(now),
                (Some(memory), None) => memory.capacity.unwrap_or_else(unseen),
                (None, _) => 0.0,
            };
            Supply {
                name: v.name,
                cost: v.cost,
                current: v.current,
                ready: v.ready,
                per_replica,
            }
        });
        let supplies: Vec<Supply<'_>> = supplies.collect();
        Some(self.wish(&supplies, demand))
    }
}

/// Tokens in the cache.
fn in_use(replica: &Replica) -> f64 {
    (replica.kv_use * replica.kv_capacity as f64).floor()
}

/// Short, medium or long answers: below 100, below 500, more.
fn length(work: Option<Workload>) -> usize {
    let output = work.map_or(0.0, |w| w.output_tokens);
    usize::from(output >= 100.0) + usize::from(output >= 500.0)
}

/// What computing allows, from the engine's flags.
fn derived(limits: EngineLimits, work: Workload) -> Option<f64> {
    let (input, output) = (work.prompt_tokens, work.output_tokens);
    let steady = f64::from(limits.max_tokens_per_step) * output / (input + output);
    let tokens = (steady.min(f64::from(limits.max_sequences)) * (input + output / 2.0)).floor();
    (tokens > 0.0).then_some(tokens)
}

fn mean(works: &[Workload]) -> Option<Workload> {
    let n = works.len() as f64;
    (n > 0.0).then(|| Workload {
        prompt_tokens: works.iter().map(|w| w.prompt_tokens).sum::<f64>() / n,
        output_tokens: works.iter().map(|w| w.output_tokens).sum::<f64>() / n,
    })
}

fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let upper = values.get(values.len() / 2)?;
    let lower = if values.len().is_multiple_of(2) {
        values.get(values.len() / 2 - 1)?
    } else {
        upper
    };
    Some(f64::midpoint(*lower, *upper).floor())
}

fn efficiency(supply: &Supply<'_>) -> f64 {
    supply.cost / supply.per_replica
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    const LIMITS: EngineLimits = EngineLimits {
        max_sequences: 96,
        max_tokens_per_step: 2048,
    };
    const WORK: Workload = Workload {
        prompt_tokens: 1000.0,
        output_tokens: 200.0,
    };

    fn policy() -> V2 {
        let mut policy = V2::new(0.85, vec![LIMITS]);
        policy.memory.resize_with(1, Memory::default);
        policy
    }

    fn replica(kv_use: f64, waiting: u32) -> Replica {
        Replica {
            variant: 0,
            kv_use,
            kv_capacity: 400_000,
            waiting,
        }
    }

    #[test]
    fn derives_observes_and_remembers_what_a_replica_carries() {
        let mut policy = policy();
        let mut carries = |kv_use, waiting, work| policy.capacity(&replica(kv_use, waiting), work) as u64;
        // min(2048*200/1200, 96) = 96; 96 * 1100 = 105,600.
        assert_eq!(carries(0.1, 0, Some(WORK)), 105_600);
        // Without known tokens only the cache binds.
        assert_eq!(carries(0.1, 0, None), 320_000);
        // Five wait over 80,000 tokens: that is what it carries, and what others of the length are now held to carry.
        assert_eq!(carries(0.2, 5, Some(WORK)), 80_000);
        assert_eq!(carries(0.25, 9, Some(WORK)), 100_000);
        assert_eq!(carries(0.1, 0, Some(WORK)), 90_000);
        // Saturated with a full cache: 80 % of it.
        assert_eq!(carries(1.0, 9, Some(WORK)), 320_000);
    }

    fn supply(name: &str, cost: f64, current: u32, ready: u32, per_replica: f64) -> Supply<'_> {
        Supply {
            name,
            cost,
            current,
            ready,
            per_replica,
        }
    }

    #[rstest]
    // 340/.85 = 400 - 3*100 = 100: one more.
    #[case::up(vec![supply("a", 10.0, 3, 3, 100.0)], 340.0, vec![4])]
    // The two that start count: 400 - 500 < 0; 300 - 340/.7 < 0: stay.
    #[case::starting_ones_count(vec![supply("a", 10.0, 5, 3, 100.0)], 340.0, vec![5])]
    // 500 - 140/.7 = 300: three fewer.
    #[case::down(vec![supply("a", 10.0, 5, 5, 100.0)], 140.0, vec![2])]
    #[case::one_stays(vec![supply("a", 10.0, 5, 5, 100.0)], 0.0, vec![1])]
    // a costs .2 a token, b .15: all 3 of b. 850/.85 = 1000 - 200 - 400 = 400; 400/200 = 2.
    #[case::up_on_the_most_efficient(
        vec![supply("a", 20.0, 2, 2, 100.0), supply("b", 30.0, 2, 2, 200.0)], 850.0, vec![2, 4]
    )]
    // 600 - 140/.7 = 400: b is dearer: two of it; 0 left. All of b may go.
    #[case::down_on_the_dearest(
        vec![supply("a", 20.0, 2, 2, 100.0), supply("b", 30.0, 2, 2, 200.0)], 140.0, vec![2, 0]
    )]
    fn wishes_as_computed_by_hand(#[case] supplies: Vec<Supply<'_>>, #[case] demand: f64, #[case] expected: Vec<u32>) {
        assert_eq!(policy().wish(&supplies, demand), expected);
    }

    proptest! {
        #[test]
        fn never_more_than_the_demand_at_the_threshold_and_never_none(
            current in 1..50_u32, ready in 0..50_u32, demand in 0.0..10_000.0_f64
        ) {
            let supplies = [supply("a", 10.0, current, ready.min(current), 100.0)];
            let wish = policy().wish(&supplies, demand)[0];
            let needed = (demand / 0.85 / 100.0).ceil() as u32;
            prop_assert!(wish >= 1 && wish <= current.max(needed));
        }
    }
}
