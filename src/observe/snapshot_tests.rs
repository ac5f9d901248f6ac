//! From the stores to the snapshot: which pods, whose samples, what it costs, who else is there.

use inferscale_core::snapshot::{Phase, PodSignals, Sample, Series};
use inferscale_core::units::Span;
use rstest::rstest;
use serde_json::{Value, json};

use super::*;
use crate::config::{OperatorConfig, Presets, Profiles};
use crate::observe::prometheus::{FailureClass, QueryFailure};
use crate::observe::validate;
use crate::testing::samples::{self, NOW};

/// Everything in the cluster and in the metrics source, as a test sets it.
struct World {
    objects: Vec<InferenceDeployment>,
    pods: Vec<Value>,
    nodes: Vec<Value>,
    pools: Vec<&'static str>,
    lookup: fn(&str, &TargetRef) -> Lookup,
    rivals: fn(&str, &TargetRef) -> Vec<Rival>,
    collected: Collected,
}

const A100: &str = "
apiVersion: inferscale.dev/v1alpha1
kind: GpuPool
metadata: {name: a100}
spec:
  accelerator: {vendor: NVIDIA, product: A100-SXM4-80GB, memory: 80Gi, resource: nvidia.com/gpu, perNode: 8}
  nodeSelector: {pool: a100}
  price: {perAcceleratorHour: '3.43'}
";

fn workload(namespace: &str, target: &TargetRef, template: &Value) -> Lookup {
    let labels = json!({"app": target.name});
    let target: SlimTarget = serde_json::from_value(json!({
        "metadata": {"name": target.name, "namespace": namespace, "resourceVersion": "17"},
        "spec": {
            "replicas": 3,
            "selector": {"matchLabels": labels},
            "template": {"spec": template},
        },
    }))
    .unwrap();
    Lookup::Found(Arc::new(target), samples::deployments())
}

fn two_gpus(namespace: &str, target: &TargetRef) -> Lookup {
    let container = json!({"resources": {"limits": {"nvidia.com/gpu": "2", "cpu": "8"}}});
    workload(namespace, target, &json!({"containers": [container]}))
}

fn nobody(_: &str, _: &TargetRef) -> Vec<Rival> {
    Vec::new()
}

/// A pod that serves, of the workload `app`.
fn pod(name: &str, namespace: &str, app: &str) -> Value {
    json!({
        "metadata": {
            "name": name, "namespace": namespace, "labels": {"app": app, "extra": "x"},
            "creationTimestamp": "2026-11-24T09:50:00Z",
        },
        "spec": {"nodeName": "node-1", "containers": [{"resources": {"limits": {"nvidia.com/gpu": "2"}}}]},
        "status": {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-11-24T09:52:00Z"}],
        },
    })
}

fn node(name: &str, pool: &str, ready: bool) -> Value {
    json!({
        "metadata": {"name": name, "labels": {"pool": pool, "zone": "a"}},
        "status": {
            "allocatable": {"nvidia.com/gpu": "8", "cpu": "96"},
            "conditions": [{"type": "Ready", "status": if ready { "True" } else { "False" }}],
        },
    })
}

fn world() -> World {
    World {
        objects: vec![samples::infd()],
        pods: vec![pod("chat-1", "prod", "chat-a100"), pod("chat-2", "prod", "chat-a100")],
        nodes: vec![node("node-1", "a100", true)],
        pools: vec![A100],
        lookup: two_gpus,
        rivals: nobody,
        collected: Collected::default(),
    }
}

fn from<T: serde::de::DeserializeOwned>(values: &[Value]) -> Vec<Arc<T>> {
    values
        .iter()
        .map(|v| Arc::new(serde_json::from_value(v.clone()).unwrap()))
        .collect()
}

impl World {
    fn observe(self) -> Observed {
        let config = "metricsSources: [{name: default, url: http://prometheus:9090}]";
        let config = OperatorConfig::parse(config, "test").unwrap();
        let (presets, profiles) = (Presets::embedded().unwrap(), Profiles::embedded().unwrap());
        let objects = self.objects.into_iter().map(|object| {
            let valid = validate(&object, &config, &presets, &profiles);
            (Arc::new(object), valid)
        });
        let pools: Vec<Arc<GpuPool>> = self
            .pools
            .iter()
            .map(|p| Arc::new(serde_yaml::from_str(p).unwrap()))
            .collect();
        let collected = [(("default".to_owned(), "vLLM".to_owned()), Arc::new(self.collected))].into();
        let scene = Scene {
            now: NOW,
            timing: Timing {
                grid: Span::from_secs(15),
            },
            objects: objects.collect(),
            pods: &from(&self.pods),
            nodes: &from(&self.nodes),
            pools: &pools,
            targets: &self.lookup,
            rivals: &self.rivals,
            collected: &collected,
        };
        scene.observe()
    }

