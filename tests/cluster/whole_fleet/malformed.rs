//! An object that the schema would refuse today, stored when it was laxer.

use kube::api::{Api, DynamicObject, Patch, PatchParams};
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::{Value, json};

use crate::harness::{Cluster, repository};
use crate::model::{Setup, load_for};
use crate::stage::alone;

/// Whatever becomes of the test, the next one finds the definitions as they are shipped.
struct Relaxed(&'static Cluster);

impl Relaxed {
    async fn begin(cluster: &'static Cluster, client: kube::Client) -> Self {
        let path = repository().join("crds/inferscale.dev_inferencedeployments.yaml");
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut crd: Value = serde_yaml::from_str(&text).expect("YAML");
        let anything = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
        let schema = crd.pointer_mut("/spec/versions/0/schema/openAPIV3Schema").expect("a schema");
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

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_object_is_told_so_and_does_not_stop_the_others() {
    let act = alone().await;
    let healthy = Setup::new("healthy").rate(load_for(1)).settle(act.stage).await;
    let setup = Setup::new("malformed").spec(json!({"replicas": {"max": "many"}}));
    let broken = setup.unmanaged(act.stage).await;

    let relaxed = Relaxed::begin(act.stage.cluster, broken.client.clone()).await;
    // The API server takes a moment until it judges by the new schema.
    let object: DynamicObject = serde_json::from_value(setup.object()).expect("an object");
    let mut tries = 0;
    while let Err(error) = broken.api("InferenceDeployment").create(&Default::default(), &object).await {
        tries += 1;
        assert!(tries < 100, "it is not stored: {error}");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    drop(relaxed);

    let seen = broken
        .until("it is told", 15, |seen| seen.is("Ready", "False", "Malformed") && seen.is("Stalled", "True", "Malformed"))
        .await;
    let told = seen.condition("Ready").map(|(_, _, text)| text.to_owned()).unwrap_or_default();
    broken.check(told.contains("many"), &format!("what is wrong: {told}")).await;
    broken.check(seen.is_current(), "kubectl wait does not hang").await;
    let before = broken.writes().len();

    healthy.load.set_rate(load_for(3));
    healthy.until("the others are scaled", 15, |seen| seen.replicas() >= Some(3)).await;
    broken.always("nothing is done to it", 5, |seen| seen.replicas() == Some(1)).await;
    broken.check(broken.scales().is_empty(), "nothing is scaled").await;
    broken.check(broken.writes().len() == before, "told once, not at every tick").await;

    // A restarted operator cannot start on the list, were it not for the guard around each object.
    act.operator().await.kill().await;
    act.operator().await.start().await;
    healthy.load.set_rate(load_for(5));
    healthy.until("the others are scaled", 20, |seen| seen.replicas() >= Some(5)).await;

    broken.edit(&json!({"replicas": {"max": 3}})).await;
    broken.until("it is mended", 10, |seen| seen.is("Ready", "True", "Valid")).await;
    broken.end().await;
    healthy.end().await;
}
