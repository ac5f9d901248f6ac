//! The conditions of an InferenceDeployment, and merging them with those before. Pure.

use inferscale_core::plan::{Freshness, Reason as Why, override_in_force};
use inferscale_core::snapshot::{Mode, TargetState};
use inferscale_core::units::Time;

use super::view::View;
use crate::api::conditions::status_of;
use crate::api::text::{self, shorten};
use crate::api::{Condition, ConditionStatus, ConditionType, Reason};
use crate::observe::Invalid;

/// One condition as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The condition.
    pub condition: ConditionType,
    /// Why it has its status.
    pub reason: Reason,
    /// The same for people.
    pub message: String,
}

fn found(condition: ConditionType, reason: Reason, message: impl Into<String>) -> Found {
    Found {
        condition,
        reason,
        message: message.into(),
    }
}

/// The conditions of an object that was decided on.
pub fn conditions(view: &View<'_>, now: Time) -> Vec<Found> {
    let (ready, message) = readiness(view);
    let mut all = vec![
        found(ConditionType::Ready, ready, message.clone()),
        found(ConditionType::Stalled, ready, message),
        found(
            ConditionType::Reconciling,
            Reason::Decided,
            "this generation was decided on",
        ),
    ];
    all.extend([
        active(view, now),
        signals(view),
        objective(view),
        capacity(view),
        limited(view),
        conflicted(view),
    ]);
    all
}

/// The conditions of an object that cannot be decided on.
pub fn invalid(invalid: &Invalid) -> Vec<Found> {
    vec![
        found(ConditionType::Ready, invalid.reason, invalid.message.clone()),
        found(ConditionType::Stalled, invalid.reason, invalid.message.clone()),
        found(
            ConditionType::Reconciling,
            Reason::Decided,
            "nothing can be decided until it is mended",
        ),
    ]
}

/// `found` as conditions. A transition time moves only when the status changes; conditions that were not found keep
/// nothing: what cannot be told is not told.
pub fn merge(found: Vec<Found>, before: &[Condition], generation: Option<i64>, now: Time) -> Vec<Condition> {
    found
        .into_iter()
        .map(|f| {
            let status = status_of(f.condition, f.reason).unwrap_or(ConditionStatus::Unknown);
            let type_ = f.condition.to_string();
            let old = before.iter().find(|c| c.type_ == type_ && c.status == status);
            Condition {
                last_transition_time: old.map_or_else(|| now.into(), |c| c.last_transition_time),
                type_,
                status,
                reason: f.reason.to_string(),
                message: shorten(&f.message, text::MESSAGE),
                observed_generation: generation,
            }
        })
        .collect()
}

fn readiness(view: &View<'_>) -> (Reason, String) {
    for variant in &view.object.variants {
        match &variant.target {
            TargetState::Found { .. } => {}
            TargetState::Missing => {
                let text = format!(
                    "the target of variant {} does not exist: create it, or correct targetRef",
                    variant.name
                );
                return (Reason::TargetMissing, text);
            }
            TargetState::Uncontrollable(why) => {
                let text = format!("the target of variant {} cannot be scaled: {why}", variant.name);
                return (Reason::TargetUncontrollable, text);
            }
        }
    }
    match &view.beside.unknown_pool {
        Some(pool) => (
            Reason::PoolUnknown,
            format!("there is no GpuPool {pool:?}: create it, correct the name, or leave pool out"),
        ),
        None => (
            Reason::Valid,
            "the object is valid and its targets can be scaled".to_owned(),
        ),
    }
}

fn active(view: &View<'_>, now: Time) -> Found {
    let (reason, message) = match (view.object.mode, view.object.replicas_override) {
        (Mode::Paused, _) => (
            Reason::Paused,
            "mode is Paused: the replicas stay as they are".to_owned(),
        ),
        (Mode::Advise, _) => (
            Reason::Advise,
            "mode is Advise: decisions are reported, not written".to_owned(),
        ),
        _ if !view.object.conflicts.is_empty() => (
            Reason::Conflicted,
            "another controller scales a target: nothing is written".to_owned(),
        ),
        (Mode::Auto, Some(order)) if override_in_force(view.object, now) => (
            Reason::Override,
            format!("a person's order sets {} replicas", order.replicas),
        ),
        (Mode::Auto, Some(_)) => (
            Reason::OverrideExpired,
            "override.until has passed: remove override, or set a later time".to_owned(),
        ),
        (Mode::Auto, None) => (
            Reason::InControl,
            "the operator decides and writes the replicas".to_owned(),
        ),
    };
    found(ConditionType::Active, reason, message)
}

