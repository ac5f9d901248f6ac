//! An API server that stores one object and its workloads and fails at will, and lives of an operator before it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;

use inferscale_core::plan::{Memory, plan};
use inferscale_core::snapshot::Timing;
use inferscale_core::units::Span;
use kube::Client;
use kube::runtime::events::{Recorder, Reporter};
use serde_json::{Value, json};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::super::*;
use crate::api::TargetRef;
use crate::config::{OperatorConfig, Presets, Profiles};
use crate::controller::context::Pace;
use crate::observe::cluster::{Cluster, Lookup, SlimPod, SlimTarget};
use crate::observe::prometheus::Collected;
use crate::observe::{Scene, validate};
use crate::runtime::metrics::OperatorMetrics;
use crate::testing::fake_api::{Answer, Asked};
use crate::testing::samples;

/// How one request fails.
#[derive(Debug, Clone, Copy)]
pub enum Failure {
    /// The server refuses it; nothing happens.
    Refused,
    /// The connection breaks before it arrives.
    NotSent,
    /// It is carried out, and the connection breaks before the answer.
    AnswerLost,
    /// It is carried out, and the answer never comes.
    AnswerHangs,
}

/// What the API server stores.
pub struct Stored {
    pub object: Value,
    /// Replicas and resource version of each workload.
    pub workloads: BTreeMap<String, (u32, u64)>,
    pub requests: usize,
    pub fails: Option<(usize, Failure)>,
}

impl Stored {
    pub fn answer(&mut self, asked: &Asked) -> Answer {
        let n = self.requests;
        self.requests += 1;
        match self.fails.filter(|(at, _)| *at == n).map(|(_, failure)| failure) {
            None => self.carry_out(asked),
            Some(Failure::Refused) => Answer::refused(500, "etcdserver: leader changed"),
            Some(Failure::NotSent) => Answer::Broken,
            Some(Failure::AnswerLost) => {
                self.carry_out(asked);
                Answer::Broken
            }
            Some(Failure::AnswerHangs) => {
                self.carry_out(asked);
                Answer::Silence
            }
        }
    }

    fn carry_out(&mut self, asked: &Asked) -> Answer {
        let path: Vec<&str> = asked.line.split(['/', ' ']).filter(|part| !part.is_empty()).collect();
        match path.as_slice() {
            ["PUT", .., "deployments", name, "scale"] => {
                let Some((replicas, version)) = self.workloads.get_mut(*name) else {
                    return Answer::refused(404, "not found");
                };
                if asked.body["metadata"]["resourceVersion"] != json!(version.to_string()) {
                    return Answer::refused(409, "the object has been modified");
                }
                *replicas = asked.body["spec"]["replicas"].as_u64().unwrap() as u32;
                *version += 1;
                Answer::Json(200, asked.body.clone())
            }
            ["GET", .., "inferencedeployments", "chat"] => Answer::Json(200, self.object.clone()),
            ["PATCH", .., "inferencedeployments", "chat", "status"] => {
                let version = &mut self.object["metadata"]["resourceVersion"];
                if asked.body["metadata"]["resourceVersion"] != *version {
                    return Answer::refused(409, "the object has been modified");
                }
                *version = json!((version.as_str().unwrap().parse::<u64>().unwrap() + 1).to_string());
                self.object["status"] = asked.body["status"].clone();
                Answer::Json(200, self.object.clone())
            }
            [_, "apis", "events.k8s.io", ..] => Answer::Json(201, asked.body.clone()),
            _ => panic!("nobody asks for {}", asked.line),
        }
    }

    pub fn guarded(&self) -> Guarded {
        serde_json::from_value(self.object.clone()).unwrap()
    }

    pub fn target(&self, target: &TargetRef) -> Lookup {
        let Some((replicas, version)) = self.workloads.get(&target.name) else {
            return Lookup::Missing;
        };
        let found: SlimTarget = serde_json::from_value(json!({
            "metadata": {"name": target.name, "namespace": "prod", "resourceVersion": version.to_string()},
            "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": target.name}}},
        }))
        .unwrap();
        Lookup::Found(Arc::new(found), samples::deployments())
    }

    /// Every replica has a pod that has served since long ago.
    pub fn pods(&self) -> Vec<Arc<SlimPod>> {
        let of = |(app, (replicas, _)): (&String, &(u32, u64))| {
            let app = app.clone();
            (0..*replicas).map(move |i| {
                let pod = json!({
                    "metadata": {
                        "name": format!("{app}-{i}"), "namespace": "prod", "labels": {"app": app},
                        "creationTimestamp": "2026-01-01T00:00:00Z",
                    },
                    "status": {"phase": "Running", "conditions": [
                        {"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:01:00Z"},
                    ]},
                });
                Arc::new(serde_json::from_value(pod).unwrap())
            })
        };
        self.workloads.iter().flat_map(of).collect()
    }
}

/// One life of the operator.
pub struct Operator {
    pub context: Context,
    pub publish: watch::Sender<Option<Arc<Published>>>,
    pub memory: Memory,
}

impl Operator {
    pub fn start(client: &Client, nowhere: &Client) -> Self {
        let stop = CancellationToken::new();
        stop.cancel();
        let (publish, latest) = watch::channel(None);
        let config = "metricsSources: [{name: default, url: http://prometheus:9090}]";
        let reporter = Reporter {
            controller: "inferscale".into(),
            instance: None,
        };
        let context = Context {
            client: client.clone(),
            config: OperatorConfig::parse(config, "test").unwrap(),
            presets: Presets::embedded().unwrap(),
            profiles: Profiles::embedded().unwrap(),
            sources: HashMap::new(),
            // The recipe looks at what a tick has published, never at the stores.
            cluster: Cluster::follow(nowhere, &Arc::new(Notify::new()), &stop),
            objects: kube::runtime::reflector::store().0,
            leadership: samples::alone(),
            latest,
            metrics: Arc::new(OperatorMetrics::new()),
            recorder: Recorder::new(client.clone(), reporter),
            written: Pace::default(),
        };
        Self {
            context,
            publish,
            memory: Memory::default(),
        }
    }

    /// One tick and the reconcile that it causes.
    pub async fn round(&mut self, stored: &Mutex<Stored>) -> Result<bool, Error> {
        let guarded = {
            let stored = stored.lock().unwrap();
            let published = self.tick(&stored);
            self.publish.send_replace(Some(Arc::new(published)));
            stored.guarded()
        };
        recipe(&guarded, &self.context).await
    }

    pub fn tick(&mut self, stored: &Stored) -> Published {
        let context = &self.context;
        let objects = stored.guarded().0.into_iter().map(|object| {
            let valid = validate(&object, &context.config, &context.presets, &context.profiles);
            (Arc::new(object), valid)
        });
        let source = ("default".to_owned(), "vLLM".to_owned());
        let collected = [(source, Arc::new(Collected::default()))].into();
        let scene = Scene {
            now: clock::now(),
            timing: Timing {
                grid: Span::from_secs(15),
            },
            objects: objects.collect(),
            pods: &stored.pods(),
            nodes: &[],
            pools: &[],
            targets: &|_, target| stored.target(target),
            rivals: &|_, _| Vec::new(),
            collected: &collected,
        };
        let observed = scene.observe();
        self.memory.absorb(&observed.snapshot);
        Published {
            plan: plan(&observed.snapshot, &self.memory),
            observed,
            decided: Instant::now(),
            epoch: self.context.leadership.epoch(),
        }
    }
}
