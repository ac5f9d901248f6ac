//! One condition of a custom resource, as it stands in status, and what conditions there are. Pure.
// The comments of fields are what `kubectl explain` prints: plain words, no markdown.
#![allow(clippy::doc_markdown)]

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::units::Timestamp;

/// Whether a condition holds.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema, strum::Display, strum::IntoStaticStr,
)]
pub enum ConditionStatus {
    /// It holds.
    True,
    /// It does not hold.
    False,
    /// It cannot be told.
    #[default]
    Unknown,
}

/// One aspect of the object's state.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// Which aspect of the object this is about. Example: Ready.
    #[serde(rename = "type")]
    #[schemars(length(max = 63))]
    pub type_: String,
    /// Whether it holds. One of True, False, Unknown.
    pub status: ConditionStatus,
    /// Why, in one word that programs can read. Example: TargetMissing.
    #[schemars(length(max = 63))]
    pub reason: String,
    /// Why, in a sentence for people.
    #[schemars(length(max = 1024))]
    pub message: String,
    /// When the status of this condition changed last.
    pub last_transition_time: Timestamp,
    /// The generation of the object that this condition was found on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
}

/// What a condition is about.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    strum::Display,
    strum::EnumIter,
    strum::EnumString,
    strum::IntoStaticStr,
)]
pub enum ConditionType {
    /// The spec is valid, the targets are found and can be scaled. Not the latency: a busy model is no failed rollout.
    Ready,
    /// The first decision for this generation is still due. Not while scaling.
    Reconciling,
    /// The user must act; the reason says what.
    Stalled,
    /// The operator is in control of the replicas.
    Active,
    /// What is measured is complete and fresh.
    SignalsFresh,
    /// Every target is attained over the window.
    ObjectiveMet,
    /// Nothing that is wanted waits for accelerators.
    CapacityAvailable,
    /// A limit keeps the replicas from what the load needs.
    ScalingLimited,
    /// Somebody else writes what we write.
    Conflicted,
}

impl ConditionType {
    /// What `True` means, in one line for people.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Ready => {
                "The spec is valid, every target is found and can be scaled. Says nothing of the latency: a busy model stays Ready."
            }
            Self::Reconciling => "The first decision for this generation is still due. Not set while replicas change.",
            Self::Stalled => "The user must act; the reason says what is wrong.",
            Self::Active => "The operator is in control of the replicas.",
            Self::SignalsFresh => "What is measured is complete and fresh, so that replicas may go down as well as up.",
            Self::ObjectiveMet => "Every latency target is attained over the window.",
            Self::CapacityAvailable => "No wanted replica waits for accelerators.",
            Self::ScalingLimited => "A limit keeps the replicas from what the load needs.",
            Self::Conflicted => "Somebody else scales a target of this object.",
        }
    }
}
