//! What an `InferenceDeployment` says of itself: conditions, counts, the last decision and why. Pure.
// The comments of fields are what `kubectl explain` prints: plain words, no markdown.
#![allow(clippy::doc_markdown)]

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::condition::{Condition, ConditionStatus};
use super::schema::kubernetes;
use super::units::Timestamp;

/// What the operator found and decided.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = kubernetes)]
pub struct InferenceDeploymentStatus {
    /// The generation of the spec that this status is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// The aspects of the object's state, by type. Each type and reason has its remedy in docs/reference/conditions.md.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// Replicas over all variants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas: Option<ReplicaCounts>,
    /// Accelerators that the replicas of all variants ask for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accelerators: Option<u32>,
    /// What they cost, in US dollars an hour. Absent where a price is unknown. Example: 27.52.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    pub hourly_cost: Option<String>,
    /// Each latency target with the share of requests inside it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub objectives: Vec<ObjectiveStatus>,
    /// Each variant as it runs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub variants: Vec<VariantStatus>,
    /// The last decision, written when it changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
    /// The last five changes of the number of replicas, newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 5), extend("x-kubernetes-list-type" = "atomic"))]
    pub history: Vec<Change>,
    /// The limits that were in force when this status was written. The operator tells by them that a lower maximum
    /// is a new order of the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applied_limits: Option<AppliedLimits>,
}

/// Replicas by where they stand in their life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct ReplicaCounts {
    /// Replicas that should run.
    #[serde(default)]
    pub desired: u32,
    /// Replicas that serve.
    #[serde(default)]
    pub ready: u32,
    /// Replicas that were asked for and do not serve yet.
    #[serde(default)]
    pub starting: u32,
    /// Replicas that are on their way out.
    #[serde(default)]
    pub draining: u32,
}

/// One latency target with what was attained.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ObjectiveStatus {
    /// The target's name in the spec. Example: timeToFirstToken.
    #[schemars(length(max = 63))]
    pub name: String,
    /// The longest time that counts as inside. Example: 500ms.
    #[schemars(length(max = 32))]
    pub target: String,
    /// The share of requests inside the target over the window, in percent. Absent where nothing was measured.
    /// Range 0% to 100%. Example: 99.4%.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    pub attained: Option<String>,
    /// Whether that share reaches the attainment of the spec. One of True, False, Unknown.
    pub met: ConditionStatus,
}

/// One variant as it runs.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct VariantStatus {
    /// The variant's name in the spec.
    #[schemars(length(max = 63))]
    pub name: String,
    /// Replicas of it that should run.
    #[serde(default)]
    pub desired: u32,
    /// Replicas of it that serve.
    #[serde(default)]
    pub ready: u32,
    /// Replicas of it that were asked for and do not serve yet.
    #[serde(default)]
    pub starting: u32,
    /// Replicas of it that are on their way out.
    #[serde(default)]
    pub draining: u32,
    /// What one replica carries inside the objective, in requests a second of the present mix. Absent until it is
    /// known. Example: 2.4.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    pub capacity: Option<String>,
    /// Accelerators that all its replicas ask for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accelerators: Option<u32>,
    /// What they cost, in US dollars an hour. Absent where the price is unknown. Example: 27.52.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    pub hourly_cost: Option<String>,
}

/// What was decided, and why.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Decision {
    /// The decision's name in the operator's log and events.
    #[schemars(length(max = 64))]
    pub id: String,
    /// When it was decided.
    pub time: Timestamp,
    /// Why, in one word that programs can read; docs/reference/conditions.md has them all. Example: DemandUp.
    #[schemars(length(max = 63))]
    pub reason: String,
    /// Why, in a sentence for people, with what was measured and what bound it.
    #[schemars(length(max = 1024))]
    pub message: String,
    /// What was measured and how old it was.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "atomic"))]
    pub inputs: Vec<Input>,
    /// What was considered, with why it lost; at most five.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 5), extend("x-kubernetes-list-type" = "atomic"))]
    pub candidates: Vec<Candidate>,
}

/// One measured quantity that a decision used.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    /// What was measured. Example: demand.
    #[schemars(length(max = 63))]
    pub name: String,
    /// Its value with its unit. Example: 7.2 requests/s.
    #[schemars(length(max = 64))]
    pub value: String,
    /// How old the newest sample was. Example: 3s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    pub age: Option<String>,
    /// The share of the serving pods that it covers, in percent. Range 0% to 100%. Example: 100%.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    pub coverage: Option<String>,
}

/// One set of replicas that was considered.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Candidate {
    /// The replicas of each variant. Example: 3 a100-bf16.
    #[schemars(length(max = 256))]
    pub replicas: String,
    /// What it would cost, in US dollars an hour. Absent where a price is unknown. Example: 27.52.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    pub hourly_cost: Option<String>,
    /// Chosen, or why it lost. Example: 3 replicas carry 6.9 requests/s, the forecast is 7.2.
    #[schemars(length(max = 256))]
    pub verdict: String,
}

/// One change of the number of replicas.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// When it was decided.
    pub time: Timestamp,
    /// Replicas over all variants before.
    pub from: u32,
    /// Replicas over all variants after.
    pub to: u32,
    /// Why, in one word that programs can read. Example: DemandUp.
    #[schemars(length(max = 63))]
    pub reason: String,
    /// Why, in a short sentence for people.
    #[schemars(length(max = 256))]
    pub message: String,
}

/// Limits of the spec as the operator last saw and reported them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AppliedLimits {
    /// The most replicas over all variants that were allowed then.
    pub max_replicas: u32,
}
