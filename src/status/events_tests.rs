//! Which events people see.

use inferscale_core::plan::Reason;
use rstest::rstest;

use super::*;
use crate::act::ScaleWrite;
use crate::testing::samples;

fn after(from: u32, to: u32, outcome: Outcome) -> Vec<Event> {
    let object = samples::object();
    let plan = samples::wants(samples::plan(&object), &[to], Reason::DemandUp);
    let write = ScaleWrite {
        variant: "a100-bf16".into(),
        target: samples::target("chat-a100", "17"),
        from,
        to,
    };
    events(
        &plan,
        &Applied {
            scales: vec![Written { write, outcome }],
        },
    )
}

fn is_warning(event: &Event) -> bool {
    matches!(event.type_, EventType::Warning)
}

#[rstest]
#[case::up(4, 6, Outcome::Written, "ScaledUp", false)]
#[case::down(4, 3, Outcome::Written, "ScaledDown", false)]
#[case::forbidden(4, 6, Outcome::Forbidden("may not".into()), "ScaleFailed", true)]
#[case::failed(4, 6, Outcome::Failed("no answer".into()), "ScaleFailed", true)]
fn a_write_is_told(
    #[case] from: u32,
    #[case] to: u32,
    #[case] outcome: Outcome,
    #[case] reason: &str,
    #[case] warning: bool,
) {
    let told = after(from, to, outcome);
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].reason.as_str(), is_warning(&told[0])), (reason, warning));
    let note = told[0].note.clone().unwrap();
    assert!(
        note.starts_with(&format!("a100-bf16: {from} -> {to} replicas")),
        "{note}"
    );
}

#[test]
fn a_scaling_says_why_and_names_its_decision() {
    let note = after(4, 6, Outcome::Written)[0].note.clone().unwrap();
    assert!(
        note.contains("DemandUp, decision 0badcafe") && note.contains("req/s"),
        "{note}"
    );
}

#[rstest]
#[case(Outcome::Conflict)]
#[case(Outcome::Gone)]
#[case(Outcome::Expired)]
#[case(Outcome::Withheld)]
fn what_the_next_decision_deals_with_is_no_news(#[case] outcome: Outcome) {
    assert!(after(4, 6, outcome).is_empty());
}

/// The recorder joins events of one reason and action, and keeps the first one's note.
#[test]
fn two_different_scalings_are_no_series() {
    let (one, two) = (after(4, 6, Outcome::Written), after(6, 8, Outcome::Written));
    assert_eq!(one[0].reason, two[0].reason);
    assert_ne!(one[0].action, two[0].action);
    assert!(one[0].action.len() <= 128);
}

#[test]
fn a_note_fits_into_a_kilobyte() {
    let told = after(4, 6, Outcome::Failed("ä".repeat(5000)));
    assert!(
        told[0].note.as_ref().unwrap().len() <= 1024,
        "{}",
        told[0].note.as_ref().unwrap().len()
    );
}

fn condition(type_: ConditionType, status: ConditionStatus) -> Vec<Condition> {
    vec![Condition {
        type_: type_.to_string(),
        status,
        reason: "Because".into(),
        message: "of this".into(),
        ..Condition::default()
    }]
}

use ConditionStatus::{False, True, Unknown};
use ConditionType::{CapacityAvailable, Conflicted, ObjectiveMet, Ready, ScalingLimited, SignalsFresh};

#[rstest]
#[case::turned_bad(SignalsFresh, Some(True), False, Some(true))]
#[case::turned_good(SignalsFresh, Some(False), True, Some(false))]
#[case::stayed(SignalsFresh, Some(False), False, None)]
#[case::first_and_bad(SignalsFresh, None, False, Some(true))]
#[case::first_and_good(SignalsFresh, None, True, None)]
#[case::known_at_last_and_good(ObjectiveMet, Some(Unknown), True, None)]
#[case::known_at_last_and_bad(ObjectiveMet, Some(Unknown), False, Some(true))]
#[case::known_no_more(ObjectiveMet, Some(True), Unknown, None)]
#[case::no_room(CapacityAvailable, Some(True), False, Some(true))]
#[case::not_ready(Ready, Some(True), False, Some(true))]
#[case::a_conflict_is_bad_when_true(Conflicted, Some(False), True, Some(true))]
#[case::a_conflict_is_over(Conflicted, Some(True), False, Some(false))]
#[case::not_watched(ScalingLimited, Some(False), True, None)]
fn a_turn_is_told(
    #[case] type_: ConditionType,
    #[case] before: Option<ConditionStatus>,
    #[case] after: ConditionStatus,
    #[case] warning: Option<bool>,
) {
    let before = before.map_or_else(Vec::new, |status| condition(type_, status));
    let told = transitions(&before, &condition(type_, after));
    assert_eq!(told.first().map(is_warning), warning);
    if let Some(event) = told.first() {
        assert_eq!(event.note, Some(format!("{type_} is {after}: of this")));
    }
}
