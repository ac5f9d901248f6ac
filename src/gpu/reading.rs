//! What one look at a node found: plain data, absent where it is unknown. No I/O.

use std::collections::BTreeMap;

use super::throttle::Reason;

/// All GPUs of a node at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NodeReading {
    /// Such as `570.86.15`.
    pub driver_version: Option<String>,
    /// Of NVML itself.
    pub library_version: Option<String>,
    /// Such as `12.8`.
    pub cuda_version: Option<String>,
    /// The GPUs, by index.
    pub gpus: Vec<GpuReading>,
}

/// One GPU.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GpuReading {
    /// Its place in NVML's order.
    pub index: u32,
    /// Who it is; what is unknown of a GPU that was lost before it was seen.
    pub identity: Identity,
    /// Why nothing can be read of it, where that is so.
    pub lost: Option<&'static str>,
    /// What both GPUs and instances have.
    pub common: Common,
    /// What only GPUs have.
    pub whole: Whole,
    /// Its MIG devices.
    pub instances: Vec<InstanceReading>,
    /// Readings that failed in a way that says more than "not there", by why.
    pub failures: BTreeMap<&'static str, u64>,
}

/// Who a GPU is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    /// Such as `GPU-5c2e...`.
    pub uuid: Option<String>,
    /// Such as `NVIDIA H100 80GB HBM3`.
    pub name: Option<String>,
    /// Such as `00000000:1B:00.0`.
    pub pci_bus_id: Option<String>,
    /// The number in `/dev/nvidiaN`.
    pub minor: Option<u32>,
}

/// One MIG device.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct InstanceReading {
    /// Such as `MIG-41bd...`.
    pub uuid: String,
    /// Such as `1g.10gb`.
    pub profile: Option<String>,
    /// Slices of the GPU, 1 to 7.
    pub slices: Option<u32>,
    /// Number of the GPU instance.
    pub gpu_instance: Option<u32>,
    /// Number of the compute instance.
    pub compute_instance: Option<u32>,
    /// Its figures.
    pub common: Common,
}

/// Figures of a GPU as of an instance.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Common {
    /// Bytes in use.
    pub memory_used: Option<u64>,
    /// Bytes that the driver keeps for itself.
    pub memory_reserved: Option<u64>,
    /// Bytes free.
    pub memory_free: Option<u64>,
    /// Bytes in all.
    pub memory_total: Option<u64>,
    /// The performance monitor's figures.
    pub gpm: Gpm,
    /// Processes with a compute context that this process may see.
    pub processes: Option<Vec<Process>>,
}

/// Shares of the time since the last look, 0 to 1.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Gpm {
    /// Any engine for graphics or compute at work.
    pub engine_active: Option<f64>,
    /// SMs with at least one warp, mean over the SMs.
    pub sm_active: Option<f64>,
    /// Warps resident, of those that fit.
    pub sm_occupancy: Option<f64>,
    /// Tensor cores at work.
    pub tensor_active: Option<f64>,
    /// Memory bandwidth in use.
    pub dram_active: Option<f64>,
}

/// Figures of a whole GPU.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Whole {
    /// Share of the time with a kernel running, 0 to 1.
    pub utilization: Option<f64>,
    /// Share of the time with the memory read or written, 0 to 1.
    pub memory_utilization: Option<f64>,
    /// Use of the encoders, 0 to 1.
    pub encoder_utilization: Option<f64>,
    /// Use of the decoders, 0 to 1.
    pub decoder_utilization: Option<f64>,
    /// Watts.
    pub power: Option<f64>,
    /// Watts that it may draw.
    pub power_limit: Option<f64>,
    /// Joules since the driver was loaded.
    pub energy: Option<f64>,
    /// Degrees Celsius of the chip.
    pub temperature: Option<f64>,
    /// Degrees Celsius of the memory.
    pub memory_temperature: Option<f64>,
    /// Hz of the SMs.
    pub sm_clock: Option<f64>,
    /// Hz that the SMs can reach.
    pub sm_clock_limit: Option<f64>,
    /// Hz of the memory.
    pub memory_clock: Option<f64>,
    /// Why the clocks are lower than they could be.
    pub throttle: Option<Vec<Reason>>,
    /// Seconds below the wanted clock because of power.
    pub power_throttled: Option<f64>,
    /// Seconds below the wanted clock because of heat.
    pub thermal_throttled: Option<f64>,
    /// Bytes/s to the host.
    pub pcie_transmit: Option<f64>,
    /// Bytes/s from the host.
    pub pcie_receive: Option<f64>,
    /// Packets sent again on PCIe.
    pub pcie_replays: Option<u64>,
    /// Memory errors corrected since the driver was loaded.
    pub ecc_corrected: Option<u64>,
    /// Memory errors not corrected since the driver was loaded.
    pub ecc_uncorrected: Option<u64>,
    /// Critical errors since this process watches, by NVIDIA's number; none where they cannot be watched.
    pub xids: Option<BTreeMap<u64, u64>>,
    /// The last of them.
    pub last_xid: Option<u64>,
    /// Whether it is cut into instances.
    pub mig_enabled: Option<bool>,
}

/// One process on a GPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Process {
    /// Its number, as seen from here.
    pub pid: u32,
    /// Bytes of GPU memory.
    pub memory: Option<u64>,
}
