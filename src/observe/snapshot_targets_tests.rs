//! Targets, their selectors and accelerators, pools and prices.

use super::*;

#[test]
fn what_is_not_listed_yet_is_left_out_and_nothing_else() {
    let mut world = world();
    world.objects.push(second("apps/v1", "StatefulSet", "other", "prod"));
    world.lookup = |namespace, target| match target.kind.as_str() {
        "StatefulSet" => Lookup::Pending,
        _ => two_gpus(namespace, target),
    };
    let observed = world.observe();
    assert_eq!(observed.snapshot.objects.keys().collect::<Vec<_>>(), [&samples::key()]);
    assert_eq!(observed.objects.len(), 1);
    assert!(observed.invalid.is_empty());
}

fn refused(state: &TargetState) -> &str {
    match state {
        TargetState::Uncontrollable(why) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_missing_target_has_no_pods_and_no_place_to_write() {
    let mut world = world();
    world.lookup = |_, _| Lookup::Missing;
    let (object, beside) = world.chat();
    assert_eq!(object.variants[0].target, TargetState::Missing);
    assert!(object.variants[0].pods.is_empty() && beside.targets == [None]);
}

#[test]
fn a_target_that_cannot_be_scaled_says_why() {
    let mut world = world();
    world.lookup = |_, _| Lookup::Uncontrollable("DaemonSet of apps/v1 has no scale subresource".into());
    let (object, beside) = world.chat();
    assert!(refused(&object.variants[0].target).contains("no scale subresource"));
    assert_eq!(beside.targets, [None]);
}

fn with_selector(selector: &Value) -> Lookup {
    let target: SlimTarget = serde_json::from_value(json!({
        "metadata": {"name": "chat-a100"}, "spec": {"replicas": 3, "selector": selector},
    }))
    .unwrap();
    Lookup::Found(Arc::new(target), samples::deployments())
}

#[rstest]
#[case::none(|_: &str, _: &TargetRef| with_selector(&Value::Null), "no spec.selector")]
#[case::empty(|_: &str, _: &TargetRef| with_selector(&json!({})), "names no label")]
#[case::only_expressions(
    |_: &str, _: &TargetRef| with_selector(&json!({"matchExpressions": [{"key": "a", "operator": "Exists"}]})),
    "names no label"
)]
#[case::malformed(
    |_: &str, _: &TargetRef| with_selector(&json!({"matchLabels": {"a": "b"}, "matchExpressions": [{"key": "a", "operator": "Near"}]})),
    "malformed"
)]
fn a_selector_that_would_take_foreign_pods_is_refused(
    #[case] lookup: fn(&str, &TargetRef) -> Lookup,
    #[case] words: &str,
) {
    let mut world = world();
    world.lookup = lookup;
    let (object, beside) = world.chat();
    assert!(
        refused(&object.variants[0].target).contains(words),
        "{:?}",
        object.variants[0].target
    );
    assert!(object.variants[0].pods.is_empty() && beside.targets == [None]);
}

#[rstest]
#[case::absent_is_one(json!(null), 1)]
#[case::zero(json!(0), 0)]
#[case::negative_is_none(json!(-3), 0)]
fn ordered_replicas_are_read_as_the_api_server_means_them(#[case] replicas: Value, #[case] ordered: u32) {
    let target: SlimTarget = serde_json::from_value(json!({
        "metadata": {"name": "chat-a100"},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": "chat-a100"}}},
    }))
    .unwrap();
    let found = Found::new(Lookup::Found(Arc::new(target), samples::deployments()));
    assert_eq!(found.state, TargetState::Found { replicas: ordered });
}

// Accelerators, pools and prices.

fn template(containers: &Value) -> SlimTarget {
    let template = json!({"containers": containers});
    serde_json::from_value(json!({"spec": {"template": {"spec": template}}})).unwrap()
}

#[rstest]
#[case::limits(json!([{"resources": {"limits": {"nvidia.com/gpu": "2"}}}]), Some("nvidia.com/gpu"), 2)]
#[case::requests(json!([{"resources": {"requests": {"nvidia.com/gpu": 1}}}]), Some("nvidia.com/gpu"), 1)]
#[case::both_are_one(json!([{"resources": {"limits": {"nvidia.com/gpu": "2"}, "requests": {"nvidia.com/gpu": "2"}}}]), Some("nvidia.com/gpu"), 2)]
#[case::containers_add_up(json!([{"resources": {"limits": {"nvidia.com/gpu": "2"}}}, {"resources": {"limits": {"nvidia.com/gpu": "1"}}}]), Some("nvidia.com/gpu"), 3)]
#[case::the_pools_resource_only(json!([{"resources": {"limits": {"nvidia.com/gpu": "2", "nvidia.com/mig-1g.10gb": "3"}}}]), Some("nvidia.com/mig-1g.10gb"), 3)]
#[case::of_any_vendor_without_a_pool(json!([{"resources": {"limits": {"amd.com/gpu": "4", "cpu": "8", "memory": "1Gi"}}}]), None, 4)]
#[case::no_vendors_resource(json!([{"resources": {"limits": {"example.com/fpga": "4"}}}]), None, 0)]
#[case::none(json!([{}]), None, 0)]
#[case::no_containers(json!([]), None, 0)]
fn accelerators_of_a_replica_come_from_the_template(
    #[case] containers: Value,
    #[case] resource: Option<&str>,
    #[case] count: u32,
) {
    assert_eq!(template(&containers).accelerators(resource), count);
}

