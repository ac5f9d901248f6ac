//! Instances of a GPU.

use std::ffi::c_uint;

use nvml_wrapper_sys::bindings::{nvmlDevice_t, nvmlDeviceAttributes_t, nvmlReturn_t};

use super::{INVALID_ARGUMENT, NOT_FOUND, NOT_SUPPORTED, Target, code, getter, handle, put, target};
use crate::state::Mig;

/// The most instances of a GPU.
const MOST: c_uint = 7;

getter! {
    nvmlDeviceGetMaxMigDeviceCount: c_uint = |target| {
        if target.whole()?.profile.has_mig() { Ok(MOST) } else { Ok(0) }
    };
    nvmlDeviceIsMigDeviceHandle: c_uint = |target| Ok(target.mig()?.is_some().into());
    nvmlDeviceGetGpuInstanceId: c_uint = |target| Ok(instance(target)?.gpu_instance);
    nvmlDeviceGetComputeInstanceId: c_uint = |target| Ok(instance(target)?.compute_instance);
    nvmlDeviceGetDeviceHandleFromMigDeviceHandle: nvmlDevice_t = |target| {
        instance(target)?;
        Ok(handle(target.index, None))
    };
    nvmlDeviceGetAttributes_v2: nvmlDeviceAttributes_t = |target| {
        let mig = instance(target)?;
        Ok(nvmlDeviceAttributes_t {
            multiprocessorCount: mig.slices() * 16,
            sharedCopyEngineCount: 1,
            sharedDecoderCount: 0,
            sharedEncoderCount: 0,
            sharedJpegCount: 0,
            sharedOfaCount: 0,
            gpuInstanceSliceCount: mig.slices(),
            computeInstanceSliceCount: mig.slices(),
            memorySizeMB: mig.memory_total() >> 20,
        })
    };
}

fn instance(target: &Target) -> Result<&Mig, nvmlReturn_t> {
    target.mig()?.ok_or(INVALID_ARGUMENT)
}

/// Whether MIG is on, and will be after a reset.
#[unsafe(no_mangle)]
pub extern "C" fn nvmlDeviceGetMigMode(device: nvmlDevice_t, now: *mut c_uint, then: *mut c_uint) -> nvmlReturn_t {
    code(target("nvmlDeviceGetMigMode", device).and_then(|target| {
        let device = target.whole()?;
        if !device.profile.has_mig() {
            return Err(NOT_SUPPORTED);
        }
        let on = device.mig_is_on().into();
        unsafe {
            put(now, on)?;
            put(then, on)
        }
    }))
}

/// An instance by its place.
#[unsafe(no_mangle)]
pub extern "C" fn nvmlDeviceGetMigDeviceHandleByIndex(
    device: nvmlDevice_t,
    index: c_uint,
    out: *mut nvmlDevice_t,
) -> nvmlReturn_t {
    code(
        target("nvmlDeviceGetMigDeviceHandleByIndex", device).and_then(|target| {
            let device = target.whole()?;
            if !device.profile.has_mig() {
                return Err(NOT_SUPPORTED);
            }
            if index >= MOST {
                return Err(INVALID_ARGUMENT);
            }
            if index as usize >= device.mig.len() {
                return Err(NOT_FOUND);
            }
            unsafe { put(out, handle(target.index, Some(index as usize))) }
        }),
    )
}
