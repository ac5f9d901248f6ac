//! `InferenceDeployment`: one served model, its latency objective and the workloads that may serve it. Pure.
// The comments of fields are what `kubectl explain` prints: plain words, no markdown.
#![allow(clippy::doc_markdown)]

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::inference_deployment_status::InferenceDeploymentStatus;
use super::names;
use super::rule::{CelRule, whole};
use super::schema::kubernetes;
use super::units::{Duration, Percent, Range, Timestamp};

/// The most replicas that any field takes. A bound for typing errors, far above any fleet of one model.
pub const MOST_REPLICAS: u32 = 10_000;

/// What the owner of a model wants.
#[derive(CustomResource, Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "inferscale.dev",
    version = "v1alpha1",
    kind = "InferenceDeployment",
    namespaced,
    shortname = "infd",
    status = "InferenceDeploymentStatus",
    derive = "PartialEq",
    doc = "InferenceDeployment keeps one served model inside its latency objective at the lowest GPU cost: it \
           decides how many replicas of which variant run, and says why.",
    validation = kube::core::Rule::new("self.metadata.name.size() <= 63")
        .message(kube::core::Message::Expression(super::names::TOO_LONG.to_owned())),
    printcolumn(name = "Engine", type_ = "string", json_path = ".spec.engine"),
    printcolumn(name = "Ready", type_ = "integer", json_path = ".status.replicas.ready"),
    printcolumn(name = "Desired", type_ = "integer", json_path = ".status.replicas.desired"),
    printcolumn(
        name = "SLO",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"ObjectiveMet\")].status"
    ),
    printcolumn(name = "GPUs", type_ = "integer", json_path = ".status.accelerators"),
    printcolumn(name = "$/h", type_ = "string", json_path = ".status.hourlyCost"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.decision.reason"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = kubernetes, extend("x-kubernetes-validations" = spec_rules()))]
pub struct InferenceDeploymentSpec {
    /// The serving engine, by the name of a preset, which knows the engine's metrics. The administrator can add
    /// presets. Example: vLLM.
    #[schemars(length(max = 63), extend("x-kubernetes-validations" = names::word("engine", "the name of an engine preset", "vLLM")))]
    pub engine: String,
    /// How far the operator goes. One of Auto (decide and write), Advise (decide and explain, write nothing but
    /// status), Paused (neither). Default Auto.
    #[serde(default)]
    pub mode: Mode,
    /// The latency that users of the model are promised: at least one target.
    pub objectives: Objectives,
    /// The least and the most replicas over all variants together.
    pub replicas: Replicas,
    /// Where load and latency are read, by the name of a metric source that the administrator defined; never a URL.
    /// Default default. Example: default.
    #[serde(default = "default_source")]
    #[schemars(length(max = 63), extend("x-kubernetes-validations" = names::word("metricsSource", "the name of a metric source", "default")))]
    pub metrics_source: String,
    /// The ways to serve the model, each a workload of its own that is scaled. From 1 to 16, by name.
    #[schemars(length(max = 16), extend(
        "x-kubernetes-list-type" = "map",
        "x-kubernetes-list-map-keys" = ["name"],
        "x-kubernetes-validations" = variants_rules(),
    ))]
    pub variants: Vec<Variant>,
    /// A person's order that stands above the operator's own decision until it is removed or expires.
    #[serde(rename = "override", default, skip_serializing_if = "Option::is_none")]
    pub replicas_override: Option<Override>,
}

/// How far the operator goes.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema, strum::Display, strum::IntoStaticStr,
)]
pub enum Mode {
    /// Decide and write.
    #[default]
    Auto,
    /// Decide and explain, write nothing but status.
    Advise,
    /// Neither: keep everything as it is.
    Paused,
}

