//! Who else scales: HorizontalPodAutoscalers, and ScaledObjects where KEDA is installed. I/O.

use std::collections::HashMap;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::core::{ApiResource, GroupVersionKind};
use kube::runtime::reflector::Store;
use kube::runtime::reflector::store::WriterDropped;
use kube::runtime::watcher;
use kube::{Api, Client, Resource, ResourceExt, discovery};
use serde::Deserialize;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::follow::{follow, follow_dynamic};
use crate::api::TargetRef;

/// How often to look whether KEDA has been installed since.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// What another controller scales.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScaleTargetRef {
    /// Group and version; KEDA may leave it out for `apps/v1`.
    pub api_version: Option<String>,
    /// Kind; KEDA may leave it out for `Deployment`.
    pub kind: Option<String>,
    /// Name.
    #[serde(default)]
    pub name: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    #[serde(default)]
    scale_target_ref: ScaleTargetRef,
}

/// A HorizontalPodAutoscaler's target.
#[derive(Debug, Clone, Default, Deserialize, Resource)]
#[resource(inherit = HorizontalPodAutoscaler)]
struct SlimHpa {
    #[serde(default)]
    metadata: ObjectMeta,
    #[serde(default)]
    spec: Spec,
}

/// A ScaledObject's target.
#[derive(Debug, Clone, Default, Deserialize)]
struct SlimScaledObject {
    #[serde(default)]
    metadata: ObjectMeta,
    #[serde(default)]
    spec: Spec,
}

impl Resource for SlimScaledObject {
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

/// A target as a key: namespace, API group, kind, name. Versions of one group name the same object.
type TargetKey = (String, String, String, String);

/// Everybody else who scales.
#[derive(Clone)]
pub struct Rivals {
    hpas: Store<SlimHpa>,
    scaled_objects: Arc<RwLock<Option<Store<SlimScaledObject>>>>,
}

impl Rivals {
    pub(super) fn follow(client: &Client, changed: &Arc<Notify>, stop: &CancellationToken) -> Self {
        let hpas = follow(
            Api::all(client.clone()),
            watcher::Config::default(),
            |_| {},
            changed,
            stop,
        );
        let scaled_objects = Arc::new(RwLock::new(None));
        tokio::spawn(follow_keda(
            client.clone(),
            scaled_objects.clone(),
            changed.clone(),
            stop.clone(),
        ));
        Self { hpas, scaled_objects }
    }

    pub(super) async fn ready(&self) -> Result<(), WriterDropped> {
        self.hpas.wait_until_ready().await
    }

    /// Every target that somebody else scales, with the kinds and names of who does.
    pub fn by_target(&self) -> ByTarget {
        let mut all: HashMap<TargetKey, Vec<_>> = HashMap::new();
        for hpa in self.hpas.state() {
            let owner = hpa.owner_references().iter().find(|o| o.kind == "ScaledObject");
            // KEDA works through an HPA of its own: name what the user wrote.
            let by = owner.map_or(("HorizontalPodAutoscaler", hpa.name_any()), |o| {
                ("ScaledObject", o.name.clone())
            });
            all.entry(key(hpa.namespace(), &hpa.spec.scale_target_ref))
                .or_default()
                .push(by);
        }
        let scaled = self.scaled_objects.read().ok().and_then(|s| s.clone());
        for object in scaled.iter().flat_map(Store::state) {
            let by = ("ScaledObject", object.name_any());
            all.entry(key(object.namespace(), &object.spec.scale_target_ref))
                .or_default()
                .push(by);
        }
        ByTarget(all)
    }
}

/// Who scales what, at one instant.
pub struct ByTarget(HashMap<TargetKey, Vec<(&'static str, String)>>);

impl ByTarget {
    /// The kinds and names of those that scale a target.
    pub fn of(&self, namespace: &str, target: &TargetRef) -> Vec<(&'static str, String)> {
        let target = ScaleTargetRef {
            api_version: Some(target.api_version.clone()),
            kind: Some(target.kind.clone()),
            name: target.name.clone(),
        };
        self.0
            .get(&key(Some(namespace.to_owned()), &target))
            .cloned()
            .unwrap_or_default()
    }
}

/// The key of a target.
fn key(namespace: Option<String>, target: &ScaleTargetRef) -> TargetKey {
    let api_version = target.api_version.as_deref().unwrap_or("apps/v1");
    let group = api_version.rsplit_once('/').map_or("", |(group, _)| group).to_owned();
    let kind = target.kind.clone().unwrap_or_else(|| "Deployment".to_owned());
    (namespace.unwrap_or_default(), group, kind, target.name.clone())
}

/// Waits until KEDA's kind is served, then follows it.
async fn follow_keda(
    client: Client,
    store: Arc<RwLock<Option<Store<SlimScaledObject>>>>,
    changed: Arc<Notify>,
    stop: CancellationToken,
) {
    let kind = GroupVersionKind::gvk("keda.sh", "v1alpha1", "ScaledObject");
    loop {
        if let Ok((resource, _)) = discovery::pinned_kind(&client, &kind).await {
            let api = Api::all_with(client.clone(), &resource);
            let followed = follow_dynamic(api, resource, watcher::Config::default(), |_| {}, &changed, &stop);
            if let Ok(mut slot) = store.write() {
                *slot = Some(followed);
            }
            return;
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK_AGAIN) => {}
        }
    }
}
