//! Each condition by a table, and how they are merged with those before.

use inferscale_core::plan::ObjectPlan;
use inferscale_core::snapshot::{Conflict, ObjectSnapshot, Override};
use inferscale_core::units::{Ratio, Span};
use rstest::rstest;

use super::*;
use crate::observe::ObservedObject;
use crate::testing::samples::{self, NOW};

/// What conditions are made from.
struct Parts {
    object: ObjectSnapshot,
    beside: ObservedObject,
    plan: ObjectPlan,
}

type Change = fn(&mut Parts);

fn after(change: Change) -> Vec<Condition> {
    let object = samples::object();
    let mut parts = Parts {
        beside: samples::beside(&object),
        plan: samples::plan(&object),
        object,
    };
    change(&mut parts);
    let view = View {
        object: &parts.object,
        beside: &parts.beside,
        plan: &parts.plan,
    };
    merge(conditions(&view, NOW), &[], Some(3), NOW)
}

fn one(change: Change, type_: ConditionType) -> Condition {
    let all = after(change);
    all.into_iter().find(|c| c.type_ == type_.to_string()).unwrap()
}

use ConditionStatus::{False, True, Unknown};

#[rstest]
#[case::valid(|_: &mut Parts| {}, True, "Valid", "valid")]
#[case::missing(|s: &mut Parts| s.object.variants[0].target = TargetState::Missing, False, "TargetMissing", "variant a100-bf16 does not exist: create it")]
#[case::uncontrollable(|s: &mut Parts| s.object.variants[0].target = TargetState::Uncontrollable("it has no scale".into()), False, "TargetUncontrollable", "it has no scale")]
#[case::no_pool(|s: &mut Parts| s.beside.unknown_pool = Some("h100".into()), False, "PoolUnknown", "GpuPool \"h100\"")]
#[case::the_target_comes_before_the_pool(|s: &mut Parts| {
    s.object.variants[0].target = TargetState::Missing;
    s.beside.unknown_pool = Some("h100".into());
}, False, "TargetMissing", "")]
#[case::load_is_no_fault(|s: &mut Parts| s.plan.attained[0].share = Some(Ratio::ZERO), True, "Valid", "")]
fn ready_and_stalled_are_each_others_opposite(
    #[case] change: Change,
    #[case] status: ConditionStatus,
    #[case] reason: &str,
    #[case] words: &str,
) {
    let ready = one(change, ConditionType::Ready);
    assert_eq!((ready.status, ready.reason.as_str()), (status, reason));
    assert!(ready.message.contains(words), "{}", ready.message);
    let stalled = one(change, ConditionType::Stalled);
    let opposite = if status == True { False } else { True };
    assert_eq!(
        (stalled.status, stalled.reason, stalled.message),
        (opposite, ready.reason, ready.message)
    );
}

fn ordered(o: &mut ObjectSnapshot, ends: Option<i64>) {
    o.replicas_override = Some(Override {
        replicas: 6,
        until: ends.map(|s| {
            if s < 0 {
                NOW - Span::from_secs(-s)
            } else {
                NOW + Span::from_secs(s)
            }
        }),
    });
}

fn rival(o: &mut ObjectSnapshot) {
    o.conflicts = vec![Conflict {
        kind: "HorizontalPodAutoscaler".into(),
        name: "chat".into(),
        variant: "a100-bf16".into(),
    }];
}

#[rstest]
#[case::in_control(|_: &mut Parts| {}, True, "InControl")]
#[case::paused(|s: &mut Parts| s.object.mode = Mode::Paused, False, "Paused")]
#[case::advise(|s: &mut Parts| s.object.mode = Mode::Advise, False, "Advise")]
#[case::conflict(|s: &mut Parts| rival(&mut s.object), False, "Conflicted")]
#[case::an_order(|s: &mut Parts| ordered(&mut s.object, None), False, "Override")]
#[case::an_order_for_an_hour(|s: &mut Parts| ordered(&mut s.object, Some(3600)), False, "Override")]
#[case::an_order_that_is_over(|s: &mut Parts| ordered(&mut s.object, Some(-1)), True, "OverrideExpired")]
#[case::paused_beats_all(|s: &mut Parts| { s.object.mode = Mode::Paused; rival(&mut s.object); ordered(&mut s.object, None); }, False, "Paused")]
#[case::a_conflict_beats_an_order(|s: &mut Parts| { rival(&mut s.object); ordered(&mut s.object, None); }, False, "Conflicted")]
fn active(#[case] change: Change, #[case] status: ConditionStatus, #[case] reason: &str) {
    let found = one(change, ConditionType::Active);
    assert_eq!((found.status, found.reason.as_str()), (status, reason));
}

