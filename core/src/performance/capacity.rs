//! How much demand one replica carries inside the objective. Pure; a few microseconds a call.
//!
//! Every share of missed requests rises with the load (see [`replica`](super::replica)), so the largest load inside
//! the objective is found by bisection. `core/tests/capacity.rs` measures the answer against the engine of
//! [`crate::simulate`], which knows nothing of these formulas.

use super::limits::EngineLimits;
use super::profile::Profile;
use super::replica::{OperatingPoint, Replica, Step, Workload};
use super::spread::normal_quantile;
use crate::snapshot::{Objectives, Target};

/// What keeps a replica from carrying more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display, strum::IntoStaticStr)]
pub enum Bound {
    /// More would miss the target for the time per output token.
    TimePerOutputToken,
    /// More would miss the target for the time to first token.
    TimeToFirstToken,
    /// More would not fit into the KV cache.
    KvCache,
    /// More would wait for one of the batch's sequences.
    Sequences,
    /// More tokens would arrive than the steps can take.
    Throughput,
}

/// What one replica carries inside the objective.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Capacity {
    /// The largest Poisson arrival rate; 0 when not even a lone request is inside the objective.
    pub requests_per_second: f64,
    /// What forbids more.
    pub bound_by: Bound,
    /// The state at that rate.
    pub at: OperatingPoint,
}

/// What requests get at some arrival rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prediction {
    /// The state of the replica.
    pub at: OperatingPoint,
    /// Share of the requests that miss the target for the time per output token, 0 without one.
    pub missed_per_output_token: f64,
    /// Share of the requests that miss the target for the time to first token, 0 without one.
    pub missed_first_token: f64,
}

/// Halvings of a bisection: the answer is exact to a hundred-millionth of its upper end.
const HALVINGS: u32 = 26;

/// The largest arrival rate at which one replica keeps the share `attainment` of the requests inside every target.
pub fn capacity(profile: &Profile, workload: Workload, objectives: &Objectives, limits: EngineLimits) -> Capacity {
    let replica = Replica::new(profile, workload, limits.sound());
    let forbids = |step: &Step| forbidden(&replica, step, objectives);
    let mut at = replica.step(0.0);
    if let Some(bound_by) = forbids(&at) {
        return Capacity {
            requests_per_second: 0.0,
            bound_by,
            at: replica.point(&at),
        };
    }
    let (mut low, mut high, mut bound_by) = (0.0, replica.most_per_step(), Bound::Throughput);
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(low, high);
        let step = replica.step(middle);
        match forbids(&step) {
            None => (low, at) = (middle, step),
            Some(bound) => (high, bound_by) = (middle, bound),
        }
    }
    if bound_by == Bound::Sequences {
        // A queue for sequences may only be the first sign of steps that get too long: would a larger batch help?
        let larger = replica.with_twice_the_sequences();
        bound_by = forbidden(&larger, &replica.step(1.05 * high), objectives).unwrap_or(bound_by);
    }
    let at = replica.point(&at);
    Capacity {
        requests_per_second: at.requests_per_second,
        bound_by,
        at,
    }
}

/// What requests get at `requests_per_second`; `None` when one replica cannot keep up with that rate at all.
pub fn predict(
    profile: &Profile,
    workload: Workload,
    objectives: &Objectives,
    limits: EngineLimits,
    requests_per_second: f64,
) -> Option<Prediction> {
    let replica = Replica::new(profile, workload, limits.sound());
    let (mut low, mut high) = (0.0, replica.most_per_step());
    let rate = |q: f64| replica.point(&replica.step(q)).requests_per_second;
    if rate(high) < requests_per_second {
        return None;
    }
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(low, high);
        if rate(middle) < requests_per_second {
            low = middle;
        } else {
            high = middle;
        }
    }
    let step = replica.step(high);
    let missed = misses(&replica, &step, objectives)?;
    Some(Prediction {
        at: replica.point(&step),
        missed_per_output_token: missed.per_output_token,
        missed_first_token: (missed.first_token + missed.sequence).min(1.0),
    })
}

/// Shares of the requests.
struct Misses {
    per_output_token: f64,
    /// Late although a sequence was free.
    first_token: f64,
    /// Late because they waited for a sequence.
    sequence: f64,
}

