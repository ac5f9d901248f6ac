//! One model under test: a namespace with a workload and an InferenceDeployment, load on it, and all that is seen of
//! both from then on, so that a test can wait for what should come and be sure of what never came.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::StreamExt;
use kube::api::{Api, DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::runtime::{WatchStreamExt, watcher};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::audit::{Audit, Write};
use super::engine::Load;
use super::operator::USER;
use super::seen::Seen;
use super::stage::Stage;

/// A model under test.
pub struct Model {
    pub stage: &'static Stage,
    pub client: kube::Client,
    pub namespace: String,
    pub load: Arc<Load>,
    kind: String,
    seen: watch::Receiver<Seen>,
    history: Arc<Mutex<Vec<Seen>>>,
    audit: Audit,
    _tasks: JoinSet<()>,
}

impl Model {
    /// Follows what is called `chat` in a namespace from now on.
    pub fn follow(stage: &'static Stage, client: kube::Client, namespace: String, kind: &str, load: Arc<Load>) -> Self {
        let (sender, seen) = watch::channel(Seen::default());
        let history = Arc::new(Mutex::new(Vec::new()));
        let sender = Arc::new(sender);
        let mut tasks = JoinSet::new();
        let put: [fn(&mut Seen, Value); 2] = [Seen::set_object, Seen::set_workload];
        for (kind, put) in ["InferenceDeployment", kind].into_iter().zip(put) {
            let api = api(&client, &namespace, kind);
            let (sender, history) = (sender.clone(), history.clone());
            tasks.spawn(async move {
                let stream = watcher(api, watcher::Config::default().fields("metadata.name=chat"));
                let mut stream = std::pin::pin!(stream.default_backoff().applied_objects());
                while let Some(event) = stream.next().await {
                    let Ok(object) = event else { continue };
                    let object = serde_json::to_value(object).expect("JSON");
                    // In one step: who waited for this finds it in the history too.
                    sender.send_modify(|seen| {
                        put(seen, object);
                        history.lock().expect("no panic").push(seen.clone());
                    });
                }
            });
        }
        Self {
            stage,
            client,
            namespace,
            load,
            kind: kind.to_owned(),
            seen,
            history,
            audit: Audit::from_now(stage.cluster),
            _tasks: tasks,
        }
    }

    /// Waits until `holds`, at most `seconds`.
    pub async fn until(&self, what: &str, seconds: u64, holds: impl Fn(&Seen) -> bool) -> Seen {
        let mut seen = self.seen.clone();
        let wait = tokio::time::timeout(Duration::from_secs(seconds), seen.wait_for(|seen| holds(seen)));
        match wait.await {
            Ok(seen) => seen.expect("the watches go on").clone(),
            Err(_) => self.fail(&format!("not within {seconds} s: {what}")).await,
        }
    }

    /// Makes sure that `holds` all the time for `seconds`.
    pub async fn always(&self, what: &str, seconds: u64, holds: impl Fn(&Seen) -> bool) {
        let mut seen = self.seen.clone();
        let wait = tokio::time::timeout(Duration::from_secs(seconds), seen.wait_for(|seen| !holds(seen)));
        if wait.await.is_ok() {
            self.fail(&format!("not always: {what}")).await;
        }
    }

    /// Waits until the replicas have been the same for `seconds`, at most six times that long, and tells how many they
    /// are. What a first rush ordered too much goes when its own hold ends.
    pub async fn at_rest(&self, seconds: u64) -> i64 {
        let (began, mut since) = (Instant::now(), Instant::now());
        let mut replicas = self.now().replicas();
        while since.elapsed() < Duration::from_secs(seconds) {
            if began.elapsed() > Duration::from_secs(6 * seconds) {
                self.fail(&format!("the replicas never stay the same for {seconds} s"))
                    .await;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
            let now = self.now().replicas();
            if now != replicas {
                (replicas, since) = (now, Instant::now());
            }
        }
        replicas.unwrap_or(0)
    }

    /// What is seen now.
    pub fn now(&self) -> Seen {
        self.seen.borrow().clone()
    }

    /// Everything that was seen since `from`, oldest first.
    pub fn since(&self, from: Instant) -> Vec<Seen> {
        let history = self.history.lock().expect("no panic");
        history.iter().filter(|seen| seen.at >= from).cloned().collect()
    }

    /// The fewest replicas that were ordered from `from` until now.
    pub fn fewest(&self, from: Instant) -> Option<i64> {
        self.ordered(from).into_iter().min()
    }

    /// The most replicas that were ordered from `from` until now.
    pub fn most(&self, from: Instant) -> Option<i64> {
        self.ordered(from).into_iter().max()
    }

    fn ordered(&self, from: Instant) -> Vec<i64> {
        let history = self.history.lock().expect("no panic");
        let at = history.partition_point(|seen| seen.at <= from);
        let all = history[at.saturating_sub(1)..].iter();
        all.filter_map(Seen::replicas).collect()
    }

    /// Makes sure of something, or fails with all that is known.
    pub async fn check(&self, holds: bool, what: &str) {
        if !holds {
            self.fail(what).await;
        }
    }

    /// Fails with all that is known.
    pub async fn fail(&self, what: &str) -> ! {
        let seen = self.now();
        let history = self.history.lock().expect("no panic").clone();
        let first = history.first().map_or(seen.at, |seen| seen.at);
        let lines: Vec<String> = history.iter().map(|seen| seen.line(first)).collect();
        let (writes, log) = (self.writes(), self.stage.operator().await.log_of(&self.namespace));
        panic!(
            "{what}\nnamespace {}\n{}\nhistory:\n{}\nwrites of the operator: {writes:?}\nlog:\n{log}\n{:?}",
            self.namespace,
            seen.status(),
            lines.join("\n"),
            self.load,
        );
    }

    /// What the operator wrote in this namespace so far.
    pub fn writes(&self) -> Vec<Write> {
        let writes = self.audit.writes_of(USER);
        writes.into_iter().filter(|w| w.namespace == self.namespace).collect()
    }

    /// The writes to the workload so far.
    pub fn scales(&self) -> Vec<Write> {
        self.writes().into_iter().filter(|w| !w.reports()).collect()
    }

    /// Creates an object in the namespace.
    pub async fn create(&self, object: &Value) {
        let kind = object["kind"].as_str().expect("a kind");
        let object: DynamicObject = serde_json::from_value(object.clone()).expect("an object");
        let created = self.api(kind).create(&PostParams::default(), &object).await;
        created.unwrap_or_else(|error| panic!("cannot create {kind}: {error}"));
    }

    /// Merges `patch` into an object of the namespace.
    pub async fn patch(&self, kind: &str, name: &str, patch: &Value) {
        let patch = Patch::Merge(patch);
        let patched = self.api(kind).patch(name, &PatchParams::default(), &patch).await;
        patched.unwrap_or_else(|error| panic!("cannot patch {kind}: {error}"));
    }

    /// Merges `spec` into the spec of the InferenceDeployment.
    pub async fn edit(&self, spec: &Value) {
        self.patch("InferenceDeployment", "chat", &json!({"spec": spec})).await;
    }

    /// Deletes an object of the namespace.
    pub async fn delete(&self, kind: &str, name: &str) {
        let deleted = self.api(kind).delete(name, &DeleteParams::default()).await;
        deleted.unwrap_or_else(|error| panic!("cannot delete {kind}: {error}"));
    }

    /// The objects of a kind in the namespace.
    pub fn api(&self, kind: &str) -> Api<DynamicObject> {
        api(&self.client, &self.namespace, kind)
    }

    /// Takes everything away, so that the next tests have the machine to themselves. After a failure it stays.
    pub async fn end(self) {
        self.load.set_rate(0.0);
        let mut kinds = vec!["InferenceDeployment", self.kind.as_str()];
        kinds.dedup();
        for kind in kinds {
            let (api, params, all) = (self.api(kind), DeleteParams::default(), ListParams::default());
            let _ = api.delete_collection(&params, &all).await;
        }
        let namespaces = Api::<k8s_openapi::api::core::v1::Namespace>::all(self.client.clone());
        let _ = namespaces.delete(&self.namespace, &DeleteParams::background()).await;
    }
}

/// Group and version of the kinds that occur here.
pub fn api_version(kind: &str) -> &'static str {
    match kind {
        "InferenceDeployment" => "inferscale.dev/v1alpha1",
        "ModelServer" => "test.inferscale.dev/v1",
        "ScaledObject" => "keda.sh/v1alpha1",
        "HorizontalPodAutoscaler" => "autoscaling/v2",
        "Event" => "events.k8s.io/v1",
        "Pod" | "ConfigMap" => "v1",
        _ => "apps/v1",
    }
}

fn api(client: &kube::Client, namespace: &str, kind: &str) -> Api<DynamicObject> {
    let (group, version) = api_version(kind).rsplit_once('/').unwrap_or(("", api_version(kind)));
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
    Api::namespaced_with(client.clone(), namespace, &resource)
}
