//! `GpuPool`: a group of equal GPU nodes bought one way, which gives accelerators their price. Pure.
// The comments of fields are what `kubectl explain` prints: plain words, no markdown.
#![allow(clippy::doc_markdown)]

use std::collections::BTreeMap;

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::condition::Condition;
use super::names;
use super::rule::{CelRule, whole};
use super::schema::kubernetes;
use super::units::{Memory, Money};

/// What the administrator says of a pool.
#[derive(CustomResource, Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "inferscale.dev",
    version = "v1alpha1",
    kind = "GpuPool",
    status = "GpuPoolStatus",
    derive = "PartialEq",
    doc = "GpuPool is a group of equal GPU nodes bought one way; nodes of another price, such as spot, are a pool of \
           their own. The administrator writes it, variants name it.",
    validation = kube::core::Rule::new("self.metadata.name.size() <= 63")
        .message(kube::core::Message::Expression(super::names::TOO_LONG.to_owned())),
    printcolumn(name = "Product", type_ = "string", json_path = ".spec.accelerator.product"),
    printcolumn(name = "Nodes", type_ = "integer", json_path = ".status.nodes.ready"),
    printcolumn(name = "GPUs", type_ = "integer", json_path = ".status.accelerators.total"),
    printcolumn(name = "Free", type_ = "integer", json_path = ".status.accelerators.free"),
    printcolumn(name = "$/GPU-h", type_ = "string", json_path = ".spec.price.perAcceleratorHour"),
    printcolumn(name = "$/h", type_ = "string", json_path = ".status.hourlyCost"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = kubernetes)]
pub struct GpuPoolSpec {
    /// The accelerator that every node of the pool carries.
    pub accelerator: Accelerator,
    /// The labels that all nodes of the pool have and no other node has. From 1 to 16 labels. Example:
    /// karpenter.sh/nodepool: h100.
    #[schemars(
        length(max = 16),
        extend(
            "maxProperties" = 16,
            "additionalProperties" = {"type": "string", "maxLength": 63},
            "x-kubernetes-validations" = selector_rules(),
        )
    )]
    pub node_selector: BTreeMap<String, String>,
    /// What an accelerator of this pool costs. No default: absent means that costs are unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<PoolPrice>,
}

/// The accelerator of a pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Accelerator {
    /// Who makes it. Example: NVIDIA.
    #[schemars(length(max = 63), extend("x-kubernetes-validations" = names::word("vendor", "the maker of the accelerator", "NVIDIA")))]
    pub vendor: String,
    /// Its product name, as profiles and node labels use it. Example: H100-SXM5-80GB.
    #[schemars(length(max = 63), extend("x-kubernetes-validations" = names::word("product", "a product name", "H100-SXM5-80GB")))]
    pub product: String,
    /// The memory of one accelerator, with a unit: Mi, Gi, Ti (powers of 1024), M, G or T (powers of 1000).
    /// Above 0. Example: 80Gi.
    #[schemars(extend("x-kubernetes-validations" = Memory::rules("memory")))]
    pub memory: Memory,
    /// The resource by which pods ask for it. Example: nvidia.com/gpu.
    #[schemars(length(max = 253), extend("x-kubernetes-validations" = names::resource("resource")))]
    pub resource: String,
    /// Accelerators of one node. Range 1 to 1024. Example: 8.
    #[schemars(extend("x-kubernetes-validations" = whole("perNode", 1, 1024, "8")))]
    pub per_node: u32,
}

/// The price of a pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PoolPrice {
    /// One accelerator for one hour, its share of the node included, in US dollars with at most 6 decimals.
    /// Decimals must be quoted. Range 0 to 999999999. Example: "6.88".
    #[schemars(extend("x-kubernetes-validations" = Money::rules("perAcceleratorHour")))]
    pub per_accelerator_hour: Money,
}

/// What the operator found of a pool.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = kubernetes)]
pub struct GpuPoolStatus {
    /// The generation of the spec that this status is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// The aspects of the pool's state, by type. Each type and reason has its remedy in docs/reference/conditions.md.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// The pool's nodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nodes: Option<PoolNodes>,
    /// The accelerators of its ready nodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accelerators: Option<PoolAccelerators>,
    /// What the pool costs, in US dollars an hour. Absent where the price is unknown. Example: 55.04.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    pub hourly_cost: Option<String>,
}

/// Nodes by where they stand in their life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct PoolNodes {
    /// Nodes that are ready for pods.
    #[serde(default)]
    pub ready: u32,
    /// Nodes that exist and are not ready yet.
    #[serde(default)]
    pub starting: u32,
}

/// Accelerators of the ready nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct PoolAccelerators {
    /// All accelerators of the ready nodes.
    #[serde(default)]
    pub total: u32,
    /// Those that no pod has asked for.
    #[serde(default)]
    pub free: u32,
}

/// There is a label, and each is one that a node can have.
fn selector_rules() -> Vec<CelRule> {
    let key = "k.matches('^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-._A-Za-z0-9]*[A-Za-z0-9])?$')";
    let value = "self[k].matches('^([A-Za-z0-9]([-._A-Za-z0-9]*[A-Za-z0-9])?)?$')";
    vec![
        CelRule::new(
            "size(self) > 0",
            "nodeSelector is empty but must have at least one label that only nodes of this pool carry, such as \
             karpenter.sh/nodepool: h100",
        ),
        CelRule::new(
            format!("self.all(k, {key})"),
            "nodeSelector has a key that is no label: write label: value, such as karpenter.sh/nodepool: h100",
        )
        .says(format!(
            "'nodeSelector has the keys %s that are no labels: write label: value, such as karpenter.sh/nodepool: h100'\
             .format([self.filter(k, !{key})])"
        )),
        CelRule::new(
            format!("self.all(k, {value})"),
            "nodeSelector has a value that no label can have: use letters, digits, -, . and _, such as h100",
        )
        .says(format!(
            "'nodeSelector has at %s a value that no label can have: use letters, digits, -, . and _, such as h100'\
             .format([self.filter(k, !{value})])"
        )),
    ]
}
