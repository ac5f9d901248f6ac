//! Two hundred objects at once.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use futures::StreamExt;
use inferscale::api::InferenceDeployment;
use kube::api::{Api, DynamicObject, PostParams};
use kube::runtime::{WatchStreamExt, watcher};
use serde_json::{Value, json};

use crate::engine::LABEL;
use crate::model::{Model, Setup, load_for};
use crate::stage::alone;
use crate::turns::tell;

const OBJECTS: usize = 200;
/// The first status of the last of them comes within this time after the last was created: 1.5 s on two idle cores;
/// the rest is for a machine that also runs the API server, Prometheus and the 200 engines.
const LONGEST: Duration = Duration::from_secs(15);
/// One engine preset and one source: a query for each of its signals, whatever the number of objects.
const MOST_QUERIES: f64 = 12.0;

fn name(i: usize) -> String {
    format!("chat-{i:03}")
}

/// `object` with `chat` in all its places replaced by a name of its own.
fn named(object: &Value, name: &str) -> DynamicObject {
    let mut object = object.clone();
    object["metadata"]["name"] = json!(name);
    for place in [
        "/spec/selector/matchLabels/app",
        "/spec/template/metadata/labels/app",
        "/spec/variants/0/targetRef/name",
    ] {
        if let Some(place) = object.pointer_mut(place) {
            *place = json!(name);
        }
    }
    if let Some(labels) = object.pointer_mut("/spec/template/metadata/labels") {
        labels[LABEL] = json!(name);
    }
    serde_json::from_value(object).expect("an object")
}

async fn create_all(model: &Model, kind: &str, object: &Value) -> Instant {
    let api = model.api(kind);
    futures::stream::iter(0..OBJECTS)
        .map(|i| {
            let (api, object) = (api.clone(), named(object, &name(i)));
            async move { api.create(&PostParams::default(), &object).await.expect("created") }
        })
        .buffer_unordered(16)
        .for_each(|_| std::future::ready(()))
        .await;
    Instant::now()
}

/// Creates all objects; when each had its first status, and when the last of them was created.
async fn create_and_watch(model: &Model, object: &Value) -> (HashMap<String, Instant>, Instant) {
    let mut first: HashMap<String, Instant> = HashMap::new();
    let objects: Api<InferenceDeployment> = Api::namespaced(model.client.clone(), &model.namespace);
    let mut stream = std::pin::pin!(watcher(objects, watcher::Config::default()).applied_objects());
    let mut creating = std::pin::pin!(create_all(model, "InferenceDeployment", object));
    let mut created: Option<Instant> = None;
    while first.len() < OBJECTS {
        tokio::select! {
            at = &mut creating, if created.is_none() => created = Some(at),
            event = stream.next() => {
                let Some(Ok(object)) = event else { continue };
                let status = object.status.unwrap_or_default();
                if status.observed_generation == object.metadata.generation && status.decision.is_some() {
                    first.entry(object.metadata.name.expect("a name")).or_insert_with(Instant::now);
                }
            }
            () = tokio::time::sleep(Duration::from_secs(30)) => break,
        }
    }
    (first, created.expect("all are created before all have a status"))
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_objects_at_once_get_their_status_in_time() {
    let act = alone().await;
    let setup = Setup::new("crowd");
    let model = setup.empty(act.stage).await;
    for i in 0..OBJECTS {
        act.stage.engines.load(&model.namespace, &name(i)).set_rate(load_for(1));
    }
    create_all(&model, "Deployment", &setup.workload()).await;
    let deployments = model.api("Deployment");
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let all = deployments
            .list(&kube::api::ListParams::default())
            .await
            .expect("a list");
        let ready = all
            .items
            .iter()
            .filter(|d| d.data["status"]["readyReplicas"] == 1)
            .count();
        if ready == OBJECTS {
            break;
        }
        assert!(Instant::now() < deadline, "only {ready} pods are ready");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }

    let metric = async |name: &'static str| act.stage.operator().await.metric(name, "").await;
    let before = (
        metric("inferscale_queries_total").await,
        metric("inferscale_tick_duration_seconds_count").await,
    );
    let (first, created) = create_and_watch(&model, &setup.object()).await;
    let last = first
        .values()
        .max()
        .copied()
        .expect("a status")
        .saturating_duration_since(created);
    tell(&format!(
        "{} of {OBJECTS} have a status, the last {last:.1?} after the last was created",
        first.len()
    ));
    assert_eq!(first.len(), OBJECTS, "every object gets a status");
    assert!(last <= LONGEST, "the last status came {last:?} after the last object");

    // They are decided on by what is measured, too.
    let objects: Api<InferenceDeployment> = Api::namespaced(model.client.clone(), &model.namespace);
    let (mut fresh, deadline) = (0, Instant::now() + Duration::from_secs(20));
    while fresh < OBJECTS && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let all = objects.list(&kube::api::ListParams::default()).await.expect("a list");
        let is_fresh = |o: &&InferenceDeployment| {
            let conditions = o.status.iter().flat_map(|s| &s.conditions);
            conditions
                .into_iter()
                .any(|c| c.type_ == "SignalsFresh" && c.reason == "Fresh")
        };
        fresh = all.items.iter().filter(is_fresh).count();
    }
    let after = (
        metric("inferscale_queries_total").await,
        metric("inferscale_tick_duration_seconds_count").await,
    );
    let (queries, ticks) = (after.0 - before.0, after.1 - before.1);
    tell(&format!(
        "{fresh} have fresh signals; {queries} queries in {ticks} ticks"
    ));
    assert!(fresh >= OBJECTS * 95 / 100, "only {fresh} objects have fresh signals");
    assert!(
        ticks >= 3.0 && queries / ticks <= MOST_QUERIES,
        "{queries} queries in {ticks} ticks"
    );
    model.end().await;
}
