//! From the stores and the collected metrics to one snapshot of the whole fleet. Pure.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use inferscale_core::snapshot::{
    Conflict, ObjectKey, ObjectSnapshot, PodSnapshot, PoolSnapshot, Snapshot, TargetState, Timing, VariantSnapshot,
};
use inferscale_core::units::{Time, UsdPerHour};
use kube::ResourceExt;
use kube::core::ApiResource;

use super::cluster::{Lookup, PodIndex, Selector, SlimNode, SlimPod, SlimTarget};
use super::prometheus::{Collected, PodKey};
use super::validate::{Invalid, Valid, ValidVariant};
use crate::api::{GpuPool, InferenceDeployment, TargetRef};

/// What was collected, by metrics source and engine preset.
pub type CollectedBySource = HashMap<(String, String), Arc<Collected>>;

/// Kind and name of another controller's object.
pub type Rival = (&'static str, String);

/// Everything that a snapshot is made from.
pub struct Scene<'a> {
    /// The time.
    pub now: Time,
    /// The time constants.
    pub timing: Timing,
    /// Every object that can be read, with its validation.
    pub objects: Vec<(Arc<InferenceDeployment>, Result<Valid, Invalid>)>,
    /// All pods.
    pub pods: &'a [Arc<SlimPod>],
    /// All nodes.
    pub nodes: &'a [Arc<SlimNode>],
    /// All pools.
    pub pools: &'a [Arc<GpuPool>],
    /// What is known of a target.
    pub targets: &'a dyn Fn(&str, &TargetRef) -> Lookup,
    /// Who else scales a target.
    pub rivals: &'a dyn Fn(&str, &TargetRef) -> Vec<Rival>,
    /// The metrics.
    pub collected: &'a CollectedBySource,
}

/// A target as it was when the snapshot was taken: where a write goes, and what it presumes.
#[derive(Debug, Clone, PartialEq)]
pub struct ObservedTarget {
    /// Where it lives.
    pub resource: ApiResource,
    /// Its name.
    pub name: String,
    /// Its resource version: a write presumes that nothing has changed since.
    pub resource_version: String,
}

/// What a report needs of an object beyond its snapshot.
#[derive(Debug, Clone)]
pub struct ObservedObject {
    /// By variant; `None` = not found.
    pub targets: Vec<Option<ObservedTarget>>,
    /// A pool that a variant names and that does not exist.
    pub unknown_pool: Option<String>,
    /// The scheduler's words on a pod that finds no node.
    pub unschedulable: Option<String>,
}

/// The snapshot with what a report needs beside it.
#[derive(Debug, Clone)]
pub struct Observed {
    /// What the decision sees.
    pub snapshot: Snapshot,
    /// What a report needs.
    pub objects: BTreeMap<ObjectKey, ObservedObject>,
    /// Objects that cannot be decided on, with the generation that this was found on.
    pub invalid: BTreeMap<ObjectKey, (Option<i64>, Invalid)>,
}

/// The key of an object.
pub fn key_of(object: &impl ResourceExt) -> ObjectKey {
    ObjectKey {
        namespace: object.namespace().unwrap_or_default(),
        name: object.name_any(),
    }
}

