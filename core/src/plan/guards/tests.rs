//! Every guard alone (passes, holds, clamps), then the chain: its order, and who goes before whom.

use rstest::rstest;

use super::*;
use crate::plan::Freshness;
use crate::plan::tests::build::{self, NOW, TIMING};
use crate::plan::tests::world::GRID;
use crate::snapshot::{Bounds, Mode, Phase, VariantSnapshot};
use crate::units::{Ratio, Span};

/// Everything a guard looks at, set so that all of them pass a decrease by one from six replicas.
struct Case {
    object: ObjectSnapshot,
    evidence: Evidence,
    memory: ObjectMemory,
    forecast: Option<Forecast>,
    current: Vec<u32>,
    held: Option<Vec<u32>>,
    active: Option<usize>,
    capacities: Vec<Option<f64>>,
    user_ordered: bool,
}

impl Case {
    /// `(ordered, ready)` of each variant.
    fn of(variants: &[(u32, u32)]) -> Self {
        let names = ["a", "b", "c"];
        let object = build::object(
            variants
                .iter()
                .zip(names)
                .map(|((ordered, ready), name)| build::variant(name, *ordered, *ready))
                .collect(),
        );
        Self {
            memory: build::memory(&object, &[3.0; 40]),
            evidence: build::evidence(Freshness::Fresh),
            forecast: Some(build::forecast(3.0, 3.0)),
            current: variants.iter().map(|(ordered, _)| *ordered).collect(),
            held: Some(vec![0; variants.len()]),
            active: Some(0),
            capacities: vec![Some(2.0); variants.len()],
            user_ordered: false,
            object,
        }
    }

    fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    fn context(&self) -> Context<'_> {
        Context {
            now: NOW,
            timing: TIMING,
            object: &self.object,
            evidence: &self.evidence,
            memory: &self.memory,
            forecast: self.forecast.as_ref(),
            current: &self.current,
            held: self.held.as_deref(),
            active: self.active,
            capacities: &self.capacities,
            user_ordered: self.user_ordered,
        }
    }

    /// What one guard leaves of a proposal, and its reason when it changed it.
    fn ask(&self, guard: &str, proposal: &[u32]) -> (Vec<u32>, Option<Reason>) {
        let (_, check) = CHAIN.into_iter().find(|(name, _)| *name == guard).unwrap();
        match check(&self.context(), proposal) {
            Verdict::Pass => (proposal.to_vec(), None),
            Verdict::Instead {
                replicas,
                reason,
                message,
            } => {
                assert!(!message.is_empty() && !message.contains('\n'), "{message:?}");
                let changed = replicas != proposal;
                (replicas, changed.then_some(reason))
            }
        }
    }

    fn run(&self, proposal: &[u32]) -> (Vec<u32>, Vec<&'static str>) {
        let (replicas, limits) = run(&self.context(), proposal.to_vec());
        (replicas, limits.iter().map(|l| l.guard).collect())
    }
}

fn silent(case: &mut Case) {
    let mut rates = vec![3.0; 40];
    rates.extend([0.0; 10]);
    case.memory = build::memory(&case.object, &rates);
}

#[test]
fn the_chain_has_the_order_of_the_design() {
    let names: Vec<_> = names().collect();
    assert_eq!(
        names,
        [
            "paused",
            "conflict",
            "evidence",
            "learning",
            "warm-up",
            "in-flight",
            "drain",
            "hold",
            "bounds",
            "tolerance"
        ]
    );
}

#[rstest]
#[case::down(&[5])]
#[case::up(&[9])]
#[case::same(&[6])]
fn nothing_objects_to_a_small_change_on_good_data(#[case] proposal: &[u32]) {
    assert_eq!(Case::of(&[(6, 6)]).run(proposal), (proposal.to_vec(), vec![]));
}

// One guard at a time: what is proposed to six ready replicas, what is left of it, and why.

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
#[case::one_bucket_short(7, Some(Reason::SignalsPartial))]
#[case::none(0, Some(Reason::SignalsPartial))]
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

fn bounded(min: u32, max: u32, variants: &[(u32, u32)]) -> impl FnOnce(&mut Case) {
    let own: Vec<Bounds> = variants
        .iter()
        .map(|(min, max)| Bounds { min: *min, max: *max })
        .collect();
    move |c: &mut Case| {
        c.object.replicas = Bounds { min, max };
        for (variant, own) in c.object.variants.iter_mut().zip(own) {
            variant.replicas = own;
        }
    }
}

