//! What is shown: one row an object, one a pool, from the fleet and what is live. Pure; the time is an argument.
//!
//! These are also what `-o json` prints: a value that is not known is `null`.

use inferscale_core::snapshot::{ObjectKey, Target};
use inferscale_core::units::{Ratio, Span, Time};
use serde::Serialize;

use super::fleet::{Fleet, Guarded};
use super::live::{Live, LiveObject, Sum};
use super::words::clean;
use crate::api::{
    Change, Condition, ConditionStatus, ConditionType, GpuPool, InferenceDeployment, InferenceDeploymentStatus,
    ReplicaCounts, Timestamp,
};

/// One look at the fleet.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct View {
    /// When it was taken.
    pub time: Timestamp,
    /// The namespace; `None` = all of them.
    pub namespace: Option<String>,
    /// What people should know about this view, such as that Prometheus does not answer.
    pub notes: Vec<String>,
    /// Seconds since the operator's last tick.
    pub tick_age_seconds: Option<f64>,
    /// The objects, by namespace and name.
    pub objects: Vec<Row>,
    /// The pools, by name.
    pub pools: Vec<PoolRow>,
}

/// One InferenceDeployment.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// How far the operator goes.
    pub mode: Option<String>,
    /// Its replicas.
    pub replicas: Option<ReplicaCounts>,
    /// Requests arriving a second.
    pub demand: Option<f64>,
    /// Requests a second that the ready replicas carry inside the objective.
    pub capacity: Option<f64>,
    /// The target for the first token.
    pub time_to_first_token: Option<TargetRow>,
    /// The target for each further token.
    pub time_per_output_token: Option<TargetRow>,
    /// Whether the objective is met.
    pub objective: Slo,
    /// Requests in the engines' queues.
    pub waiting: Option<Count>,
    /// Requests in the engines' batches.
    pub running: Option<Count>,
    /// Accelerators that its replicas ask for.
    pub accelerators: Option<u32>,
    /// US dollars an hour.
    pub hourly_cost: Option<String>,
    /// Why it is as it is, in one word: what the user must mend, else the last decision's.
    pub reason: Option<String>,
    /// The same in a sentence.
    pub message: Option<String>,
    /// When that was decided.
    pub decided: Option<Timestamp>,
    /// Conditions that ask for attention, as `Type: reason: message`.
    pub attention: Vec<String>,
    /// The last changes, newest first.
    pub history: Vec<ChangeRow>,
}

/// One latency target.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TargetRow {
    /// The limit. Example: 500ms.
    pub limit: String,
    /// The share of the requests inside it, 0 to 1.
    pub attained: Option<f64>,
    /// It is less than was promised.
    pub missed: bool,
    /// It comes from Prometheus; else from the status, which may be some minutes old.
    pub live: bool,
}

/// Whether the latency objective is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, strum::IntoStaticStr, strum::Display)]
#[serde(rename_all = "camelCase")]
pub enum Slo {
    /// Every target is.
    #[strum(serialize = "met")]
    Met,
    /// A target is not.
    #[strum(serialize = "MISSED")]
    Missed,
    /// Nobody asked.
    #[strum(serialize = "idle")]
    NoTraffic,
    /// It cannot be told.
    #[default]
    #[strum(serialize = "unknown")]
    Unknown,
}

/// Requests, counted over the pods that report.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Count {
    /// How many.
    pub value: f64,
    /// Fewer pods reported than serve: there are at least so many.
    pub at_least: bool,
}

/// One change of the number of replicas.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChangeRow {
    /// When.
    pub time: Timestamp,
    /// Replicas before.
    pub from: u32,
    /// Replicas after.
    pub to: u32,
    /// Why, in one word.
    pub reason: String,
    /// Why, in a sentence.
    pub message: String,
}

/// One GpuPool.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PoolRow {
    /// Its name.
    pub name: String,
    /// The accelerator's product name.
    pub product: String,
    /// Nodes that are ready.
    pub nodes: Option<u32>,
    /// Nodes that are not yet.
    pub starting: Option<u32>,
    /// Accelerators that pods have asked for.
    pub used: Option<u32>,
    /// All accelerators.
    pub total: Option<u32>,
    /// US dollars an hour for the whole pool.
    pub hourly_cost: Option<String>,
}

impl View {
    /// Joins what the API server and Prometheus say.
    pub fn new(now: Time, namespace: Option<String>, fleet: &Fleet, live: Option<&Live>, notes: &[String]) -> Self {
        let none = LiveObject::default();
        let mut objects: Vec<Row> = fleet
            .objects
            .iter()
            .map(|object| {
                let seen = live.and_then(|live| live.objects.get(&key(object)));
                row(object, seen.unwrap_or(&none))
            })
            .collect();
        objects.sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
        let mut pools: Vec<PoolRow> = fleet.pools.iter().flatten().map(pool).collect();
        pools.sort_by(|a, b| a.name.cmp(&b.name));
        Self {
            time: now.into(),
            namespace,
            notes: notes.iter().map(|note| clean(note)).collect(),
            tick_age_seconds: live.and_then(|live| live.tick_age).map(Span::as_secs_f64),
            objects,
            pools,
        }
    }
}

impl Row {
    /// Namespace and name.
    pub fn key(&self) -> ObjectKey {
        ObjectKey {
            namespace: self.namespace.clone(),
            name: self.name.clone(),
        }
    }
}

/// Namespace and name of an object, readable or not.
pub fn key(object: &Guarded) -> ObjectKey {
    let metadata = match &object.0 {
        Ok(object) => &object.metadata,
        Err(error) => &error.metadata,
    };
    ObjectKey {
        namespace: metadata.namespace.clone().unwrap_or_default(),
        name: metadata.name.clone().unwrap_or_default(),
    }
}

