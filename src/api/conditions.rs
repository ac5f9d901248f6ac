//! What each reason means on each condition, and the remedy: one table, from which docs/reference/conditions.md is made. Pure.
//!
//! Names here are an API: a program may wait for them. A reason is added, never renamed.

use super::condition::{ConditionStatus, ConditionType};
use super::reason::Reason;

/// One row of the table: what a reason means on a condition, and what to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The condition.
    pub condition: ConditionType,
    /// The status that it has for this reason.
    pub status: ConditionStatus,
    /// The reason.
    pub reason: Reason,
    /// What it means.
    pub meaning: &'static str,
    /// What the user does about it; "Nothing." where all is well.
    pub remedy: &'static str,
}

/// What only the user can mend: `Ready` is false and `Stalled` true with the same reason.
const USER_ERRORS: [(Reason, &str, &str); 7] = [
    (
        Reason::TargetMissing,
        "The workload that a variant names does not exist in the namespace.",
        "Create it, or correct `targetRef` of the variant that the message names.",
    ),
    (
        Reason::TargetUncontrollable,
        "The workload exists but has no scale, or the operator may not scale it.",
        "Point `targetRef` at a kind with a scale subresource, or let the administrator add the kind to the operator's role.",
    ),
    (
        Reason::EngineUnknown,
        "No preset has the name in `engine`.",
        "Use one of the names in the message, or let the administrator add a preset.",
    ),
    (
        Reason::ProfileUnknown,
        "No profile has the name in `performance.profile`.",
        "Use one of the names in the message, or leave the field out: the operator then learns from the traffic.",
    ),
    (
        Reason::MetricsSourceUnknown,
        "The administrator has defined no metric source of this name.",
        "Use one of the names in the message, or leave the field out for `default`.",
    ),
    (
        Reason::PoolUnknown,
        "No GpuPool has the name in `pool`.",
        "Create the GpuPool, correct the name, or leave the field out: the cost is then unknown.",
    ),
    (
        Reason::Malformed,
        "A stored value breaks a rule of the present schema, for it was stored under another one.",
        "Write the field that the message names anew; the API server now checks it.",
    ),
];

/// Everything else.
const OTHERS: &[Entry] = &[
    row(
        ConditionType::Ready,
        ConditionStatus::True,
        Reason::Valid,
        "The object is valid and its targets can be scaled.",
        "Nothing.",
    ),
    row(
        ConditionType::Reconciling,
        ConditionStatus::True,
        Reason::FirstDecisionDue,
        "The spec is new or was changed, and the operator has not decided on it yet.",
        "Wait one tick (15 s by default). If it stays, look whether the operator runs.",
    ),
    row(
        ConditionType::Reconciling,
        ConditionStatus::False,
        Reason::Decided,
        "This generation was decided on.",
        "Nothing.",
    ),
    row(
        ConditionType::Stalled,
        ConditionStatus::False,
        Reason::Valid,
        "Nothing waits for the user.",
        "Nothing.",
    ),
    row(
        ConditionType::Active,
        ConditionStatus::True,
        Reason::InControl,
        "The operator decides and writes the replicas.",
        "Nothing.",
    ),
    row(
        ConditionType::Active,
        ConditionStatus::True,
        Reason::OverrideExpired,
        "The operator is in control again, for `override.until` has passed; the order still stands in the spec.",
        "Remove `override`, or set a later `until`.",
    ),
    row(
        ConditionType::Active,
        ConditionStatus::False,
        Reason::Paused,
        "`mode` is Paused: the replicas stay as they are.",
        "Set `mode: Auto` to go on.",
    ),
    row(
        ConditionType::Active,
        ConditionStatus::False,
        Reason::Advise,
        "`mode` is Advise: status says what would be done, nothing is written.",
        "Set `mode: Auto` when the decisions convince you.",
    ),
    row(
        ConditionType::Active,
        ConditionStatus::False,
        Reason::Override,
        "A person's order in `override` sets the replicas.",
        "Remove `override` to give the control back.",
    ),
    row(
        ConditionType::Active,
        ConditionStatus::False,
        Reason::Conflicted,
        "Another controller scales a target, so this one writes nothing.",
        "See the condition Conflicted.",
    ),
    row(
        ConditionType::SignalsFresh,
        ConditionStatus::True,
        Reason::Fresh,
        "Every serving pod was measured recently.",
        "Nothing.",
    ),
    row(
        ConditionType::SignalsFresh,
        ConditionStatus::False,
        Reason::Missing,
        "The metric source answers, but has no sample of these pods. Replicas are held.",
        "Look whether the pods are scraped: their target in the source, the port, the labels namespace and pod.",
    ),
    row(
        ConditionType::SignalsFresh,
        ConditionStatus::False,
        Reason::Stale,
        "The newest sample is older than four grid steps (one minute by default). Replicas do not go down.",
        "Look whether the scrapes of these pods fail, and whether the scrape interval is 30 s or less.",
    ),
    row(
        ConditionType::SignalsFresh,
        ConditionStatus::False,
        Reason::Partial,
        "Some serving pods are not measured. Replicas may go up, never down.",
        "Usual for a short time while pods start. If it stays, look at the scrapes of the pods that the message names.",
    ),
    row(
        ConditionType::SignalsFresh,
        ConditionStatus::False,
        Reason::Frozen,
        "A pod's counters stand still while it has requests running. Replicas do not go down.",
        "The exporter or the engine hangs: look at the pod's log, restart it.",
    ),
    row(
        ConditionType::SignalsFresh,
        ConditionStatus::Unknown,
        Reason::SourceUnreachable,
        "The metric source does not answer in time. Replicas are held.",
        "Look whether it runs and whether the operator may reach it; the message has the error.",
    ),
    row(
        ConditionType::SignalsFresh,
        ConditionStatus::Unknown,
        Reason::NoPods,
        "No pod serves yet, so there is nothing to measure.",
        "Usual while the first pods start. If it stays, look at the pods.",
    ),
    row(
        ConditionType::ObjectiveMet,
        ConditionStatus::True,
        Reason::Met,
        "Every target is attained over the window.",
        "Nothing.",
    ),
    row(
        ConditionType::ObjectiveMet,
        ConditionStatus::False,
        Reason::Missed,
        "Fewer requests than `attainment` asks for were inside a target over the window.",
        "See `status.decision` for what is being done, and ScalingLimited and CapacityAvailable for what may stand in the way.",
    ),
    row(
        ConditionType::ObjectiveMet,
        ConditionStatus::Unknown,
        Reason::NoTraffic,
        "No request ended in the window.",
        "Nothing.",
    ),
    row(
        ConditionType::ObjectiveMet,
        ConditionStatus::Unknown,
        Reason::NoData,
        "The latency of the requests in the window is not known.",
        "See the condition SignalsFresh.",
    ),
    row(
        ConditionType::CapacityAvailable,
        ConditionStatus::True,
        Reason::Available,
        "No wanted replica waits for a node.",
        "Nothing.",
    ),
    row(
        ConditionType::CapacityAvailable,
        ConditionStatus::False,
        Reason::Unschedulable,
        "The scheduler finds no node for a replica.",
        "Add nodes to the pool, or lower `replicas.max`; the message has the scheduler's words.",
    ),
    row(
        ConditionType::ScalingLimited,
        ConditionStatus::False,
        Reason::NotLimited,
        "The replicas are what the load needs.",
        "Nothing.",
    ),
    row(
        ConditionType::ScalingLimited,
        ConditionStatus::True,
        Reason::AtMinimum,
        "The load needs fewer replicas than `replicas.min`.",
        "Lower `replicas.min` if the standing capacity is not wanted.",
    ),
    row(
        ConditionType::ScalingLimited,
        ConditionStatus::True,
        Reason::AtMaximum,
        "The load needs more replicas than `replicas.max`.",
        "Raise `replicas.max`, or relax the objective.",
    ),
    row(
        ConditionType::ScalingLimited,
        ConditionStatus::True,
        Reason::VariantsAtMaximum,
        "The load needs more replicas than the variants' own `replicas.max` allow.",
        "Raise `replicas.max` of a variant, or add a variant.",
    ),
    row(
        ConditionType::Conflicted,
        ConditionStatus::False,
        Reason::NoConflict,
        "Nobody else scales a target of this object.",
        "Nothing.",
    ),
    row(
        ConditionType::Conflicted,
        ConditionStatus::True,
        Reason::ScaledByOther,
        "A HorizontalPodAutoscaler, a ScaledObject or a second InferenceDeployment scales the same target.",
        "Remove the one that the message names, or the variant of this object.",
    ),
];

