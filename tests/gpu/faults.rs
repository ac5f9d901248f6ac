//! What breaks under the exporter, and how it comes back without a restart.

use std::time::{Duration, Instant};

use fake_nvml::{Device, Profile, Xid};

use crate::exporter::Exporter;
use crate::machine::{Machine, busy_h100};

const OPENED: &str = "inferscale_gpu_exporter_library_opened_total";
const UP: &str = "inferscale_gpu_exporter_library_up";

fn stop(exporter: &Exporter) {
    let status = std::process::Command::new("kill")
        .args(["-TERM", &exporter.pid().to_string()])
        .status();
    assert!(status.unwrap().success());
}

#[test]
fn a_lost_gpu_is_reported_and_comes_back_by_itself() {
    let mut machine = Machine::new(vec![busy_h100(), Device::new(Profile::L40S)]);
    let exporter = Exporter::start(&machine, &[]);
    exporter.settled();
    machine.change(|state| {
        state.devices[0].lost = Some(15);
        state.xids.push(Xid { device: 0, xid: 79 });
    });
    let page = exporter.page_when(|page| page.with("inferscale_gpu_lost", "gpu=\"0\"") == Some(1.0));
    assert_eq!(
        page.get("inferscale_gpu_lost{gpu=\"0\",uuid=\"GPU-h100\"}"),
        Some(1.0),
        "it is known who was lost"
    );
    assert!(
        page.with("inferscale_gpu_power_watts", "gpu=\"0\"").is_none(),
        "nothing is known of it"
    );
    assert!(
        page.with("inferscale_gpu_power_watts", "gpu=\"1\"").is_some(),
        "the others go on"
    );
    assert_eq!(
        page.with("inferscale_gpu_xid_errors_total", "xid=\"79\""),
        Some(1.0),
        "and how it was lost"
    );
    let (status, health) = exporter.health_when("GPU 0 (GPU-h100)");
    assert_eq!(status, 503);
    assert!(health.contains("it fell off the bus"), "{health}");
    assert_eq!(exporter.text("/livez").0, 200, "a restart would not help");
    machine.change(|state| state.devices[0].lost = None);
    let page = exporter.page_when(|page| page.with("inferscale_gpu_power_watts", "gpu=\"0\"").is_some());
    assert!(
        page.get(OPENED) > Some(1.0),
        "as in life, only a new session sees it again"
    );
    assert_eq!(
        page.with("inferscale_gpu_xid_errors_total", "xid=\"79\""),
        Some(1.0),
        "a counter does not fall"
    );
    assert_eq!(exporter.health_when("ok: 2 GPUs").0, 200);
}

#[test]
fn a_gpu_that_needs_a_reset_is_reported_as_such() {
    let machine = Machine::new(vec![Device {
        lost: Some(16),
        ..busy_h100()
    }]);
    let exporter = Exporter::start(&machine, &[]);
    let (_, health) = exporter.health_when("it needs a reset");
    assert!(
        health.contains("UUID unknown"),
        "it was lost before it was seen: {health}"
    );
    assert_eq!(exporter.page().get("inferscale_gpu_lost{gpu=\"0\"}"), Some(1.0));
}

#[test]
fn critical_errors_are_counted_by_number_from_the_start_of_the_watch() {
    let mut machine = Machine::new(vec![busy_h100(), busy_h100()]);
    machine.change(|state| {
        state.devices[1].uuid = Some("GPU-b".into());
        state.xids.push(Xid { device: 0, xid: 31 });
    });
    let exporter = Exporter::start(&machine, &[]);
    assert!(
        !exporter.settled().has("inferscale_gpu_xid_errors_total"),
        "what was before is not told"
    );
    machine.change(|state| {
        state.xids.extend([
            Xid { device: 1, xid: 63 },
            Xid { device: 1, xid: 63 },
            Xid { device: 0, xid: 94 },
        ]);
    });
    let page = exporter.page_when(|page| page.of("inferscale_gpu_xid_errors_total").len() == 2);
    assert_eq!(
        page.with("inferscale_gpu_xid_errors_total", "uuid=\"GPU-b\",xid=\"63\""),
        Some(2.0)
    );
    assert_eq!(
        page.with("inferscale_gpu_xid_errors_total", "uuid=\"GPU-h100\",xid=\"94\""),
        Some(1.0)
    );
}

