//! The whole status of an InferenceDeployment. Pure.

use inferscale_core::snapshot::{Phase, Target, VariantSnapshot};
use inferscale_core::units::Time;

use super::conditions;
use super::view::View;
use crate::act::{Applied, Outcome};
use crate::api::text::{self, shorten};
use crate::api::{
    AppliedLimits, Candidate, Change, ConditionStatus, Decision, InferenceDeploymentStatus, Input, ObjectiveStatus,
    ReplicaCounts, VariantStatus,
};

/// How many changes are kept.
const HISTORY: usize = 5;

/// The status after `applied`, given the one before.
pub fn report(
    view: &View<'_>,
    applied: &Applied,
    before: &InferenceDeploymentStatus,
    now: Time,
) -> InferenceDeploymentStatus {
    let variants: Vec<VariantStatus> = view
        .object
        .variants
        .iter()
        .enumerate()
        .map(|(i, v)| variant(view, i, v))
        .collect();
    let sum = |of: fn(&VariantStatus) -> u32| variants.iter().map(of).sum();
    let ordered: u32 = view.object.variants.iter().filter_map(VariantSnapshot::ordered).sum();
    let max = view.object.replicas.max;
    // An edit of the maximum stays an order until what runs has followed it, and so does the first one.
    let applied_limits = if ordered > max {
        before.applied_limits.map(|limits| AppliedLimits {
            max_replicas: limits.max_replicas.max(max),
        })
    } else {
        Some(AppliedLimits { max_replicas: max })
    };
    InferenceDeploymentStatus {
        observed_generation: Some(view.plan.generation),
        conditions: conditions::merge(
            conditions::conditions(view, now),
            &before.conditions,
            Some(view.plan.generation),
            now,
        ),
        replicas: Some(ReplicaCounts {
            desired: sum(|v| v.desired),
            ready: sum(|v| v.ready),
            starting: sum(|v| v.starting),
            draining: sum(|v| v.draining),
        }),
        accelerators: Some(variants.iter().filter_map(|v| v.accelerators).sum()),
        hourly_cost: total_cost(view),
        objectives: objectives(view),
        variants,
        decision: Some(decision(view, before)),
        history: history(view, applied, &before.history),
        applied_limits,
    }
}

fn variant(view: &View<'_>, i: usize, variant: &VariantSnapshot) -> VariantStatus {
    let plan = view.plan.variants.get(i);
    let ready = variant.ready();
    let ordered = variant.ordered().unwrap_or(0);
    let draining = variant.count(|phase| phase == Phase::Draining);
    let accelerators = ordered * variant.accelerators;
    VariantStatus {
        name: variant.name.clone(),
        desired: plan.map_or(0, |p| p.desired),
        ready,
        // Asked for, whether their pods exist yet or not.
        starting: ordered.saturating_sub(ready),
        draining,
        capacity: plan
            .and_then(|p| p.capacity)
            .map(|c| format!("{:.1}", c.requests_per_second)),
        accelerators: Some(accelerators),
        hourly_cost: variant.accelerator_price.map(|p| money(p.times(accelerators).get())),
    }
}

fn total_cost(view: &View<'_>) -> Option<String> {
    let mut sum = 0.0;
    for variant in &view.object.variants {
        let ordered = variant.ordered().unwrap_or(0);
        if ordered > 0 {
            sum += variant.replica_price()?.times(ordered).get();
        }
    }
    Some(money(sum))
}

fn money(usd: f64) -> String {
    format!("{usd:.2}")
}

fn objectives(view: &View<'_>) -> Vec<ObjectiveStatus> {
    let wanted = view.object.objectives.attainment;
    let status = |target: Target| {
        let share = view
            .plan
            .attained
            .iter()
            .find(|a| a.target == target)
            .and_then(|a| a.share);
        ObjectiveStatus {
            name: target.to_string(),
            target: view
                .object
                .objectives
                .limit(target)
                .map(|limit| limit.to_string())
                .unwrap_or_default(),
            attained: share.map(|s| s.to_string()),
            met: match share {
                None => ConditionStatus::Unknown,
                Some(share) if share >= wanted => ConditionStatus::True,
                Some(_) => ConditionStatus::False,
            },
        }
    };
    view.object
        .objectives
        .targets
        .iter()
        .map(|o| status(o.target))
        .collect()
}

/// The decision as it is reported: the one before, as long as it says the same. Numbers that drift are metrics.
fn decision(view: &View<'_>, before: &InferenceDeploymentStatus) -> Decision {
    let new = &view.plan.decision;
    let desired = before.replicas.map(|r| r.desired);
    if let Some(old) = &before.decision
        && old.reason == new.reason.to_string()
        && desired == Some(view.plan.desired())
        && before.observed_generation == Some(view.plan.generation)
    {
        return old.clone();
    }
    Decision {
        id: new.id.clone(),
        time: new.time.into(),
        reason: new.reason.to_string(),
        message: shorten(&new.message, text::MESSAGE),
        inputs: new
            .inputs
            .iter()
            .map(|input| Input {
                name: input.name.to_owned(),
                value: shorten(&input.value, text::VALUE),
                age: input.age.map(|age| age.to_string()),
                coverage: Some(input.coverage.to_string()),
            })
            .collect(),
        candidates: new
            .candidates
            .iter()
            .map(|c| Candidate {
                replicas: shorten(&c.replicas, text::CANDIDATE),
                hourly_cost: c.cost.map(|cost| money(cost.get())),
                verdict: shorten(&c.verdict, text::CANDIDATE),
            })
            .collect(),
    }
}

fn history(view: &View<'_>, applied: &Applied, before: &[Change]) -> Vec<Change> {
    let mut history = before.to_vec();
    let written: Vec<_> = applied
        .scales
        .iter()
        .filter(|s| s.outcome == Outcome::Written)
        .collect();
    if !written.is_empty() {
        let from: u32 = view.plan.variants.iter().filter_map(|v| v.observed).sum();
        // What came through, not what was wanted.
        let (up, down) = written.iter().fold((0, 0), |(up, down), s| {
            (
                up + s.write.to.saturating_sub(s.write.from),
                down + s.write.from.saturating_sub(s.write.to),
            )
        });
        history.insert(
            0,
            Change {
                time: view.plan.decision.time.into(),
                from,
                to: (from + up).saturating_sub(down),
                reason: view.plan.decision.reason.to_string(),
                message: shorten(&view.plan.decision.message, text::HISTORY_MESSAGE),
            },
        );
        history.truncate(HISTORY);
    }
    history
}

#[cfg(test)]
#[path = "report_tests.rs"]
mod tests;
