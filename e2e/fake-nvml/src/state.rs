//! The state file: every field but a device's `profile` may be left out.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::profile::Profile;

/// A machine.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct State {
    /// Such as `570.86.15`.
    pub driver_version: String,
    /// Such as `12.570.86.15`.
    pub nvml_version: String,
    /// 1000 x major + 10 x minor.
    pub cuda_version: i32,
    /// The code that `nvmlInit` returns.
    pub init_error: Option<u32>,
    /// The code that everything else returns.
    pub error: Option<u32>,
    /// The code that a function returns, by its name.
    pub errors: BTreeMap<String, u32>,
    /// How long a function takes, in seconds, by its name.
    pub delays: BTreeMap<String, f64>,
    /// Its GPUs.
    pub devices: Vec<Device>,
    /// Critical errors since the start; a reader is told of those that come after it registered.
    pub xids: Vec<Xid>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            driver_version: "570.86.15".into(),
            nvml_version: "12.570.86.15".into(),
            cuda_version: 12_080,
            init_error: None,
            error: None,
            errors: BTreeMap::new(),
            delays: BTreeMap::new(),
            devices: Vec::new(),
            xids: Vec::new(),
        }
    }
}

/// One critical error.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Xid {
    /// Index of the device.
    pub device: usize,
    /// NVIDIA's number of the error.
    pub xid: u64,
}

/// One GPU.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Device {
    /// What it is.
    pub profile: Profile,
    /// Its UUID; made of the index when there is none.
    #[serde(default)]
    pub uuid: Option<String>,
    /// Its number in `/dev/nvidiaN`; the index when there is none.
    #[serde(default)]
    pub minor: Option<u32>,
    /// Share of the time with a kernel running, 0 to 100.
    #[serde(default)]
    pub gpu_percent: u32,
    /// Share of the time with the memory in use, 0 to 100.
    #[serde(default)]
    pub memory_percent: u32,
    /// Use of the encoders, 0 to 100.
    #[serde(default)]
    pub encoder_percent: u32,
    /// Use of the decoders, 0 to 100.
    #[serde(default)]
    pub decoder_percent: u32,
    /// Bytes.
    #[serde(default)]
    pub memory_used: u64,
    /// Bytes.
    #[serde(default)]
    pub memory_reserved: u64,
    /// Milliwatts.
    #[serde(default)]
    pub power: u32,
    /// Millijoules since the driver was loaded.
    #[serde(default)]
    pub energy: u64,
    /// Degrees Celsius.
    #[serde(default)]
    pub temperature: u32,
    /// Degrees Celsius, of the memory.
    #[serde(default)]
    pub memory_temperature: u32,
    /// MHz.
    #[serde(default)]
    pub sm_clock: u32,
    /// NVML's mask.
    #[serde(default)]
    pub throttle_reasons: u64,
    /// Nanoseconds below the clock that was asked for, because of power.
    #[serde(default)]
    pub power_violation: u64,
    /// The same because of heat.
    #[serde(default)]
    pub thermal_violation: u64,
    /// KB/s to the host.
    #[serde(default)]
    pub pcie_transmit: u32,
    /// KB/s from the host.
    #[serde(default)]
    pub pcie_receive: u32,
    /// Replays on PCIe.
    #[serde(default)]
    pub pcie_replays: u32,
    /// Memory errors that were corrected.
    #[serde(default)]
    pub ecc_corrected: u64,
    /// Memory errors that were not.
    #[serde(default)]
    pub ecc_uncorrected: u64,
    /// GPM's figures by the number of the metric, 0 to 100.
    #[serde(default)]
    pub gpm: BTreeMap<u32, f64>,
    /// Processes on the whole GPU.
    #[serde(default)]
    pub processes: Vec<Process>,
    /// Whether MIG is on; it also is when there are instances.
    #[serde(default)]
    pub mig_enabled: bool,
    /// Its instances.
    #[serde(default)]
    pub mig: Vec<Mig>,
    /// The code that a function returns for this device, by its name.
    #[serde(default)]
    pub errors: BTreeMap<String, u32>,
    /// The code that everything returns for this device, until it is gone and `nvmlInit` was called again.
    #[serde(default)]
    pub lost: Option<u32>,
}

impl Device {
    /// An idle one.
    pub fn new(profile: Profile) -> Self {
        Self {
            profile,
            uuid: None,
            minor: None,
            gpu_percent: 0,
            memory_percent: 0,
            encoder_percent: 0,
            decoder_percent: 0,
            memory_used: 0,
            memory_reserved: 0,
            power: 0,
            energy: 0,
            temperature: 0,
            memory_temperature: 0,
            sm_clock: 0,
            throttle_reasons: 0,
            power_violation: 0,
            thermal_violation: 0,
            pcie_transmit: 0,
            pcie_receive: 0,
            pcie_replays: 0,
            ecc_corrected: 0,
            ecc_uncorrected: 0,
            gpm: BTreeMap::new(),
            processes: Vec::new(),
            mig_enabled: false,
            mig: Vec::new(),
            errors: BTreeMap::new(),
            lost: None,
        }
    }

    /// Whether it is cut into instances, or waits to be.
    pub fn mig_is_on(&self) -> bool {
        self.profile.has_mig() && (self.mig_enabled || !self.mig.is_empty())
    }
}

/// One MIG device: a compute instance in a GPU instance.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mig {
    /// Such as `1g.10gb`.
    pub profile: String,
    /// Number of the GPU instance.
    pub gpu_instance: u32,
    /// Number of the compute instance.
    #[serde(default)]
    pub compute_instance: u32,
    /// Its UUID; made of the numbers when there is none.
    #[serde(default)]
    pub uuid: Option<String>,
    /// Bytes.
    #[serde(default)]
    pub memory_used: u64,
    /// GPM's figures by the number of the metric, 0 to 100.
    #[serde(default)]
    pub gpm: BTreeMap<u32, f64>,
    /// Processes in it.
    #[serde(default)]
    pub processes: Vec<Process>,
}

impl Mig {
    /// How many slices of the GPU it has: the first number of its profile.
    pub fn slices(&self) -> u32 {
        self.profile
            .split('g')
            .next()
            .and_then(|count| count.parse().ok())
            .unwrap_or(1)
    }

    /// Its memory in bytes: the second number of its profile.
    pub fn memory_total(&self) -> u64 {
        let gigabytes = self
            .profile
            .split('.')
            .nth(1)
            .and_then(|text| text.trim_end_matches("gb").parse().ok());
        gigabytes.unwrap_or(1_u64) << 30
    }
}

/// One process on a GPU.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// Bytes.
    pub memory: u64,
    /// Whether it comes through MPS.
    #[serde(default)]
    pub mps: bool,
}
