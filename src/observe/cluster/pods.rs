//! Pods as a decision sees them, and finding those of a workload. Pure but for the watch that fills the store.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use inferscale_core::snapshot::Phase;
use inferscale_core::units::Time;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time as KubeTime};
use kube::{Resource, ResourceExt};
use serde::Deserialize;

use super::selector::Selector;

/// The fields of a pod that a decision reads.
#[derive(Debug, Clone, Default, Deserialize, Resource)]
#[resource(inherit = Pod)]
pub struct SlimPod {
    /// Name, namespace, labels, times.
    #[serde(default)]
    pub metadata: ObjectMeta,
    /// Where it runs and what it asks for.
    #[serde(default)]
    pub spec: SlimPodSpec,
    /// How it is.
    #[serde(default)]
    pub status: SlimPodStatus,
}

/// What a pod asks for.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SlimPodSpec {
    /// The node it was given.
    pub node_name: Option<String>,
    /// What its containers ask for.
    #[serde(default)]
    pub containers: Vec<SlimContainer>,
}

/// One container.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct SlimContainer {
    /// What it asks for.
    #[serde(default)]
    pub resources: SlimResources,
}

/// The resources of one container.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct SlimResources {
    /// For extended resources such as GPUs requests and limits are the same; limits are what people write.
    #[serde(default)]
    pub limits: BTreeMap<String, Quantity>,
    /// Requests, where only they are written.
    #[serde(default)]
    pub requests: BTreeMap<String, Quantity>,
}

/// How a pod is.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct SlimPodStatus {
    /// `Pending`, `Running`, `Succeeded`, `Failed` or `Unknown`.
    #[serde(default)]
    pub phase: String,
    /// Its conditions.
    #[serde(default)]
    pub conditions: Vec<SlimCondition>,
}

/// One condition of a pod or node.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SlimCondition {
    /// What it is about.
    #[serde(rename = "type", default)]
    pub type_: String,
    /// `True`, `False` or `Unknown`.
    #[serde(default)]
    pub status: String,
    /// Why.
    #[serde(default)]
    pub reason: Option<String>,
    /// Why, for people.
    #[serde(default)]
    pub message: Option<String>,
    /// Since when.
    #[serde(default)]
    pub last_transition_time: Option<KubeTime>,
}

/// Keeps what is read: names, labels and times of the metadata.
pub(super) fn slim(pod: &mut SlimPod) {
    pod.metadata.owner_references = None;
    pod.metadata.finalizers = None;
}

impl SlimPod {
    /// Where it stands in its life; `None` when it has ended.
    pub fn phase(&self) -> Option<Phase> {
        if matches!(self.status.phase.as_str(), "Succeeded" | "Failed") {
            return None;
        }
        if self.metadata.deletion_timestamp.is_some() {
            return Some(Phase::Draining);
        }
        let unschedulable = self.condition("PodScheduled");
        Some(if self.condition("Ready").is_some_and(|c| c.status == "True") {
            Phase::Ready
        } else if unschedulable.is_some_and(|c| c.reason.as_deref() == Some("Unschedulable")) {
            Phase::Unschedulable
        } else {
            Phase::Starting
        })
    }

    /// When it was created.
    pub fn created(&self) -> Time {
        self.metadata.creation_timestamp.as_ref().map_or(Time::default(), time)
    }

    /// Since when it is ready; `None` = it is not.
    pub fn ready_since(&self) -> Option<Time> {
        let ready = self.condition("Ready").filter(|c| c.status == "True")?;
        Some(ready.last_transition_time.as_ref().map_or_else(|| self.created(), time))
    }

    /// One of its conditions.
    pub fn condition(&self, type_: &str) -> Option<&SlimCondition> {
        self.status.conditions.iter().find(|c| c.type_ == type_)
    }

    /// How much of a resource its containers ask for, in whole units.
    pub fn asks_for(&self, resource: &str) -> u32 {
        self.spec.containers.iter().map(|c| c.asks_for(resource)).sum()
    }
}