    /// The object `prod/chat`, and what is known beside.
    fn chat(self) -> (ObjectSnapshot, ObservedObject) {
        let mut observed = self.observe();
        let key = samples::key();
        (
            observed.snapshot.objects.remove(&key).unwrap(),
            observed.objects.remove(&key).unwrap(),
        )
    }
}

fn names(object: &ObjectSnapshot) -> Vec<&str> {
    object.variants[0].pods.iter().map(|p| p.name.as_str()).collect()
}

#[test]
fn an_object_is_joined_from_all_stores() {
    let (object, beside) = world().chat();
    assert_eq!(
        (object.generation, object.reported_max, object.source_failure.clone()),
        (3, None, None)
    );
    let variant = &object.variants[0];
    assert_eq!(variant.target, TargetState::Found { replicas: 3 });
    assert_eq!((variant.accelerators, variant.pool.as_deref()), (2, Some("a100")));
    assert_eq!(variant.accelerator_price, UsdPerHour::new(3.43));
    assert!(variant.profile.is_some());
    assert_eq!(names(&object), ["chat-1", "chat-2"]);
    let pod = &variant.pods[0];
    assert_eq!(pod.phase, Phase::Ready);
    assert_eq!(pod.ready_since.unwrap().since(pod.created), Span::from_secs(120));
    assert_eq!(beside.targets, [Some(samples::target("chat-a100", "17"))]);
    assert_eq!((beside.unknown_pool, beside.unschedulable), (None, None));
}

#[rstest]
#[case::another_namespace(pod("x", "dev", "chat-a100"))]
#[case::another_label(pod("x", "prod", "chat-h100"))]
#[case::no_label({ let mut p = pod("x", "prod", "chat-a100"); p["metadata"]["labels"] = json!({}); p })]
#[case::ended({ let mut p = pod("x", "prod", "chat-a100"); p["status"]["phase"] = json!("Succeeded"); p })]
#[case::failed({ let mut p = pod("x", "prod", "chat-a100"); p["status"]["phase"] = json!("Failed"); p })]
fn a_pod_that_is_not_the_workloads_is_not_joined(#[case] other: Value) {
    let mut world = world();
    world.pods.push(other);
    assert_eq!(names(&world.chat().0), ["chat-1", "chat-2"]);
}

#[test]
fn every_label_and_expression_of_a_selector_counts() {
    let mut world = world();
    world.lookup = |namespace, target| {
        let Lookup::Found(found, resource) = two_gpus(namespace, target) else {
            unreachable!()
        };
        let mut found = SlimTarget::clone(&found);
        found.spec.selector = serde_json::from_value(json!({
            "matchLabels": {"app": "chat-a100"},
            "matchExpressions": [{"key": "role", "operator": "NotIn", "values": ["canary"]}],
        }))
        .unwrap();
        Lookup::Found(Arc::new(found), resource)
    };
    world.pods[1]["metadata"]["labels"]["role"] = json!("canary");
    assert_eq!(names(&world.chat().0), ["chat-1"]);
}

#[test]
fn pods_come_oldest_first() {
    let mut world = world();
    world.pods[0]["metadata"]["creationTimestamp"] = json!("2026-11-24T09:55:00Z");
    assert_eq!(names(&world.chat().0), ["chat-2", "chat-1"]);
}

/// Samples of a counter at these seconds before now.
fn seen(ages: &[i64]) -> PodSignals {
    let sample = |age: &i64| Sample {
        at: NOW - Span::from_secs(*age),
        value: 1000.0 - *age as f64,
    };
    PodSignals {
        completed: Series::new(ages.iter().map(sample).collect()),
        ..PodSignals::default()
    }
}

fn collected(namespace: &str, name: &str, signals: PodSignals) -> Collected {
    let key = PodKey {
        namespace: namespace.into(),
        name: name.into(),
    };
    Collected {
        pods: [(key, signals)].into(),
        ..Collected::default()
    }
}

#[test]
fn samples_are_joined_by_namespace_and_name() {
    let mut here = world();
    here.collected = collected("prod", "chat-2", seen(&[30, 15, 0]));
    let (object, _) = here.chat();
    let counts: Vec<_> = object.variants[0]
        .pods
        .iter()
        .map(|p| p.signals.completed.samples().len())
        .collect();
    assert_eq!(counts, [0, 3]);
    let mut there = world();
    there.collected = collected("dev", "chat-2", seen(&[30, 15, 0]));
    assert!(
        there.chat().0.variants[0]
            .pods
            .iter()
            .all(|p| p.signals == PodSignals::default())
    );
}

