//! What a tick shows of each object as metrics. Pure.

use inferscale_core::plan::{ObjectPlan, cost};
use inferscale_core::snapshot::{ObjectKey, ObjectSnapshot, Phase};

use super::published::Published;
use crate::runtime::metrics::{ObjectMetrics, ObjectiveMetrics, OperatorMetrics, SignalMetrics, VariantMetrics};

/// Sets the metrics of every object, and forgets those that are gone. Of several operators only the one that writes
/// shows objects: a sum over all of them is right.
pub fn record(metrics: &OperatorMetrics, published: &Published) {
    if published.epoch.is_none() {
        metrics.retain(|_| false);
        return;
    }
    let objects = &published.observed.snapshot.objects;
    metrics.retain(|key: &ObjectKey| objects.contains_key(key));
    for (key, object) in objects {
        if let Some(plan) = published.plan.objects.get(key) {
            metrics.set_object(key.clone(), of(object, plan));
            for limit in &plan.limits {
                metrics.held(limit.guard);
            }
        }
    }
}

fn of(object: &ObjectSnapshot, plan: &ObjectPlan) -> ObjectMetrics {
    let variants = object
        .variants
        .iter()
        .zip(&plan.variants)
        .map(|(seen, planned)| VariantMetrics {
            variant: seen.name.clone(),
            desired: planned.desired,
            ready: seen.ready(),
            starting: seen.ordered().unwrap_or(0).saturating_sub(seen.ready()),
            draining: seen.count(|phase| phase == Phase::Draining),
        });
    let carries = object.variants.iter().zip(&plan.variants).map(|(seen, planned)| {
        planned
            .capacity
            .map(|c| c.requests_per_second * f64::from(seen.ready()))
    });
    let ordered: Vec<u32> = object.variants.iter().map(|v| v.ordered().unwrap_or(0)).collect();
    let objectives = object.objectives.targets.iter().map(|objective| ObjectiveMetrics {
        target: objective.target,
        limit: objective.limit,
        attained: plan
            .attained
            .iter()
            .find(|a| a.target == objective.target)
            .and_then(|a| a.share),
    });
    ObjectMetrics {
        variants: variants.collect(),
        demand: plan.forecast.map(|f| f.now),
        capacity: carries.sum::<Option<f64>>(),
        objectives: objectives.collect(),
        hourly_cost: cost(object, &ordered),
        reason: Some(plan.decision.reason.to_string()),
        signals: vec![SignalMetrics {
            signal: "engine",
            age: plan.evidence.age,
            coverage: Some(plan.evidence.coverage),
        }],
    }
}