/// The latency that users are promised.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [CelRule::new(
    "has(self.timeToFirstToken) || has(self.timePerOutputToken)",
    "objectives has no target: set at least one of timeToFirstToken, timePerOutputToken, such as timeToFirstToken: 500ms",
)]))]
pub struct Objectives {
    /// The share of requests that must be inside each target, counted over the window. In percent, above 0% and
    /// below 100%, at most three decimals. Default 99%. Range 0.001% to 99.999%. Example: 99.9%.
    #[serde(default = "default_attainment")]
    #[schemars(extend("x-kubernetes-validations" = Percent::rules("attainment")))]
    pub attainment: Percent,
    /// The time over which the share is counted. Default 5m. Range 10s to 1h. Example: 5m.
    #[serde(default = "default_window")]
    #[schemars(extend("x-kubernetes-validations" = Duration::rules("window", Objectives::WINDOW)))]
    pub window: Duration,
    /// The longest time from the arrival of a request at the engine to its first token. No default: absent means no such target.
    /// Range 1ms to 1h. Example: 500ms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-kubernetes-validations" = Duration::rules("timeToFirstToken", Objectives::TIME_TO_FIRST_TOKEN)))]
    pub time_to_first_token: Option<Duration>,
    /// The longest mean time between the tokens of one request after the first. No default: absent means no such
    /// target. Range 1ms to 1h. Example: 50ms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-kubernetes-validations" = Duration::rules("timePerOutputToken", Objectives::TIME_PER_OUTPUT_TOKEN)))]
    pub time_per_output_token: Option<Duration>,
}

impl Objectives {
    /// What [`Objectives::window`] takes.
    pub const WINDOW: Range = Range {
        min: "10s",
        max: "1h",
        such_as: "5m",
    };
    /// What [`Objectives::time_to_first_token`] takes.
    pub const TIME_TO_FIRST_TOKEN: Range = Range {
        min: "1ms",
        max: "1h",
        such_as: "500ms",
    };
    /// What [`Objectives::time_per_output_token`] takes.
    pub const TIME_PER_OUTPUT_TOKEN: Range = Range {
        min: "1ms",
        max: "1h",
        such_as: "50ms",
    };
}

/// The least and the most replicas over all variants together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("x-kubernetes-validations" = [min_below_max("self.max < 1", 1)]))]
pub struct Replicas {
    /// The fewest replicas. Where it cannot be kept together with a maximum, the maximum wins. Default 1. Range 1
    /// to 10000. Example: 2.
    #[serde(default = "default_min")]
    #[schemars(extend("x-kubernetes-validations" = whole("min", 1, MOST_REPLICAS, "1 (scaling to zero is not available)")))]
    pub min: u32,
    /// The most replicas. Lowering it below what runs is an order that is carried out even without fresh metrics.
    /// Range 1 to 10000. Example: 20.
    #[schemars(extend("x-kubernetes-validations" = whole("max", 1, MOST_REPLICAS, "20")))]
    pub max: u32,
}

/// One way to serve the model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Variant {
    /// What this variant is called, unique in the object; status and metrics use it. Example: h100-fp8.
    #[schemars(length(max = 63), extend("x-kubernetes-validations" = names::label("name", "h100-fp8")))]
    pub name: String,
    /// The workload that is scaled: anything in the same namespace that has a scale subresource.
    pub target_ref: TargetRef,
    /// The GpuPool it runs on, which gives the price. No default: absent means no price and no pool capacity is
    /// known. Example: h100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253), extend("x-kubernetes-validations" = names::object("pool", "h100")))]
    pub pool: Option<String>,
    /// Bounds of this variant alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas: Option<VariantReplicas>,
    /// What is known beforehand of how fast it serves. It is learned online anyway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub performance: Option<Performance>,
}

/// The workload that is scaled.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TargetRef {
    /// Group and version of the workload. Example: apps/v1.
    #[schemars(length(max = 253), extend("x-kubernetes-validations" = names::api_version("apiVersion")))]
    pub api_version: String,
    /// Kind of the workload. Example: Deployment.
    #[schemars(length(max = 63), extend("x-kubernetes-validations" = names::kind("kind")))]
    pub kind: String,
    /// Name of the workload, in the namespace of this object. Example: chat-h100-fp8.
    #[schemars(length(max = 253), extend("x-kubernetes-validations" = names::object("name", "chat-h100-fp8")))]
    pub name: String,
}

