//! What users write and read: the custom resources, their conditions and unit types. Stands before and after
//! every step of the pipeline. No I/O.
//!
//! The Rust types here are the one source: `inferscale crd` writes `crds/` from them, and the tests of
//! `tests/api_rules` hold the descriptions, the rules and the reference pages to them.

pub mod condition;
pub mod conditions;
pub mod decisions;
mod definitions;
pub mod gpu_pool;
pub mod inference_deployment;
pub mod inference_deployment_status;
pub mod names;
pub mod reason;
pub mod rule;
pub mod schema;
pub mod text;
pub mod units;

pub use condition::{Condition, ConditionStatus, ConditionType};
pub use conditions::Entry;
pub use definitions::definitions;
pub use gpu_pool::{Accelerator, GpuPool, GpuPoolSpec, GpuPoolStatus, PoolAccelerators, PoolNodes, PoolPrice};
pub use inference_deployment::{
    InferenceDeployment, InferenceDeploymentSpec, Mode, Objectives, Override, Performance, Replicas, TargetRef,
    Variant, VariantReplicas,
};
pub use inference_deployment_status::{
    AppliedLimits, Candidate, Change, Decision, InferenceDeploymentStatus, Input, ObjectiveStatus, ReplicaCounts,
    VariantStatus,
};
pub use reason::Reason;
pub use units::{Duration, Malformed, Memory, Money, Percent, Timestamp};

/// The API group of every custom resource.
pub const GROUP: &str = "inferscale.dev";
/// The version of every custom resource.
pub const VERSION: &str = "v1alpha1";
