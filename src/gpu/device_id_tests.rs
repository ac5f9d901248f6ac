//! Every form of a device's name, and those that are none.

use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::gpu::reading::Identity;

const GPU0: &str = "GPU-11111111-2222-3333-4444-000000000000";
const GPU1: &str = "GPU-11111111-2222-3333-4444-000000000001";

/// GPU 0 is whole and is `/dev/nvidia3`; GPU 1 is `/dev/nvidia0` with instances 1 (3 slices), 7 and 9 (1 slice each).
fn node() -> NodeReading {
    let gpu = |index, uuid: &str, minor, instances: &[(u32, u32, &str)]| GpuReading {
        index,
        identity: Identity {
            uuid: Some(uuid.to_owned()),
            minor: Some(minor),
            ..Identity::default()
        },
        instances: instances
            .iter()
            .map(|(gpu_instance, slices, uuid)| InstanceReading {
                uuid: (*uuid).to_owned(),
                slices: Some(*slices),
                gpu_instance: Some(*gpu_instance),
                compute_instance: Some(0),
                ..InstanceReading::default()
            })
            .collect(),
        ..GpuReading::default()
    };
    NodeReading {
        gpus: vec![
            gpu(0, GPU0, 3, &[]),
            gpu(1, GPU1, 0, &[(1, 3, "MIG-a1"), (7, 1, "MIG-a7"), (9, 1, "MIG-a9")]),
        ],
        ..NodeReading::default()
    }
}

#[rstest]
#[case::plain(GPU0, GPU0, false)]
#[case::mig("MIG-a7", "MIG-a7", false)]
#[case::mig_of_old_drivers("MIG-GPU-11111111-2222-3333-4444-000000000001/9/0", "MIG-a9", false)]
#[case::replica("GPU-11111111-2222-3333-4444-000000000001::3", GPU1, true)]
#[case::replica_of_mig("MIG-a1::0", "MIG-a1", true)]
#[case::replica_of_old_mig("MIG-GPU-11111111-2222-3333-4444-000000000001/7/0::12", "MIG-a7", true)]
#[case::gke_counts_by_device_node_not_by_index("nvidia0", GPU1, false)]
#[case::gke_second("nvidia3", GPU0, false)]
#[case::gke_mig("nvidia0/gi9", "MIG-a9", false)]
#[case::gke_share("nvidia3/vgpu0", GPU0, true)]
#[case::gke_share_of_mig("nvidia0/gi7/vgpu2", "MIG-a7", true)]
fn a_plugin_s_name_means_one_device(#[case] text: &str, #[case] uuid: &str, #[case] shared: bool) {
    let id = DeviceId::of_plugin(text).unwrap();
    assert_eq!((id.resolve(&node()).as_deref(), id.shared), (Some(uuid), shared));
}

#[rstest]
#[case::whole("gpu-3", Some(GPU0))]
#[case::the_only_one_of_its_size("gpu-0-mig-9-0-4", Some("MIG-a1"))]
#[case::one_of_two_of_its_size("gpu-0-mig-19-4-1", None)]
#[case::none_of_its_size("gpu-0-mig-0-0-8", None)]
#[case::no_such_gpu("gpu-1", None)]
fn a_claim_s_name_means_one_device_or_none(#[case] text: &str, #[case] uuid: Option<&str>) {
    assert_eq!(DeviceId::of_claim(text).unwrap().resolve(&node()).as_deref(), uuid);
}

#[rstest]
#[case::a_uuid("k8s.gpu.nvidia.com/device=MIG-a9", Some("MIG-a9"))]
#[case::the_plugin_s("nvidia.com/gpu=GPU-11111111-2222-3333-4444-000000000000", Some(GPU0))]
#[case::a_claim("k8s.gpu.nvidia.com/claim=0d3f8a1c-gpu-0", None)]
#[case::somebody_else_s("example.com/device=GPU-11111111-2222-3333-4444-000000000000", None)]
#[case::none("gpu-0", None)]
fn a_cdi_name_counts_when_it_holds_a_uuid(#[case] text: &str, #[case] uuid: Option<&str>) {
    assert_eq!(
        DeviceId::of_cdi(text).and_then(|id| id.resolve(&node())).as_deref(),
        uuid
    );
}

#[rstest]
#[case("")]
#[case("0")]
#[case("nvidia")]
#[case("nvidiaX")]
#[case("nvidia0/gi")]
#[case("nvidia0/vgpu")]
#[case("nvidia-uvm")]
#[case("GPU-")]
#[case("GPU-1::")]
#[case("GPU-1::x")]
#[case("GPU-1\"} 1\nevil 2")]
#[case("MIG-GPU-1/2")]
#[case("MIG-GPU-1/2/3/4")]
#[case("tpu-0")]
fn what_is_no_name_is_refused(#[case] text: &str) {
    assert_eq!(DeviceId::of_plugin(text), None);
    assert_eq!(DeviceId::of_claim(text), None);
}

#[test]
fn a_device_of_another_time_means_nothing() {
    let gone = DeviceId::of_plugin("GPU-99999999-2222-3333-4444-000000000000").unwrap();
    assert_eq!(gone.resolve(&node()), None);
    assert_eq!(DeviceId::of_plugin("nvidia0/gi4").unwrap().resolve(&node()), None);
}

proptest! {
    #[test]
    fn no_text_breaks_the_reading(text in ".{0,80}") {
        let _ = DeviceId::of_plugin(&text).and_then(|id| id.resolve(&node()));
        let _ = DeviceId::of_claim(&text).and_then(|id| id.resolve(&node()));
        let _ = DeviceId::of_cdi(&text);
    }
}
