//! One guard at a time: what is proposed to six ready replicas, what is left of it, and why.

use super::*;

#[rstest]
#[case::auto(Mode::Auto, &[9], &[9], None)]
#[case::advise_is_no_pause(Mode::Advise, &[9], &[9], None)]
#[case::paused_holds_up(Mode::Paused, &[9], &[6], Some(Reason::Paused))]
#[case::paused_holds_down(Mode::Paused, &[2], &[6], Some(Reason::Paused))]
fn paused(#[case] mode: Mode, #[case] proposal: &[u32], #[case] left: &[u32], #[case] why: Option<Reason>) {
    let case = Case::of(&[(6, 6)]).with(|c| c.object.mode = mode);
    assert_eq!(case.ask("paused", proposal), (left.to_vec(), why));
}

#[rstest]
#[case::alone(false, &[9], &[9], None)]
#[case::holds_up(true, &[9], &[6], Some(Reason::Conflicted))]
#[case::holds_down(true, &[2], &[6], Some(Reason::Conflicted))]
fn conflict(#[case] rival: bool, #[case] proposal: &[u32], #[case] left: &[u32], #[case] why: Option<Reason>) {
    let case = Case::of(&[(6, 6)]).with(|c| c.object.conflicts = rival.then(|| build::hpa("a")).into_iter().collect());
    assert_eq!(case.ask("conflict", proposal), (left.to_vec(), why));
}

#[test]
fn a_conflict_names_the_other_and_the_variant() {
    let case = Case::of(&[(6, 6)]).with(|c| c.object.conflicts = vec![build::hpa("a")]);
    let (_, limits) = run(&case.context(), vec![9]);
    let message = &limits[0].message;
    assert!(
        message.contains("HorizontalPodAutoscaler chat") && message.contains("variant a"),
        "{message}"
    );
}

#[rstest]
#[case::fresh_down(Freshness::Fresh, &[5], &[5], None)]
#[case::fresh_up(Freshness::Fresh, &[9], &[9], None)]
#[case::partial_up(Freshness::Partial, &[9], &[9], None)]
#[case::partial_down(Freshness::Partial, &[5], &[6], Some(Reason::SignalsPartial))]
#[case::frozen_down(Freshness::Frozen, &[5], &[6], Some(Reason::SignalsFrozen))]
#[case::stale_down(Freshness::Stale, &[5], &[6], Some(Reason::SignalsStale))]
#[case::stale_up(Freshness::Stale, &[9], &[6], Some(Reason::SignalsStale))]
#[case::missing_down(Freshness::Missing, &[5], &[6], Some(Reason::SignalsMissing))]
#[case::missing_up(Freshness::Missing, &[9], &[6], Some(Reason::SignalsMissing))]
#[case::no_source_down(Freshness::SourceUnreachable, &[5], &[6], Some(Reason::SignalsMissing))]
#[case::no_source_up(Freshness::SourceUnreachable, &[9], &[6], Some(Reason::SignalsMissing))]
#[case::no_pods_down(Freshness::NoPods, &[5], &[6], Some(Reason::SignalsMissing))]
#[case::no_pods_up(Freshness::NoPods, &[9], &[6], Some(Reason::SignalsMissing))]
fn evidence(#[case] freshness: Freshness, #[case] proposal: &[u32], #[case] left: &[u32], #[case] why: Option<Reason>) {
    let case = Case::of(&[(6, 6)]).with(|c| c.evidence = build::evidence(freshness));
    assert_eq!(case.ask("evidence", proposal), (left.to_vec(), why));
}

#[rstest]
#[case::down(&[5], &[6], Some(Reason::SuspiciousZero))]
#[case::up(&[9], &[9], None)]
fn demand_that_vanished_at_once_lowers_nothing(
    #[case] proposal: &[u32],
    #[case] left: &[u32],
    #[case] why: Option<Reason>,
) {
    let case = Case::of(&[(6, 6)]).with(silent);
    assert_eq!(case.ask("evidence", proposal), (left.to_vec(), why));
}

