//! An object that the schema would refuse today, stored when it was laxer.

use std::time::{Duration, Instant};

use kube::api::{Api, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::{Value, json};

use crate::harness::{Cluster, repository};
use crate::model::Model;
use crate::setup::{Setup, load_for};
use crate::stage::{Act, alone};

/// Whatever becomes of the test, the next one finds the definitions as they are shipped.
struct Relaxed(&'static Cluster);

impl Relaxed {
    async fn begin(cluster: &'static Cluster, client: kube::Client) -> Self {
        let path = repository().join("crds/inferscale.dev_inferencedeployments.yaml");
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut crd: Value = serde_yaml::from_str(&text).expect("YAML");
        let anything = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
        let schema = crd
            .pointer_mut("/spec/versions/0/schema/openAPIV3Schema")
            .expect("a schema");
        *schema = json!({"type": "object", "properties": {"spec": anything, "status": anything}});
        let kind = GroupVersionKind::gvk("apiextensions.k8s.io", "v1", "CustomResourceDefinition");
        let api: Api<DynamicObject> = Api::all_with(client, &ApiResource::from_gvk(&kind));
        let relaxed = Self(cluster);
        // As the one who applied it, so that the shipped one takes it all back.
        let params = PatchParams::apply("kubectl").force();
        api.patch("inferencedeployments.inferscale.dev", &params, &Patch::Apply(&crd))
            .await
            .expect("a relaxed definition");
        relaxed
    }
}

impl Drop for Relaxed {
    fn drop(&mut self) {
        self.0.install_definitions();
    }
}

/// Stores objects that break the schema, while it is laxer.
async fn store(act: &Act, models: [(&Model, Value); 2]) {
    let relaxed = Relaxed::begin(act.stage.cluster, models[0].0.client.clone()).await;
    for (model, object) in models {
        let object: DynamicObject = serde_json::from_value(object).expect("an object");
        let (api, params) = (model.api("InferenceDeployment"), PostParams::default());
        let deadline = Instant::now() + Duration::from_secs(10);
        // The API server takes a moment until it judges by the new schema.
        while let Err(error) = api.create(&params, &object).await {
            assert!(Instant::now() < deadline, "it is not stored: {error}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    drop(relaxed);
}

/// Reasons and notes of the events about an InferenceDeployment.
async fn events(model: &Model) -> Vec<String> {
    let events = model.api("Event").list(&ListParams::default()).await.expect("events");
    let about = events
        .items
        .iter()
        .filter(|event| event.data["regarding"]["kind"] == "InferenceDeployment");
    about
        .map(|event| format!("{} {}", event.data["reason"], event.data["note"]))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_object_is_told_so_and_does_not_stop_the_others() {
    let act = alone().await;
    let healthy = Setup::new("healthy").rate(load_for(1)).settle(act.stage).await;
    // A number that is none breaks rules too, and then the API server refuses every status: an event has to do.
    let no_number = Setup::new("no-number").spec(json!({"replicas": {"max": "many"}}));
    let no_mode = Setup::new("no-mode").spec(json!({"mode": "Sometimes"}));
    let (number, mode) = (no_number.unmanaged(act.stage).await, no_mode.unmanaged(act.stage).await);
    store(&act, [(&number, no_number.object()), (&mode, no_mode.object())]).await;

    let seen = mode
        .until("it is told", 15, |seen| {
            seen.is("Ready", "False", "Malformed") && seen.is("Stalled", "True", "Malformed")
        })
        .await;
    let told = seen.condition("Ready").map(|(_, _, text)| text.to_owned());
    mode.check(
        told.as_ref().is_some_and(|t| t.contains("Sometimes")),
        &format!("what is wrong: {told:?}"),
    )
    .await;
    mode.check(seen.is_current(), "kubectl wait does not hang").await;
    let deadline = Instant::now() + Duration::from_secs(15);
    let mut told = events(&number).await;
    while told.is_empty() && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(200)).await;
        told = events(&number).await;
    }
    let about = |note: &String| note.contains("Malformed") && note.contains("many");
    number
        .check(
            told.len() == 1 && told.iter().all(about),
            &format!("one event says it: {told:?}"),
        )
        .await;
    let before = (number.writes().len(), mode.writes().len());

    healthy.load.set_rate(load_for(3));
    healthy
        .until("the others are scaled", 15, |seen| seen.replicas() >= Some(3))
        .await;
    for broken in [&number, &mode] {
        broken
            .always("nothing is done to it", 2, |seen| seen.replicas() == Some(1))
            .await;
        broken.check(broken.scales().is_empty(), "nothing is scaled").await;
    }
    number
        .check(number.writes().len() == before.0, "told once, not at every tick")
        .await;
    mode.check(mode.writes().len() == before.1, "told once, not at every tick")
        .await;

    // Neither do they keep a new operator from starting.
    act.operator().await.kill().await;
    act.operator().await.start().await;
    healthy.load.set_rate(load_for(5));
    healthy
        .until("the others are scaled", 20, |seen| seen.replicas() >= Some(5))
        .await;

    number.edit(&json!({"replicas": {"max": 3}})).await;
    mode.edit(&json!({"mode": "Auto"})).await;
    for mended in [number, mode] {
        mended
            .until("it is mended", 10, |seen| seen.is("Ready", "True", "Valid"))
            .await;
        mended.end().await;
    }
    healthy.end().await;
}
