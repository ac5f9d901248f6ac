//! The table of what is published: names, meanings, and where each figure comes from. No I/O.

use self::Kind::{Counter, Gauge};
use super::reading::{Common, Whole};

/// How a metric behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Kind {
    /// Up and down.
    Gauge,
    /// Up only.
    Counter,
}

/// Where a figure comes from.
#[derive(Debug, Clone, Copy)]
pub enum Figure {
    /// GPUs and instances have it.
    Common(fn(&Common) -> Option<f64>),
    /// Whole GPUs only.
    Whole(fn(&Whole) -> Option<f64>),
}

/// One metric with one figure a device.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// In Prometheus.
    pub name: &'static str,
    /// Up only, or up and down.
    pub kind: Kind,
    /// For people.
    pub help: &'static str,
    /// DCGM's name for it, and its unit in ours: with `--dcgm-names` the figure times this is shown, too.
    pub dcgm: Option<(&'static str, f64)>,
    /// The figure.
    pub figure: Figure,
}

/// DCGM counts memory in MiB.
const MIB: f64 = 1.0 / 1_048_576.0;
/// DCGM counts use in per cent.
const PER_CENT: f64 = 100.0;
/// DCGM counts energy in millijoules.
const MILLI: f64 = 1e3;
/// DCGM counts clocks in MHz.
const MEGA: f64 = 1e-6;
/// DCGM counts throttled time in nanoseconds.
const NANO: f64 = 1e9;