#[test]
fn a_driver_that_is_upgraded_is_followed_without_a_restart() {
    let mut machine = Machine::new(vec![busy_h100()]);
    let exporter = Exporter::start(&machine, &[]);
    exporter.settled();
    // The new module is loaded, the library is still the old one.
    machine.change(|state| {
        state.error = Some(18);
        state.init_error = Some(18);
    });
    let page = exporter.page_when(|page| page.get(UP) == Some(0.0));
    assert!(
        !page.has("inferscale_gpu_power_watts"),
        "what was known is no longer true"
    );
    let (status, health) = exporter.health_when("different versions");
    assert_eq!(status, 503);
    assert!(health.contains("restart the pod"), "{health}");
    machine.change(|state| {
        (state.error, state.init_error) = (None, None);
        state.driver_version = "580.95.05".into();
    });
    machine.install();
    let page = exporter.page_when(|page| page.has("inferscale_gpu_power_watts"));
    assert!(
        page.0
            .keys()
            .any(|series| series.contains("driver_version=\"580.95.05\""))
    );
    assert_eq!(exporter.health_when("ok: 1 GPUs").0, 200);
}

#[test]
fn without_a_library_it_says_what_to_do_and_ends() {
    let machine = Machine::new(vec![]);
    machine.uninstall();
    let output = Exporter::ends(&machine, &[]);
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    let error = text.lines().last().unwrap();
    assert!(
        error.starts_with(&format!("error: cannot load {}: ", machine.library().display())),
        "{text}"
    );
    assert!(
        error.contains("No such file") && error.contains("--wait-for-driver"),
        "{text}"
    );
}

#[test]
fn without_a_driver_it_says_so_and_ends() {
    let mut machine = Machine::new(vec![]);
    machine.change(|state| state.init_error = Some(9));
    let output = Exporter::ends(&machine, &[]);
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text.contains("driver is not loaded") && text.contains("nvidia-smi on the node must work first"),
        "{text}"
    );
}

#[test]
fn another_library_is_not_taken_for_nvml() {
    let machine = Machine::new(vec![]);
    machine.install_without("nvmlInit_v2");
    let output = Exporter::ends(&machine, &[]);
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(text.contains("is not NVML"), "{text}");
}

#[test]
fn a_driver_that_comes_late_is_waited_for_when_asked_to() {
    let machine = Machine::new(vec![busy_h100()]);
    machine.uninstall();
    let exporter = Exporter::start(&machine, &["--wait-for-driver"]);
    let (status, health) = exporter.health_when("cannot load");
    assert_eq!(status, 503, "{health}");
    assert_eq!(exporter.page().get(UP), Some(0.0));
    assert_eq!(exporter.text("/livez").0, 200);
    machine.install();
    exporter.page_when(|page| page.has("inferscale_gpu_power_watts"));
}

#[test]
fn a_call_that_hangs_shows_no_old_figures_and_is_named() {
    let mut machine = Machine::new(vec![Device::new(Profile::T4), busy_h100()]);
    let mut exporter = Exporter::start(&machine, &[]);
    exporter.settled();
    machine.change(|state| {
        state.delays.insert("nvmlDeviceGetPowerUsage".into(), 60.0);
    });
    let (status, health) = exporter.health_when("NVML has not answered for");
    assert_eq!(status, 503);
    assert!(health.contains("asked about GPU 0"), "{health}");
    let page = exporter.page();
    assert!(
        !page.has("inferscale_gpu_temperature_celsius"),
        "a figure of some time ago is not one of now"
    );
    assert_eq!(page.get(UP), Some(0.0));
    stop(&exporter);
    let begun = Instant::now();
    assert!(exporter.wait(Duration::from_secs(6)).success());
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_library_that_hangs_at_its_start_is_told_and_ends_the_life_of_the_pod() {
    let mut machine = Machine::new(vec![busy_h100()]);
    machine.change(|state| {
        state.delays.insert("nvmlDeviceGetCount_v2".into(), 60.0);
    });
    let exporter = Exporter::start(&machine, &[]);
    let (status, health) = exporter.health_when("while it was opened");
    assert_eq!(status, 503, "{health}");
    assert_eq!(
        exporter.text("/livez").0,
        200,
        "not yet: the limit at this interval is 12 s"
    );
    let begun = Instant::now();
    while exporter.text("/livez").0 == 200 {
        assert!(begun.elapsed() < Duration::from_secs(20), "a restart would help");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn it_ends_soon_and_well_when_it_is_told_to() {
    let machine = Machine::new(vec![busy_h100()]);
    let mut exporter = Exporter::start(&machine, &[]);
    exporter.settled();
    stop(&exporter);
    assert!(exporter.wait(Duration::from_secs(3)).success());
}

#[test]
fn an_address_that_is_taken_is_named() {
    let machine = Machine::new(vec![busy_h100()]);
    let first = Exporter::start(&machine, &[]);
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_inferscale"))
        .args(["gpu-exporter", "--listen", first.address()])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text.contains(&format!("cannot listen on {}", first.address())) && text.contains("--listen"),
        "{text}"
    );
}
