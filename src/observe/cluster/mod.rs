//! The cluster as the operator keeps it in memory: one reflector a kind, fed by watches. I/O.
//!
//! Watches hold *slim views*: own structs with only the fields that a decision reads, so that tens of thousands of
//! pods fit. Reading a store never waits; before the first list of each kind is complete no decision is made.

mod follow;
mod nodes;
mod patient;
mod pods;
mod rivals;
mod selector;
mod targets;

use std::sync::Arc;

use kube::runtime::reflector::Store;
use kube::runtime::watcher::Config;
use kube::{Api, Client};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

pub use nodes::SlimNode;
pub use patient::watcher;
pub use pods::{PodIndex, SlimPod};
pub use rivals::{Rivals, ScaleTargetRef};
pub use selector::Selector;
pub use targets::{Lookup, SlimTarget, TargetKind, Targets};

use self::follow::follow;
use crate::api::GpuPool;

/// Every store but that of the InferenceDeployments, which the controller follows itself.
#[derive(Clone)]
pub struct Cluster {
    /// All pods.
    pub pods: Store<SlimPod>,
    /// All nodes.
    pub nodes: Store<SlimNode>,
    /// All pools.
    pub pools: Store<GpuPool>,
    /// Who else scales.
    pub rivals: Rivals,
    /// The workloads that are scaled, by kind.
    pub targets: Targets,
}

impl Cluster {
    /// Starts all watches. `changed` is told of every change that a decision may depend on; `stop` ends them.
    pub fn follow(client: &Client, changed: &Arc<Notify>, stop: &CancellationToken) -> Self {
        let config = Config::default;
        Self {
            pods: follow(Api::all(client.clone()), config(), pods::slim, changed, stop),
            // A node's heartbeat is no news.
            nodes: follow(
                Api::all(client.clone()),
                config(),
                nodes::slim,
                &Arc::new(Notify::new()),
                stop,
            ),
            pools: follow(Api::all(client.clone()), config(), |_| {}, changed, stop),
            rivals: Rivals::follow(client, changed, stop),
            targets: Targets::new(client.clone(), changed.clone(), stop.clone()),
        }
    }

    /// Waits until the first list of every kind is complete.
    ///
    /// # Errors
    /// When a watch ended before its first list came, as at shutdown.
    pub async fn ready(&self) -> Result<(), kube::runtime::reflector::store::WriterDropped> {
        self.pods.wait_until_ready().await?;
        self.nodes.wait_until_ready().await?;
        self.pools.wait_until_ready().await?;
        self.rivals.ready().await
    }
}