#[rstest]
#[case::inside((1, 10), (0, 10), &[6], &[9], &[9], None)]
#[case::total_max((1, 8), (0, 10), &[6], &[9], &[8], Some(Reason::AtMaximum))]
#[case::variant_max((1, 20), (0, 8), &[6], &[9], &[8], Some(Reason::AtMaximum))]
#[case::total_min((3, 10), (0, 10), &[6], &[2], &[3], Some(Reason::AtMinimum))]
#[case::variant_min((1, 10), (4, 10), &[6], &[2], &[4], Some(Reason::AtMinimum))]
#[case::a_cap_beats_a_minimum((9, 5), (0, 20), &[2], &[2], &[5], Some(Reason::AtMinimum))]
#[case::what_runs_above_the_max_is_not_cut((1, 4), (0, 4), &[6], &[6], &[6], None)]
#[case::above_the_max_nothing_is_added((1, 4), (0, 4), &[6], &[9], &[6], Some(Reason::AtMaximum))]
#[case::above_the_max_it_may_fall((1, 4), (0, 4), &[6], &[5], &[5], None)]
fn bounds(
    #[case] total: (u32, u32),
    #[case] own: (u32, u32),
    #[case] current: &[u32],
    #[case] proposal: &[u32],
    #[case] left: &[u32],
    #[case] why: Option<Reason>,
) {
    let case = Case::of(&[(current[0], current[0])]).with(bounded(total.0, total.1, &[own]));
    assert_eq!(case.ask("bounds", proposal), (left.to_vec(), why));
}

#[rstest]
#[case::the_total_is_what_was_ordered((1, 4), (0, 20), &[4])]
#[case::the_variants_own_is_not((1, 20), (0, 5), &[6])]
fn a_persons_order_is_about_the_total(#[case] total: (u32, u32), #[case] own: (u32, u32), #[case] left: &[u32]) {
    let case = Case::of(&[(6, 6)])
        .with(bounded(total.0, total.1, &[own]))
        .with(|c| c.user_ordered = true);
    assert_eq!(case.ask("bounds", &[6]).0, left);
}

#[rstest]
#[case::kept_by_the_evidence(&[(2, 2), (3, 3)], 5, &[5, 3], &[2, 3])]
#[case::room_for_one(&[(2, 2), (3, 3)], 6, &[5, 3], &[3, 3])]
#[case::what_is_given_back_makes_room(&[(2, 2), (3, 3)], 5, &[5, 2], &[3, 2])]
#[case::the_last_in_the_spec_waits(&[(2, 2), (2, 2)], 6, &[4, 4], &[4, 2])]
fn the_maximum_never_takes_what_runs_to_make_room_for_more(
    #[case] variants: &[(u32, u32)],
    #[case] max: u32,
    #[case] proposal: &[u32],
    #[case] left: &[u32],
) {
    let case = Case::of(variants).with(|c| c.object.replicas.max = max);
    assert_eq!(case.ask("bounds", proposal), (left.to_vec(), Some(Reason::AtMaximum)));
}

#[test]
fn an_ordered_cut_takes_what_does_not_serve_yet_first() {
    let case = Case::of(&[(3, 0), (5, 5)]).with(|c| {
        c.object.replicas.max = 5;
        c.user_ordered = true;
    });
    assert_eq!(case.ask("bounds", &[3, 5]).0, [0, 5]);
}

