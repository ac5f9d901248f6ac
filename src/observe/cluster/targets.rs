//! The workloads that are scaled: any kind with a scale, found by discovery and then watched as a whole kind, so
//! that a thousand targets cost one watch and no GET each. I/O.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use kube::core::{ApiResource, GroupVersionKind};
use kube::runtime::reflector::{ObjectRef, Store};
use kube::runtime::watcher;
use kube::{Api, Client, Resource, discovery};
use serde::Deserialize;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::follow::follow_dynamic;
use super::pods::SlimContainer;
use crate::api::TargetRef;

/// A kind that was not served is looked for again after this long.
const LOOK_AGAIN: Duration = Duration::from_secs(15);

/// No answer is waited for longer: a tick asks, and everybody waits for the tick.
const REQUEST: Duration = Duration::from_secs(2);

/// The fields of a workload that a decision reads.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct SlimTarget {
    /// Name and resource version.
    #[serde(default)]
    pub metadata: ObjectMeta,
    /// What is ordered.
    #[serde(default)]
    pub spec: SlimTargetSpec,
}

/// What is ordered of a workload.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct SlimTargetSpec {
    /// Replicas; absent counts as one, as the API server defaults it.
    pub replicas: Option<i32>,
    /// Which pods are its own.
    pub selector: Option<LabelSelector>,
    /// What a pod asks for.
    #[serde(default)]
    pub template: SlimTemplate,
}

/// The template of its pods.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct SlimTemplate {
    /// What a pod asks for.
    #[serde(default)]
    pub spec: SlimTemplateSpec,
}

/// What a pod of a template asks for.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct SlimTemplateSpec {
    /// Its containers.
    #[serde(default)]
    pub containers: Vec<SlimContainer>,
}

impl Resource for SlimTarget {
    type DynamicType = ApiResource;
    type Scope = kube::core::DynamicResourceScope;

    fn kind(kind: &ApiResource) -> std::borrow::Cow<'_, str> {
        kind.kind.as_str().into()
    }
    fn group(kind: &ApiResource) -> std::borrow::Cow<'_, str> {
        kind.group.as_str().into()
    }
    fn version(kind: &ApiResource) -> std::borrow::Cow<'_, str> {
        kind.version.as_str().into()
    }
    fn plural(kind: &ApiResource) -> std::borrow::Cow<'_, str> {
        kind.plural.as_str().into()
    }
    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }
    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

impl SlimTarget {
    /// Accelerators that one pod of the template asks for: of `resource`, or of any accelerator vendor's without one.
    pub fn accelerators(&self, resource: Option<&str>) -> u32 {
        let containers = &self.spec.template.spec.containers;
        let names = |c: &SlimContainer| -> Vec<String> {
            let all: BTreeMap<_, _> = c.resources.requests.iter().chain(&c.resources.limits).collect();
            all.into_keys().filter(|name| is_accelerator(name)).cloned().collect()
        };
        match resource {
            Some(resource) => containers.iter().map(|c| c.asks_for(resource)).sum(),
            None => containers
                .iter()
                .map(|c| names(c).iter().map(|n| c.asks_for(n)).sum::<u32>())
                .sum(),
        }
    }
}

/// Extended resources of the accelerator vendors' device plugins, by the domain before the slash.
fn is_accelerator(resource: &str) -> bool {
    const VENDORS: [&str; 6] = [
        "nvidia.com",
        "amd.com",
        "habana.ai",
        "gpu.intel.com",
        "google.com",
        "aws.amazon.com",
    ];
    resource
        .split_once('/')
        .is_some_and(|(domain, _)| VENDORS.contains(&domain))
}

/// A kind that is served and has a scale.
#[derive(Clone)]
pub struct TargetKind {
    /// Where its objects live.
    pub resource: ApiResource,
    store: Store<SlimTarget>,
}

/// What is known of a target.
#[derive(Clone)]
pub enum Lookup {
    /// It exists.
    Found(Arc<SlimTarget>, ApiResource),
    /// Its kind is served, but it does not exist.
    Missing,
    /// Nothing can be said of it yet: the first list of its kind is under way.
    Pending,
    /// It cannot be scaled; the text says why.
    Uncontrollable(String),
}

enum State {
    Served(TargetKind),
    Refused {
        why: String,
        at: Instant,
    },
    /// The API server did not answer properly; it is asked again at the next tick.
    Unknown,
}

