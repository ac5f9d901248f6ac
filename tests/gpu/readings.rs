//! Every reading against the fake: values, units, and absence.

use fake_nvml::{Device, Profile};
use rstest::rstest;

use crate::exporter::Exporter;
use crate::machine::{Machine, busy_h100, small_mig};

#[test]
fn every_reading_of_an_h100_is_the_fake_s_in_si_units() {
    let machine = Machine::new(vec![busy_h100()]);
    let page = Exporter::start(&machine, &[]).settled();
    let expected = [
        ("utilization_ratio", 0.87),
        ("memory_utilization_ratio", 0.41),
        ("encoder_utilization_ratio", 0.03),
        ("decoder_utilization_ratio", 0.05),
        ("engine_active_ratio", 0.91),
        ("sm_active_ratio", 0.825),
        ("sm_occupancy_ratio", 0.375),
        ("tensor_active_ratio", 0.44),
        ("memory_bandwidth_ratio", 0.73),
        ("memory_used_bytes", 64_424_509_440.0),
        ("memory_reserved_bytes", 1_073_741_824.0),
        ("memory_free_bytes", 20_401_094_656.0),
        ("memory_total_bytes", 85_899_345_920.0),
        ("power_watts", 512.25),
        ("power_limit_watts", 700.0),
        ("energy_joules_total", 123_456.789),
        ("temperature_celsius", 63.0),
        ("memory_temperature_celsius", 78.0),
        ("sm_clock_hertz", 1.755e9),
        ("sm_clock_limit_hertz", 1.98e9),
        ("memory_clock_hertz", 2.619e9),
        ("power_throttled_seconds_total", 2.5),
        ("thermal_throttled_seconds_total", 0.125),
        ("pcie_transmit_bytes_per_second", 12e6),
        ("pcie_receive_bytes_per_second", 34e6),
        ("pcie_replays_total", 7.0),
        ("mig_enabled", 0.0),
        ("lost", 0.0),
    ];
    for (name, value) in expected {
        let series = format!("inferscale_gpu_{name}{{gpu=\"0\",uuid=\"GPU-h100\"}}");
        let read = page.get(&series).unwrap_or_else(|| panic!("{series} is absent"));
        assert!(
            (read - value).abs() <= value.abs() * 1e-12,
            "{series}: {read}, not {value}"
        );
    }
    let ecc = |severity| page.with("inferscale_gpu_ecc_errors_total", severity);
    assert_eq!((ecc("\"corrected\""), ecc("\"uncorrected\"")), (Some(11.0), Some(2.0)));
    let info = "inferscale_gpu_info{gpu=\"0\",uuid=\"GPU-h100\",name=\"NVIDIA H100 80GB HBM3\",\
                pci_bus_id=\"00000000:1B:00.0\",device=\"nvidia4\",driver_version=\"570.86.15\",cuda_version=\"12.8\"}";
    assert_eq!(page.get(info), Some(1.0), "{:#?}", page.of("inferscale_gpu_info"));
    assert_eq!(page.get("inferscale_gpu_exporter_library_up"), Some(1.0));
    assert!(
        !page.has("inferscale_gpu_processes"),
        "without the node's /proc nothing is seen of processes"
    );
    assert!(!page.has("inferscale_gpu_read_failures_total"));
}

#[test]
fn one_throttle_reason_is_active_and_the_others_are_known_not_to_be() {
    let machine = Machine::new(vec![busy_h100()]);
    let page = Exporter::start(&machine, &[]).settled();
    let reasons = page.of("inferscale_gpu_throttle_active");
    assert_eq!(reasons.len(), 9);
    let active: Vec<_> = reasons.iter().filter(|(_, value)| *value > 0.5).collect();
    assert!(
        active.len() == 1 && active[0].0.contains("software_power_cap"),
        "{active:?}"
    );
}

#[test]
fn a_share_above_the_whole_is_no_share() {
    let machine = Machine::new(vec![Device {
        gpu_percent: 101,
        ..busy_h100()
    }]);
    let page = Exporter::start(&machine, &[]).settled();
    assert!(!page.has("inferscale_gpu_utilization_ratio"));
    assert!(page.has("inferscale_gpu_memory_utilization_ratio"));
}

