//! Manifests, as they would be applied to a cluster, through the operator's own validation and joining. I/O: the files.
//!
//! An `InferenceDeployment` becomes the snapshot that the operator would take of it. A `GpuPool` gives the price, the
//! workload of a variant (a Deployment, say) its accelerators and replicas; where there is none, a replica takes the
//! accelerators that the name of its profile ends in (`bf16-tp4`: four), else one. Other kinds are passed over.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use inferscale_core::snapshot::{ObjectKey, ObjectSnapshot, TargetState, Timing};
use inferscale_core::units::Time;
use kube::ResourceExt;
use kube::core::{ApiResource, GroupVersionKind};
use serde::Deserialize;
use serde_json::{Value, json};

use super::locate::locate;
use super::problem::{Located, ScenarioError, unreadable};
use crate::api::{GpuPool, InferenceDeployment, Mode, TargetRef};
use crate::config::{OperatorConfig, Presets, Profiles};
use crate::observe::cluster::{Lookup, SlimTarget};
use crate::observe::{CollectedBySource, Scene, key_of, validate};

/// More documents in one file are no scenario.
const MOST_DOCUMENTS: usize = 1000;
/// Objects without a namespace are here, as with kubectl.
const NAMESPACE: &str = "default";

/// A manifest that became an object.
#[derive(Debug, Clone)]
pub(super) struct Described {
    pub key: ObjectKey,
    pub spec: ObjectSnapshot,
    /// Replicas of the workloads by variant; `None` = not every variant has a manifest of its workload.
    pub replicas: Option<Vec<u32>>,
}

/// Everything that the manifests say.
#[derive(Debug)]
pub(super) struct Manifests {
    pub objects: Vec<Described>,
    /// Accelerators of a node, by pool.
    pub per_node: BTreeMap<String, u32>,
    /// Their text, for the scenario's hash.
    pub text: String,
}

/// One document of a file, with as many empty lines before it as stand before it in the file.
struct Document<'a> {
    file: &'a str,
    text: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    #[serde(default)]
    api_version: String,
    #[serde(default)]
    kind: String,
}

impl Document<'_> {
    fn read<T: for<'de> Deserialize<'de>>(&self) -> Result<T, ScenarioError> {
        serde_yaml::from_str(&self.text).map_err(|error| unreadable(self.file, &error))
    }

    /// The error of a message that begins with its field, as the operator's own messages do.
    fn wrong(&self, what: &str, message: &str) -> ScenarioError {
        let field = message.split([' ', ':']).next().unwrap_or_default();
        let path: Vec<&str> = field.split(['.', '[', ']']).filter(|part| !part.is_empty()).collect();
        ScenarioError::Invalid(vec![Located {
            file: self.file.to_owned(),
            at: locate(&self.text, &path),
            message: format!("{what}: {message}"),
        }])
    }
}

/// Splits a file at its `---` lines.
fn documents<'a>(file: &'a str, text: &str) -> Vec<Document<'a>> {
    let mut all = Vec::new();
    let mut now = String::new();
    for (number, line) in text.lines().enumerate() {
        if line == "---" || line.starts_with("--- ") {
            all.push(std::mem::replace(&mut now, "\n".repeat(number + 1)));
        } else {
            now.push_str(line);
            now.push('\n');
        }
    }
    all.push(now);
    let holds_something = |text: &String| {
        text.lines()
            .any(|line| !line.trim().is_empty() && !line.trim().starts_with('#'))
    };
    let kept = all.into_iter().filter(holds_something).take(MOST_DOCUMENTS);
    kept.map(|text| Document { file, text }).collect()
}

#[derive(Default)]
struct Found<'a> {
    objects: Vec<(InferenceDeployment, Document<'a>)>,
    pools: Vec<Arc<GpuPool>>,
    /// By namespace, kind and name.
    workloads: HashMap<(String, String, String), Arc<SlimTarget>>,
}

