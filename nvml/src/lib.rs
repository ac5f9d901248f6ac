//! The two calls of NVML that `nvml-wrapper` lacks: which GPU instance and compute instance a MIG device is.
//!
//! They stand in a crate of their own because they need `unsafe`, which the rest of the program forbids. Without them
//! no figure of the performance monitor (GPM) can be had of an instance: that call takes the instance's number.

use std::ffi::c_uint;

use nvml_wrapper::Device;
use nvml_wrapper::error::{NvmlError, nvml_sym, nvml_try};
use nvml_wrapper_sys::bindings::{nvmlDevice_t, nvmlReturn_t};

/// The numbers of a MIG device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstanceIds {
    /// Of the GPU instance: memory and SMs.
    pub gpu: u32,
    /// Of the compute instance in it.
    pub compute: u32,
}

/// One of NVML's functions that write one number about a device.
type Getter = unsafe extern "C" fn(nvmlDevice_t, *mut c_uint) -> nvmlReturn_t;

/// The numbers of a MIG device.
///
/// # Errors
/// `InvalidArg` when the device is no MIG device, `FailedToLoadSymbol` when the library is too old to know.
pub fn instance_ids(device: &Device<'_>) -> Result<InstanceIds, NvmlError> {
    let library = device.nvml().lib();
    Ok(InstanceIds {
        gpu: number(device, *nvml_sym(library.nvmlDeviceGetGpuInstanceId.as_ref())?)?,
        compute: number(device, *nvml_sym(library.nvmlDeviceGetComputeInstanceId.as_ref())?)?,
    })
}

#[allow(unsafe_code)]
fn number(device: &Device<'_>, get: Getter) -> Result<u32, NvmlError> {
    let mut number: c_uint = 0;
    // SAFETY: the library that `get` is of stays loaded, and the handle valid, while the device's borrow of `Nvml`
    // lasts; NVML writes one unsigned int to the pointer and keeps neither.
    nvml_try(unsafe { get(device.handle(), &raw mut number) })?;
    Ok(number)
}
