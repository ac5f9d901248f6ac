//! Whose pods hold the GPUs, as a kubelet tells it that may restart, hang or talk nonsense.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use fake_nvml::{Device, Process, Profile};
use inferscale::gpu::pod_resources::messages::{CdiDevice, Claim, ClaimResource};
use rstest::rstest;

use crate::exporter::{Exporter, Page};
use crate::kubelet::{Kubelet, Manner, answers, pod, sends};
use crate::machine::{Machine, busy_h100, small_mig};

const HOLDER: &str = "inferscale_gpu_holder_info";
const PODS_UP: &str = "inferscale_gpu_exporter_pod_resources_up";

/// A whole H100 and one cut in two; the folder for the kubelet's socket.
fn machine() -> (Machine, PathBuf) {
    let cut = Device {
        uuid: Some("GPU-cut".into()),
        minor: Some(1),
        mig: vec![small_mig(1), small_mig(2)],
        ..Device::new(Profile::A100)
    };
    let machine = Machine::new(vec![busy_h100(), cut]);
    let folder = machine.folder().join("pod-resources");
    fs::create_dir_all(&folder).unwrap();
    (machine, folder)
}

fn start(machine: &Machine, folder: &std::path::Path, more: &[&str]) -> Exporter {
    Exporter::start(
        machine,
        &[&["--pod-resources", folder.to_str().unwrap()], more].concat(),
    )
}

/// Pods by device.
fn holders(page: &Page) -> Vec<(String, String)> {
    let label = |series: &str, name: &str| {
        let rest = series.split(&format!("{name}=\"")).nth(1).unwrap_or_default();
        rest.split('"').next().unwrap_or_default().to_owned()
    };
    page.of(HOLDER)
        .iter()
        .map(|(series, _)| (label(series, "uuid"), label(series, ",pod")))
        .collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected
        .iter()
        .map(|(uuid, pod)| ((*uuid).to_owned(), (*pod).to_owned()))
        .collect()
}

#[rstest]
#[case::plain("nvidia.com/gpu", "GPU-h100", "GPU-h100", false)]
#[case::mig("nvidia.com/mig-1g.10gb", "MIG-2", "MIG-2", false)]
#[case::mig_of_old_drivers("nvidia.com/gpu", "MIG-GPU-cut/1/0", "MIG-1", false)]
#[case::time_slicing("nvidia.com/gpu.shared", "GPU-h100::3", "GPU-h100", true)]
#[case::mps_on_mig("nvidia.com/mig-1g.10gb.shared", "MIG-2::0", "MIG-2", true)]
#[case::gke("nvidia.com/gpu", "nvidia4", "GPU-h100", false)]
#[case::gke_mig("nvidia.com/gpu", "nvidia1/gi2", "MIG-2", false)]
#[case::gke_time_sharing("nvidia.com/gpu", "nvidia4/vgpu0", "GPU-h100", true)]
#[case::gke_time_sharing_on_mig("nvidia.com/gpu", "nvidia1/gi1/vgpu1", "MIG-1", true)]
fn a_device_is_attributed_by_every_form_of_its_name(
    #[case] resource: &str,
    #[case] id: &str,
    #[case] uuid: &str,
    #[case] shared: bool,
) {
    let (machine, folder) = machine();
    let _kubelet = Kubelet::start(&folder, answers(vec![pod("chat", resource, &[id])]));
    let exporter = start(&machine, &folder, &["--dcgm-names"]);
    let page = exporter.page_when(|page| page.has(HOLDER));
    assert_eq!(holders(&page), pairs(&[(uuid, "chat")]));
    let series = page.of(HOLDER)[0].0;
    assert!(
        series.contains(&format!("resource=\"{resource}\"")) && series.contains(&format!("shared=\"{shared}\"")),
        "{series}"
    );
    // DCGM's labels name who holds a device alone.
    let named = page
        .of("DCGM_FI_DEV_FB_USED")
        .iter()
        .any(|(series, _)| series.contains("pod=\"chat\""));
    assert_eq!(named, !shared);
    assert_eq!(
        page.of("DCGM_FI_DEV_FB_USED").len(),
        4,
        "once a device, however many hold it"
    );
}

