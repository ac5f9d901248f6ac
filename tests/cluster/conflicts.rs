//! Two controllers must never fight over one field.

use std::time::Instant;

use serde_json::{Value, json};

use super::model::Model;
use super::setup::{Setup, load_for};
use super::stage::together;

/// Nothing is written while `rival` is there, whatever the load; all goes on when it has gone.
async fn yields_to(model: &Model, rival: &Value) {
    let (kind, name) = (
        rival["kind"].as_str().expect("a kind"),
        rival["metadata"]["name"].as_str().expect("a name"),
    );
    model.create(rival).await;
    let seen = model
        .until("the conflict", 10, |seen| {
            seen.is("Conflicted", "True", "ScaledByOther")
        })
        .await;
    model
        .check(seen.is("Active", "False", "Conflicted"), "it is not in control")
        .await;
    let told = seen
        .condition("Conflicted")
        .map(|(_, _, text)| text.to_owned())
        .unwrap_or_default();
    model
        .check(told.contains(&format!("{kind} {name}")), &format!("who it is: {told}"))
        .await;
    let from = Instant::now();
    let before = model.scales().len();
    model.load.set_rate(load_for(4));
    // One engine for three is late; were it not, it would be three times as strong as its profile says.
    model.load.set_late(0.3);
    model
        .always("the rival has it", 8, |seen| seen.replicas() == Some(1))
        .await;
    model
        .check(
            model.scales().len() == before && model.most(from) == Some(1),
            "no scale is written",
        )
        .await;
    model
        .check(model.now().reason() == "Conflicted", "the decision says why")
        .await;
    model.delete(kind, name).await;
    model
        .until("it goes on", 12, |seen| {
            seen.replicas() >= Some(3) && seen.is("Active", "True", "InControl")
        })
        .await;
    model
        .until("nobody else is there", 5, |seen| {
            seen.is("Conflicted", "False", "NoConflict")
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn yields_to_a_horizontal_pod_autoscaler() {
    let act = together().await;
    let model = Setup::new("hpa").rate(load_for(1)).settle(act.stage).await;
    let hpa = json!({
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "theirs"},
        "spec": {
            "minReplicas": 1,
            "maxReplicas": 5,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "chat"},
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}}}],
        },
    });
    yields_to(&model, &hpa).await;
    model.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn yields_to_a_scaled_object_of_keda() {
    let act = together().await;
    let model = Setup::new("keda").rate(load_for(1)).settle(act.stage).await;
    // As people write it: KEDA's own defaults left out.
    let scaled = json!({
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "metadata": {"name": "theirs"},
        "spec": {"scaleTargetRef": {"name": "chat"}},
    });
    yields_to(&model, &scaled).await;
    model.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_objects_on_one_target_both_yield() {
    let act = together().await;
    let setup = Setup::new("twice").rate(load_for(1));
    let model = setup.settle(act.stage).await;
    let mut second = setup.object();
    second["metadata"]["name"] = json!("second");
    yields_to(&model, &second).await;
    model.end().await;
}