#[rstest]
#[case(Freshness::Fresh, True, "Fresh")]
#[case(Freshness::Partial, False, "Partial")]
#[case(Freshness::Stale, False, "Stale")]
#[case(Freshness::Missing, False, "Missing")]
#[case(Freshness::Frozen, False, "Frozen")]
#[case(Freshness::NoPods, Unknown, "NoPods")]
#[case(Freshness::SourceUnreachable, Unknown, "SourceUnreachable")]
fn signals_fresh(#[case] freshness: Freshness, #[case] status: ConditionStatus, #[case] reason: &str) {
    let object = samples::object();
    let (beside, mut plan) = (samples::beside(&object), samples::plan(&object));
    plan.evidence.freshness = freshness;
    let found = signals(&View {
        object: &object,
        beside: &beside,
        plan: &plan,
    });
    assert_eq!(found.reason.to_string(), reason);
    assert_eq!(status_of(found.condition, found.reason), Some(status));
}

#[test]
fn an_unreachable_source_is_quoted() {
    let found = one(
        |s: &mut Parts| {
            s.object.source_failure = Some("connection refused".into());
            s.plan.evidence.freshness = Freshness::SourceUnreachable;
        },
        ConditionType::SignalsFresh,
    );
    assert!(found.message.contains("connection refused"), "{}", found.message);
}

#[rstest]
#[case::both_met(|_: &mut Parts| {}, True, "Met")]
#[case::one_missed(|s: &mut Parts| s.plan.attained[1].share = Some(Ratio::clamped(0.98)), False, "Missed")]
#[case::exactly(|s: &mut Parts| for a in &mut s.plan.attained { a.share = Some(Ratio::clamped(0.99)); }, True, "Met")]
#[case::no_request(|s: &mut Parts| for a in &mut s.plan.attained { a.share = None; }, Unknown, "NoTraffic")]
#[case::one_measured_is_enough(|s: &mut Parts| s.plan.attained[0].share = None, True, "Met")]
#[case::blind(|s: &mut Parts| s.plan.evidence.freshness = Freshness::Missing, Unknown, "NoData")]
#[case::partly_seen_is_seen(|s: &mut Parts| s.plan.evidence.freshness = Freshness::Partial, True, "Met")]
fn objective_met(#[case] change: Change, #[case] status: ConditionStatus, #[case] reason: &str) {
    let found = one(change, ConditionType::ObjectiveMet);
    assert_eq!((found.status, found.reason.as_str()), (status, reason));
}

#[test]
fn a_missed_objective_says_by_how_much() {
    let found = one(
        |s: &mut Parts| s.plan.attained[1].share = Some(Ratio::clamped(0.9749)),
        ConditionType::ObjectiveMet,
    );
    assert_eq!(
        found.message,
        "timeToFirstToken 99.4%, timePerOutputToken 97.4% inside the target, 99% wanted"
    );
}

#[rstest]
#[case::room(|_: &mut Parts| {}, True, "Available", "no wanted replica")]
#[case::no_room(|s: &mut Parts| s.beside.unschedulable = Some("pod x: 0/4 nodes".into()), False, "Unschedulable", "pod x: 0/4 nodes")]
fn capacity_available(
    #[case] change: Change,
    #[case] status: ConditionStatus,
    #[case] reason: &str,
    #[case] words: &str,
) {
    let found = one(change, ConditionType::CapacityAvailable);
    assert_eq!((found.status, found.reason.as_str()), (status, reason));
    assert!(found.message.contains(words), "{}", found.message);
}

