//! What is scaled: anything with a scale, found when it comes, told about when it cannot be.

use std::time::Duration;

use kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use serde_json::{Value, json};

use super::model::Model;
use super::setup::{Setup, load_for};
use super::stage::together;

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_target_stalls_until_it_is_there() {
    let act = together().await;
    let setup = Setup::new("absent").rate(load_for(2));
    let model = setup.empty(act.stage).await;
    model.create(&setup.object()).await;
    let seen = model
        .until("the target is missed", 5, |seen| {
            seen.is("Stalled", "True", "TargetMissing")
        })
        .await;
    model
        .check(seen.is("Ready", "False", "TargetMissing"), "it is not ready")
        .await;
    model.check(seen.is_current(), "this is about the present spec").await;
    model.create(&setup.workload()).await;
    model
        .until("it is found", 5, |seen| {
            seen.is("Ready", "True", "Valid") && seen.is("Stalled", "False", "Valid")
        })
        .await;
    model.until("and scaled", 25, |seen| seen.replicas() == Some(2)).await;
    model.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn says_what_cannot_be_scaled_or_is_not_known() {
    let act = together().await;
    let target = |api_version: &str, kind: &str| json!({"variants": [{"name": "a", "targetRef": {"apiVersion": api_version, "kind": kind, "name": "chat"}}]});
    let profile = "llama-3.1-8b/a100/fp4";
    for (purpose, spec, reason, words) in [
        (
            "no-scale",
            target("v1", "ConfigMap"),
            "TargetUncontrollable",
            "ConfigMap of v1 has no scale subresource",
        ),
        (
            "no-kind",
            target("example.com/v1", "Nothing"),
            "TargetUncontrollable",
            "Nothing of example.com/v1 is not served",
        ),
        ("no-engine", json!({"engine": "vllm"}), "EngineUnknown", "known: vLLM"),
        (
            "no-source",
            json!({"metricsSource": "thanos"}),
            "MetricsSourceUnknown",
            "known: default",
        ),
        (
            "no-profile",
            json!({"variants": [{
                "name": "a",
                "targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "chat"},
                "performance": {"profile": profile},
            }]}),
            "ProfileUnknown",
            "llama-3.1-8b/a100/bf16",
        ),
    ] {
        let model = Setup::new(purpose).spec(spec).start(act.stage).await;
        let seen = model
            .until(reason, 8, |seen| {
                seen.is("Stalled", "True", reason) && seen.is_current()
            })
            .await;
        let told = seen
            .condition("Stalled")
            .map(|(_, _, text)| text.to_owned())
            .unwrap_or_default();
        model
            .check(told.contains(words), &format!("{words:?} is not in {told:?}"))
            .await;
        model.check(seen.is("Ready", "False", reason), "it is not ready").await;
        model.check(model.scales().is_empty(), "nothing is scaled").await;
        model.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn scales_a_stateful_set() {
    let act = together().await;
    let setup = Setup::new("stateful").kind("StatefulSet").rate(load_for(1));
    let model = setup.empty(act.stage).await;
    let mut workload = setup.workload();
    workload["spec"]["serviceName"] = json!("chat");
    workload["spec"]["podManagementPolicy"] = json!("Parallel");
    model.create(&workload).await;
    model.create(&setup.object()).await;
    model
        .until("one", 30, |seen| {
            seen.is("SignalsFresh", "True", "Fresh") && seen.desired() == Some(1)
        })
        .await;
    model.load.set_rate(load_for(3));
    model
        .until("three", 30, |seen| {
            seen.replicas() >= Some(3) && seen.ready() == seen.replicas()
        })
        .await;
    let scales = model.scales();
    model
        .check(
            scales.iter().all(|w| w.resource == "statefulsets/scale"),
            "by its scale",
        )
        .await;
    model.end().await;
}

/// The controller of the custom kind: as many pods as are ordered.
async fn control(model: &Model, pod: &Value) {
    let (servers, pods) = (model.api("ModelServer"), model.api("Pod"));
    loop {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let Ok(server) = servers.get("chat").await else {
            continue;
        };
        let wanted = server.data["spec"]["replicas"].as_i64().unwrap_or(0);
        for i in 0..wanted {
            let mut pod = pod.clone();
            pod["apiVersion"] = json!("v1");
            pod["kind"] = json!("Pod");
            pod["metadata"]["name"] = json!(format!("chat-{i}"));
            let params = PatchParams::apply("controller").force();
            let _ = pods.patch(&format!("chat-{i}"), &params, &Patch::Apply(&pod)).await;
        }
        let there = pods.list(&ListParams::default()).await.expect("pods").items.len() as i64;
        for i in wanted..there {
            let _ = pods.delete(&format!("chat-{i}"), &DeleteParams::default()).await;
        }
        let status = Patch::Merge(json!({"status": {"replicas": there}}));
        let _ = servers.patch_status("chat", &PatchParams::default(), &status).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn scales_a_kind_that_it_has_never_heard_of() {
    let act = together().await;
    let setup = Setup::new("custom").kind("ModelServer").rate(load_for(1));
    let model = setup.empty(act.stage).await;
    model
        .create(&json!({
            "apiVersion": "test.inferscale.dev/v1",
            "kind": "ModelServer",
            "metadata": {"name": "chat"},
            "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "chat"}}},
        }))
        .await;
    model.create(&setup.object()).await;
    let pod = setup.pod();
    tokio::select! {
        () = control(&model, &pod) => {}
        () = async {
            model.until("one", 40, |seen| seen.is("SignalsFresh", "True", "Fresh") && seen.desired() == Some(1)).await;
            model.load.set_rate(load_for(3));
            model.until("three", 30, |seen| seen.replicas() >= Some(3) && seen.ready() == seen.replicas()).await;
        } => {}
    }
    let scales = model.scales();
    model
        .check(
            scales.iter().all(|w| w.resource == "modelservers/scale"),
            "by its scale",
        )
        .await;
    model.end().await;
}
