//! The watch: sees the pods of the chosen namespaces and runs one `PodLife` for each that asks for a process. I/O:
//! API.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use futures::{StreamExt, stream};
use k8s_openapi::api::core::v1::Pod;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event};
use kube::{Api, Client};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::Options;
use crate::annotation::PROCESS;
use crate::pod::PodLife;
use crate::probe::Prober;

/// Why this program ends with an error.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NodeError {
    /// No threads, no signals: the machine is out of something.
    #[error("cannot start: {0}")]
    Runtime(std::io::Error),
    /// No KUBECONFIG, or a bad one.
    #[error("cannot connect to the cluster: {0}; is KUBECONFIG set? (. ~/.cache/inferscale/clusters/NAME/env)")]
    Connect(#[from] kube::Error),
    /// The HTTP client.
    #[error("cannot make an HTTP client: {0}")]
    Http(#[from] reqwest::Error),
}

/// All pods that this program serves.
struct Node {
    client: Client,
    prober: Prober,
    options: Options,
    stop: CancellationToken,
    /// By the pod's uid.
    pods: HashMap<String, Served>,
    lives: JoinSet<()>,
}

struct Served {
    namespace: String,
    view: watch::Sender<Option<Pod>>,
}

/// Serves the pods of the namespaces until asked to stop; then ends all processes and reports their pods unready.
pub(crate) async fn run(options: Options, stop: CancellationToken) -> Result<(), NodeError> {
    let client = Client::try_default().await?;
    client.apiserver_version().await?;
    let namespaces = options.namespaces.clone();
    let patience = options.stop_timeout() + Duration::from_secs(15);
    let mut node = Node {
        prober: Prober::new()?,
        client: client.clone(),
        options,
        stop: stop.clone(),
        pods: HashMap::new(),
        lives: JoinSet::new(),
    };
    let mut events = stream::select_all(namespaces.iter().map(|namespace| {
        let api: Api<Pod> = Api::namespaced(client.clone(), namespace);
        let namespace = namespace.clone();
        watcher::watcher(api, watcher::Config::default())
            .default_backoff()
            .map(move |event| (namespace.clone(), event))
            .boxed()
    }));
    tracing::info!(?namespaces, "serving pods with the annotation {PROCESS}");
    let mut listed: HashMap<String, HashSet<String>> = HashMap::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            Some(_) = node.lives.join_next() => {}
            Some((namespace, event)) = events.next() => match event {
                Ok(event) => node.take(&namespace, event, listed.entry(namespace.clone()).or_default()),
                Err(error) => tracing::warn!(namespace, %error, "the watch failed and is tried again"),
            },
        }
    }
    let all = async { while node.lives.join_next().await.is_some() {} };
    if timeout(patience, all).await.is_err() {
        tracing::warn!("some pods did not end in time; their processes are killed now");
    }
    Ok(())
}

impl Node {
    fn take(&mut self, namespace: &str, event: Event<Pod>, listed: &mut HashSet<String>) {
        match event {
            Event::Init => listed.clear(),
            Event::InitApply(pod) => {
                listed.extend(pod.metadata.uid.clone());
                self.show(namespace, pod);
            }
            // Pods that vanished while there was no watch.
            Event::InitDone => self.pods.retain(|uid, served| {
                let stays = served.namespace != namespace || listed.contains(uid);
                if !stays {
                    served.view.send_replace(None);
                }
                stays
            }),
            Event::Apply(pod) => self.show(namespace, pod),
            Event::Delete(pod) => {
                if let Some(served) = pod.metadata.uid.and_then(|uid| self.pods.remove(&uid)) {
                    served.view.send_replace(None);
                }
            }
        }
    }

    fn show(&mut self, namespace: &str, pod: Pod) {
        let Some(uid) = pod.metadata.uid.clone() else { return };
        if let Some(served) = self.pods.get(&uid) {
            served.view.send_replace(Some(pod));
            return;
        }
        if !pod
            .metadata
            .annotations
            .as_ref()
            .is_some_and(|all| all.contains_key(PROCESS))
        {
            return;
        }
        let (view, shown) = watch::channel(Some(pod.clone()));
        let api = Api::namespaced(self.client.clone(), namespace);
        let life = PodLife::new(
            &pod,
            api,
            self.prober.clone(),
            self.options.clone(),
            shown,
            self.stop.clone(),
        );
        self.lives.spawn(life.live());
        self.pods.insert(
            uid,
            Served {
                namespace: namespace.to_owned(),
                view,
            },
        );
    }
}