#[rstest]
#[case::just_enough(8, None)]
#[case::one_bucket_short(7, Some(Reason::HoldingDown))]
#[case::none(0, Some(Reason::HoldingDown))]
fn evidence_must_have_been_complete_for_the_whole_hold(#[case] complete: usize, #[case] why: Option<Reason>) {
    let case = Case::of(&[(6, 6)]).with(|c| {
        c.memory = build::memory(&c.object, &[3.0; 40]);
        let mut partial = build::bucket(NOW, 3.0, 6);
        partial.coverage = Ratio::clamped(0.8);
        c.memory.absorb(&partial, &c.object, TIMING);
        for i in 0..complete {
            c.memory
                .absorb(&build::bucket(NOW + GRID * (i as i64 + 1), 3.0, 6), &c.object, TIMING);
        }
    });
    assert_eq!(case.ask("evidence", &[5]).1, why);
}

#[test]
fn partial_evidence_adds_one_variant_and_keeps_the_other() {
    let case = Case::of(&[(6, 6), (2, 2)]).with(|c| c.evidence = build::evidence(Freshness::Partial));
    assert_eq!(case.ask("evidence", &[1, 5]).0, [6, 5]);
}

#[rstest]
#[case::known(Some(2.0), &[5], &[5], None)]
#[case::unknown_down(None, &[5], &[6], Some(Reason::Learning))]
#[case::unknown_up(None, &[7], &[7], None)]
fn learning(
    #[case] capacity: Option<f64>,
    #[case] proposal: &[u32],
    #[case] left: &[u32],
    #[case] why: Option<Reason>,
) {
    let case = Case::of(&[(6, 6)]).with(|c| c.capacities = vec![capacity]);
    assert_eq!(case.ask("learning", proposal), (left.to_vec(), why));
}

#[rstest]
#[case::long_enough(GRID * 8, &[5], &[5], None)]
#[case::too_short(GRID * 8 + Span::from_millis(-1), &[5], &[6], Some(Reason::WarmingUp))]
#[case::up_at_once(Span::ZERO, &[9], &[9], None)]
fn warm_up(#[case] watched: Span, #[case] proposal: &[u32], #[case] left: &[u32], #[case] why: Option<Reason>) {
    let case = Case::of(&[(6, 6)]).with(|c| c.memory = ObjectMemory::new(NOW - watched, NOW - watched));
    assert_eq!(case.ask("warm-up", proposal), (left.to_vec(), why));
}

#[test]
fn warm_up_lasts_the_assumed_lead_time_before_there_is_a_forecast() {
    let case = |watched: Span| {
        Case::of(&[(6, 6)]).with(|c| {
            c.forecast = None;
            c.memory = ObjectMemory::new(NOW - watched, NOW - watched);
        })
    };
    let long = TIMING.assumed_lead_time();
    assert_eq!(case(long).ask("warm-up", &[5]).1, None);
    assert_eq!(
        case(long + Span::from_millis(-1)).ask("warm-up", &[5]).1,
        Some(Reason::WarmingUp)
    );
}

#[rstest]
#[case::all_serve(&[(6, 6)], &[5], &[5], None)]
#[case::one_starts(&[(6, 5)], &[4], &[5], Some(Reason::InFlight))]
#[case::only_what_starts_goes(&[(6, 4)], &[4], &[4], None)]
#[case::more_may_be_ordered(&[(6, 4)], &[9], &[9], None)]
#[case::more_ready_than_ordered(&[(4, 6)], &[3], &[3], None)]
#[case::the_other_variant_starts(&[(6, 6), (3, 1)], &[5, 3], &[6, 3], Some(Reason::InFlight))]
#[case::what_starts_goes_what_serves_stays(&[(6, 6), (3, 1)], &[5, 0], &[6, 1], Some(Reason::InFlight))]
fn in_flight(
    #[case] variants: &[(u32, u32)],
    #[case] proposal: &[u32],
    #[case] left: &[u32],
    #[case] why: Option<Reason>,
) {
    assert_eq!(Case::of(variants).ask("in-flight", proposal), (left.to_vec(), why));
}