/// Bounds of one variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("x-kubernetes-validations" = [min_below_max("!has(self.max) || self.max < 1", 0)]))]
pub struct VariantReplicas {
    /// The fewest replicas of this variant. Default 0. Range 0 to 10000. Example: 1.
    #[serde(default)]
    #[schemars(extend("x-kubernetes-validations" = whole("min", 0, MOST_REPLICAS, "0")))]
    pub min: u32,
    /// The most replicas of this variant. Default: the maximum of the whole object. Range 1 to 10000. Example: 12.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-kubernetes-validations" = whole("max", 1, MOST_REPLICAS, "12")))]
    pub max: Option<u32>,
}

/// What is known beforehand of how fast a variant serves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Performance {
    /// The measured profile to begin with, as model/accelerator/precision. Example: llama-3.1-8b/a100/bf16.
    #[schemars(length(max = 128), extend("x-kubernetes-validations" = names::profile("profile")))]
    pub profile: String,
}

/// A person's order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Override {
    /// Replicas over all variants; the mix stays the operator's. Range 1 to the maximum of the whole object.
    /// Example: 6.
    #[schemars(extend("x-kubernetes-validations" = whole("replicas", 1, MOST_REPLICAS, "6")))]
    pub replicas: u32,
    /// When the order ends by itself, as date and time with a time zone. No default: absent means that it stands
    /// until it is removed. Example: 2026-12-24T18:00:00Z.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

fn default_source() -> String {
    "default".to_owned()
}

fn default_attainment() -> Percent {
    Percent::new("99%")
}

fn default_window() -> Duration {
    Duration::new("5m")
}

fn default_min() -> u32 {
    1
}

/// The minimum is not above the maximum. `skip` is true where the maximum is absent or malformed: one mistake, one
/// message.
fn min_below_max(skip: &str, least: u32) -> CelRule {
    CelRule::new(
        format!("{skip} || !has(self.min) || self.min < {least} || self.min > {MOST_REPLICAS} || self.min <= self.max"),
        "min is greater than max: raise max or lower min",
    )
    .says("'min (%d) is greater than max (%d): raise max or lower min'.format([self.min, self.max])")
    .at(".min")
}

/// There is a variant, and each target belongs to one only.
fn variants_rules() -> Vec<CelRule> {
    vec![
        CelRule::new(
            "size(self) > 0",
            "variants is empty but must have at least one variant: a name and a targetRef, the workload to scale",
        ),
        CelRule::new(
            "self.all(a, self.exists_one(b, b.targetRef == a.targetRef))",
            "two variants scale the same target: give each variant a targetRef of its own",
        )
        .says(
            "'variants %s scale the same target: give each variant a targetRef of its own'\
             .format([self.filter(a, !self.exists_one(b, b.targetRef == a.targetRef)).map(a, a.name)])",
        ),
    ]
}

/// What holds between the fields of a spec. Values that are malformed by themselves are skipped.
fn spec_rules() -> Vec<CelRule> {
    let minimum = "has(v.replicas) && has(v.replicas.min)";
    let sum = format!("self.variants.map(v, {minimum} ? v.replicas.min : 0).sum()");
    vec![
        CelRule::new(
            format!(
                "self.replicas.max < 1 || self.variants.exists(v, {minimum} && v.replicas.min > {MOST_REPLICAS}) \
                 || {sum} <= self.replicas.max"
            ),
            "replicas.min of the variants add up to more than spec.replicas.max: lower them or raise max",
        )
        .says(format!(
            "'replicas.min of the variants add up to %d, more than spec.replicas.max (%d): lower them or raise max'\
             .format([{sum}, self.replicas.max])"
        ))
        .at(".variants"),
        CelRule::new(
            format!(
                "!has(self.override) || self.override.replicas > {MOST_REPLICAS} || self.replicas.max < 1 \
                 || self.override.replicas <= self.replicas.max"
            ),
            "override.replicas is greater than replicas.max: lower it or raise max",
        )
        .says(
            "'override.replicas (%d) is greater than replicas.max (%d): lower it or raise max'\
             .format([self.override.replicas, self.replicas.max])",
        )
        .at(".override.replicas"),
    ]
}
