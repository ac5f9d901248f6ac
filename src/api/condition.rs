//! One condition of a custom resource, as it stands in status. Pure.
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
