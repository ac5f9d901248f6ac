//! How a model is set up for a test: its workload, its InferenceDeployment, the load that so many replicas carry.

use inferscale::config::Profiles;
use inferscale_core::performance::{EngineLimits, capacity};
use inferscale_core::snapshot::{Objective, Objectives, Target};
use inferscale_core::units::{Ratio, Span};
use serde_json::{Value, json};

use super::engine::{LABEL, Load};
use super::model::{Model, api_version};
use super::stage::Stage;

/// The profile of every model here.
pub const PROFILE: &str = "llama-3.1-8b/a100/bf16";
/// How much more than the load is bought at 99 % before anything was learned; read off the first decision of a model
/// under steady load. Only so exact as to put the load of [`load_for`] into the middle of a step.
const HEADROOM: f64 = 1.55;

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