/// Reads and joins all manifests.
pub(super) fn read(
    files: &[(String, String)],
    profiles: Option<&Path>,
    timing: Timing,
) -> Result<Manifests, ScenarioError> {
    let mut found = Found::default();
    for (file, text) in files {
        for document in documents(file, text) {
            found.take(document)?;
        }
    }
    let (presets, profiles) = (Presets::embedded()?, Profiles::load(profiles)?);
    let config = OperatorConfig::parse("metricsSources: [{name: default, url: http://simulated}]", "simulated")?;
    let mut valid = Vec::new();
    for (object, document) in &found.objects {
        // Which source is read makes no difference here; whether the operator knows it can only be said in a cluster.
        let mut simulated = object.clone();
        simulated.spec.metrics_source = "default".into();
        simulated.spec.mode = Mode::Auto;
        let what = format!("InferenceDeployment {}", key_of(object));
        let checked = validate(&simulated, &config, &presets, &profiles);
        let checked = checked.map_err(|invalid| document.wrong(&what, &invalid.message))?;
        for (index, variant) in checked.variants.iter().enumerate() {
            if variant.profile.is_none() {
                let known: Vec<&str> = profiles.names().collect();
                let message = format!(
                    "spec.variants[{index}].performance.profile is missing: a simulated replica needs a profile to run by; \
                     known: {}",
                    known.join(", ")
                );
                return Err(document.wrong(&what, &message));
            }
        }
        valid.push((Arc::new(simulated), Ok(checked)));
    }
    found.join(valid, files, timing)
}

impl<'a> Found<'a> {
    fn take(&mut self, document: Document<'a>) -> Result<(), ScenarioError> {
        let head: Head = document.read()?;
        let ours = head.api_version.starts_with("inferscale.dev/");
        match head.kind.as_str() {
            "InferenceDeployment" if ours => {
                let mut object: InferenceDeployment = document.read()?;
                object.metadata.namespace.get_or_insert_with(|| NAMESPACE.into());
                let what = format!("InferenceDeployment {}", key_of(&object));
                known(&document, &what, &object.spec)?;
                if self.objects.iter().any(|(other, _)| key_of(other) == key_of(&object)) {
                    return Err(document.wrong(
                        &what,
                        "metadata.name is there twice: give each object a name of its own",
                    ));
                }
                self.objects.push((object, document));
            }
            "GpuPool" if ours => {
                let pool: GpuPool = document.read()?;
                let what = format!("GpuPool {}", pool.name_any());
                known(&document, &what, &pool.spec)?;
                if let Some(price) = &pool.spec.price {
                    let price = price.per_accelerator_hour.per_hour("spec.price.perAcceleratorHour");
                    price.map_err(|wrong| document.wrong(&what, &wrong.to_string()))?;
                }
                self.pools.push(Arc::new(pool));
            }
            kind => {
                // Whatever has a pod template may be the workload of a variant.
                let text: serde_yaml::Value = document.read()?;
                if text.get("spec").is_some_and(|spec| spec.get("template").is_some()) {
                    let workload: SlimTarget = document.read()?;
                    let name = workload.metadata.name.clone().unwrap_or_default();
                    let namespace = workload.metadata.namespace.clone().unwrap_or_else(|| NAMESPACE.into());
                    self.workloads
                        .insert((namespace, kind.to_owned(), name), Arc::new(workload));
                }
            }
        }
        Ok(())
    }

    fn workload(&self, namespace: &str, target: &TargetRef) -> Option<&Arc<SlimTarget>> {
        self.workloads
            .get(&(namespace.to_owned(), target.kind.clone(), target.name.clone()))
    }

