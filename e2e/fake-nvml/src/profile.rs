//! What a kind of GPU is, and what it cannot tell.

use serde::{Deserialize, Serialize};

/// Kinds of GPUs. The figures are those of NVIDIA's data sheets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Profile {
    /// Ampere: MIG, no GPM.
    A100,
    /// Hopper: MIG and GPM.
    H100,
    /// Ada: neither.
    L40S,
    /// Turing: neither.
    T4,
}

impl Profile {
    /// As `nvmlDeviceGetName` says it.
    pub fn name(self) -> &'static str {
        match self {
            Self::A100 => "NVIDIA A100-SXM4-40GB",
            Self::H100 => "NVIDIA H100 80GB HBM3",
            Self::L40S => "NVIDIA L40S",
            Self::T4 => "Tesla T4",
        }
    }

    /// Memory in bytes.
    pub fn memory_total(self) -> u64 {
        let gibibytes = match self {
            Self::A100 => 40,
            Self::H100 => 80,
            Self::L40S => 48,
            Self::T4 => 16,
        };
        gibibytes << 30
    }

    /// The enforced power limit, in milliwatts.
    pub fn power_limit(self) -> u32 {
        match self {
            Self::A100 => 400_000,
            Self::H100 => 700_000,
            Self::L40S => 350_000,
            Self::T4 => 70_000,
        }
    }

    /// The highest clock of the SMs, in MHz.
    pub fn most_sm_clock(self) -> u32 {
        match self {
            Self::A100 => 1410,
            Self::H100 => 1980,
            Self::L40S => 2520,
            Self::T4 => 1590,
        }
    }

    /// The memory's clock, in MHz.
    pub fn memory_clock(self) -> u32 {
        match self {
            Self::A100 => 1215,
            Self::H100 => 2619,
            Self::L40S => 9001,
            Self::T4 => 5001,
        }
    }

    /// Whether it can be cut into instances.
    pub fn has_mig(self) -> bool {
        matches!(self, Self::A100 | Self::H100)
    }

    /// Whether it has the performance monitor, and counts bytes on PCIe.
    pub fn has_gpm(self) -> bool {
        self == Self::H100
    }

    /// Whether its memory has a sensor of its own.
    pub fn has_memory_temperature(self) -> bool {
        matches!(self, Self::A100 | Self::H100)
    }
}