#[test]
fn devices_of_claims_are_attributed() {
    let (machine, folder) = machine();
    let claim = |device: &str, cdi: &str| Claim {
        name: "mine".into(),
        resources: vec![ClaimResource {
            cdi: vec![CdiDevice { name: cdi.into() }],
            driver: "gpu.nvidia.com".into(),
            pool: "node".into(),
            device: device.into(),
        }],
    };
    let mut holder = pod("chat", "", &[]);
    holder.containers[0].devices.clear();
    holder.containers[0].claims = vec![
        claim("gpu-4", "k8s.gpu.nvidia.com/device=gpu-4"),
        claim("gpu-1-mig-19-2-1", "k8s.gpu.nvidia.com/device=MIG-2"),
        claim("gpu-1-mig-19-0-1", "k8s.gpu.nvidia.com/device=gpu-1-mig-19-0-1"),
    ];
    let _kubelet = Kubelet::start(&folder, answers(vec![holder]));
    let exporter = start(&machine, &folder, &[]);
    let page = exporter.page_when(|page| page.has(HOLDER));
    assert_eq!(holders(&page), pairs(&[("GPU-h100", "chat"), ("MIG-2", "chat")]));
    let unresolved = page.with("inferscale_gpu_exporter_unresolved_devices", "gpu.nvidia.com");
    assert_eq!(
        unresolved,
        Some(1.0),
        "one of two instances of the same size cannot be told by the driver's name"
    );
}

#[test]
fn a_kubelet_that_restarts_is_found_again() {
    let (machine, folder) = machine();
    let kubelet = Kubelet::start(&folder, answers(vec![pod("old", "nvidia.com/gpu", &["GPU-h100"])]));
    let exporter = start(&machine, &folder, &[]);
    exporter.page_when(|page| page.get(PODS_UP) == Some(1.0) && page.has(HOLDER));
    drop(kubelet);
    let page = exporter.page_when(|page| page.get(PODS_UP) == Some(0.0));
    assert_eq!(
        holders(&page),
        pairs(&[("GPU-h100", "old")]),
        "a kubelet that is away for a moment takes no pod away"
    );
    assert!(exporter.health_when("cannot connect to").1.contains("kubelet.sock"));
    let _kubelet = Kubelet::start(&folder, answers(vec![pod("new", "nvidia.com/gpu", &["GPU-h100"])]));
    exporter.page_when(|page| page.get(PODS_UP) == Some(1.0) && holders(page) == pairs(&[("GPU-h100", "new")]));
    assert_eq!(exporter.health_when("ok").0, 200);
}

#[test]
fn what_a_kubelet_said_long_ago_is_not_told_any_more() {
    let (machine, folder) = machine();
    let kubelet = Kubelet::start(&folder, answers(vec![pod("old", "nvidia.com/gpu", &["GPU-h100"])]));
    let exporter = start(&machine, &folder, &[]);
    exporter.page_when(|page| page.has(HOLDER));
    let begun = Instant::now();
    drop(kubelet);
    let page = exporter.page_when(|page| !page.has(HOLDER));
    assert!(
        begun.elapsed() > Duration::from_secs(8),
        "the limit at this interval is 10 s"
    );
    assert!(page.has("inferscale_gpu_power_watts"), "the GPUs are read on");
}

#[test]
fn a_kubelet_that_hangs_holds_nothing_up() {
    let (machine, folder) = machine();
    let kubelet = Kubelet::start(&folder, Manner::Hangs);
    let exporter = start(&machine, &folder, &[]);
    let begun = Instant::now();
    let page = exporter.settled();
    assert!(begun.elapsed() < Duration::from_secs(4) && page.has("inferscale_gpu_power_watts"));
    assert!(
        exporter
            .health_when("does not answer within 5 s")
            .1
            .contains("the kubelet hangs")
    );
    kubelet.becomes(answers(vec![pod("chat", "nvidia.com/gpu", &["GPU-h100"])]));
    exporter.page_when(|page| page.has(HOLDER));
}

#[test]
fn a_kubelet_that_refuses_is_asked_again() {
    let (machine, folder) = machine();
    let kubelet = Kubelet::start(&folder, Manner::Refuses);
    let exporter = start(&machine, &folder, &[]);
    assert!(
        exporter
            .health_when("rejected by rate limit")
            .1
            .contains("gives no list of pods")
    );
    kubelet.becomes(answers(vec![pod("chat", "nvidia.com/gpu", &["GPU-h100"])]));
    exporter.page_when(|page| page.has(HOLDER));
}

