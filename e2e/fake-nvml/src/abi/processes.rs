//! Processes on a device.

use std::ffi::c_uint;

use nvml_wrapper_sys::bindings::{nvmlDevice_t, nvmlProcessInfo_t, nvmlReturn_t};

use super::{INSUFFICIENT_SIZE, INVALID_ARGUMENT, Target, code, target};
use crate::state::{Mig, Process};

/// For processes of no instance.
const NONE: c_uint = 0xffff_ffff;

/// Processes with a compute context.
#[unsafe(no_mangle)]
pub extern "C" fn nvmlDeviceGetComputeRunningProcesses_v3(
    device: nvmlDevice_t,
    count: *mut c_uint,
    infos: *mut nvmlProcessInfo_t,
) -> nvmlReturn_t {
    code(
        target("nvmlDeviceGetComputeRunningProcesses_v3", device).and_then(|target| list(&target, count, infos, false)),
    )
}

/// Those that come through MPS.
#[unsafe(no_mangle)]
pub extern "C" fn nvmlDeviceGetMPSComputeRunningProcesses_v3(
    device: nvmlDevice_t,
    count: *mut c_uint,
    infos: *mut nvmlProcessInfo_t,
) -> nvmlReturn_t {
    code(
        target("nvmlDeviceGetMPSComputeRunningProcesses_v3", device)
            .and_then(|target| list(&target, count, infos, true)),
    )
}

fn list(target: &Target, count: *mut c_uint, infos: *mut nvmlProcessInfo_t, mps: bool) -> Result<(), nvmlReturn_t> {
    if count.is_null() {
        return Err(INVALID_ARGUMENT);
    }
    let inside = |mig: &Mig, process: &Process| entry(*process, mig.gpu_instance, mig.compute_instance);
    let (device, mig) = (target.device()?, target.mig()?);
    let own = device
        .processes
        .iter()
        .map(|process| (*process, entry(*process, NONE, NONE)));
    let all: Vec<nvmlProcessInfo_t> = match mig {
        Some(mig) => mig
            .processes
            .iter()
            .filter(|process| process.mps == mps)
            .map(|process| inside(mig, process))
            .collect(),
        None => device
            .mig
            .iter()
            .flat_map(|mig| {
                mig.processes
                    .iter()
                    .map(move |process| (*process, inside(mig, process)))
            })
            .chain(own)
            .filter(|(process, _)| process.mps == mps)
            .map(|(_, entry)| entry)
            .collect(),
    };
    let room = unsafe { count.replace(all.len() as c_uint) } as usize;
    if all.is_empty() {
        return Ok(());
    }
    if room < all.len() || infos.is_null() {
        return Err(INSUFFICIENT_SIZE);
    }
    unsafe { infos.copy_from_nonoverlapping(all.as_ptr(), all.len()) };
    Ok(())
}

fn entry(process: Process, gpu_instance: c_uint, compute_instance: c_uint) -> nvmlProcessInfo_t {
    nvmlProcessInfo_t {
        pid: process.pid,
        usedGpuMemory: process.memory,
        gpuInstanceId: gpu_instance,
        computeInstanceId: compute_instance,
    }
}