fn signals(view: &View<'_>) -> Found {
    let evidence = &view.plan.evidence;
    let age = evidence.age.map_or_else(|| "unknown".to_owned(), |age| age.to_string());
    let (reason, message) = match evidence.freshness {
        Freshness::Fresh => (Reason::Fresh, "every serving pod was measured recently".to_owned()),
        Freshness::NoPods => (Reason::NoPods, "no pod serves yet".to_owned()),
        Freshness::SourceUnreachable => {
            let why = view.object.source_failure.clone().unwrap_or_default();
            (
                Reason::SourceUnreachable,
                format!("the metrics source does not answer: {why}"),
            )
        }
        Freshness::Missing => (
            Reason::Missing,
            "no sample of any serving pod came: are they scraped?".to_owned(),
        ),
        Freshness::Stale => (Reason::Stale, format!("the newest samples are {age} old")),
        Freshness::Frozen => (
            Reason::Frozen,
            "an engine reports running requests but makes no progress".to_owned(),
        ),
        Freshness::Partial => (
            Reason::Partial,
            format!("{} of the serving pods were measured", evidence.coverage),
        ),
    };
    found(ConditionType::SignalsFresh, reason, message)
}

fn objective(view: &View<'_>) -> Found {
    let wanted = view.object.objectives.attainment;
    let shares: Vec<_> = view
        .plan
        .attained
        .iter()
        .filter_map(|a| a.share.map(|share| (a.target, share)))
        .collect();
    let text: Vec<String> = shares
        .iter()
        .map(|(target, share)| format!("{target} {share}"))
        .collect();
    let text = format!("{} inside the target, {wanted} wanted", text.join(", "));
    let (reason, message) = if view.plan.evidence.is_blind() {
        (
            Reason::NoData,
            "the latency of the requests in the window is not known".to_owned(),
        )
    } else if shares.is_empty() {
        (Reason::NoTraffic, "no request ended in the window".to_owned())
    } else if shares.iter().all(|(_, share)| *share >= wanted) {
        (Reason::Met, text)
    } else {
        (Reason::Missed, text)
    };
    found(ConditionType::ObjectiveMet, reason, message)
}

fn capacity(view: &View<'_>) -> Found {
    match &view.beside.unschedulable {
        Some(why) => found(ConditionType::CapacityAvailable, Reason::Unschedulable, why.clone()),
        None => found(
            ConditionType::CapacityAvailable,
            Reason::Available,
            "no wanted replica waits for a node",
        ),
    }
}

fn limited(view: &View<'_>) -> Found {
    let limit = view
        .plan
        .limits
        .iter()
        .rev()
        .find(|l| matches!(l.reason, Why::AtMinimum | Why::AtMaximum));
    let at_total = view.plan.desired() >= view.object.replicas.max;
    let (reason, message) = match limit.map(|l| (l.reason, l.message.clone())) {
        Some((Why::AtMinimum, message)) => (Reason::AtMinimum, message),
        Some((_, message)) if at_total => (Reason::AtMaximum, message),
        Some((_, message)) => (Reason::VariantsAtMaximum, message),
        None if !view.plan.enough && at_total => (
            Reason::AtMaximum,
            format!(
                "the load needs more than replicas.max, which is {}",
                view.object.replicas.max
            ),
        ),
        None if !view.plan.enough => (
            Reason::VariantsAtMaximum,
            "the load needs more than the variants' replicas.max".to_owned(),
        ),
        None => (Reason::NotLimited, "the replicas are what the load needs".to_owned()),
    };
    found(ConditionType::ScalingLimited, reason, message)
}

fn conflicted(view: &View<'_>) -> Found {
    match view.object.conflicts.first() {
        Some(other) => found(
            ConditionType::Conflicted,
            Reason::ScaledByOther,
            format!(
                "{} {} scales the target of variant {} too",
                other.kind, other.name, other.variant
            ),
        ),
        None => found(
            ConditionType::Conflicted,
            Reason::NoConflict,
            "nobody else scales a target",
        ),
    }
}

#[cfg(test)]
#[path = "conditions_tests.rs"]
mod tests;