impl Scene<'_> {
    /// Joins everything. Objects whose targets are not listed yet are left out until they are.
    pub fn observe(self) -> Observed {
        let pools = self.pool_snapshots();
        let mut owners: Owners<'_> = HashMap::new();
        for (object, valid) in &self.objects {
            for variant in valid.iter().flat_map(|v| &v.variants) {
                let namespace = object.namespace().unwrap_or_default();
                owners
                    .entry(place(namespace, &variant.target))
                    .or_default()
                    .push(object.name_any());
            }
        }
        let lookups: Vec<Vec<Found>> = self
            .objects
            .iter()
            .map(|(object, valid)| self.look_up(object, valid))
            .collect();
        let index = PodIndex::new(self.pods, lookups.iter().flatten().filter_map(|f| f.selector.as_ref()));

        let mut observed = Observed {
            snapshot: Snapshot {
                now: self.now,
                timing: self.timing,
                objects: BTreeMap::new(),
                pools,
            },
            objects: BTreeMap::new(),
            invalid: BTreeMap::new(),
        };
        for ((object, valid), found) in self.objects.iter().zip(&lookups) {
            let key = key_of(object.as_ref());
            match valid {
                Err(invalid) => {
                    observed
                        .invalid
                        .insert(key, (object.metadata.generation, invalid.clone()));
                }
                Ok(_) if found.iter().any(|f| f.pending) => {}
                Ok(valid) => {
                    let (snapshot, beside) =
                        self.object(object, valid, found, &index, &owners, &observed.snapshot.pools);
                    observed.snapshot.objects.insert(key.clone(), snapshot);
                    observed.objects.insert(key, beside);
                }
            }
        }
        observed
    }

    fn look_up(&self, object: &InferenceDeployment, valid: &Result<Valid, Invalid>) -> Vec<Found> {
        let namespace = object.namespace().unwrap_or_default();
        let variants = valid.iter().flat_map(|v| &v.variants);
        variants
            .map(|variant| Found::new((self.targets)(&namespace, &variant.target)))
            .collect()
    }

    fn object(
        &self,
        object: &InferenceDeployment,
        valid: &Valid,
        found: &[Found],
        index: &PodIndex,
        owners: &Owners<'_>,
        pools: &BTreeMap<String, PoolSnapshot>,
    ) -> (ObjectSnapshot, ObservedObject) {
        let namespace = object.namespace().unwrap_or_default();
        let collected = self.collected.get(&(valid.source.clone(), valid.preset.name.clone()));
        let mut conflicts = Vec::new();
        let mut unschedulable = None;
        let mut variants = Vec::with_capacity(valid.variants.len());
        for (variant, found) in valid.variants.iter().zip(found) {
            for (kind, name) in (self.rivals)(&namespace, &variant.target) {
                conflicts.push(Conflict {
                    kind: kind.to_owned(),
                    name,
                    variant: variant.name.clone(),
                });
            }
            let others = owners
                .get(&place(namespace.clone(), &variant.target))
                .into_iter()
                .flatten();
            conflicts.extend(others.filter(|name| **name != object.name_any()).map(|name| Conflict {
                kind: "InferenceDeployment".to_owned(),
                name: name.clone(),
                variant: variant.name.clone(),
            }));
            let pods = found
                .selector
                .as_ref()
                .map(|s| index.select(&namespace, s))
                .unwrap_or_default();
            unschedulable = unschedulable.or_else(|| pods.iter().find_map(|pod| no_node(pod)));
            variants.push(self.variant(variant, found, &pods, collected.map(Arc::as_ref), pools));
        }
        let failure = collected.and_then(|c| {
            // Only when nothing came at all: a single failed query shows as a signal that is absent.
            (c.pods.is_empty())
                .then(|| c.failures.first())
                .flatten()
                .map(|failure| failure.message.clone())
        });
        let reported = object.status.as_ref().and_then(|s| s.applied_limits);
        let snapshot = ObjectSnapshot {
            generation: object.metadata.generation.unwrap_or_default(),
            mode: valid.mode,
            objectives: valid.objectives.clone(),
            replicas: valid.replicas,
            reported_max: reported.map(|limits| limits.max_replicas),
            replicas_override: valid.replicas_override,
            source_failure: failure,
            conflicts,
            variants,
        };
        let unknown = valid
            .variants
            .iter()
            .filter_map(|v| v.pool.clone())
            .find(|pool| !pools.contains_key(pool));
        let targets = found.iter().map(|f| f.target.clone()).collect();
        (
            snapshot,
            ObservedObject {
                targets,
                unknown_pool: unknown,
                unschedulable,
            },
        )
    }

    fn variant(
        &self,
        variant: &ValidVariant,
        found: &Found,
        pods: &[Arc<SlimPod>],
        collected: Option<&Collected>,
        pools: &BTreeMap<String, PoolSnapshot>,
    ) -> VariantSnapshot {
        let pool = variant.pool.as_ref().filter(|pool| pools.contains_key(*pool));
        let resource = pool.and_then(|name| self.pools.iter().find(|p| p.name_any() == **name));
        let resource = resource.map(|p| p.spec.accelerator.resource.as_str());
        VariantSnapshot {
            name: variant.name.clone(),
            replicas: variant.replicas,
            target: found.state.clone(),
            accelerators: found.workload.as_ref().map_or(0, |w| w.accelerators(resource)),
            pool: pool.cloned(),
            accelerator_price: pool.and_then(|name| pools.get(name)).and_then(|p| p.accelerator_price),
            profile: variant.profile.clone(),
            max_sequences: None,
            pods: pods.iter().filter_map(|pod| pod_snapshot(pod, collected)).collect(),
        }
    }

    fn pool_snapshots(&self) -> BTreeMap<String, PoolSnapshot> {
        let pools = self.pools.iter().map(|pool| {
            let spec = &pool.spec;
            let resource = &spec.accelerator.resource;
            let nodes: Vec<_> = self.nodes.iter().filter(|n| n.carries(&spec.node_selector)).collect();
            let ready: Vec<_> = nodes.iter().filter(|n| n.ready()).map(|n| n.name_any()).collect();
            let accelerators = nodes.iter().filter(|n| n.ready()).map(|n| n.has(resource)).sum::<u32>();
            let on_them = |pod: &&Arc<SlimPod>| {
                pod.phase().is_some() && pod.spec.node_name.as_ref().is_some_and(|node| ready.contains(node))
            };
            let asked: u32 = self.pods.iter().filter(on_them).map(|p| p.asks_for(resource)).sum();
            let snapshot = PoolSnapshot {
                accelerator_price: price(pool),
                ready_nodes: ready.len() as u32,
                starting_nodes: (nodes.len() - ready.len()) as u32,
                accelerators,
                free_accelerators: accelerators.saturating_sub(asked),
            };
            (pool.name_any(), snapshot)
        });
        pools.collect()
    }
}

