//! One model under test: a namespace with a workload and an InferenceDeployment, load on it, and all that is seen of
//! both from then on, so that a test can wait for what should come and be sure of what never came.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::StreamExt;
use inferscale::config::Profiles;
use inferscale_core::performance::{EngineLimits, capacity};
use inferscale_core::snapshot::{Objective, Objectives, Target};
use inferscale_core::units::{Ratio, Span};
use kube::api::{Api, DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::runtime::{WatchStreamExt, watcher};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::audit::{Audit, Write};
use super::engine::{LABEL, Load};
use super::operator::USER;
use super::seen::Seen;
use super::stage::Stage;

/// The profile of every model here.
pub const PROFILE: &str = "llama-3.1-8b/a100/bf16";
/// How much more than the load is bought at 99 % before anything was learned; read off the first decision of a model
/// under steady load. Only so exact as to put the load of [`load_for`] into the middle of a step.
const HEADROOM: f64 = 1.35;

/// Requests/s that one replica carries inside the objective of the models here, by the performance model itself.
pub fn carries() -> f64 {
    let profiles = Profiles::embedded().expect("profiles");
    let objectives = Objectives {
        attainment: Ratio::clamped(0.99),
        window: Span::from_secs(10),
        targets: vec![
            Objective {
                target: Target::TimeToFirstToken,
                limit: Span::from_secs(2),
            },
            Objective {
                target: Target::TimePerOutputToken,
                limit: Span::from_millis(50),
            },
        ],
    };
    let profile = profiles.get(PROFILE).expect("a profile");
    capacity(profile, Load::WORKLOAD, &objectives, EngineLimits::default()).requests_per_second
}

/// Requests/s for which `replicas` are the right number, with room on either side: more above, for what is bought on
/// top grows when the load was seen to jump.
pub fn load_for(replicas: u32) -> f64 {
    let room = if replicas == 1 { 0.5 } else { 0.65 };
    (f64::from(replicas) - room) * carries() / HEADROOM
}

/// How a model is set up.
pub struct Setup<'a> {
    purpose: &'a str,
    kind: &'a str,
    replicas: u32,
    start_delay: &'a str,
    scraped: bool,
    rate: f64,
    spec: Value,
}

impl<'a> Setup<'a> {
    /// One replica of a Deployment without load. `purpose` makes it recognisable in logs.
    pub fn new(purpose: &'a str) -> Self {
        Self {
            purpose,
            kind: "Deployment",
            replicas: 1,
            start_delay: "1s",
            scraped: true,
            rate: 0.0,
            spec: json!({}),
        }
    }

    /// Another kind of workload; the test makes it itself where it is none of `apps/v1`.
    pub fn kind(self, kind: &'a str) -> Self {
        Self { kind, ..self }
    }

    /// Replicas that run before the operator looks.
    pub fn replicas(self, replicas: u32) -> Self {
        Self { replicas, ..self }
    }

    /// How long a pod takes to become ready.
    pub fn start_delay(self, start_delay: &'a str) -> Self {
        Self { start_delay, ..self }
    }

    /// Nobody scrapes the pods.
    pub fn unscraped(self) -> Self {
        Self { scraped: false, ..self }
    }

    /// Requests/s from the beginning.
    pub fn rate(self, rate: f64) -> Self {
        Self { rate, ..self }
    }

    /// What is merged into the spec of the InferenceDeployment.
    pub fn spec(self, spec: Value) -> Self {
        Self { spec, ..self }
    }

    /// The InferenceDeployment, named `chat` and scaling the workload `chat`.
    pub fn object(&self) -> Value {
        let mut object = json!({
            "apiVersion": "inferscale.dev/v1alpha1",
            "kind": "InferenceDeployment",
            "metadata": {"name": "chat"},
            "spec": {
                "engine": "vLLM",
                "objectives": {
                    "attainment": "99%", "window": "10s", "timeToFirstToken": "2s", "timePerOutputToken": "50ms",
                },
                "replicas": {"min": 1, "max": 12},
                "variants": [{
                    "name": "a100-bf16",
                    "targetRef": {"apiVersion": api_version(self.kind), "kind": self.kind, "name": "chat"},
                    "pool": "test-a100",
                    "performance": {"profile": PROFILE},
                }],
            },
        });
        json_patch(&mut object["spec"], &self.spec);
        object
    }

    /// The workload, named `chat`.
    pub fn workload(&self) -> Value {
        json!({
            "apiVersion": "apps/v1",
            "kind": self.kind,
            "metadata": {"name": "chat"},
            "spec": {
                "replicas": self.replicas,
                "selector": {"matchLabels": {"app": "chat"}},
                "template": self.pod(),
            },
        })
    }

    /// One of its pods.
    pub fn pod(&self) -> Value {
        json!({
            "metadata": {
                "labels": {"app": "chat", LABEL: "chat"},
                "annotations": {
                    "inferscale.dev/start-delay": self.start_delay,
                    "prometheus.io/scrape": self.scraped.to_string(),
                    "prometheus.io/port": "8000",
                },
            },
            "spec": {
                "terminationGracePeriodSeconds": 1,
                "nodeSelector": {"inferscale.dev/pool": "test-a100"},
                "containers": [{
                    "name": "vllm",
                    "image": "vllm/vllm-openai:v0.32.0",
                    "resources": {"limits": {"nvidia.com/gpu": "1"}},
                }],
            },
        })
    }

    /// A namespace with load on it, and nothing to carry it yet.
    pub async fn empty(&self, stage: &'static Stage) -> Model {
        let client = stage.cluster.client().await;
        let namespace = stage.cluster.namespace(&client, self.purpose).await;
        let load = stage.engines.load(&namespace, "chat");
        load.set_rate(self.rate);
        Model::follow(stage, client, namespace, self.kind, load)
    }

    /// A namespace with the workload in it, and load.
    pub async fn unmanaged(&self, stage: &'static Stage) -> Model {
        let model = self.empty(stage).await;
        model.create(&self.workload()).await;
        model
    }

    /// A namespace with the workload and its InferenceDeployment, and load.
    pub async fn start(&self, stage: &'static Stage) -> Model {
        let model = self.unmanaged(stage).await;
        model.create(&self.object()).await;
        model
    }

    /// The same, and waits until the operator sees `replicas` ready ones, all of them, and wants no other number.
    pub async fn settle(&self, stage: &'static Stage) -> Model {
        let model = self.start(stage).await;
        let replicas = i64::from(self.replicas);
        model
            .until("a settled start", 40, |seen| {
                seen.is("SignalsFresh", "True", "Fresh")
                    && seen.ready() == Some(replicas)
                    && seen.desired() == Some(replicas)
                    && seen.reason() == "Steady"
                    && seen.get("/status/variants/0/capacity").is_string()
            })
            .await;
        model
    }
}

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
    fn follow(stage: &'static Stage, client: kube::Client, namespace: String, kind: &str, load: Arc<Load>) -> Self {
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

fn api_version(kind: &str) -> &'static str {
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

/// RFC 7386.
fn json_patch(into: &mut Value, patch: &Value) {
    match (into, patch) {
        (Value::Object(into), Value::Object(patch)) => {
            for (key, value) in patch {
                if value.is_null() {
                    into.remove(key);
                } else {
                    json_patch(into.entry(key.clone()).or_insert(Value::Null), value);
                }
            }
        }
        (into, patch) => *into = patch.clone(),
    }
}
