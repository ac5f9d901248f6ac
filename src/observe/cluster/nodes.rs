//! Nodes as a decision sees them. Pure but for the watch that fills the store.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Node;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{Resource, ResourceExt};
use serde::Deserialize;

use super::pods::SlimCondition;

/// The fields of a node that a decision reads.
#[derive(Debug, Clone, Default, Deserialize, Resource)]
#[resource(inherit = Node)]
pub struct SlimNode {
    /// Name and labels.
    #[serde(default)]
    pub metadata: ObjectMeta,
    /// What it has.
    #[serde(default)]
    pub status: SlimNodeStatus,
}

/// What a node has.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct SlimNodeStatus {
    /// What pods may ask for in total.
    #[serde(default)]
    pub allocatable: BTreeMap<String, Quantity>,
    /// Its conditions.
    #[serde(default)]
    pub conditions: Vec<SlimCondition>,
}

/// Keeps what is read.
pub(super) fn slim(node: &mut SlimNode) {
    node.metadata.owner_references = None;
    node.metadata.finalizers = None;
    node.status.conditions.retain(|c| c.type_ == "Ready");
}

impl SlimNode {
    /// Whether the kubelet reports it ready.
    pub fn ready(&self) -> bool {
        self.status
            .conditions
            .iter()
            .any(|c| c.type_ == "Ready" && c.status == "True")
    }

    /// How much of a resource pods may ask for in total, in whole units.
    pub fn has(&self, resource: &str) -> u32 {
        self.status
            .allocatable
            .get(resource)
            .and_then(|q| q.0.parse().ok())
            .unwrap_or(0)
    }

    /// Whether it carries all these labels.
    pub fn carries(&self, labels: &BTreeMap<String, String>) -> bool {
        labels.iter().all(|(k, v)| self.labels().get(k) == Some(v))
    }
}
