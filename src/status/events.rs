//! Which events a change is worth. Pure.

use inferscale_core::plan::ObjectPlan;
use kube::runtime::events::{Event, EventType};

use crate::act::{Applied, Outcome, Written};
use crate::api::{Condition, ConditionStatus, ConditionType};

/// The longest note that the API server takes, in bytes.
const LONGEST: usize = 1024;

fn event(type_: EventType, reason: &str, action: &str, note: &str) -> Event {
    Event {
        type_,
        reason: reason.to_owned(),
        note: Some(cut(note).to_owned()),
        action: action.to_owned(),
        secondary: None,
    }
}

/// As much of `note` as fits, to a whole character.
fn cut(note: &str) -> &str {
    let mut end = note.len().min(LONGEST);
    while !note.is_char_boundary(end) {
        end -= 1;
    }
    note.get(..end).unwrap_or_default()
}

/// One event for each write.
pub fn events(plan: &ObjectPlan, applied: &Applied) -> Vec<Event> {
    applied
        .scales
        .iter()
        .filter_map(|written| of_write(plan, written))
        .collect()
}

fn of_write(plan: &ObjectPlan, written: &Written) -> Option<Event> {
    let (variant, from, to) = (&written.write.variant, written.write.from, written.write.to);
    let decision = &plan.decision;
    let change = format!("{variant}: {from} -> {to} replicas");
    match &written.outcome {
        Outcome::Written => {
            let reason = if to > from { "ScaledUp" } else { "ScaledDown" };
            let note = format!(
                "{change} ({}, decision {}): {}",
                decision.reason, decision.id, decision.message
            );
            // Events of one reason and action become a series with the first one's note: another change is another action.
            Some(event(
                EventType::Normal,
                reason,
                &format!("Scale {from} to {to}"),
                &note,
            ))
        }
        Outcome::Forbidden(why) | Outcome::Failed(why) => Some(event(
            EventType::Warning,
            "ScaleFailed",
            "Scale",
            &format!("{change}: {why}"),
        )),
        // The next decision deals with these; they are no news for people.
        Outcome::Conflict | Outcome::Gone | Outcome::Expired | Outcome::NotLeader | Outcome::Withheld => None,
    }
}

/// One event for each condition that turned bad, or good again.
pub fn transitions(before: &[Condition], after: &[Condition]) -> Vec<Event> {
    const WATCHED: [(ConditionType, ConditionStatus); 5] = [
        (ConditionType::Ready, ConditionStatus::True),
        (ConditionType::SignalsFresh, ConditionStatus::True),
        (ConditionType::ObjectiveMet, ConditionStatus::True),
        (ConditionType::CapacityAvailable, ConditionStatus::True),
        (ConditionType::Conflicted, ConditionStatus::False),
    ];
    WATCHED
        .iter()
        .filter_map(|(type_, good)| {
            let name = type_.to_string();
            let new = after.iter().find(|c| c.type_ == name)?;
            let old = before.iter().find(|c| c.type_ == name);
            if new.status == ConditionStatus::Unknown || old.is_some_and(|old| old.status == new.status) {
                return None;
            }
            let is_good = new.status == *good;
            // The first good report of a new object is no news.
            if is_good && old.is_none_or(|old| old.status == ConditionStatus::Unknown) {
                return None;
            }
            let type_ = if is_good { EventType::Normal } else { EventType::Warning };
            Some(event(
                type_,
                &new.reason,
                "Observe",
                &format!("{name} is {}: {}", new.status, new.message),
            ))
        })
        .collect()
}

#[cfg(test)]
#[path = "events_tests.rs"]
mod tests;