impl SlimContainer {
    /// How much of a resource it asks for, in whole units.
    pub fn asks_for(&self, resource: &str) -> u32 {
        let quantity = self
            .resources
            .limits
            .get(resource)
            .or_else(|| self.resources.requests.get(resource));
        quantity.and_then(|q| q.0.parse().ok()).unwrap_or(0)
    }
}

/// A time of the API server as the core counts it.
pub(super) fn time(t: &KubeTime) -> Time {
    Time::from_millis(t.0.as_millisecond())
}

/// All pods at one instant, by one label, so that a workload finds its own without looking at all of them.
pub struct PodIndex {
    by_label: HashMap<(String, String, String), Vec<Arc<SlimPod>>>,
}

impl PodIndex {
    /// Indexes `pods` by the labels that `selectors` ask for first.
    pub fn new<'a>(pods: &[Arc<SlimPod>], selectors: impl Iterator<Item = &'a Selector>) -> Self {
        let keys: std::collections::BTreeSet<&str> = selectors.filter_map(Selector::first).map(|(k, _)| k).collect();
        let mut by_label: HashMap<_, Vec<_>> = HashMap::new();
        for pod in pods {
            let namespace = pod.namespace().unwrap_or_default();
            for (key, value) in pod.labels().iter().filter(|(k, _)| keys.contains(k.as_str())) {
                by_label
                    .entry((namespace.clone(), key.clone(), value.clone()))
                    .or_default()
                    .push(pod.clone());
            }
        }
        Self { by_label }
    }

    /// The pods of a namespace that a selector selects, oldest first.
    pub fn select(&self, namespace: &str, selector: &Selector) -> Vec<Arc<SlimPod>> {
        let Some((key, value)) = selector.first() else {
            return Vec::new();
        };
        let candidates = self
            .by_label
            .get(&(namespace.to_owned(), key.to_owned(), value.to_owned()));
        let mut pods: Vec<_> = candidates
            .into_iter()
            .flatten()
            .filter(|pod| selector.matches(pod.labels()))
            .cloned()
            .collect();
        pods.sort_by_cached_key(|pod| (pod.created(), pod.name_any()));
        pods
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;

    #[expect(clippy::needless_pass_by_value, reason = "the cases are written inline")]
    fn pod(metadata: Value, status: Value) -> SlimPod {
        serde_json::from_value(json!({"metadata": metadata, "status": status})).unwrap()
    }

    fn condition(type_: &str, status: &str, reason: &str) -> Value {
        json!({"type": type_, "status": status, "reason": reason, "lastTransitionTime": "2026-11-24T10:00:30Z"})
    }

    #[rstest]
    #[case(json!({}), json!({"phase": "Pending"}), Some(Phase::Starting))]
    #[case(json!({}), json!({"phase": "Pending", "conditions": [condition("PodScheduled", "False", "Unschedulable")]}),
        Some(Phase::Unschedulable))]
    #[case(json!({}), json!({"phase": "Running", "conditions": [condition("Ready", "True", "")]}), Some(Phase::Ready))]
    #[case(json!({"deletionTimestamp": "2026-11-24T10:00:00Z"}),
        json!({"phase": "Running", "conditions": [condition("Ready", "True", "")]}), Some(Phase::Draining))]
    #[case(json!({}), json!({"phase": "Failed"}), None)]
    fn tells_where_a_pod_stands(#[case] metadata: Value, #[case] status: Value, #[case] phase: Option<Phase>) {
        assert_eq!(pod(metadata, status).phase(), phase);
    }

    #[test]
    fn reads_times_and_accelerators_and_survives_what_is_missing() {
        let pod: SlimPod = serde_json::from_value(json!({
            "metadata": {"creationTimestamp": "2026-11-24T10:00:00Z"},
            "spec": {"containers": [
                {"resources": {"limits": {"nvidia.com/gpu": "2"}}},
                {"resources": {"requests": {"nvidia.com/gpu": "1"}}},
                {},
            ]},
            "status": {"conditions": [condition("Ready", "True", "")]},
        }))
        .unwrap();
        assert_eq!(pod.asks_for("nvidia.com/gpu"), 3);
        assert_eq!(pod.ready_since().unwrap().since(pod.created()).as_millis(), 30_000);
        assert!(serde_json::from_value::<SlimPod>(json!({})).is_ok());
    }
}