/// Every kind that some object scales.
#[derive(Clone)]
pub struct Targets {
    client: Client,
    changed: Arc<Notify>,
    stop: CancellationToken,
    kinds: Arc<Mutex<HashMap<(String, String), State>>>,
}

impl Targets {
    pub(super) fn new(client: Client, changed: Arc<Notify>, stop: CancellationToken) -> Self {
        Self {
            client,
            changed,
            stop,
            kinds: Arc::default(),
        }
    }

    /// Begins to follow the kinds that `targets` name and that are not followed yet.
    pub async fn ensure(&self, targets: impl Iterator<Item = &TargetRef>) {
        let mut wanted: Vec<(String, String)> = targets.map(|t| (t.api_version.clone(), t.kind.clone())).collect();
        wanted.sort_unstable();
        wanted.dedup();
        for (api_version, kind) in wanted {
            let known = match self.kinds.lock() {
                Ok(kinds) => match kinds.get(&(api_version.clone(), kind.clone())) {
                    Some(State::Served(_)) => true,
                    Some(State::Refused { at, .. }) => at.elapsed() < LOOK_AGAIN,
                    Some(State::Unknown) | None => false,
                },
                Err(_) => return,
            };
            if !known {
                let state = self.discover(&api_version, &kind).await;
                if let Ok(mut kinds) = self.kinds.lock() {
                    kinds.insert((api_version, kind), state);
                }
            }
        }
    }

    async fn discover(&self, api_version: &str, kind: &str) -> State {
        let refused = |why: String| State::Refused {
            why,
            at: Instant::now(),
        };
        let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
        let wanted = GroupVersionKind::gvk(group, version, kind);
        let found = tokio::time::timeout(REQUEST, discovery::pinned_kind(&self.client, &wanted)).await;
        let (resource, capabilities) = match found {
            Ok(Ok(found)) => found,
            Ok(Err(error)) if is_absent(&error) => {
                return refused(format!("{kind} of {api_version} is not served ({error})"));
            }
            Ok(Err(error)) => {
                tracing::warn!(kind, api_version, %error, "cannot look for a kind; asking again");
                return State::Unknown;
            }
            Err(_) => {
                tracing::warn!(
                    kind,
                    api_version,
                    "no answer about a kind within {REQUEST:?}; asking again"
                );
                return State::Unknown;
            }
        };
        if !capabilities
            .subresources
            .iter()
            .any(|(sub, _)| sub.plural == "scale" || sub.plural.ends_with("/scale"))
        {
            return refused(format!("{kind} of {api_version} has no scale subresource"));
        }
        let api = Api::all_with(self.client.clone(), &resource);
        // The list tells at once whether the operator's role allows it; the watch would only retry.
        let one = kube::api::ListParams::default().limit(1);
        let Ok(allowed) = tokio::time::timeout(REQUEST, api.list_metadata(&one)).await else {
            return State::Unknown;
        };
        if let Err(kube::Error::Api(status)) = allowed
            && status.code == 403
        {
            let plural = &resource.plural;
            return refused(format!(
                "the operator may not watch {plural}.{group}: add it to scaleTargets of its Helm release"
            ));
        }
        let config = watcher::Config::default();
        let store = follow_dynamic(api, resource.clone(), config, |_| {}, &self.changed, &self.stop);
        State::Served(TargetKind { resource, store })
    }

    /// What is known of a target. Never waits.
    pub fn lookup(&self, namespace: &str, target: &TargetRef) -> Lookup {
        let Ok(kinds) = self.kinds.lock() else {
            return Lookup::Pending;
        };
        match kinds.get(&(target.api_version.clone(), target.kind.clone())) {
            Some(State::Unknown) | None => Lookup::Pending,
            Some(State::Refused { why, .. }) => Lookup::Uncontrollable(why.clone()),
            Some(State::Served(kind)) => {
                let reference = ObjectRef::new_with(&target.name, kind.resource.clone()).within(namespace);
                match kind.store.get(&reference) {
                    Some(found) => Lookup::Found(found, kind.resource.clone()),
                    None if futures::FutureExt::now_or_never(kind.store.wait_until_ready()).is_none() => {
                        Lookup::Pending
                    }
                    None => Lookup::Missing,
                }
            }
        }
    }
}

/// Whether the API server says that it does not serve a kind, in contrast to saying nothing useful.
fn is_absent(error: &kube::Error) -> bool {
    match error {
        kube::Error::Api(status) => status.code == 404,
        kube::Error::Discovery(_) => true,
        _ => false,
    }
}

#[cfg(test)]
#[path = "targets_tests.rs"]
mod tests;