/// What a kind of GPU does not tell is absent, and what it tells is there.
#[rstest]
#[case(Profile::A100, &["mig_enabled", "memory_temperature_celsius"], &["sm_active_ratio", "engine_active_ratio"])]
#[case(Profile::H100, &["mig_enabled", "memory_temperature_celsius", "sm_active_ratio"], &[])]
#[case(Profile::L40S, &[], &["mig_enabled", "memory_temperature_celsius", "sm_active_ratio"])]
#[case(Profile::T4, &[], &["mig_enabled", "memory_temperature_celsius", "sm_active_ratio"])]
fn each_kind_tells_what_it_has(#[case] profile: Profile, #[case] has: &[&str], #[case] lacks: &[&str]) {
    let machine = Machine::new(vec![Device { profile, ..busy_h100() }]);
    let page = Exporter::start(&machine, &[]).settled();
    for name in has
        .iter()
        .chain(&["utilization_ratio", "power_watts", "memory_used_bytes"])
    {
        assert!(page.has(&format!("inferscale_gpu_{name}")), "{name} is absent");
    }
    for name in lacks {
        assert!(!page.has(&format!("inferscale_gpu_{name}")), "{name} is there");
    }
    assert!(
        !page.has("inferscale_gpu_read_failures_total"),
        "not to have something is no failure"
    );
}

#[test]
fn instances_are_devices_of_their_own() {
    let machine = Machine::new(vec![Device {
        mig: vec![small_mig(2), small_mig(5)],
        ..busy_h100()
    }]);
    let page = Exporter::start(&machine, &[]).settled();
    let of = |name: &str, gpu_instance: u32| {
        page.get(&format!(
            "inferscale_gpu_{name}{{gpu=\"0\",uuid=\"MIG-{gpu_instance}\",mig_profile=\"1g.10gb\",\
             gpu_instance=\"{gpu_instance}\",compute_instance=\"0\"}}"
        ))
    };
    assert_eq!(of("memory_used_bytes", 2), Some(2_147_483_648.0));
    assert_eq!(of("memory_total_bytes", 5), Some(10_737_418_240.0));
    assert_eq!(
        (of("engine_active_ratio", 2), of("engine_active_ratio", 5)),
        (Some(0.2), Some(0.5))
    );
    assert_eq!(of("sm_active_ratio", 5), Some(0.5));
    assert!(
        of("sm_occupancy_ratio", 5).is_none(),
        "a figure that this instance lacks"
    );
    assert!(
        !page.has("inferscale_gpu_utilization_ratio"),
        "a GPU that is cut does not tell it"
    );
    assert_eq!(page.with("inferscale_gpu_mig_enabled", ""), Some(1.0));
    assert_eq!(
        page.with("inferscale_gpu_power_watts", ""),
        Some(512.25),
        "power is the whole GPU's"
    );
    assert!(
        page.0
            .keys()
            .any(|series| series.contains("uuid=\"MIG-5\"") && series.contains("parent_uuid=\"GPU-h100\""))
    );
}

#[test]
fn a_gpu_is_cut_and_put_together_again_while_it_is_watched() {
    let mut machine = Machine::new(vec![busy_h100()]);
    let exporter = Exporter::start(&machine, &[]);
    exporter.page_when(|page| page.has("inferscale_gpu_utilization_ratio"));
    machine.change(|state| state.devices[0].mig = vec![small_mig(1)]);
    exporter.page_when(|page| page.with("inferscale_gpu_memory_used_bytes", "MIG-1").is_some());
    machine.change(|state| state.devices[0].mig.clear());
    let page = exporter.page_when(|page| page.has("inferscale_gpu_utilization_ratio"));
    assert!(!page.0.keys().any(|series| series.contains("MIG-1")));
}

#[test]
fn a_change_is_seen_at_the_next_look() {
    let mut machine = Machine::new(vec![busy_h100()]);
    let exporter = Exporter::start(&machine, &[]);
    exporter.page_when(|page| page.with("inferscale_gpu_utilization_ratio", "") == Some(0.87));
    machine.change(|state| state.devices[0].gpu_percent = 12);
    exporter.page_when(|page| page.with("inferscale_gpu_utilization_ratio", "") == Some(0.12));
}

