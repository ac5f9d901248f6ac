//! The performance monitor: figures between two samples.

use std::collections::BTreeMap;
use std::ffi::c_uint;

use nvml_wrapper_sys::bindings::{nvmlDevice_t, nvmlGpmMetricsGet_t, nvmlGpmSample_t, nvmlGpmSupport_t, nvmlReturn_t};

use super::{INVALID_ARGUMENT, NOT_SUPPORTED, SUCCESS, VERSION_MISMATCH, code, enter, put, target};

/// The figures at one moment; none before it was filled.
type Sample = Option<BTreeMap<u32, f64>>;

/// Whether a device has the monitor.
#[unsafe(no_mangle)]
pub extern "C" fn nvmlGpmQueryDeviceSupport(device: nvmlDevice_t, out: *mut nvmlGpmSupport_t) -> nvmlReturn_t {
    code(target("nvmlGpmQueryDeviceSupport", device).and_then(|target| {
        if out.is_null() || unsafe { (*out).version } != 1 {
            return Err(VERSION_MISMATCH);
        }
        let supported = target.device()?.profile.has_gpm().into();
        unsafe {
            put(
                out,
                nvmlGpmSupport_t {
                    version: 1,
                    isSupportedDevice: supported,
                },
            )
        }
    }))
}

/// Room for a sample.
#[unsafe(no_mangle)]
pub extern "C" fn nvmlGpmSampleAlloc(out: *mut nvmlGpmSample_t) -> nvmlReturn_t {
    code(enter("nvmlGpmSampleAlloc").and_then(|_| {
        let sample = Box::into_raw(Box::new(Sample::None));
        unsafe { put(out, sample.cast()) }
    }))
}

/// Gives the room back.
#[unsafe(no_mangle)]
pub extern "C" fn nvmlGpmSampleFree(sample: nvmlGpmSample_t) -> nvmlReturn_t {
    if sample.is_null() {
        return INVALID_ARGUMENT;
    }
    drop(unsafe { Box::from_raw(sample.cast::<Sample>()) });
    SUCCESS
}

/// Fills a sample with a device's figures.
#[unsafe(no_mangle)]
pub extern "C" fn nvmlGpmSampleGet(device: nvmlDevice_t, sample: nvmlGpmSample_t) -> nvmlReturn_t {
    code(target("nvmlGpmSampleGet", device).and_then(|target| {
        let device = target.whole()?;
        if !device.profile.has_gpm() {
            return Err(NOT_SUPPORTED);
        }
        unsafe { put(sample.cast(), Some(device.gpm.clone())) }
    }))
}

/// Fills a sample with the figures of one GPU instance.
#[unsafe(no_mangle)]
pub extern "C" fn nvmlGpmMigSampleGet(device: nvmlDevice_t, instance: c_uint, sample: nvmlGpmSample_t) -> nvmlReturn_t {
    code(target("nvmlGpmMigSampleGet", device).and_then(|target| {
        let device = target.whole()?;
        if !device.profile.has_gpm() {
            return Err(NOT_SUPPORTED);
        }
        let mig = device
            .mig
            .iter()
            .find(|mig| mig.gpu_instance == instance)
            .ok_or(INVALID_ARGUMENT)?;
        unsafe { put(sample.cast(), Some(mig.gpm.clone())) }
    }))
}

/// The figures between two samples: the mean of both.
#[unsafe(no_mangle)]
pub extern "C" fn nvmlGpmMetricsGet(request: *mut nvmlGpmMetricsGet_t) -> nvmlReturn_t {
    code(enter("nvmlGpmMetricsGet").and_then(|_| {
        if request.is_null() {
            return Err(INVALID_ARGUMENT);
        }
        let request = unsafe { &mut *request };
        if request.version != 1 {
            return Err(VERSION_MISMATCH);
        }
        if request.sample1.is_null() || request.sample2.is_null() {
            return Err(INVALID_ARGUMENT);
        }
        let (first, second) = unsafe { (&*request.sample1.cast::<Sample>(), &*request.sample2.cast::<Sample>()) };
        let (Some(first), Some(second)) = (first, second) else {
            return Err(INVALID_ARGUMENT);
        };
        for metric in request.metrics.iter_mut().take(request.numMetrics as usize) {
            match (first.get(&metric.metricId), second.get(&metric.metricId)) {
                (Some(a), Some(b)) => {
                    metric.nvmlReturn = SUCCESS;
                    metric.value = f64::midpoint(*a, *b);
                }
                _ => metric.nvmlReturn = NOT_SUPPORTED,
            }
        }
        Ok(())
    }))
}