#[test]
fn samples_that_are_older_than_the_pod_are_an_earlier_ones() {
    let mut world = world();
    // Created 10 minutes ago.
    world.collected = collected("prod", "chat-1", seen(&[700, 601, 600, 300, 0]));
    let (object, _) = world.chat();
    let left = object.variants[0].pods[0].signals.completed.samples();
    let ages: Vec<_> = left.iter().map(|s| NOW.since(s.at).as_secs_f64()).collect();
    assert_eq!(ages, [600.0, 300.0, 0.0]);
}

fn failure() -> QueryFailure {
    QueryFailure {
        signal: crate::config::Signal::Running,
        class: FailureClass::Timeout,
        message: "no answer within 5s".into(),
    }
}

#[rstest]
#[case::nothing_came(false, Some("no answer within 5s"))]
#[case::only_some_signals_failed(true, None)]
fn a_source_failed_when_nothing_came(#[case] some: bool, #[case] why: Option<&str>) {
    let mut world = world();
    if some {
        world.collected = collected("prod", "chat-1", seen(&[0]));
    }
    world.collected.failures = vec![failure()];
    assert_eq!(world.chat().0.source_failure.as_deref(), why);
}

fn second(api_version: &str, kind: &str, name: &str, namespace: &str) -> InferenceDeployment {
    let mut other = samples::infd();
    other.metadata.name = Some("other".into());
    other.metadata.namespace = Some(namespace.into());
    other.spec.variants[0].target_ref = TargetRef {
        api_version: api_version.into(),
        kind: kind.into(),
        name: name.into(),
    };
    other
}

#[rstest]
#[case::the_same_target("apps/v1", "Deployment", "chat-a100", "prod", true)]
#[case::the_same_through_another_version("apps/v1beta2", "Deployment", "chat-a100", "prod", true)]
#[case::another_name("apps/v1", "Deployment", "chat-h100", "prod", false)]
#[case::another_kind("apps/v1", "StatefulSet", "chat-a100", "prod", false)]
#[case::another_group("extensions/v1", "Deployment", "chat-a100", "prod", false)]
#[case::another_namespace("apps/v1", "Deployment", "chat-a100", "dev", false)]
fn a_second_inference_deployment_on_the_target_is_a_conflict_for_both(
    #[case] api_version: &str,
    #[case] kind: &str,
    #[case] name: &str,
    #[case] namespace: &str,
    #[case] conflicts: bool,
) {
    let mut world = world();
    world.objects.push(second(api_version, kind, name, namespace));
    let observed = world.observe();
    assert_eq!(observed.snapshot.objects.len(), 2);
    for (key, object) in &observed.snapshot.objects {
        let other = if key.name == "chat" { "other" } else { "chat" };
        let expected = Conflict {
            kind: "InferenceDeployment".into(),
            name: other.into(),
            variant: "a100-bf16".into(),
        };
        assert_eq!(
            object.conflicts,
            if conflicts { vec![expected] } else { vec![] },
            "{key}"
        );
    }
}

#[test]
fn an_invalid_second_object_is_no_rival_and_is_told_apart() {
    let mut world = world();
    let mut broken = second("apps/v1", "Deployment", "chat-a100", "prod");
    broken.spec.engine = "unheard-of".into();
    broken.metadata.generation = Some(7);
    world.objects.push(broken);
    let observed = world.observe();
    assert!(observed.snapshot.objects[&samples::key()].conflicts.is_empty());
    assert_eq!(observed.snapshot.objects.len(), 1);
    let (generation, invalid) = observed.invalid.values().next().unwrap();
    assert_eq!(
        (*generation, invalid.reason),
        (Some(7), crate::api::Reason::EngineUnknown)
    );
}

#[rstest]
#[case("HorizontalPodAutoscaler")]
#[case("ScaledObject")]
fn another_autoscaler_on_the_target_is_a_conflict(#[case] kind: &str) {
    let mut world = world();
    world.rivals = match kind {
        "ScaledObject" => |_, _| vec![("ScaledObject", "chat".into())],
        _ => |_, _| vec![("HorizontalPodAutoscaler", "chat".into())],
    };
    let conflicts = world.chat().0.conflicts;
    assert_eq!(
        (conflicts[0].kind.as_str(), conflicts[0].variant.as_str()),
        (kind, "a100-bf16")
    );
}

#[test]
fn rivals_are_asked_for_the_objects_own_namespace() {
    let mut world = world();
    world.rivals = |namespace, target| {
        let ours = namespace == "prod" && target.name == "chat-a100";
        if ours {
            vec![]
        } else {
            vec![("HorizontalPodAutoscaler", "x".into())]
        }
    };
    assert!(world.chat().0.conflicts.is_empty());
}

#[path = "snapshot_targets_tests.rs"]
mod targets;
