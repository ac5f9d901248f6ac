use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::performance::{Fit, Source};

/// Close to Llama-3.1-8B on an A100, with round numbers.
fn profile(kv_capacity_tokens: u64) -> Profile {
    Profile {
        model: "test".into(),
        accelerator: "test".into(),
        precision: "bf16".into(),
        step: StepLaw {
            floor_ms: 14.0,
            c_ms: 10.0,
            d_ms_per_sequence: 0.05,
            e_ms_per_kv_token: 8e-5,
            g_ms_per_prefill_token: 0.06,
            h_ms_per_prefill_token_context: 3e-6,
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

fn limits(max_sequences: u32, max_tokens_per_step: u32) -> EngineLimits {
    EngineLimits {
        max_sequences,
        max_tokens_per_step,
    }
}

fn request(id: u64, prompt_tokens: u32, output_tokens: u32) -> Request {
    Request {
        id,
        prompt_tokens,
        output_tokens,
    }
}

/// Plays requests (arrival in ms, prompt, output) to the end and returns what was heard.
fn play(engine: &mut Engine, requests: &[(f64, u32, u32)]) -> Vec<Event> {
    let mut heard = Vec::new();
    for (id, &(at, prompt, output)) in requests.iter().enumerate() {
        let taken = engine.submit(Moment::from_millis(at), request(id as u64, prompt, output), &mut |e| {
            heard.push(e);
        });
        assert!(taken.is_ok());
    }
    while let Some(at) = engine.next_event() {
        engine.advance(at, &mut |e| heard.push(e));
        assert!(engine.kv_tokens() <= engine.kv_capacity(), "the KV cache overflowed");
    }
    heard
}

fn completions(heard: &[Event]) -> Vec<Completion> {
    let mut all: Vec<_> = heard
        .iter()
        .filter_map(|e| if let Event::Finished(c) = e { Some(*c) } else { None })
        .collect();
    all.sort_by_key(|c| c.id);
    all
}

#[test]
fn a_lone_request_takes_its_prefill_and_one_step_a_token() {
    let mut engine = Engine::new(&profile(100_000), limits(8, 2048));
    let heard = play(&mut engine, &[(0.0, 1000, 101)]);
    let done = completions(&heard)[0];
    let prefill = 10.0 + 1000.0 * (0.06 + 3e-6 * 500.0);
    assert!((done.ttft_ms - prefill).abs() < 1e-9);
    // 10 + 0.05 + 8e-5 * ~1050 is below the floor.
    assert!((done.tpot_ms.unwrap() - 14.0).abs() < 1e-9);
    assert!((done.e2e_ms - prefill - 1400.0).abs() < 1e-6);
    assert_eq!(engine.counters().generated_tokens, 101);
    assert!(engine.is_idle());
}

#[test]
fn a_long_prompt_is_computed_in_chunks_and_others_decode_meanwhile() {
    let mut engine = Engine::new(&profile(100_000), limits(8, 512));
    let heard = play(&mut engine, &[(0.0, 10, 200), (100.0, 2000, 2)]);
    let chunks: Vec<_> = heard
        .iter()
        .filter_map(|e| match e {
            Event::Iterations {
                prefill_tokens,
                decoding,
                ..
            } if *prefill_tokens > 0 => Some((*prefill_tokens, *decoding)),
            _ => None,
        })
        .collect();
    assert_eq!(chunks, [(10, 0), (511, 1), (511, 1), (511, 1), (467, 1)]);
}

#[test]
fn requests_beyond_the_sequence_limit_wait_in_order_of_arrival() {
    let mut engine = Engine::new(&profile(100_000), limits(2, 2048));
    let heard = play(
        &mut engine,
        &[(0.0, 10, 50), (1.0, 10, 50), (2.0, 10, 50), (3.0, 10, 50)],
    );
    let done = completions(&heard);
    assert!(done[2].queue_ms > 40.0 * 14.0 && done[3].queue_ms >= done[2].queue_ms - 1.0);
    assert!(done[1].queue_ms < 30.0);
}

/// The step in progress and the one behind it are composed already; a synchronous engine composes that one later.
#[rstest]
#[case::ahead(false, 2)]
#[case::synchronous(true, 1)]
fn a_request_joins_the_step_after_the_next(#[case] synchronous: bool, #[case] steps_waited: u64) {
    let engine = Engine::new(&profile(100_000), limits(8, 2048));
    let mut engine = if synchronous { engine.synchronous() } else { engine };
    // The first decodes in steps of 14 ms from 14 ms on; the second comes in the middle of one.
    let done = completions(&play(&mut engine, &[(0.0, 10, 50), (14.0 + 14.0 * 10.5, 10, 2)]));
    assert!((done[1].queue_ms - (7.0 + 14.0 * (steps_waited - 1) as f64)).abs() < 1e-6);
}

#[test]
fn a_request_that_comes_in_the_last_step_of_the_only_other_starts_right_after() {
    let mut engine = Engine::new(&profile(100_000), limits(8, 2048));
    let done = completions(&play(&mut engine, &[(0.0, 10, 2), (20.0, 10, 2)]));
    assert!((done[1].queue_ms - 8.0).abs() < 1e-6);
}

#[test]
fn a_full_cache_preempts_the_youngest_which_finishes_later_with_all_its_tokens() {
    let mut engine = Engine::new(&profile(300), limits(8, 2048));
    let heard = play(&mut engine, &[(0.0, 100, 100), (1.0, 100, 100)]);
    let preempted: Vec<_> = heard.iter().filter(|e| matches!(e, Event::Preempted { .. })).collect();
    assert!(matches!(preempted[..], [Event::Preempted { id: 1, .. }]));
    let done = completions(&heard);
    assert_eq!((done[0].preemptions, done[1].preemptions), (0, 1));
    assert_eq!(engine.counters().generated_tokens, 200);
    assert_eq!(engine.counters().prompt_tokens, 200);
    let gaps: Vec<_> = heard
        .iter()
        .filter_map(|e| {
            if let Event::Resumed { gap_ms, .. } = e {
                Some(*gap_ms)
            } else {
                None
            }
        })
        .collect();
    assert!(
        gaps.len() == 1 && gaps[0] > 500.0,
        "its reader waits while the first one ends: {gaps:?}"
    );
}

#[test]
fn a_request_that_can_never_fit_is_refused_and_changes_nothing() {
    let mut engine = Engine::new(&profile(300), limits(8, 2048));
    let refused = engine.submit(Moment::START, request(1, 200, 102), &mut |_| ());
    assert_eq!(
        refused,
        Err(Refusal {
            tokens: 301,
            kv_capacity: 300
        })
    );
    assert!(engine.is_idle() && engine.next_event().is_none());
    assert_eq!(engine.submit(Moment::START, request(2, 200, 101), &mut |_| ()), Ok(()));
}

#[test]
fn killing_it_cuts_off_everybody() {
    let mut engine = Engine::new(&profile(10_000), limits(1, 2048));
    for id in 0..3 {
        engine
            .submit(Moment::START, request(id, 10, 1000), &mut |_| ())
            .unwrap();
    }
    let mut heard = Vec::new();
    engine.abort_all(Moment::from_secs(1.0), &mut |e| heard.push(e));
    let cut: Vec<_> = heard
        .iter()
        .filter_map(|e| {
            if let Event::Aborted { id, generated, .. } = e {
                Some((*id, *generated))
            } else {
                None
            }
        })
        .collect();
    assert_eq!(cut.iter().map(|c| c.0).collect::<Vec<_>>(), [0, 1, 2]);
    assert!((60..=72).contains(&cut[0].1), "about a second of 14 ms steps: {cut:?}");
    assert_eq!((cut[1].1, cut[2].1), (0, 0));
    assert!(engine.is_idle() && engine.next_event().is_none() && engine.kv_tokens() == 0);
}

#[rstest]
#[case::in_the_first_step(5.0, 0)]
#[case::after_the_prefill(14.0, 1)]
#[case::after_two_more_steps(42.0, 3)]
fn counters_are_exact_in_the_middle_of_a_run(#[case] at: f64, #[case] tokens: u64) {
    let mut engine = Engine::new(&profile(10_000), limits(8, 2048));
    engine.submit(Moment::START, request(0, 10, 1000), &mut |_| ()).unwrap();
    engine.advance(Moment::from_millis(at + 0.5), &mut |_| ());
    assert_eq!(engine.counters().generated_tokens, tokens);
}

/// Arrivals (ms apart), prompts and outputs that make queues, chunks and preemptions.
fn traffic() -> impl Strategy<Value = Vec<(f64, u32, u32)>> {
    prop::collection::vec((0.0..400.0_f64, 1..900_u32, 1..120_u32), 1..40).prop_map(|gaps| {
        let mut at = 0.0;
        let absolute = |(gap, prompt, output)| {
            at += gap;
            (at, prompt, output)
        };
        gaps.into_iter().map(absolute).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn skipping_ahead_is_stepping(requests in traffic(), kv in 1100..4000_u64, seqs in 1..12_u32, budget in 64..600_u32) {
        let new = || Engine::new(&profile(kv), limits(seqs, budget));
        let (mut fast, mut slow) = (new(), new().step_by_step());
        let (a, b) = (play(&mut fast, &requests), play(&mut slow, &requests));
        let (a, b) = (completions(&a), completions(&b));
        prop_assert_eq!(a.len(), b.len());
        for (x, y) in a.iter().zip(&b) {
            prop_assert!((x.at - y.at).abs() < 1e-5, "{:?} against {:?}", x, y);
            prop_assert!((x.ttft_ms - y.ttft_ms).abs() < 1e-5);
            prop_assert_eq!(x.preemptions, y.preemptions);
        }
        prop_assert_eq!(fast.counters(), slow.counters());
    }

    #[test]
    fn every_request_finishes_and_no_token_is_lost(requests in traffic(), kv in 1100..4000_u64, seqs in 1..12_u32, budget in 64..600_u32) {
        let mut engine = Engine::new(&profile(kv), limits(seqs, budget));
        let heard = play(&mut engine, &requests);
        prop_assert_eq!(completions(&heard).len(), requests.len());
        let outputs: u64 = requests.iter().map(|r| u64::from(r.2)).sum();
        let prompts: u64 = requests.iter().map(|r| u64::from(r.1)).sum();
        prop_assert_eq!(engine.counters().generated_tokens, outputs);
        prop_assert_eq!(engine.counters().prompt_tokens, prompts);
        prop_assert!(engine.is_idle() && engine.kv_tokens() == 0);
        // Every token was heard of: with an iteration, as a first one, or after a preemption.
        let heard_tokens: u64 = heard.iter().map(|e| match e {
            Event::Iterations { steps, decoding, .. } => steps * decoding,
            Event::FirstToken { .. } | Event::Resumed { .. } => 1,
            _ => 0,
        }).sum();
        prop_assert_eq!(heard_tokens, outputs);
    }

    #[test]
    fn looking_at_it_changes_nothing(requests in traffic(), looks in prop::collection::vec(0.0..20_000.0_f64, 1..30)) {
        let mut quiet = Engine::new(&profile(3000), limits(6, 256));
        let undisturbed = completions(&play(&mut quiet, &requests));
        let mut engine = Engine::new(&profile(3000), limits(6, 256));
        let mut heard = Vec::new();
        let mut looks = looks;
        looks.sort_by(f64::total_cmp);
        let mut looks = looks.into_iter().peekable();
        for (id, &(at, prompt, output)) in requests.iter().enumerate() {
            while let Some(look) = looks.next_if(|l| *l < at) {
                engine.advance(Moment::from_millis(look), &mut |e| heard.push(e));
            }
            engine.submit(Moment::from_millis(at), request(id as u64, prompt, output), &mut |e| heard.push(e)).unwrap();
        }
        for look in looks {
            engine.advance(Moment::from_millis(look), &mut |e| heard.push(e));
        }
        while let Some(at) = engine.next_event() {
            engine.advance(at, &mut |e| heard.push(e));
        }
        for (x, y) in completions(&heard).iter().zip(&undisturbed) {
            prop_assert!((x.at - y.at).abs() < 1e-5);
        }
    }
}
