//! Throttling, PCIe, memory errors.

use std::ffi::{c_int, c_uint, c_ulonglong};

use nvml_wrapper_sys::bindings::{nvmlDevice_t, nvmlFieldValue_t, nvmlReturn_t, nvmlViolationTime_t};

use super::{INVALID_ARGUMENT, NOT_SUPPORTED, SUCCESS, Target, code, getter, put, target};

getter! {
    nvmlDeviceGetCurrentClocksThrottleReasons: c_ulonglong = |target| Ok(target.whole()?.throttle_reasons);
    nvmlDeviceGetCurrentClocksEventReasons: c_ulonglong = |target| Ok(target.whole()?.throttle_reasons);
    nvmlDeviceGetPcieReplayCounter: c_uint = |target| Ok(target.whole()?.pcie_replays);
}

/// Bytes on PCIe in the last 20 ms, in KB/s: 0 to the host, 1 from it.
#[unsafe(no_mangle)]
pub extern "C" fn nvmlDeviceGetPcieThroughput(device: nvmlDevice_t, kind: c_uint, out: *mut c_uint) -> nvmlReturn_t {
    code(target("nvmlDeviceGetPcieThroughput", device).and_then(|target| {
        let device = target.whole()?;
        if device.mig_is_on() {
            return Err(NOT_SUPPORTED);
        }
        let value = match kind {
            0 => device.pcie_transmit,
            1 => device.pcie_receive,
            _ => return Err(INVALID_ARGUMENT),
        };
        unsafe { put(out, value) }
    }))
}

/// Memory errors: kind 0 corrected, 1 uncorrected.
#[unsafe(no_mangle)]
pub extern "C" fn nvmlDeviceGetTotalEccErrors(
    device: nvmlDevice_t,
    kind: c_uint,
    _counter: c_uint,
    out: *mut c_ulonglong,
) -> nvmlReturn_t {
    code(target("nvmlDeviceGetTotalEccErrors", device).and_then(|target| {
        let device = target.whole()?;
        let value = match kind {
            0 => device.ecc_corrected,
            1 => device.ecc_uncorrected,
            _ => return Err(INVALID_ARGUMENT),
        };
        unsafe { put(out, value) }
    }))
}

/// Time below the clock that was asked for: policy 0 power, 1 heat.
#[unsafe(no_mangle)]
pub extern "C" fn nvmlDeviceGetViolationStatus(
    device: nvmlDevice_t,
    policy: c_uint,
    out: *mut nvmlViolationTime_t,
) -> nvmlReturn_t {
    code(target("nvmlDeviceGetViolationStatus", device).and_then(|target| {
        let device = target.whole()?;
        let time = match policy {
            0 => device.power_violation,
            1 => device.thermal_violation,
            _ => return Err(NOT_SUPPORTED),
        };
        unsafe {
            put(
                out,
                nvmlViolationTime_t {
                    referenceTime: 0,
                    violationTime: time,
                },
            )
        }
    }))
}

/// Values by number; each has a code of its own.
#[unsafe(no_mangle)]
pub extern "C" fn nvmlDeviceGetFieldValues(
    device: nvmlDevice_t,
    count: c_int,
    values: *mut nvmlFieldValue_t,
) -> nvmlReturn_t {
    code(target("nvmlDeviceGetFieldValues", device).and_then(|target| {
        if values.is_null() || count < 0 {
            return Err(INVALID_ARGUMENT);
        }
        for at in 0..count as usize {
            let value = unsafe { &mut *values.add(at) };
            match field(&target, value.fieldId) {
                Ok((kind, number)) => {
                    value.nvmlReturn = SUCCESS;
                    value.valueType = kind;
                    value.value.ullVal = number;
                }
                Err(code) => value.nvmlReturn = code,
            }
        }
        Ok(())
    }))
}

/// The type (1 = unsigned int, 3 = unsigned long long) and value of a field.
fn field(target: &Target, id: c_uint) -> Result<(c_uint, u64), nvmlReturn_t> {
    let device = target.whole()?;
    match id {
        82 if device.profile.has_memory_temperature() => Ok((1, device.memory_temperature.into())),
        _ => Err(NOT_SUPPORTED),
    }
}