fn row(object: &Guarded, live: &LiveObject) -> Row {
    let ObjectKey { namespace, name } = key(object);
    let named = Row {
        namespace,
        name,
        ..Row::default()
    };
    match &object.0 {
        Ok(object) => readable(named, object, live),
        Err(error) => Row {
            reason: Some("Malformed".to_owned()),
            message: Some(clean(&format!("the stored object cannot be read: {}", error.error))),
            ..named
        },
    }
}

fn readable(named: Row, object: &InferenceDeployment, live: &LiveObject) -> Row {
    let none = InferenceDeploymentStatus::default();
    let status = object.status.as_ref().unwrap_or(&none);
    let stalled = find(status, ConditionType::Stalled).filter(|c| c.status == ConditionStatus::True);
    let decision = status.decision.as_ref();
    let ready = status.replicas.map_or(0, |r| r.ready);
    let count = |sum: Option<Sum>| {
        sum.map(|sum| Count {
            value: sum.value,
            at_least: sum.pods < ready,
        })
    };
    Row {
        mode: Some(object.spec.mode.to_string()),
        replicas: status.replicas,
        demand: live.demand,
        capacity: live.capacity,
        time_to_first_token: target(object, status, live, Target::TimeToFirstToken),
        time_per_output_token: target(object, status, live, Target::TimePerOutputToken),
        objective: slo(status),
        waiting: count(live.waiting),
        running: count(live.running),
        accelerators: status.accelerators,
        hourly_cost: status.hourly_cost.as_deref().map(clean),
        reason: stalled
            .map(|c| &c.reason)
            .or(decision.map(|d| &d.reason))
            .map(|reason| clean(reason)),
        message: stalled
            .map(|c| &c.message)
            .or(decision.map(|d| &d.message))
            .map(|message| clean(message)),
        decided: stalled.map(|c| c.last_transition_time).or(decision.map(|d| d.time)),
        attention: status.conditions.iter().filter_map(attention).collect(),
        history: status.history.iter().map(change).collect(),
        ..named
    }
}

fn find(status: &InferenceDeploymentStatus, type_: ConditionType) -> Option<&Condition> {
    let name: &str = type_.into();
    status.conditions.iter().find(|c| c.type_ == name)
}

fn slo(status: &InferenceDeploymentStatus) -> Slo {
    match find(status, ConditionType::ObjectiveMet) {
        Some(c) if c.status == ConditionStatus::True => Slo::Met,
        Some(c) if c.status == ConditionStatus::False => Slo::Missed,
        Some(c) if c.reason == "NoTraffic" => Slo::NoTraffic,
        _ => Slo::Unknown,
    }
}

/// One target: the limit from the spec, the share from Prometheus, else from the status.
fn target(
    object: &InferenceDeployment,
    status: &InferenceDeploymentStatus,
    live: &LiveObject,
    target: Target,
) -> Option<TargetRow> {
    let objectives = &object.spec.objectives;
    let limit = match target {
        Target::TimeToFirstToken => objectives.time_to_first_token.as_ref()?,
        Target::TimePerOutputToken => objectives.time_per_output_token.as_ref()?,
    };
    let name: &str = target.into();
    let reported = status.objectives.iter().find(|o| o.name == name);
    let written = reported.and_then(|o| percent(o.attained.as_deref()?));
    let now = live.attained.get(&target).copied();
    let missed = match now {
        // What is promised is the user's text; where it cannot be read, the operator's verdict counts.
        Some(share) => percent(&objectives.attainment.to_string()).is_some_and(|promised| share < promised),
        None => reported.is_some_and(|o| o.met == ConditionStatus::False),
    };
    Some(TargetRow {
        limit: clean(limit.as_str()),
        attained: now.or(written).map(Ratio::get),
        missed,
        live: now.is_some(),
    })
}

/// Reads `99.4%`.
fn percent(text: &str) -> Option<Ratio> {
    let number: f64 = text.strip_suffix('%')?.parse().ok()?;
    number.is_finite().then(|| Ratio::clamped(number / 100.0))
}

/// A condition that a person should know of beside the decision.
fn attention(condition: &Condition) -> Option<String> {
    let bad: ConditionStatus = match condition.type_.as_str() {
        "SignalsFresh" | "CapacityAvailable" | "Active" => ConditionStatus::False,
        "ScalingLimited" | "Conflicted" => ConditionStatus::True,
        _ => return None,
    };
    let unreachable = condition.reason == "SourceUnreachable";
    (condition.status == bad || unreachable).then(|| {
        clean(&format!(
            "{}: {}: {}",
            condition.type_, condition.reason, condition.message
        ))
    })
}

fn change(change: &Change) -> ChangeRow {
    ChangeRow {
        time: change.time,
        from: change.from,
        to: change.to,
        reason: clean(&change.reason),
        message: clean(&change.message),
    }
}

fn pool(pool: &GpuPool) -> PoolRow {
    let status = pool.status.as_ref();
    let accelerators = status.and_then(|s| s.accelerators);
    PoolRow {
        name: pool.metadata.name.clone().unwrap_or_default(),
        product: clean(&pool.spec.accelerator.product),
        nodes: status.and_then(|s| s.nodes).map(|n| n.ready),
        starting: status.and_then(|s| s.nodes).map(|n| n.starting),
        used: accelerators.map(|a| a.total.saturating_sub(a.free)),
        total: accelerators.map(|a| a.total),
        hourly_cost: status.and_then(|s| s.hourly_cost.as_deref()).map(clean),
    }
}

#[cfg(test)]
#[path = "rows_tests.rs"]
mod tests;