#[rstest]
#[case::nonsense(b"\x00\xff\x13garbage".repeat(40).leak())]
#[case::http1(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")]
#[case::nothing(b"")]
fn what_is_no_kubelet_is_said_to_be_none(#[case] bytes: &'static [u8]) {
    let (machine, folder) = machine();
    sends(&folder, bytes);
    let exporter = start(&machine, &folder, &[]);
    let page = exporter.page_when(|page| page.get(PODS_UP) == Some(0.0) && page.has("inferscale_gpu_power_watts"));
    assert!(!page.has(HOLDER));
    exporter.health_when("kubelet.sock");
}

#[test]
fn an_answer_without_end_is_refused() {
    let (machine, folder) = machine();
    let long = "x".repeat(1 << 20);
    let many: Vec<_> = (0..9).map(|_| pod(&long, "nvidia.com/gpu", &["GPU-h100"])).collect();
    let _kubelet = Kubelet::start(&folder, answers(many));
    let exporter = start(&machine, &folder, &[]);
    exporter.health_when("gives no list of pods");
    assert!(!exporter.page().has(HOLDER));
}

#[test]
fn a_folder_without_a_socket_is_named() {
    let (machine, folder) = machine();
    let exporter = start(&machine, &folder, &[]);
    let (status, health) = exporter.health_when("cannot connect to");
    assert_eq!(status, 503);
    assert!(health.contains("Mount the kubelet's folder"), "{health}");
}

#[test]
fn memory_goes_to_the_pods_of_the_processes() {
    const UID: &str = "0d3f8a1c-2b4e-4c6d-9e8f-a1b2c3d4e5f6";
    let (mut machine, _) = machine();
    let process = |pid, memory, mps| Process { pid, memory, mps };
    machine.change(|state| {
        state.devices[0].processes = vec![
            process(11, 1000, false),
            process(12, 200, true),
            process(13, 30, false),
            process(99, 4, false),
        ];
        state.devices[1].mig[0].processes = vec![process(14, 5, false)];
    });
    let proc = machine.folder().join("proc");
    let cgroup = |pid: u32, text: &str| {
        fs::create_dir_all(proc.join(pid.to_string())).unwrap();
        fs::write(proc.join(pid.to_string()).join("cgroup"), text).unwrap();
    };
    let of_pod = format!(
        "0::/kubepods.slice/kubepods-pod{}.slice/cri-containerd-a.scope\n",
        UID.replace('-', "_")
    );
    cgroup(11, &of_pod);
    cgroup(12, &of_pod);
    cgroup(13, "0::/system.slice/x.service\n");
    cgroup(14, "0::/kubepods/burstable/pod11111111-2b4e-4c6d-9e8f-a1b2c3d4e5f6/b\n");
    let logs = machine.folder().join("pods");
    fs::create_dir_all(logs.join(format!("prod_chat_{UID}"))).unwrap();
    let more = [
        "--host-proc",
        proc.to_str().unwrap(),
        "--pod-logs",
        logs.to_str().unwrap(),
    ];
    let page = Exporter::start(&machine, &more).settled();
    let memory = |labels: &str| page.with("inferscale_gpu_pod_memory_used_bytes", labels);
    assert_eq!(
        memory(&format!(
            "uuid=\"GPU-h100\",namespace=\"prod\",pod=\"chat\",pod_uid=\"{UID}\""
        )),
        Some(1200.0)
    );
    assert_eq!(
        memory("uuid=\"GPU-h100\",namespace=\"\",pod=\"\",pod_uid=\"\""),
        Some(30.0),
        "a service of the node"
    );
    assert_eq!(
        memory("namespace=\"\",pod=\"\",pod_uid=\"11111111-"),
        Some(5.0),
        "a pod whose name is not known"
    );
    assert_eq!(
        page.of("inferscale_gpu_pod_memory_used_bytes").len(),
        3,
        "one that is gone meanwhile is left out"
    );
    assert_eq!(page.with("inferscale_gpu_processes", "uuid=\"GPU-h100\""), Some(4.0));
    assert_eq!(page.with("inferscale_gpu_processes", "uuid=\"MIG-1\""), Some(1.0));
    assert_eq!(page.with("inferscale_gpu_processes", "uuid=\"MIG-2\""), Some(0.0));
    assert!(
        page.with("inferscale_gpu_processes", "uuid=\"GPU-cut\"").is_none(),
        "the instances tell"
    );
}
