//! What every tick and every reconcile shares.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use inferscale_core::snapshot::ObjectKey;
use kube::Client;
use kube::core::DeserializeGuard;
use kube::runtime::events::Recorder;
use kube::runtime::reflector::Store;
use tokio::time::Instant;

use super::published::Latest;
use crate::api::InferenceDeployment;
use crate::config::{OperatorConfig, Presets, Profiles};
use crate::observe::cluster::Cluster;
use crate::observe::prometheus::Source;
use crate::runtime::leader::Leadership;
use crate::runtime::metrics::OperatorMetrics;

/// An InferenceDeployment as the watch brings it, malformed or not: a malformed one must not stop the others.
pub type Guarded = DeserializeGuard<InferenceDeployment>;

/// Slowly moving numbers of a status are written at most this often an object.
const SLOWLY: Duration = Duration::from_secs(300);

/// What every tick and every reconcile shares.
pub struct Context {
    /// The API server.
    pub client: Client,
    /// The operator's configuration.
    pub config: OperatorConfig,
    /// The engines that are known.
    pub presets: Presets,
    /// The performance seeds that are known.
    pub profiles: Profiles,
    /// The metrics sources, by name.
    pub sources: HashMap<String, Source>,
    /// Everything else in the cluster.
    pub cluster: Cluster,
    /// All InferenceDeployments.
    pub objects: Store<Guarded>,
    /// Whether this operator may write: asked before each write.
    pub leadership: Leadership,
    /// The newest outcome of a tick.
    pub latest: Latest,
    /// The operator's own metrics.
    pub metrics: Arc<OperatorMetrics>,
    /// Writes events, repeated ones as a series.
    pub recorder: Recorder,
    /// When the status of each object was written last.
    pub written: Pace,
}

/// When the status of each object was last written, and what was said of those that are malformed.
#[derive(Debug, Default)]
pub struct Pace {
    written: Mutex<HashMap<ObjectKey, Instant>>,
    said: Mutex<HashMap<ObjectKey, String>>,
}

impl Pace {
    /// Whether slowly moving numbers of an object may be written again. An object that is new to this operator waits
    /// a whole period: a restart must not rewrite every status.
    pub fn due(&self, key: &ObjectKey) -> bool {
        let mut all = locked(&self.written);
        all.entry(key.clone()).or_insert_with(Instant::now).elapsed() >= SLOWLY
    }

    /// The status of an object has been written.
    pub fn done(&self, key: &ObjectKey) {
        locked(&self.written).insert(key.clone(), Instant::now());
    }

    /// Whether the newest thing said of a malformed object was this.
    pub fn has_said(&self, key: &ObjectKey, message: &str) -> bool {
        locked(&self.said).get(key).is_some_and(|said| said == message)
    }

    /// This has been said of a malformed object.
    pub fn said(&self, key: &ObjectKey, message: &str) {
        locked(&self.said).insert(key.clone(), message.to_owned());
    }

    /// Forgets the objects that are gone.
    pub fn forget(&self, alive: impl Fn(&ObjectKey) -> bool) {
        locked(&self.written).retain(|key, _| alive(key));
        locked(&self.said).retain(|key, _| alive(key));
    }
}

/// A panic elsewhere leaves a map that is still whole.
fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