/// Namespace, API group, kind and name of a target. Versions of one group name the same object.
type Place<'a> = (String, &'a str, &'a str, &'a str);

/// The names of the InferenceDeployments that scale a target.
type Owners<'a> = HashMap<Place<'a>, Vec<String>>;

fn place(namespace: String, target: &TargetRef) -> Place<'_> {
    let group = target.api_version.rsplit_once('/').map_or("", |(group, _)| group);
    (namespace, group, &target.kind, &target.name)
}

/// What a lookup came to.
struct Found {
    pending: bool,
    state: TargetState,
    target: Option<ObservedTarget>,
    workload: Option<Arc<SlimTarget>>,
    selector: Option<Selector>,
}

impl Found {
    fn new(lookup: Lookup) -> Self {
        let without = |pending, state| Self {
            pending,
            state,
            target: None,
            workload: None,
            selector: None,
        };
        let (workload, resource) = match lookup {
            Lookup::Found(workload, resource) => (workload, resource),
            Lookup::Missing => return without(false, TargetState::Missing),
            Lookup::Pending => return without(true, TargetState::Missing),
            Lookup::Uncontrollable(why) => return without(false, TargetState::Uncontrollable(why)),
        };
        let refuse = |why: &str| without(false, TargetState::Uncontrollable(why.to_owned()));
        let Some(selector) = &workload.spec.selector else {
            return refuse("it has no spec.selector to find its pods by");
        };
        let Ok(selector) = Selector::new(selector) else {
            return refuse("its spec.selector is malformed");
        };
        if selector.first().is_none() {
            return refuse("its spec.selector names no label with a value (matchLabels)");
        }
        let target = ObservedTarget {
            resource,
            name: workload.metadata.name.clone().unwrap_or_default(),
            resource_version: workload.metadata.resource_version.clone().unwrap_or_default(),
        };
        let replicas = u32::try_from(workload.spec.replicas.unwrap_or(1)).unwrap_or(0);
        Self {
            pending: false,
            state: TargetState::Found { replicas },
            target: Some(target),
            workload: Some(workload),
            selector: Some(selector),
        }
    }
}

fn pod_snapshot(pod: &SlimPod, collected: Option<&Collected>) -> Option<PodSnapshot> {
    let key = PodKey {
        namespace: pod.namespace().unwrap_or_default(),
        name: pod.name_any(),
    };
    // A series of an earlier pod of the same name (a StatefulSet's) says nothing of this one.
    let signals = collected
        .and_then(|c| c.pods.get(&key))
        .map(|s| s.since(pod.created()))
        .unwrap_or_default();
    Some(PodSnapshot {
        name: pod.name_any(),
        phase: pod.phase()?,
        created: pod.created(),
        ready_since: pod.ready_since(),
        signals,
    })
}

fn no_node(pod: &SlimPod) -> Option<String> {
    let condition = pod
        .condition("PodScheduled")
        .filter(|c| c.reason.as_deref() == Some("Unschedulable"))?;
    Some(format!(
        "pod {}: {}",
        pod.name_any(),
        condition.message.clone().unwrap_or_default()
    ))
}

fn price(pool: &GpuPool) -> Option<UsdPerHour> {
    pool.spec
        .price
        .as_ref()?
        .per_accelerator_hour
        .per_hour("spec.price.perAcceleratorHour")
        .ok()
}

#[cfg(test)]
#[path = "snapshot_tests.rs"]
mod tests;
