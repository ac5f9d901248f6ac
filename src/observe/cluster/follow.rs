//! One watch into one store, for as long as the operator runs. I/O.

use std::fmt::Debug;
use std::hash::Hash;
use std::sync::Arc;

use futures::StreamExt;
use kube::runtime::reflector::{self, Store};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::patient;

/// Follows a kind whose resource needs no discovery.
pub fn follow<K>(
    api: Api<K>,
    config: watcher::Config,
    slim: fn(&mut K),
    changed: &Arc<Notify>,
    stop: &CancellationToken,
) -> Store<K>
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + Sync + 'static,
{
    follow_dynamic(api, (), config, slim, changed, stop)
}

/// Follows any kind. Errors are retried with backoff and logged once each.
pub fn follow_dynamic<K>(
    api: Api<K>,
    kind: K::DynamicType,
    config: watcher::Config,
    slim: fn(&mut K),
    changed: &Arc<Notify>,
    stop: &CancellationToken,
) -> Store<K>
where
    K: Resource + Clone + Debug + DeserializeOwned + Send + Sync + 'static,
    K::DynamicType: Clone + Debug + Eq + Hash + Send + Sync + 'static,
{
    let name = K::kind(&kind).into_owned();
    let writer = reflector::store::Writer::new(kind);
    let store = writer.as_reader();
    let stream = patient::watcher(api, config)
        .default_backoff()
        .modify(move |object| {
            // Kilobytes an object that nothing here reads.
            object.managed_fields_mut().clear();
            object.annotations_mut().clear();
            slim(object);
        })
        .reflect(writer)
        .touched_objects();
    let (changed, stop) = (changed.clone(), stop.clone());
    tokio::spawn(async move {
        let mut stream = std::pin::pin!(stream.take_until(stop.cancelled()));
        while let Some(event) = stream.next().await {
            match event {
                Ok(_) => changed.notify_one(),
                Err(error) => tracing::warn!(kind = name, %error, "cannot watch; trying again"),
            }
        }
    });
    store
}