#[rstest]
#[case::down_waits_for_what_drains(1, &[4], &[5], Some(Reason::Draining))]
#[case::down_goes_on_when_nothing_drains(0, &[4], &[4], None)]
#[case::up_never_waits(1, &[9], &[9], None)]
fn drain(#[case] draining: usize, #[case] proposal: &[u32], #[case] left: &[u32], #[case] why: Option<Reason>) {
    let case = Case::of(&[(5, 6)]).with(|c| {
        for pod in c.object.variants[0].pods.iter_mut().take(draining) {
            pod.phase = Phase::Draining;
        }
    });
    assert_eq!(case.ask("drain", proposal), (left.to_vec(), why));
}

#[test]
fn a_switch_of_variants_waits_until_the_new_one_serves() {
    let case = Case::of(&[(0, 0), (6, 6)]);
    assert_eq!(case.ask("in-flight", &[4, 0]), (vec![4, 6], Some(Reason::InFlight)));
    let case = Case::of(&[(4, 4), (6, 6)]);
    assert_eq!(case.ask("in-flight", &[4, 0]), (vec![4, 0], None));
}

#[test]
fn a_switch_of_variants_at_the_maximum_goes_on_in_steps() {
    let case = Case::of(&[(0, 0), (6, 6)]).with(|c| c.object.replicas.max = 6);
    assert_eq!(case.ask("in-flight", &[4, 0]), (vec![4, 0], None));
}

#[rstest]
#[case::need_was_as_low(&[8], Some(vec![2]), &[7], &[7], None)]
#[case::need_was_higher(&[8], Some(vec![7]), &[4], &[7], Some(Reason::HoldingDown))]
#[case::need_is_not_known(&[8], None, &[4], &[8], Some(Reason::HoldingDown))]
#[case::a_quarter_at_a_time(&[8], Some(vec![1]), &[1], &[6], Some(Reason::HoldingDown))]
#[case::one_at_least(&[3], Some(vec![1]), &[1], &[2], Some(Reason::HoldingDown))]
#[case::the_last_may_go(&[1], Some(vec![0]), &[0], &[0], None)]
#[case::up_is_free(&[8], None, &[12], &[12], None)]
#[case::held_above_what_runs_adds_nothing(&[8], Some(vec![12]), &[4], &[8], Some(Reason::HoldingDown))]
fn hold(
    #[case] current: &[u32],
    #[case] held: Option<Vec<u32>>,
    #[case] proposal: &[u32],
    #[case] left: &[u32],
    #[case] why: Option<Reason>,
) {
    let case = Case::of(&[(current[0], current[0])]).with(|c| c.held = held);
    assert_eq!(case.ask("hold", proposal), (left.to_vec(), why));
}

#[test]
fn hold_looks_at_each_variant_by_itself() {
    let case = Case::of(&[(8, 8), (4, 4)]).with(|c| c.held = Some(vec![8, 0]));
    assert_eq!(case.ask("hold", &[5, 0]).0, [8, 3]);
}

#[rstest]
#[case::air_enough(5.69, &[3], &[3])]
#[case::no_air(5.71, &[3], &[4])]
#[case::never_more_than_one_is_kept(20.0, &[3], &[4])]
#[case::up_is_not_its_business(20.0, &[7], &[7])]
fn tolerance(#[case] held: f64, #[case] proposal: &[u32], #[case] left: &[u32]) {
    let case = Case::of(&[(6, 6)]).with(|c| c.forecast = Some(build::forecast(3.0, held)));
    let why = (left != proposal).then_some(Reason::WithinTolerance);
    assert_eq!(case.ask("tolerance", proposal), (left.to_vec(), why));
}

#[rstest]
#[case::no_forecast(|c: &mut Case| c.forecast = None)]
#[case::no_capacity(|c: &mut Case| c.capacities = vec![None])]
fn tolerance_says_nothing_without_numbers(#[case] change: fn(&mut Case)) {
    let case = Case::of(&[(6, 6)])
        .with(|c| c.forecast = Some(build::forecast(3.0, 20.0)))
        .with(change);
    assert_eq!(case.ask("tolerance", &[3]).1, None);
}

#[test]
fn tolerance_never_breaks_the_maximum() {
    let case = Case::of(&[(3, 3), (2, 2)]).with(|c| {
        c.object.replicas.max = 5;
        c.forecast = Some(build::forecast(9.9, 9.9));
    });
    assert_eq!(case.ask("tolerance", &[4, 1]).0, [4, 1]);
}