const fn row(
    condition: ConditionType,
    status: ConditionStatus,
    reason: Reason,
    meaning: &'static str,
    remedy: &'static str,
) -> Entry {
    Entry {
        condition,
        status,
        reason,
        meaning,
        remedy,
    }
}

/// The whole table, ordered by condition.
pub fn table() -> Vec<Entry> {
    let errors = USER_ERRORS.iter().flat_map(|&(reason, meaning, remedy)| {
        [
            (ConditionType::Ready, ConditionStatus::False),
            (ConditionType::Stalled, ConditionStatus::True),
        ]
        .map(|(condition, status)| row(condition, status, reason, meaning, remedy))
    });
    let mut rows: Vec<Entry> = OTHERS.iter().copied().chain(errors).collect();
    rows.sort_by_key(|entry| entry.condition);
    rows
}

/// The status that `condition` has for `reason`; `None` = the two do not belong together.
pub fn status_of(condition: ConditionType, reason: Reason) -> Option<ConditionStatus> {
    table()
        .into_iter()
        .find(|e| e.condition == condition && e.reason == reason)
        .map(|e| e.status)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use strum::IntoEnumIterator;

    use super::*;

    #[test]
    fn every_reason_and_every_type_has_a_row_and_no_pair_has_two() {
        let rows = table();
        let pairs: BTreeSet<_> = rows.iter().map(|e| (e.condition, e.reason)).collect();
        assert_eq!(pairs.len(), rows.len());
        for reason in Reason::iter() {
            assert!(rows.iter().any(|e| e.reason == reason), "{reason} has no row");
        }
        for condition in ConditionType::iter() {
            assert!(rows.iter().any(|e| e.condition == condition), "{condition} has no row");
        }
    }

    #[test]
    fn a_row_says_what_it_means_and_what_to_do_in_sentences() {
        for entry in table() {
            for text in [entry.meaning, entry.remedy] {
                assert!(
                    text.ends_with('.') && !text.contains('\n') && text.len() > 7,
                    "{entry:?}"
                );
            }
        }
    }

    #[test]
    fn what_stalls_is_not_ready() {
        for (reason, ..) in USER_ERRORS {
            assert_eq!(status_of(ConditionType::Ready, reason), Some(ConditionStatus::False));
            assert_eq!(status_of(ConditionType::Stalled, reason), Some(ConditionStatus::True));
        }
    }
}