#[test]
fn a_variant_without_a_pool_has_accelerators_and_no_price() {
    let mut world = world();
    world.objects[0].spec.variants[0].pool = None;
    let (object, beside) = world.chat();
    let variant = &object.variants[0];
    assert_eq!(
        (variant.accelerators, variant.pool.as_deref(), variant.accelerator_price),
        (2, None, None)
    );
    assert_eq!(beside.unknown_pool, None);
}

#[test]
fn a_pool_that_does_not_exist_is_named() {
    let mut world = world();
    world.pools.clear();
    let (object, beside) = world.chat();
    assert_eq!(
        (object.variants[0].pool.as_deref(), object.variants[0].accelerator_price),
        (None, None)
    );
    assert_eq!(beside.unknown_pool.as_deref(), Some("a100"));
}

#[test]
fn a_pool_without_a_price_has_none() {
    let mut world = world();
    world.pools = vec![
        "
apiVersion: inferscale.dev/v1alpha1
kind: GpuPool
metadata: {name: a100}
spec:
  accelerator: {vendor: NVIDIA, product: A100, memory: 80Gi, resource: nvidia.com/gpu, perNode: 8}
  nodeSelector: {pool: a100}
",
    ];
    let (object, _) = world.chat();
    assert_eq!(
        (object.variants[0].pool.as_deref(), object.variants[0].accelerator_price),
        (Some("a100"), None)
    );
}

#[test]
fn a_pool_counts_its_own_nodes_and_what_is_asked_of_them() {
    let mut world = world();
    world.nodes = vec![
        node("node-1", "a100", true),
        node("node-2", "a100", true),
        node("node-3", "a100", false),
        node("other", "h100", true),
    ];
    let on = |name: &str, node: Value| {
        let mut p = pod(name, "elsewhere", "foreign");
        p["spec"]["nodeName"] = node;
        p
    };
    let mut ended = on("ended", json!("node-1"));
    ended["status"]["phase"] = json!("Succeeded");
    let mut going = on("going", json!("node-2"));
    going["metadata"]["deletionTimestamp"] = json!("2026-11-24T09:59:00Z");
    // chat-1 and chat-2 are on node-1; those on other nodes, on none, or at their end ask nothing of the pool.
    world.pods.extend([
        going,
        on("foreign", json!("node-2")),
        ended,
        on("on-a-node-that-starts", json!("node-3")),
        on("on-another-pool", json!("other")),
        on("on-none", Value::Null),
    ]);
    let pool = world.observe().snapshot.pools.remove("a100").unwrap();
    assert_eq!(
        pool,
        PoolSnapshot {
            accelerator_price: UsdPerHour::new(3.43),
            ready_nodes: 2,
            starting_nodes: 1,
            accelerators: 16,
            free_accelerators: 8,
        }
    );
}

#[test]
fn more_asked_than_there_is_leaves_none_free() {
    let mut world = world();
    world.pods = (0..6).map(|i| pod(&format!("chat-{i}"), "prod", "chat-a100")).collect();
    let pool = world.observe().snapshot.pools.remove("a100").unwrap();
    assert_eq!((pool.accelerators, pool.free_accelerators), (8, 0));
}

#[test]
fn an_unschedulable_pod_is_quoted() {
    let mut world = world();
    world.pods[1]["status"] = json!({"phase": "Pending", "conditions": [
        {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/4 nodes are available"},
    ]});
    let (object, beside) = world.chat();
    assert_eq!(object.variants[0].count(|p| p == Phase::Unschedulable), 1);
    assert_eq!(
        beside.unschedulable.as_deref(),
        Some("pod chat-2: 0/4 nodes are available")
    );
}

#[test]
fn the_reported_maximum_comes_from_the_status() {
    let mut world = world();
    world.objects[0].status = Some(crate::api::InferenceDeploymentStatus {
        applied_limits: Some(crate::api::AppliedLimits { max_replicas: 12 }),
        ..crate::api::InferenceDeploymentStatus::default()
    });
    assert_eq!(world.chat().0.reported_max, Some(12));
}