#[rstest]
#[case::free(|_: &mut Parts| {}, False, "NotLimited")]
#[case::at_the_minimum(|s: &mut Parts| s.plan.limits = vec![samples::limit(Why::AtMinimum, "replicas.min is 4")], True, "AtMinimum")]
#[case::at_the_maximum(|s: &mut Parts| {
    s.object.replicas.max = 4;
    s.plan.limits = vec![samples::limit(Why::AtMaximum, "replicas.max is 4")];
}, True, "AtMaximum")]
#[case::at_the_variants_maximum(|s: &mut Parts| s.plan.limits = vec![samples::limit(Why::AtMaximum, "the variants'")], True, "VariantsAtMaximum")]
#[case::not_enough_in_total(|s: &mut Parts| { s.object.replicas.max = 4; s.plan.enough = false; }, True, "AtMaximum")]
#[case::not_enough_by_the_variants(|s: &mut Parts| s.plan.enough = false, True, "VariantsAtMaximum")]
#[case::a_hold_is_no_limit(|s: &mut Parts| s.plan.limits = vec![samples::limit(Why::HoldingDown, "held")], False, "NotLimited")]
fn scaling_limited(#[case] change: Change, #[case] status: ConditionStatus, #[case] reason: &str) {
    let found = one(change, ConditionType::ScalingLimited);
    assert_eq!((found.status, found.reason.as_str()), (status, reason));
}

#[rstest]
#[case::nobody(|_: &mut Parts| {}, False, "NoConflict", "nobody")]
#[case::somebody(|s: &mut Parts| rival(&mut s.object), True, "ScaledByOther", "HorizontalPodAutoscaler chat scales the target of variant a100-bf16")]
fn conflicted(#[case] change: Change, #[case] status: ConditionStatus, #[case] reason: &str, #[case] words: &str) {
    let found = one(change, ConditionType::Conflicted);
    assert_eq!((found.status, found.reason.as_str()), (status, reason));
    assert!(found.message.contains(words), "{}", found.message);
}

#[test]
fn every_type_is_told_once_with_a_status_of_the_table() {
    use strum::IntoEnumIterator;
    let all = after(|_: &mut Parts| {});
    let mut types: Vec<_> = all.iter().map(|c| c.type_.clone()).collect();
    types.sort_unstable();
    let mut expected: Vec<_> = ConditionType::iter().map(|t| t.to_string()).collect();
    expected.sort_unstable();
    assert_eq!(types, expected);
    assert!(
        all.iter()
            .all(|c| c.observed_generation == Some(3) && !c.message.is_empty())
    );
}

#[test]
fn an_invalid_object_is_stalled_and_nothing_else_is_claimed() {
    let why = Invalid {
        reason: Reason::ProfileUnknown,
        message: "spec.variants[0].performance.profile: there is none".into(),
    };
    let all = merge(invalid(&why), &after(|_: &mut Parts| {}), Some(4), NOW);
    let facts: Vec<_> = all
        .iter()
        .map(|c| (c.type_.as_str(), c.status, c.reason.as_str()))
        .collect();
    assert_eq!(
        facts,
        [
            ("Ready", False, "ProfileUnknown"),
            ("Stalled", True, "ProfileUnknown"),
            ("Reconciling", False, "Decided"),
        ]
    );
    assert_eq!(all[0].message, why.message);
    assert_eq!(all[0].observed_generation, Some(4));
}

#[test]
fn a_transition_time_moves_only_with_the_status() {
    let later = NOW + Span::from_secs(60);
    let ready = |reason, message: &str| vec![found(ConditionType::Ready, reason, message)];
    let first = merge(ready(Reason::TargetMissing, "a"), &[], Some(1), NOW);
    assert_eq!(first[0].last_transition_time, NOW.into());
    // Another reason, another message, another generation: the same status.
    let second = merge(ready(Reason::PoolUnknown, "b"), &first, Some(2), later);
    assert_eq!(second[0].last_transition_time, NOW.into());
    assert_eq!(
        (
            second[0].reason.as_str(),
            second[0].message.as_str(),
            second[0].observed_generation
        ),
        ("PoolUnknown", "b", Some(2))
    );
    let third = merge(ready(Reason::Valid, "c"), &second, Some(2), later);
    assert_eq!(third[0].last_transition_time, later.into());
}

#[test]
fn a_condition_that_is_not_found_is_not_kept() {
    let before = after(|_: &mut Parts| {});
    let now = merge(
        vec![found(ConditionType::Ready, Reason::Valid, "")],
        &before,
        Some(3),
        NOW,
    );
    assert_eq!(now.len(), 1);
}

#[test]
fn a_reason_that_does_not_belong_to_a_condition_is_unknown() {
    let now = merge(vec![found(ConditionType::Ready, Reason::Paused, "")], &[], None, NOW);
    assert_eq!(now[0].status, Unknown);
}
