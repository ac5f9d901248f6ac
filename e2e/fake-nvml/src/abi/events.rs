//! Critical errors as they come.

use std::collections::BTreeSet;
use std::ffi::{c_uint, c_ulonglong};
use std::time::{Duration, Instant};

use nvml_wrapper_sys::bindings::{nvmlDevice_t, nvmlEventData_t, nvmlEventSet_t, nvmlReturn_t};

use super::{INVALID_ARGUMENT, SUCCESS, TIMEOUT, code, enter, getter, handle, put, target};

/// The only kind of event here: NVML's `nvmlEventTypeXidCriticalError`.
const XID: c_ulonglong = 8;

/// Who waits: for which devices, and how many errors it was told of.
struct Set {
    devices: BTreeSet<usize>,
    told: usize,
}

getter! {
    nvmlDeviceGetSupportedEventTypes: c_ulonglong = |target| target.whole().map(|_| XID);
}

/// A new set; what happened before is not told.
#[unsafe(no_mangle)]
pub extern "C" fn nvmlEventSetCreate(out: *mut nvmlEventSet_t) -> nvmlReturn_t {
    code(enter("nvmlEventSetCreate").and_then(|state| {
        let set = Box::new(Set {
            devices: BTreeSet::new(),
            told: state.xids.len(),
        });
        unsafe { put(out, Box::into_raw(set).cast()) }
    }))
}

/// Gives a set back.
#[unsafe(no_mangle)]
pub extern "C" fn nvmlEventSetFree(set: nvmlEventSet_t) -> nvmlReturn_t {
    if set.is_null() {
        return INVALID_ARGUMENT;
    }
    drop(unsafe { Box::from_raw(set.cast::<Set>()) });
    SUCCESS
}

/// Adds a device to a set.
#[unsafe(no_mangle)]
pub extern "C" fn nvmlDeviceRegisterEvents(
    device: nvmlDevice_t,
    kinds: c_ulonglong,
    set: nvmlEventSet_t,
) -> nvmlReturn_t {
    code(target("nvmlDeviceRegisterEvents", device).and_then(|target| {
        if set.is_null() || kinds & XID == 0 {
            return Err(INVALID_ARGUMENT);
        }
        unsafe { (*set.cast::<Set>()).devices.insert(target.index) };
        Ok(())
    }))
}

/// The next event, or none within the time.
#[unsafe(no_mangle)]
pub extern "C" fn nvmlEventSetWait_v2(
    set: nvmlEventSet_t,
    out: *mut nvmlEventData_t,
    milliseconds: c_uint,
) -> nvmlReturn_t {
    let end = Instant::now() + Duration::from_millis(milliseconds.into());
    if set.is_null() {
        return INVALID_ARGUMENT;
    }
    loop {
        let state = match enter("nvmlEventSetWait_v2") {
            Ok(state) => state,
            Err(code) => return code,
        };
        let set = unsafe { &mut *set.cast::<Set>() };
        while let Some(xid) = state.xids.get(set.told) {
            set.told += 1;
            if set.devices.contains(&xid.device) {
                let data = nvmlEventData_t {
                    device: handle(xid.device, None),
                    eventType: XID,
                    eventData: xid.xid,
                    gpuInstanceId: 0xffff_ffff,
                    computeInstanceId: 0xffff_ffff,
                };
                return code(unsafe { put(out, data) });
            }
        }
        if Instant::now() >= end {
            return TIMEOUT;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}