/// Each C function and a metric that hangs on it; the memory's temperature is a field, and asked for as one.
fn readings() -> Vec<(&'static str, &'static str)> {
    vec![
        ("nvmlDeviceGetUtilizationRates", "inferscale_gpu_utilization_ratio"),
        ("nvmlDeviceGetMemoryInfo_v2", "inferscale_gpu_memory_used_bytes"),
        ("nvmlDeviceGetPowerUsage", "inferscale_gpu_power_watts"),
        ("nvmlDeviceGetEnforcedPowerLimit", "inferscale_gpu_power_limit_watts"),
        (
            "nvmlDeviceGetTotalEnergyConsumption",
            "inferscale_gpu_energy_joules_total",
        ),
        ("nvmlDeviceGetTemperature", "inferscale_gpu_temperature_celsius"),
        ("nvmlDeviceGetFieldValues", "inferscale_gpu_memory_temperature_celsius"),
        ("nvmlDeviceGetClockInfo", "inferscale_gpu_sm_clock_hertz"),
        ("nvmlDeviceGetMaxClockInfo", "inferscale_gpu_sm_clock_limit_hertz"),
        (
            "nvmlDeviceGetCurrentClocksThrottleReasons",
            "inferscale_gpu_throttle_active",
        ),
        (
            "nvmlDeviceGetViolationStatus",
            "inferscale_gpu_power_throttled_seconds_total",
        ),
        (
            "nvmlDeviceGetPcieThroughput",
            "inferscale_gpu_pcie_transmit_bytes_per_second",
        ),
        ("nvmlDeviceGetPcieReplayCounter", "inferscale_gpu_pcie_replays_total"),
        ("nvmlDeviceGetTotalEccErrors", "inferscale_gpu_ecc_errors_total"),
        (
            "nvmlDeviceGetEncoderUtilization",
            "inferscale_gpu_encoder_utilization_ratio",
        ),
        (
            "nvmlDeviceGetDecoderUtilization",
            "inferscale_gpu_decoder_utilization_ratio",
        ),
        ("nvmlDeviceGetMigMode", "inferscale_gpu_mig_enabled"),
        ("nvmlGpmQueryDeviceSupport", "inferscale_gpu_sm_active_ratio"),
        ("nvmlGpmSampleGet", "inferscale_gpu_sm_active_ratio"),
        ("nvmlGpmMetricsGet", "inferscale_gpu_sm_active_ratio"),
    ]
}

#[test]
fn what_is_not_supported_is_absent_and_everything_else_is_there() {
    let mut machine = Machine::new(vec![busy_h100()]);
    let exporter = Exporter::start(&machine, &[]);
    let all = exporter.settled().0.len();
    for (function, metric) in readings() {
        machine.change(|state| state.errors = [(function.to_owned(), 3)].into());
        // Whether there is a performance monitor is asked once a session: the driver goes and comes back.
        if function == "nvmlGpmQueryDeviceSupport" {
            machine.change(|state| state.error = Some(9));
            exporter.page_when(|page| page.get("inferscale_gpu_exporter_library_up") == Some(0.0));
            machine.change(|state| state.error = None);
        }
        let page = exporter.page_when(|page| page.has("inferscale_gpu_lost") && !page.has(metric));
        assert!(
            page.0.len() >= all - 12,
            "{function} hides more than it should: {:#?}",
            page.0
        );
        assert!(
            !page.has("inferscale_gpu_read_failures_total"),
            "{function}: not to have it is no failure"
        );
        machine.change(|state| state.errors.clear());
        if function == "nvmlGpmQueryDeviceSupport" {
            machine.change(|state| state.error = Some(9));
            exporter.page_when(|page| page.get("inferscale_gpu_exporter_library_up") == Some(0.0));
            machine.change(|state| state.error = None);
        }
        exporter.page_when(|page| page.has(metric));
    }
}

#[test]
fn a_function_that_an_old_library_lacks_hides_its_figure_and_no_other() {
    for (function, metric) in readings() {
        let machine = Machine::new(vec![busy_h100()]);
        machine.install_without(function);
        let exporter = Exporter::start(&machine, &[]);
        let page = exporter.settled();
        assert!(!page.has(metric), "{metric} is there without {function}");
        assert!(page.has("inferscale_gpu_info"));
        assert!(
            !page.has("inferscale_gpu_read_failures_total"),
            "{function}: an old library is no failure"
        );
        assert_eq!(exporter.text("/healthz").0, 200);
    }
}

#[rstest]
#[case::wrong_structure_version(25, "version")]
#[case::no_permission(4, "no_permission")]
#[case::unknown(999, "unknown")]
fn a_reading_that_fails_is_absent_and_counted(#[case] code: u32, #[case] word: &str) {
    let mut machine = Machine::new(vec![busy_h100(), Device::new(Profile::T4)]);
    machine.change(|state| {
        state.devices[0]
            .errors
            .insert("nvmlDeviceGetMemoryInfo_v2".into(), code);
    });
    let exporter = Exporter::start(&machine, &[]);
    let page = exporter.settled();
    assert!(page.with("inferscale_gpu_memory_used_bytes", "gpu=\"0\"").is_none());
    assert!(page.with("inferscale_gpu_memory_used_bytes", "gpu=\"1\"").is_some());
    let failures = page.with("inferscale_gpu_read_failures_total", &format!("error=\"{word}\""));
    assert!(
        failures >= Some(1.0),
        "{:#?}",
        page.of("inferscale_gpu_read_failures_total")
    );
}