#[rstest]
#[case::by_the_active_one(&[(0, 0), (2, 2)], 4, 20, Some(1), &[0, 2], &[0, 4])]
#[case::by_the_one_that_runs_while_none_is_known(&[(0, 0), (2, 2)], 4, 20, None, &[0, 2], &[0, 4])]
#[case::moving_it_keeps_what_serves(&[(1, 1), (2, 2)], 3, 20, Some(0), &[1, 1], &[2, 2])]
#[case::then_it_goes(&[(2, 2), (2, 2)], 3, 20, Some(0), &[2, 1], &[2, 1])]
#[case::without_room_one_for_one(&[(1, 1), (2, 2)], 3, 3, Some(0), &[1, 1], &[2, 1])]
fn the_minimum_is_met(
    #[case] variants: &[(u32, u32)],
    #[case] min: u32,
    #[case] max: u32,
    #[case] active: Option<usize>,
    #[case] proposal: &[u32],
    #[case] left: &[u32],
) {
    let case = Case::of(variants).with(|c| {
        c.object.replicas = Bounds { min, max };
        c.active = active;
    });
    let why = (left != proposal).then_some(Reason::AtMinimum);
    assert_eq!(case.ask("bounds", proposal), (left.to_vec(), why));
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

// The chain as a whole.

#[rstest]
#[case::blind(|c: &mut Case| c.evidence = build::evidence(Freshness::Missing))]
#[case::stale(|c: &mut Case| c.evidence = build::evidence(Freshness::Stale))]
#[case::frozen(|c: &mut Case| c.evidence = build::evidence(Freshness::Frozen))]
#[case::partial(|c: &mut Case| c.evidence = build::evidence(Freshness::Partial))]
#[case::suspicious(silent)]
#[case::learning(|c: &mut Case| c.capacities = vec![None])]
#[case::warming_up(|c: &mut Case| c.memory = ObjectMemory::new(NOW, NOW))]
#[case::in_flight(|c: &mut Case| c.object.variants = vec![build::variant("a", 6, 1)])]
#[case::held(|c: &mut Case| c.held = None)]
#[case::no_forecast(|c: &mut Case| c.forecast = None)]
#[case::no_air(|c: &mut Case| c.forecast = Some(build::forecast(50.0, 50.0)))]
fn what_holds_the_operator_does_not_hold_a_person(#[case] bad: fn(&mut Case)) {
    let held = Case::of(&[(6, 6)]).with(bad);
    assert!(held.run(&[2]).0 > vec![2], "the case holds nothing");
    let ordered = Case::of(&[(6, 6)]).with(bad).with(|c| c.user_ordered = true);
    assert_eq!(ordered.run(&[2]), (vec![2], vec![]));
}

#[rstest]
#[case::paused(|c: &mut Case| c.object.mode = Mode::Paused, "paused")]
#[case::conflict(|c: &mut Case| c.object.conflicts = vec![build::hpa("a")], "conflict")]
fn paused_and_conflict_hold_persons_too_and_beat_the_bounds(#[case] set: fn(&mut Case), #[case] guard: &'static str) {
    // Below the minimum and above the maximum: what runs is not touched.
    for (min, max) in [(9, 20), (1, 3)] {
        for user_ordered in [false, true] {
            for proposal in [[2], [6], [9]] {
                let case = Case::of(&[(6, 6)]).with(set).with(|c| {
                    c.object.replicas = Bounds { min, max };
                    c.user_ordered = user_ordered;
                });
                let (left, guards) = case.run(&proposal);
                assert_eq!(left, [6]);
                assert!(guards.is_empty() || guards == [guard], "{guards:?}");
            }
        }
    }
}

#[test]
fn paused_is_named_before_a_conflict() {
    let case = Case::of(&[(6, 6)]).with(|c| {
        c.object.mode = Mode::Paused;
        c.object.conflicts = vec![build::hpa("a")];
    });
    assert_eq!(case.run(&[9]).1, ["paused"]);
}

#[test]
fn a_limit_tells_who_changed_what_from_what() {
    let case = Case::of(&[(6, 6)]).with(|c| c.object.replicas.max = 8);
    let (_, limits) = run(&case.context(), vec![12]);
    assert_eq!(limits.len(), 1);
    assert_eq!((limits[0].guard, limits[0].from, limits[0].to), ("bounds", 12, 8));
    assert_eq!(limits[0].message, "replicas.max is 8");
}

#[test]
fn later_guards_see_what_earlier_ones_left() {
    // The hold keeps six of eight; the maximum has nothing left to cut.
    let case = Case::of(&[(8, 8)]).with(|c| c.object.replicas.max = 8);
    assert_eq!(case.run(&[1]), (vec![6], vec!["hold"]));
    // Blind: the minimum alone still adds.
    let case = Case::of(&[(2, 2)]).with(|c| {
        c.evidence = build::evidence(Freshness::Missing);
        c.object.replicas.min = 3;
    });
    assert_eq!(case.run(&[9]), (vec![3], vec!["evidence", "bounds"]));
}

#[test]
fn ready_replicas_are_counted_per_variant() {
    let case = Case::of(&[(6, 4), (2, 2)]);
    let ready: Vec<_> = (0..3).map(|i| case.context().ready(i)).collect();
    assert_eq!(ready, [4, 2, 0]);
    assert_eq!(case.object.variants.iter().map(VariantSnapshot::ready).sum::<u32>(), 6);
}