const fn common(
    name: &'static str,
    dcgm: (&'static str, f64),
    help: &'static str,
    figure: fn(&Common) -> Option<f64>,
) -> Metric {
    Metric {
        name,
        kind: Kind::Gauge,
        help,
        dcgm: Some(dcgm),
        figure: Figure::Common(figure),
    }
}

const fn whole(
    name: &'static str,
    kind: Kind,
    dcgm: (&'static str, f64),
    help: &'static str,
    figure: fn(&Whole) -> Option<f64>,
) -> Metric {
    Metric {
        name,
        kind,
        help,
        dcgm: Some(dcgm),
        figure: Figure::Whole(figure),
    }
}

/// Every metric with one figure a device, in the order of the page.
#[rustfmt::skip]
pub const METRICS: &[Metric] = &[
    whole("inferscale_gpu_utilization_ratio", Gauge, ("DCGM_FI_DEV_GPU_UTIL", PER_CENT),
        "Share of the time with a kernel running, 0 to 1; says nothing of how full the GPU is; absent under MIG", |gpu| gpu.utilization),
    whole("inferscale_gpu_memory_utilization_ratio", Gauge, ("DCGM_FI_DEV_MEM_COPY_UTIL", PER_CENT),
        "Share of the time with the memory read or written, 0 to 1; absent under MIG", |gpu| gpu.memory_utilization),
    whole("inferscale_gpu_encoder_utilization_ratio", Gauge, ("DCGM_FI_DEV_ENC_UTIL", PER_CENT),
        "Use of the video encoders, 0 to 1; absent under MIG", |gpu| gpu.encoder_utilization),
    whole("inferscale_gpu_decoder_utilization_ratio", Gauge, ("DCGM_FI_DEV_DEC_UTIL", PER_CENT),
        "Use of the video decoders, 0 to 1; absent under MIG", |gpu| gpu.decoder_utilization),
    common("inferscale_gpu_engine_active_ratio", ("DCGM_FI_PROF_GR_ENGINE_ACTIVE", 1.0),
        "Share of the time with a compute or graphics engine at work, 0 to 1; Hopper and newer", |device| device.gpm.engine_active),
    common("inferscale_gpu_sm_active_ratio", ("DCGM_FI_PROF_SM_ACTIVE", 1.0),
        "Share of the time an SM has a warp, mean of the SMs, 0 to 1; Hopper and newer", |device| device.gpm.sm_active),
    common("inferscale_gpu_sm_occupancy_ratio", ("DCGM_FI_PROF_SM_OCCUPANCY", 1.0),
        "Warps resident of those that fit, 0 to 1; Hopper and newer", |device| device.gpm.sm_occupancy),
    common("inferscale_gpu_tensor_active_ratio", ("DCGM_FI_PROF_PIPE_TENSOR_ACTIVE", 1.0),
        "Share of the time the tensor cores work, 0 to 1: prefill is bound by it; Hopper and newer", |device| device.gpm.tensor_active),
    common("inferscale_gpu_memory_bandwidth_ratio", ("DCGM_FI_PROF_DRAM_ACTIVE", 1.0),
        "Memory bandwidth in use, 0 to 1: decode is bound by it; Hopper and newer", |device| device.gpm.dram_active),
    common("inferscale_gpu_memory_used_bytes", ("DCGM_FI_DEV_FB_USED", MIB),
        "Memory in use; engines take most of it at their start, so it is not their load", |device| device.memory_used.map(|bytes| bytes as f64)),
    common("inferscale_gpu_memory_reserved_bytes", ("DCGM_FI_DEV_FB_RESERVED", MIB),
        "Memory that the driver keeps for itself", |device| device.memory_reserved.map(|bytes| bytes as f64)),
    common("inferscale_gpu_memory_free_bytes", ("DCGM_FI_DEV_FB_FREE", MIB),
        "Memory that is free", |device| device.memory_free.map(|bytes| bytes as f64)),
    common("inferscale_gpu_memory_total_bytes", ("DCGM_FI_DEV_FB_TOTAL", MIB),
        "Memory in all", |device| device.memory_total.map(|bytes| bytes as f64)),
    whole("inferscale_gpu_power_watts", Gauge, ("DCGM_FI_DEV_POWER_USAGE", 1.0),
        "Power drawn", |gpu| gpu.power),
    whole("inferscale_gpu_power_limit_watts", Gauge, ("DCGM_FI_DEV_ENFORCED_POWER_LIMIT", 1.0),
        "Power that may be drawn", |gpu| gpu.power_limit),
    whole("inferscale_gpu_energy_joules_total", Counter, ("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", MILLI),
        "Energy used since the driver was loaded", |gpu| gpu.energy),
    whole("inferscale_gpu_temperature_celsius", Gauge, ("DCGM_FI_DEV_GPU_TEMP", 1.0),
        "Temperature of the chip", |gpu| gpu.temperature),
    whole("inferscale_gpu_memory_temperature_celsius", Gauge, ("DCGM_FI_DEV_MEMORY_TEMP", 1.0),
        "Temperature of the memory, where it has a sensor", |gpu| gpu.memory_temperature),
    whole("inferscale_gpu_sm_clock_hertz", Gauge, ("DCGM_FI_DEV_SM_CLOCK", MEGA),
        "Clock of the SMs", |gpu| gpu.sm_clock),
    whole("inferscale_gpu_sm_clock_limit_hertz", Gauge, ("DCGM_FI_DEV_MAX_SM_CLOCK", MEGA),
        "Clock that the SMs can reach", |gpu| gpu.sm_clock_limit),
    whole("inferscale_gpu_memory_clock_hertz", Gauge, ("DCGM_FI_DEV_MEM_CLOCK", MEGA),
        "Clock of the memory", |gpu| gpu.memory_clock),
    whole("inferscale_gpu_power_throttled_seconds_total", Counter, ("DCGM_FI_DEV_POWER_VIOLATION", NANO),
        "Time below the wanted clock because of power", |gpu| gpu.power_throttled),
    whole("inferscale_gpu_thermal_throttled_seconds_total", Counter, ("DCGM_FI_DEV_THERMAL_VIOLATION", NANO),
        "Time below the wanted clock because of heat", |gpu| gpu.thermal_throttled),
    whole("inferscale_gpu_pcie_transmit_bytes_per_second", Gauge, ("DCGM_FI_PROF_PCIE_TX_BYTES", 1.0),
        "Bytes sent to the host over PCIe, over the last 20 ms; absent under MIG", |gpu| gpu.pcie_transmit),
    whole("inferscale_gpu_pcie_receive_bytes_per_second", Gauge, ("DCGM_FI_PROF_PCIE_RX_BYTES", 1.0),
        "Bytes received from the host over PCIe, over the last 20 ms; absent under MIG", |gpu| gpu.pcie_receive),
    whole("inferscale_gpu_pcie_replays_total", Counter, ("DCGM_FI_DEV_PCIE_REPLAY_COUNTER", 1.0),
        "Packets sent again over PCIe", |gpu| gpu.pcie_replays.map(|count| count as f64)),
    Metric { name: "inferscale_gpu_mig_enabled", kind: Gauge, dcgm: None,
        help: "1 when the GPU is cut into instances, 0 when it could be; absent where it cannot", figure: Figure::Whole(|gpu| gpu.mig_enabled.map(|on| f64::from(u8::from(on)))) },
    Metric { name: "inferscale_gpu_processes", kind: Gauge, dcgm: None,
        help: "Processes with a compute context; only with --host-proc", figure: Figure::Common(|device| device.processes.as_ref().map(|list| list.len() as f64)) },
];

/// A metric with labels of its own.
#[derive(Debug, Clone, Copy)]
pub struct Special {
    /// In Prometheus.
    pub name: &'static str,
    /// Up only, or up and down.
    pub kind: Kind,
    /// Labels besides those of every device, or all of them for what is no device's: for the documentation.
    #[cfg_attr(not(test), expect(dead_code))]
    pub labels: &'static str,
    /// For people.
    pub help: &'static str,
}

macro_rules! specials {
    ($($(#[$doc:meta])* $constant:ident: $name:literal, $kind:ident, $labels:literal, $help:literal;)*) => {
        $(pub const $constant: Special = Special { name: $name, kind: $kind, labels: $labels, help: $help };)*
        /// All of them.
        #[cfg(test)]
        pub const SPECIALS: &[Special] = &[$($constant),*];
    };
}

specials! {
    INFO: "inferscale_gpu_info", Gauge, "`name`, `pci_bus_id`, `device`, `parent_uuid`, `driver_version`, `cuda_version`", "1; what the device is";
    HOLDER: "inferscale_gpu_holder_info", Gauge, "`namespace`, `pod`, `container`, `resource`, `claim`, `shared`", "1 for each container that holds the device or a share of it; join other metrics with it by uuid";
    THROTTLE: "inferscale_gpu_throttle_active", Gauge, "`reason`", "1 for each reason why the clocks are lower than they could be, else 0";
    ECC: "inferscale_gpu_ecc_errors_total", Counter, "`severity`", "Memory errors since the driver was loaded, corrected and uncorrected";
    XID: "inferscale_gpu_xid_errors_total", Counter, "`xid`", "Critical errors since the exporter watches, by NVIDIA's number of the error";
    POD_MEMORY: "inferscale_gpu_pod_memory_used_bytes", Gauge, "`namespace`, `pod`, `pod_uid`", "Memory of the processes of one pod on the device, empty labels for those of no pod; only with --host-proc";
    LOST: "inferscale_gpu_lost", Gauge, "", "1 when the GPU fell off the bus or needs a reset: its other metrics are absent then";
    FAILURES: "inferscale_gpu_read_failures_total", Counter, "`error`", "Readings that failed in another way than not being supported";
    BUILD: "inferscale_gpu_exporter_build_info", Gauge, "`version`", "1; the version that runs";
    LIBRARY: "inferscale_gpu_exporter_library_up", Gauge, "", "1 while NVML answers";
    OPENED: "inferscale_gpu_exporter_library_opened_total", Counter, "", "How often NVML was opened: again after a driver was changed or a GPU was lost";
    SAMPLED: "inferscale_gpu_exporter_last_sample_timestamp_seconds", Gauge, "", "When the GPUs were last read, since 1970";
    TOOK: "inferscale_gpu_exporter_sample_duration_seconds", Gauge, "", "How long that took";
    PODS: "inferscale_gpu_exporter_pod_resources_up", Gauge, "", "1 while the kubelet tells which pods hold which devices; absent without --pod-resources";
    UNRESOLVED: "inferscale_gpu_exporter_unresolved_devices", Gauge, "`resource`", "Devices that pods hold and that are none of those that NVML shows, or cannot be told apart";
}

#[cfg(test)]
#[path = "metrics_tests.rs"]
mod tests;