    fn join(
        &self,
        objects: Vec<(
            Arc<InferenceDeployment>,
            Result<crate::observe::Valid, crate::observe::Invalid>,
        )>,
        files: &[(String, String)],
        timing: Timing,
    ) -> Result<Manifests, ScenarioError> {
        let mut stand_ins = HashMap::new();
        for (object, _) in &objects {
            for variant in &object.spec.variants {
                let pool = variant
                    .pool
                    .as_ref()
                    .and_then(|name| self.pools.iter().find(|pool| pool.name_any() == *name));
                let resource = pool.map_or("nvidia.com/gpu", |pool| pool.spec.accelerator.resource.as_str());
                let profile = variant
                    .performance
                    .as_ref()
                    .map_or("", |performance| performance.profile.as_str());
                stand_ins.insert(
                    variant.target_ref.clone(),
                    stand_in(&variant.target_ref, resource, profile),
                );
            }
        }
        let targets = |namespace: &str, target: &TargetRef| {
            let gvk = GroupVersionKind::gvk("apps", "v1", &target.kind);
            match self
                .workload(namespace, target)
                .cloned()
                .or_else(|| stand_ins.get(target).cloned().flatten())
            {
                Some(workload) => Lookup::Found(workload, ApiResource::from_gvk(&gvk)),
                None => Lookup::Missing,
            }
        };
        let observed = Scene {
            now: Time::from_millis(0),
            timing,
            objects,
            pods: &[],
            nodes: &[],
            pools: &self.pools,
            targets: &targets,
            rivals: &|_, _| Vec::new(),
            collected: &CollectedBySource::new(),
        }
        .observe();
        let mut described = Vec::new();
        for (object, document) in &self.objects {
            let key = key_of(object);
            let (Some(spec), Some(beside)) = (observed.snapshot.objects.get(&key), observed.objects.get(&key)) else {
                continue;
            };
            let what = format!("InferenceDeployment {key}");
            if let Some(pool) = &beside.unknown_pool {
                let index = object
                    .spec
                    .variants
                    .iter()
                    .position(|v| v.pool.as_ref() == Some(pool))
                    .unwrap_or_default();
                let message = format!(
                    "spec.variants[{index}].pool is {pool:?}, but no manifest is a GpuPool of that name: add one"
                );
                return Err(document.wrong(&what, &message));
            }
            for (index, variant) in spec.variants.iter().enumerate() {
                let field = format!("spec.variants[{index}].targetRef");
                if let TargetState::Uncontrollable(why) = &variant.target {
                    return Err(
                        document.wrong(&what, &format!("{field} names a workload that cannot be scaled: {why}"))
                    );
                }
                if variant.accelerators == 0 {
                    let message = format!(
                        "{field} names a workload whose pods ask for no accelerator of their pool: set resources.limits in \
                         its manifest"
                    );
                    return Err(document.wrong(&what, &message));
                }
            }
            let namespace = key.namespace.clone();
            let known = |variant: &crate::api::Variant| {
                let workload = self.workload(&namespace, &variant.target_ref)?;
                Some(u32::try_from(workload.spec.replicas.unwrap_or(1)).unwrap_or(0))
            };
            described.push(Described {
                key,
                spec: spec.clone(),
                replicas: object.spec.variants.iter().map(known).collect(),
            });
        }
        Ok(Manifests {
            objects: described,
            per_node: self
                .pools
                .iter()
                .map(|pool| (pool.name_any(), pool.spec.accelerator.per_node))
                .collect(),
            text: files.iter().map(|(_, text)| text.as_str()).collect(),
        })
    }
}

/// What stands for the workload of a variant that has no manifest.
fn stand_in(target: &TargetRef, resource: &str, profile: &str) -> Option<Arc<SlimTarget>> {
    let parallel = profile
        .rsplit_once("-tp")
        .and_then(|(_, number)| number.parse::<u32>().ok());
    let accelerators = parallel.unwrap_or(1).to_string();
    let workload = json!({
        "metadata": {"name": target.name},
        "spec": {
            "selector": {"matchLabels": {"app": target.name}},
            "template": {"spec": {"containers": [{"resources": {"limits": {resource: accelerators}}}]}},
        },
    });
    serde_json::from_value(workload).ok().map(Arc::new)
}

/// The API server warns of fields that it does not know and drops them; here they are mistakes.
fn known(document: &Document<'_>, what: &str, spec: &impl serde::Serialize) -> Result<(), ScenarioError> {
    #[derive(Deserialize)]
    struct Spec {
        #[serde(default)]
        spec: Value,
    }
    let written: Spec = document.read()?;
    let kept = serde_json::to_value(spec).unwrap_or_default();
    match dropped(&written.spec, &kept, "spec") {
        Some(field) => Err(document.wrong(
            what,
            &format!("{field} is no field of this kind: see `kubectl explain`"),
        )),
        None => Ok(()),
    }
}

/// The first field of `written` that `kept` lacks.
fn dropped(written: &Value, kept: &Value, path: &str) -> Option<String> {
    match (written, kept) {
        (Value::Object(written), Value::Object(kept)) => written.iter().find_map(|(name, value)| {
            let path = format!("{path}.{name}");
            match kept.get(name) {
                Some(kept) => dropped(value, kept, &path),
                None if value.is_null() => None,
                None => Some(path),
            }
        }),
        (Value::Array(written), Value::Array(kept)) => written
            .iter()
            .zip(kept)
            .enumerate()
            .find_map(|(index, (written, kept))| dropped(written, kept, &format!("{path}[{index}]"))),
        _ => None,
    }
}
