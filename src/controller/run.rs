//! Wiring: watches, the ticker, the controller, the HTTP server; and their end in order. I/O.

use std::collections::HashMap;
use std::sync::Arc;

use futures::channel::mpsc;
use futures::{Stream, StreamExt};
use kube::runtime::controller::{Config, Controller};
use kube::runtime::events::{Recorder, Reporter};
use kube::runtime::{WatchStreamExt, reflector, watcher};
use kube::{Api, Resource, ResourceExt};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use super::candidate::Candidate;
use super::context::{Context, Guarded, Pace};
use super::reconcile::{on_error, reconcile};
use super::tick::Ticker;
use crate::config::{OperatorConfig, Presets, Profiles};
use crate::observe::cluster::{self, Cluster};
use crate::observe::prometheus::{Source, SourceError};
use crate::runtime::http::{self, Server};
use crate::runtime::metrics::OperatorMetrics;
use crate::runtime::readiness::Readiness;

/// Objects reconciled at once.
const CONCURRENCY: u16 = 16;

/// The operator cannot start.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// No kubeconfig, no service account, or one that cannot be used.
    #[error("cannot reach a Kubernetes API server")]
    Client(#[source] Box<kube::Error>),
    /// A metrics source cannot be set up.
    #[error("metricsSources {name:?}")]
    Source {
        /// The source's name.
        name: String,
        /// Why.
        #[source]
        source: SourceError,
    },
    /// The address of the HTTP server is not free.
    #[error("listen.metrics")]
    Listen(#[source] std::io::Error),
}

/// Runs the operator until `stop`.
///
/// # Errors
/// When it cannot start. Once it runs, trouble is logged, counted and retried.
pub async fn run(
    config: OperatorConfig,
    presets: Presets,
    profiles: Profiles,
    stop: CancellationToken,
) -> Result<(), RunError> {
    let sources = sources(&config)?;
    let metrics = Arc::new(OperatorMetrics::new());
    let readiness = Readiness::default();
    let watches = readiness.part("watches", "the first lists of pods, nodes and objects");
    let ticks = readiness.part("ticks", "the first tick");
    let server = Server::bind(config.listen.metrics).await.map_err(RunError::Listen)?;
    if let Ok(address) = server.address() {
        tracing::info!(%address, "serving /livez, /readyz and /metrics");
    }
    let changed = Arc::new(Notify::new());
    let candidate = Candidate::new(&readiness)
        .await
        .map_err(|error| RunError::Client(Box::new(error)))?;
    let serving = tokio::spawn(server.serve(http::router(readiness, metrics.clone()), stop.clone()));
    let client = candidate.client.clone();
    let leadership = candidate.leadership.clone();
    let mut election = candidate.stand(&config.leader_election, &changed, &metrics);
    let (objects, writer) = reflector::store::<Guarded>();
    let (publish, latest) = watch::channel(None);
    let (reconcile_one, reconciles) = mpsc::unbounded();
    let context = Arc::new(Context {
        cluster: Cluster::follow(&client, &changed, &stop),
        recorder: Recorder::new(
            client.clone(),
            Reporter {
                controller: "inferscale".to_owned(),
                instance: std::env::var("POD_NAME").ok(),
            },
        ),
        client: client.clone(),
        config,
        presets,
        profiles,
        sources,
        objects: objects.clone(),
        leadership,
        latest,
        metrics,
        written: Pace::default(),
    });

    // Not `objects.wait_until_ready()`: the controller waits there too, and of two only the last one is woken.
    let listed = CancellationToken::new();
    let silent = follow(Api::all(client), writer, listed.clone(), changed.clone());
    let controller = Controller::for_stream(silent, objects.clone())
        .with_config(Config::default().concurrency(CONCURRENCY))
        .reconcile_on(reconciles)
        .graceful_shutdown_on(stop.clone().cancelled_owned())
        .run(reconcile, on_error, context.clone());
    let controlling = tokio::spawn(controller.for_each(|_| futures::future::ready(())));

    let ready = async {
        listed.cancelled().await;
        context.cluster.ready().await.is_ok()
    };
    let started = tokio::select! {
        () = stop.cancelled() => false,
        ready = ready => ready,
    };
    if started {
        watches.ready();
        tracing::info!("watching; the first tick follows");
        let ticker = Ticker {
            context,
            changed,
            publish,
            reconcile: reconcile_one,
            part: ticks,
        };
        tokio::select! {
            () = ticker.run(stop.clone()) => {}
            // Without an election nothing would ever be written again.
            () = election.broke() => {
                tracing::error!("the election has ended by itself; shutting down");
                stop.cancel();
            }
        }
    }
    // Reconciles in progress finish; then the next one may lead; then the server, so that the last metrics can be read.
    let _ = controlling.await;
    election.end().await;
    let _ = serving.await;
    tracing::info!("stopped");
    Ok(())
}

/// Keeps the store of all objects, says when their first list is complete, and asks for an early tick when one is edited
/// or deleted; its own status is no edit. What the watch brings is reconciled by the tick that it causes, not twice: only
/// errors come out.
fn follow(
    objects: Api<Guarded>,
    store: reflector::store::Writer<Guarded>,
    listed: CancellationToken,
    edited: Arc<Notify>,
) -> impl Stream<Item = Result<Guarded, watcher::Error>> + Send {
    let mut generations: HashMap<String, Option<i64>> = HashMap::new();
    cluster::watcher(objects, watcher::Config::default())
        .default_backoff()
        .modify(|object| object.managed_fields_mut().clear())
        .reflect(store)
        .inspect(move |event| match event {
            Ok(watcher::Event::InitDone) => listed.cancel(),
            Ok(_) => {}
            Err(error) => tracing::warn!(kind = "InferenceDeployment", %error, "cannot watch; trying again"),
        })
        .touched_objects()
        .inspect(move |event| {
            let Ok(object) = event else { return };
            let (uid, generation) = (object.uid().unwrap_or_default(), object.meta().generation);
            let deleted = object.meta().deletion_timestamp.is_some();
            if deleted || generations.insert(uid, generation) != Some(generation) {
                edited.notify_one();
            }
        })
        .filter(|event| futures::future::ready(event.is_err()))
}

fn sources(config: &OperatorConfig) -> Result<HashMap<String, Source>, RunError> {
    let mut sources = HashMap::new();
    for settings in &config.metrics_sources {
        let name = settings.name.clone();
        let source = Source::new(settings).map_err(|source| RunError::Source {
            name: name.clone(),
            source,
        })?;
        sources.insert(name, source);
    }
    Ok(sources)
}
