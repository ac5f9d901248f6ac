//! Engines that the test owns: behind the address of every pod that carries [`LABEL`] this process answers as vLLM
//! would, under a load that the test sets. Everything around them is real: the pods, the Prometheus that discovers
//! and scrapes them, the operator that reads it.

mod exposition;
mod load;
mod server;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt;
use k8s_openapi::api::core::v1::Pod;
use kube::runtime::watcher;
use kube::{Api, Client, ResourceExt};
use tokio::task::JoinSet;

pub use load::{Answer, Load};

/// The label of pods that are served here; its value is the model's name.
pub const LABEL: &str = "test.inferscale.dev/model";

/// How often the load moves on between two scrapes.
const STEP: Duration = Duration::from_millis(100);

/// What is played, by namespace and name of the Deployment.
type Loads = HashMap<(String, String), Arc<Load>>;

/// The load of every model, by namespace and name.
#[derive(Clone, Default)]
pub struct Engines(Arc<Mutex<Loads>>);

impl Engines {
    /// Follows the pods from now on, for as long as the current runtime lives.
    pub fn start(client: Client) -> Self {
        let engines = Self::default();
        tokio::spawn(engines.clone().follow(client));
        tokio::spawn(engines.clone().advance());
        engines
    }

    /// The load of one model. Made before its pods are, so that none of them is missed.
    pub fn load(&self, namespace: &str, model: &str) -> Arc<Load> {
        let mut all = self.0.lock().expect("no panic");
        all.entry((namespace.to_owned(), model.to_owned())).or_default().clone()
    }

    async fn advance(self) {
        loop {
            tokio::time::sleep(STEP).await;
            let all: Vec<Arc<Load>> = self.0.lock().expect("no panic").values().cloned().collect();
            for load in all {
                load.advance();
            }
        }
    }

    async fn follow(self, client: Client) {
        let pods = watcher(Api::<Pod>::all(client), watcher::Config::default().labels(LABEL));
        let mut pods = std::pin::pin!(pods);
        // By UID: a StatefulSet's pod comes again under its old name.
        let mut serving: HashMap<String, JoinSet<()>> = HashMap::new();
        while let Some(event) = pods.next().await {
            match event {
                Ok(watcher::Event::Apply(pod) | watcher::Event::InitApply(pod)) => {
                    let Some((load, address)) = self.known(&pod) else {
                        continue;
                    };
                    let uid = pod.uid().expect("a UID");
                    serving.entry(uid.clone()).or_insert_with(|| {
                        load.add(&uid);
                        let mut server = JoinSet::new();
                        server.spawn(server::serve(address, uid.clone(), load.clone()));
                        server
                    });
                    load.set_ready(&uid, is_ready(&pod));
                }
                Ok(watcher::Event::Delete(pod)) => {
                    let uid = pod.uid().expect("a UID");
                    serving.remove(&uid);
                    if let Some((load, _)) = self.known(&pod) {
                        load.remove(&uid);
                    }
                }
                Ok(watcher::Event::Init | watcher::Event::InitDone) => {}
                Err(error) => eprintln!("engines: cannot watch the pods, trying again: {error}"),
            }
        }
    }

    /// The load of a pod of this test run that has its address already.
    fn known(&self, pod: &Pod) -> Option<(Arc<Load>, String)> {
        let key = (pod.namespace()?, pod.labels().get(LABEL)?.clone());
        let load = self.0.lock().expect("no panic").get(&key)?.clone();
        Some((load, format!("{}:8000", pod.status.as_ref()?.pod_ip.as_ref()?)))
    }
}

fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.as_ref().and_then(|s| s.conditions.as_ref());
    pod.metadata.deletion_timestamp.is_none()
        && conditions
            .into_iter()
            .flatten()
            .any(|c| c.type_ == "Ready" && c.status == "True")
}