/// `None` when the batch has too few sequences for the load.
fn misses(replica: &Replica, step: &Step, objectives: &Objectives) -> Option<Misses> {
    let limit = |target| objectives.limit(target).map(|limit| limit.as_millis() as f64);
    let first = limit(Target::TimeToFirstToken);
    // Half of the target is for the prompt itself. Without a target only the rate counts.
    let sequence = replica.misses_sequence(step, first.unwrap_or(f64::INFINITY) / 2.0)?;
    Some(Misses {
        per_output_token: limit(Target::TimePerOutputToken).map_or(0.0, |ms| replica.misses_per_token(step, ms)),
        first_token: first.map_or(0.0, |ms| replica.misses_first_token(step, ms)),
        sequence,
    })
}

/// What forbids this load, if anything does.
fn forbidden(replica: &Replica, step: &Step, objectives: &Objectives) -> Option<Bound> {
    let z = normal_quantile(objectives.attainment.get());
    // The number that decodes varies as a Poisson variable does, more where a crowd slows itself down.
    let deviation = (step.b / step.relaxation).sqrt();
    if replica.point(step).kv_use + z * replica.kv_deviation(deviation) > 1.0 {
        return Some(Bound::KvCache);
    }
    let Some(missed) = misses(replica, step, objectives) else {
        return Some(Bound::Sequences);
    };
    // A request must be inside every target, and those that miss one are not those that miss the other.
    if missed.per_output_token + missed.first_token + missed.sequence <= 1.0 - objectives.attainment.get() {
        return None;
    }
    Some(if missed.sequence > missed.per_output_token.max(missed.first_token) {
        Bound::Sequences
    } else if missed.per_output_token >= missed.first_token {
        Bound::TimePerOutputToken
    } else {
        Bound::TimeToFirstToken
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;
    use crate::performance::{Fit, Source, StepLaw};
    use crate::snapshot::Objective;
    use crate::units::{Ratio, Span};

    fn profile(slower: f64, kv_capacity_tokens: u64) -> Profile {
        Profile {
            model: "test".into(),
            accelerator: "test".into(),
            precision: "bf16".into(),
            step: StepLaw {
                floor_ms: 14.5 * slower,
                c_ms: 10.0 * slower,
                d_ms_per_sequence: 0.045 * slower,
                e_ms_per_kv_token: 8e-5 * slower,
                g_ms_per_prefill_token: 0.056 * slower,
                h_ms_per_prefill_token_context: 3.1e-6 * slower,
            },
            kv_capacity_tokens,
            source: Source {
                dataset: "none".into(),
                licence: "none".into(),
                fit: Fit {
                    median_error_percent: 0.0,
                    worst_error_percent: 0.0,
                },
            },
        }
    }

    fn objectives(ttft_ms: Option<i64>, tpot_ms: Option<i64>, attainment: f64) -> Objectives {
        let target = |target, ms: i64| Objective {
            target,
            limit: Span::from_millis(ms),
        };
        let first = ttft_ms.map(|ms| target(Target::TimeToFirstToken, ms));
        let per_token = tpot_ms.map(|ms| target(Target::TimePerOutputToken, ms));
        Objectives {
            attainment: Ratio::clamped(attainment),
            window: Span::from_secs(300),
            targets: first.into_iter().chain(per_token).collect(),
        }
    }

    const CHAT: Workload = Workload {
        prompt_tokens: 1155.0,
        output_tokens: 211.0,
    };

    #[rstest]
    #[case::steps_get_too_long(
        CHAT,
        objectives(Some(2000), Some(40), 0.99),
        256,
        432_992,
        Bound::TimePerOutputToken
    )]
    #[case::prompts_get_in_each_others_way(
        CHAT,
        objectives(Some(500), None, 0.99),
        256,
        432_992,
        Bound::TimeToFirstToken
    )]
    #[case::the_batch_is_full(CHAT, objectives(Some(2000), Some(100), 0.99), 32, 432_992, Bound::Sequences)]
    #[case::the_cache_is_full(CHAT, objectives(Some(2000), Some(100), 0.99), 256, 60_000, Bound::KvCache)]
    #[case::steps_are_full_of_prompts(
        Workload { prompt_tokens: 2000.0, output_tokens: 1.0 }, objectives(None, None, 0.99), 256, 432_992, Bound::Throughput
    )]
    fn names_what_binds(
        #[case] workload: Workload,
        #[case] objectives: Objectives,
        #[case] max_sequences: u32,
        #[case] kv: u64,
        #[case] bound: Bound,
    ) {
        let limits = EngineLimits {
            max_sequences,
            ..EngineLimits::default()
        };
        let c = capacity(&profile(1.0, kv), workload, &objectives, limits);
        assert_eq!(c.bound_by, bound, "{c:?}");
        assert!(c.requests_per_second > 0.5, "{c:?}");
    }

    #[test]
    fn a_target_below_a_lone_step_leaves_no_capacity() {
        let c = capacity(
            &profile(1.0, 432_992),
            CHAT,
            &objectives(None, Some(14), 0.99),
            EngineLimits::default(),
        );
        assert_eq!((c.requests_per_second, c.bound_by), (0.0, Bound::TimePerOutputToken));
    }

    #[rstest]
    #[case(f64::NAN, 211.0)]
    #[case(1155.0, f64::INFINITY)]
    #[case(-5.0, 0.0)]
    #[case(1e12, 1e12)]
    fn a_nonsensical_workload_gives_a_finite_answer(#[case] prompt_tokens: f64, #[case] output_tokens: f64) {
        let workload = Workload {
            prompt_tokens,
            output_tokens,
        };
        let c = capacity(
            &profile(1.0, 432_992),
            workload,
            &objectives(Some(500), Some(50), 0.99),
            EngineLimits::default(),
        );
        assert!(
            c.requests_per_second.is_finite() && c.requests_per_second >= 0.0,
            "{c:?}"
        );
    }

    #[test]
    fn predicts_at_its_capacity_what_the_objective_allows() {
        let (profile, wanted) = (profile(1.0, 432_992), objectives(Some(1000), Some(40), 0.99));
        let limits = EngineLimits::default();
        let c = capacity(&profile, CHAT, &wanted, limits);
        let p = predict(&profile, CHAT, &wanted, limits, c.requests_per_second).unwrap();
        assert!(
            (p.missed_per_output_token + p.missed_first_token - 0.01).abs() < 1e-4,
            "{p:?}"
        );
        assert!((p.at.step_ms - c.at.step_ms).abs() < 1e-3);
        assert_eq!(predict(&profile, CHAT, &wanted, limits, 1000.0), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn never_more_for_a_stricter_wish_a_longer_prompt_or_a_slower_law(
            prompt in 20.0..6000.0_f64,
            output in 2.0..1500.0_f64,
            ttft in 100..5000_i64,
            tpot in 15..200_i64,
            attainment in 0.9..0.995_f64,
            sequences in 8..512_u32,
            by in 1.01..2.0_f64,
        ) {
            let limits = EngineLimits { max_sequences: sequences, max_tokens_per_step: 2048 };
            let rate = |slower: f64, prompt_tokens: f64, ttft: f64, tpot: f64, attainment: f64| {
                let workload = Workload { prompt_tokens, output_tokens: output };
                let wanted = objectives(Some(ttft as i64), Some(tpot as i64), attainment);
                capacity(&profile(slower, 432_992), workload, &wanted, limits).requests_per_second
            };
            let (first, token) = (ttft as f64, tpot as f64);
            let here = rate(1.0, prompt, first, token, attainment);
            // What the bisection leaves open is not a difference.
            let no_more = here * 1.0001 + 1e-4;
            prop_assert!(rate(by, prompt, first, token, attainment) <= no_more, "slower law");
            prop_assert!(rate(1.0, prompt * by, first, token, attainment) <= no_more, "longer prompts");
            prop_assert!(rate(1.0, prompt, first / by, token, attainment) <= no_more, "stricter first token");
            prop_assert!(rate(1.0, prompt, first, token / by, attainment) <= no_more, "stricter later tokens");
            prop_assert!(rate(1.0, prompt, first, token, 1.0 - (1.0 - attainment) / by) <= no_more, "higher share");
        }
    }
}
