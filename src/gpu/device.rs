//! What one GPU tells of itself, in SI units. I/O: NVML.

use nvml_wrapper::Device;
use nvml_wrapper::enum_wrappers::device::{
    Clock, EccCounter, MemoryError, PcieUtilCounter, PerformancePolicy, TemperatureSensor,
};
use nvml_wrapper::enums::device::SampleValue;
use nvml_wrapper::structs::device::FieldId;
use nvml_wrapper::sys_exports::field_id::NVML_FI_DEV_MEMORY_TEMP;

use super::fault::Faults;
use super::processes;
use super::reading::{Common, Identity, Whole};
use super::throttle::reasons;
use super::xid::Seen;

/// Who it is, apart from its UUID.
pub fn identity(device: &Device<'_>, uuid: &str, faults: &mut Faults) -> Identity {
    Identity {
        uuid: Some(uuid.to_owned()),
        name: faults.value(device.name()),
        pci_bus_id: faults.value(device.pci_info()).map(|info| info.bus_id),
        minor: faults.value(device.minor_number()),
    }
}

/// What instances have, too; the performance monitor is read apart.
pub fn common(device: &Device<'_>, with_processes: bool, faults: &mut Faults) -> Common {
    let memory = faults.value(device.memory_info());
    Common {
        memory_used: memory.as_ref().map(|memory| memory.used),
        memory_reserved: memory.as_ref().map(|memory| memory.reserved),
        memory_free: memory.as_ref().map(|memory| memory.free),
        memory_total: memory.as_ref().map(|memory| memory.total),
        processes: if with_processes {
            processes::of(device, faults)
        } else {
            None
        },
        ..Common::default()
    }
}

/// What only whole GPUs have.
pub fn whole(device: &Device<'_>, mig_enabled: Option<bool>, xids: Option<Seen>, faults: &mut Faults) -> Whole {
    let use_of = faults.value(device.utilization_rates());
    let milli = |value: u32| f64::from(value) / 1e3;
    let nanoseconds = |value: u64| value as f64 / 1e9;
    let mut whole = Whole {
        utilization: use_of.as_ref().and_then(|rates| share(rates.gpu)),
        memory_utilization: use_of.as_ref().and_then(|rates| share(rates.memory)),
        encoder_utilization: faults
            .value(device.encoder_utilization())
            .and_then(|info| share(info.utilization)),
        decoder_utilization: faults
            .value(device.decoder_utilization())
            .and_then(|info| share(info.utilization)),
        power: faults.value(device.power_usage()).map(milli),
        power_limit: faults.value(device.enforced_power_limit()).map(milli),
        energy: faults
            .value(device.total_energy_consumption())
            .map(|energy| energy as f64 / 1e3),
        temperature: faults.value(device.temperature(TemperatureSensor::Gpu)).map(f64::from),
        memory_temperature: memory_temperature(device, faults),
        throttle: faults
            .value(device.current_throttle_reasons())
            .map(|mask| reasons(mask.bits())),
        pcie_replays: faults.value(device.pcie_replay_counter()).map(u64::from),
        mig_enabled,
        ..Whole::default()
    };
    let megahertz = |value: u32| f64::from(value) * 1e6;
    whole.sm_clock = faults.value(device.clock_info(Clock::SM)).map(megahertz);
    whole.sm_clock_limit = faults.value(device.max_clock_info(Clock::SM)).map(megahertz);
    whole.memory_clock = faults.value(device.clock_info(Clock::Memory)).map(megahertz);
    let kilobytes = |value: u32| f64::from(value) * 1e3;
    whole.pcie_transmit = faults
        .value(device.pcie_throughput(PcieUtilCounter::Send))
        .map(kilobytes);
    whole.pcie_receive = faults
        .value(device.pcie_throughput(PcieUtilCounter::Receive))
        .map(kilobytes);
    let mut violation = |policy| {
        faults
            .value(device.violation_status(policy))
            .map(|time| nanoseconds(time.violation_time))
    };
    whole.power_throttled = violation(PerformancePolicy::Power);
    whole.thermal_throttled = violation(PerformancePolicy::Thermal);
    let mut errors = |kind| faults.value(device.total_ecc_errors(kind, EccCounter::Volatile));
    whole.ecc_corrected = errors(MemoryError::Corrected);
    whole.ecc_uncorrected = errors(MemoryError::Uncorrected);
    if let Some(seen) = xids {
        whole.last_xid = Some(seen.last.unwrap_or(0));
        whole.xids = Some(seen.counts);
    }
    whole
}

/// A percentage as a share; none when it is not one.
fn share(percent: u32) -> Option<f64> {
    (percent <= 100).then(|| f64::from(percent) / 100.0)
}

fn memory_temperature(device: &Device<'_>, faults: &mut Faults) -> Option<f64> {
    let values = faults.value(device.field_values_for(&[FieldId(NVML_FI_DEV_MEMORY_TEMP)]))?;
    let sample = faults.value(values.into_iter().next()?)?;
    match faults.value(sample.value)? {
        SampleValue::U32(degrees) => Some(f64::from(degrees)),
        SampleValue::U64(degrees) => Some(degrees as f64),
        SampleValue::I64(degrees) => Some(degrees as f64),
        SampleValue::F64(degrees) => Some(degrees),
    }
}
