//! One InferenceDeployment, validated: what its owner wants, and what stands in the way.

use std::fmt;

use super::bounds::Bounds;
use super::variant::VariantSnapshot;
use crate::units::{Ratio, Span, Time};

/// Namespace and name of an InferenceDeployment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey {
    /// The namespace.
    pub namespace: String,
    /// The name.
    pub name: String,
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// How far the operator may go for an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Decide and write.
    #[default]
    Auto,
    /// Decide and explain, write nothing but status.
    Advise,
    /// Neither: keep everything as it is.
    Paused,
}

/// What a latency target is measured on.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, strum::Display, strum::EnumString, strum::IntoStaticStr,
)]
#[strum(serialize_all = "camelCase")]
pub enum Target {
    /// From arrival to the first token.
    TimeToFirstToken,
    /// Mean over the tokens of one request after the first.
    TimePerOutputToken,
}

/// One latency target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Objective {
    /// What is measured.
    pub target: Target,
    /// A request is inside the target when it takes at most this long.
    pub limit: Span,
}

/// The latency objective: which share of the requests must be inside each target.
#[derive(Debug, Clone, PartialEq)]
pub struct Objectives {
    /// The share of the requests, such as 0.99.
    pub attainment: Ratio,
    /// The time over which the share is counted.
    pub window: Span,
    /// One to two targets, at most one of a kind.
    pub targets: Vec<Objective>,
}

impl Objectives {
    /// The limit of one target, when it is set.
    pub fn limit(&self, target: Target) -> Option<Span> {
        self.targets.iter().find(|o| o.target == target).map(|o| o.limit)
    }
}

/// A person's order: this many replicas in total, until then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Override {
    /// Replicas over all variants.
    pub replicas: u32,
    /// When it ends by itself. `None` = until it is removed.
    pub until: Option<Time>,
}

/// Somebody else who scales a target of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// Kind of the other controller's object, such as `HorizontalPodAutoscaler`.
    pub kind: String,
    /// Its name, in the same namespace.
    pub name: String,
    /// The variant whose target both want.
    pub variant: String,
}

/// One InferenceDeployment at one instant.
#[derive(Debug, Clone, PartialEq)]
pub struct ObjectSnapshot {
    /// The generation of the spec that this was read from.
    pub generation: i64,
    /// How far the operator may go.
    pub mode: Mode,
    /// The latency objective.
    pub objectives: Objectives,
    /// Bounds over all variants.
    pub replicas: Bounds,
    /// The highest `replicas.max` that was in force when the last decision was reported: a lower one now is a
    /// reduction that the user ordered. `None` before the first report.
    pub reported_max: Option<u32>,
    /// The person's order, when there is one (it may have expired).
    pub replicas_override: Option<Override>,
    /// Why the metrics source could not be read, in words for people; `None` = it answered.
    pub source_failure: Option<String>,
    /// Everybody else who scales one of the targets.
    pub conflicts: Vec<Conflict>,
    /// The variants in the order of the spec, 1..=16.
    pub variants: Vec<VariantSnapshot>,
}
