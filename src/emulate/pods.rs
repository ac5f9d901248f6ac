//! Watches the pods that want to be emulated. I/O: the API server, through any KUBECONFIG.

use std::collections::HashSet;

use futures::StreamExt;
use k8s_openapi::api::core::v1::Pod;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client};
use tokio::sync::mpsc;

use super::replica::PodView;

/// Names the profile that a pod's engine follows, such as `llama-3.1-8b/a100/bf16`.
pub const ANNOTATION: &str = "inferscale.dev/emulate";

/// What has become of a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PodChange {
    /// It exists, and looks like this.
    Seen(PodView),
    /// It is gone, by its uid.
    Gone(String),
    /// These are all that exist, by uid: after the connection was lost, others may have gone unseen.
    Listed(HashSet<String>),
}

/// Tells `changes` about every annotated pod of a namespace (`None` = of all) until nobody listens any more.
/// Lost connections are taken up again.
pub async fn watch(client: Client, namespace: Option<String>, changes: mpsc::Sender<PodChange>) {
    let api: Api<Pod> = match &namespace {
        Some(namespace) => Api::namespaced(client, namespace),
        None => Api::all(client),
    };
    let mut events = watcher(api, watcher::Config::default()).default_backoff().boxed();
    let mut listed = HashSet::new();
    let mut failing = false;
    while let Some(event) = events.next().await {
        let change = match event {
            Err(error) => {
                if !failing {
                    eprintln!("emulate: cannot watch pods, trying again: {error}");
                }
                failing = true;
                continue;
            }
            Ok(watcher::Event::Init) => {
                listed.clear();
                continue;
            }
            Ok(watcher::Event::InitApply(pod)) => {
                let Some(change) = change(&pod) else { continue };
                if let PodChange::Seen(view) = &change {
                    listed.insert(view.uid.clone());
                }
                change
            }
            Ok(watcher::Event::InitDone) => PodChange::Listed(std::mem::take(&mut listed)),
            Ok(watcher::Event::Apply(pod)) => {
                let Some(change) = change(&pod) else { continue };
                change
            }
            Ok(watcher::Event::Delete(pod)) => PodChange::Gone(pod.metadata.uid.unwrap_or_default()),
        };
        failing = false;
        if changes.send(change).await.is_err() {
            return;
        }
    }
}

/// `None` when the pod is none of ours.
fn change(pod: &Pod) -> Option<PodChange> {
    let meta = &pod.metadata;
    let emulate = meta.annotations.as_ref()?.get(ANNOTATION)?.clone();
    let uid = meta.uid.clone()?;
    let status = pod.status.as_ref();
    let phase = status.and_then(|s| s.phase.as_deref());
    if matches!(phase, Some("Succeeded" | "Failed")) {
        return Some(PodChange::Gone(uid));
    }
    let conditions = status.and_then(|s| s.conditions.as_deref()).unwrap_or_default();
    let containers = pod
        .spec
        .as_ref()
        .map(|spec| spec.containers.as_slice())
        .unwrap_or_default();
    let words = containers
        .iter()
        .flat_map(|c| [&c.command, &c.args])
        .flatten()
        .flatten();
    Some(PodChange::Seen(PodView {
        uid,
        namespace: meta.namespace.clone().unwrap_or_default(),
        name: meta.name.clone().unwrap_or_default(),
        labels: meta.labels.clone().unwrap_or_default(),
        address: status.and_then(|s| s.pod_ip.as_deref()).and_then(|ip| ip.parse().ok()),
        emulate,
        ready: conditions.iter().any(|c| c.type_ == "Ready" && c.status == "True"),
        terminating: meta.deletion_timestamp.is_some(),
        arguments: words.cloned().collect(),
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(phase: &str, annotations: &serde_json::Value) -> Pod {
        serde_json::from_value(json!({
            "metadata": {
                "name": "chat-1", "namespace": "demo", "uid": "u1", "labels": {"app": "chat"},
                "annotations": annotations, "deletionTimestamp": "2026-11-24T12:00:00Z",
            },
            "spec": {"containers": [{"name": "a", "command": ["vllm"], "args": ["--max-num-seqs", "64"]}, {"name": "b"}]},
            "status": {"phase": phase, "podIP": "127.128.0.7", "conditions": [{"type": "Ready", "status": "True"}]},
        }))
        .unwrap()
    }

    #[test]
    fn reads_what_matters_of_an_annotated_pod() {
        let Some(PodChange::Seen(view)) = change(&pod("Running", &json!({ANNOTATION: "llama-3.1-8b/a100/bf16"})))
        else {
            panic!("not seen");
        };
        assert!(view.ready && view.terminating && !view.takes_requests());
        assert_eq!(view.address, Some([127, 128, 0, 7].into()));
        assert_eq!(
            (view.limits().max_sequences, view.limits().max_tokens_per_step),
            (64, 2048)
        );
        assert_eq!(view.model(), "llama-3.1-8b");
    }

    #[test]
    fn a_pod_that_ended_is_gone_and_one_without_the_annotation_is_nobody() {
        let ended = change(&pod("Failed", &json!({ANNOTATION: "x"})));
        assert_eq!(ended, Some(PodChange::Gone("u1".into())));
        assert_eq!(change(&pod("Running", &json!({"other": "x"}))), None);
    }
}
