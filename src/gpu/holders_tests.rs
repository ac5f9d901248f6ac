//! The kubelet's answers joined with a node of two GPUs, the second cut in two.

use super::*;
use crate::gpu::pod_resources::messages::{CdiDevice, Claim, Container, Devices, Pod};
use crate::gpu::reading::{GpuReading, Identity, InstanceReading};

fn node() -> NodeReading {
    let gpu = |index: u32, instances: Vec<InstanceReading>| GpuReading {
        index,
        identity: Identity {
            uuid: Some(format!("GPU-{index}")),
            minor: Some(index),
            ..Identity::default()
        },
        instances,
        ..GpuReading::default()
    };
    let mig = |gpu_instance, slices| InstanceReading {
        uuid: format!("MIG-{gpu_instance}"),
        gpu_instance: Some(gpu_instance),
        compute_instance: Some(0),
        slices: Some(slices),
        ..InstanceReading::default()
    };
    NodeReading {
        gpus: vec![gpu(0, vec![]), gpu(1, vec![mig(1, 3), mig(2, 4)])],
        ..NodeReading::default()
    }
}

fn container(name: &str, resource: &str, ids: &[&str]) -> Container {
    Container {
        name: name.to_owned(),
        devices: vec![Devices {
            resource: resource.to_owned(),
            ids: ids.iter().map(|id| (*id).to_owned()).collect(),
        }],
        claims: vec![],
    }
}

fn pod(name: &str, containers: Vec<Container>) -> Pod {
    Pod {
        name: name.to_owned(),
        namespace: "prod".to_owned(),
        containers,
    }
}

fn join(pods: Vec<Pod>) -> Holders {
    Holders::join(&ListResponse { pods }, &node())
}

fn names<'a>(holders: &'a Holders, uuid: &str) -> Vec<(&'a str, &'a str)> {
    let list = holders.of.get(uuid).map(Vec::as_slice).unwrap_or_default();
    list.iter()
        .map(|holder| (holder.pod.as_str(), holder.container.as_str()))
        .collect()
}

#[test]
fn a_whole_gpu_and_an_instance_have_one_holder_each() {
    let holders = join(vec![
        pod("a", vec![container("engine", "nvidia.com/gpu", &["GPU-0"])]),
        pod("b", vec![container("engine", "nvidia.com/mig-3g.20gb", &["MIG-1"])]),
    ]);
    assert_eq!(names(&holders, "GPU-0"), [("a", "engine")]);
    assert_eq!(names(&holders, "MIG-1"), [("b", "engine")]);
    assert_eq!(holders.sole("MIG-1").unwrap().resource, "nvidia.com/mig-3g.20gb");
    assert!(!holders.of.contains_key("GPU-1"), "the GPU itself is nobody's");
}

#[test]
fn shares_have_several_holders_and_no_sole_one() {
    let holders = join(vec![
        pod("a", vec![container("engine", "nvidia.com/gpu.shared", &["GPU-0::0"])]),
        pod(
            "b",
            vec![container("engine", "nvidia.com/gpu.shared", &["GPU-0::1", "GPU-0::2"])],
        ),
    ]);
    assert_eq!(names(&holders, "GPU-0"), [("a", "engine"), ("b", "engine")]);
    assert_eq!(holders.sole("GPU-0"), None);
}

#[test]
fn the_only_share_that_is_taken_is_still_a_share() {
    let holders = join(vec![pod(
        "a",
        vec![container("engine", "nvidia.com/gpu", &["nvidia0/vgpu1"])],
    )]);
    assert_eq!(names(&holders, "GPU-0"), [("a", "engine")]);
    assert_eq!(holders.sole("GPU-0"), None);
}

#[test]
fn a_claim_is_held_by_every_container_that_uses_it() {
    let claim = |device: &str, cdi: &str| Claim {
        name: "big".to_owned(),
        resources: vec![ClaimResource {
            cdi: vec![CdiDevice { name: cdi.to_owned() }],
            driver: "gpu.nvidia.com".to_owned(),
            pool: "node-1".to_owned(),
            device: device.to_owned(),
        }],
    };
    let with = |name: &str, claim| Container {
        name: name.to_owned(),
        devices: vec![],
        claims: vec![claim],
    };
    let whole = claim("gpu-0", "k8s.gpu.nvidia.com/device=gpu-0");
    let cut = claim("gpu-1-mig-5-4-4", "k8s.gpu.nvidia.com/claim=1-gpu-1-mig-5-4-4");
    let holders = join(vec![pod(
        "a",
        vec![with("engine", whole.clone()), with("side", whole), with("small", cut)],
    )]);
    assert_eq!(names(&holders, "GPU-0"), [("a", "engine"), ("a", "side")]);
    assert_eq!(names(&holders, "MIG-2"), [("a", "small")]);
    assert_eq!(holders.of["MIG-2"][0].claim, "big");
}

#[test]
fn what_cannot_be_told_apart_is_counted_and_other_vendors_are_not() {
    let holders = join(vec![pod(
        "a",
        vec![
            container("engine", "nvidia.com/gpu", &["GPU-gone", "what?"]),
            container("nic", "example.com/rdma", &["GPU-0"]),
            container("other", "evilnvidia.com/gpu", &["GPU-0"]),
        ],
    )]);
    assert!(holders.of.is_empty());
    assert_eq!(holders.unresolved, BTreeMap::from([("nvidia.com/gpu".to_owned(), 2)]));
}
