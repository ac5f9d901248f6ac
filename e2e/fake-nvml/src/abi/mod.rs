//! The C functions: faults first, then the answer from the state.

#![allow(non_snake_case)]

mod device;
mod events;
mod gpm;
mod health;
mod mig;
mod processes;
mod system;

use std::ffi::{c_char, c_uint};
use std::sync::Arc;
use std::time::Duration;

use nvml_wrapper_sys::bindings::{nvmlDevice_t, nvmlReturn_t};

use crate::state::{Device, Mig, State};
use crate::store;

pub(crate) const SUCCESS: nvmlReturn_t = 0;
pub(crate) const UNINITIALIZED: nvmlReturn_t = 1;
pub(crate) const INVALID_ARGUMENT: nvmlReturn_t = 2;
pub(crate) const NOT_SUPPORTED: nvmlReturn_t = 3;
pub(crate) const NOT_FOUND: nvmlReturn_t = 6;
pub(crate) const INSUFFICIENT_SIZE: nvmlReturn_t = 7;
pub(crate) const TIMEOUT: nvmlReturn_t = 10;
pub(crate) const GPU_IS_LOST: nvmlReturn_t = 15;
pub(crate) const VERSION_MISMATCH: nvmlReturn_t = 25;

/// What a handle means.
pub(crate) struct Target {
    state: Arc<State>,
    pub index: usize,
    mig: Option<usize>,
}

impl Target {
    pub fn device(&self) -> Result<&Device, nvmlReturn_t> {
        self.state.devices.get(self.index).ok_or(INVALID_ARGUMENT)
    }

    /// The instance, where the handle is one's.
    pub fn mig(&self) -> Result<Option<&Mig>, nvmlReturn_t> {
        let Some(at) = self.mig else {
            return Ok(None);
        };
        self.device()?.mig.get(at).map(Some).ok_or(INVALID_ARGUMENT)
    }

    /// The GPU, when the handle is its own: instances have no such figure.
    pub fn whole(&self) -> Result<&Device, nvmlReturn_t> {
        if self.mig.is_some() {
            Err(NOT_SUPPORTED)
        } else {
            self.device()
        }
    }

    pub fn uuid(&self) -> Result<String, nvmlReturn_t> {
        let device = self.device()?;
        Ok(match self.mig()? {
            None => device
                .uuid
                .clone()
                .unwrap_or_else(|| format!("GPU-{:08x}-fa4e-4000-8000-000000000000", self.index)),
            Some(mig) => mig.uuid.clone().unwrap_or_else(|| {
                let (gpu, compute) = (mig.gpu_instance, mig.compute_instance);
                format!("MIG-{:08x}-fa4e-5000-8000-{gpu:04x}{compute:08x}", self.index)
            }),
        })
    }

    pub fn minor(&self) -> Result<u32, nvmlReturn_t> {
        Ok(self.whole()?.minor.unwrap_or(self.index as u32))
    }

    pub fn bus_id(&self) -> String {
        format!("00000000:{:02X}:00.0", self.index + 0x1b)
    }
}

/// A handle is a number: the device's index + 1, and in the lowest byte the instance's + 1.
pub(crate) fn handle(index: usize, mig: Option<usize>) -> nvmlDevice_t {
    (((index + 1) << 8) | mig.map_or(0, |at| at + 1)) as nvmlDevice_t
}

/// The state, unless a fault of the machine stands before it.
pub(crate) fn enter(symbol: &str) -> Result<Arc<State>, nvmlReturn_t> {
    let (state, initialised) = store::now();
    if !initialised {
        return Err(UNINITIALIZED);
    }
    if let Some(seconds) = state.delays.get(symbol) {
        std::thread::sleep(Duration::from_secs_f64(seconds.clamp(0.0, 3600.0)));
    }
    match state.error.or_else(|| state.errors.get(symbol).copied()) {
        Some(code) => Err(code),
        None => Ok(state),
    }
}

/// What a handle means, unless a fault stands before it.
pub(crate) fn target(symbol: &str, device: nvmlDevice_t) -> Result<Target, nvmlReturn_t> {
    let state = enter(symbol)?;
    let number = device as usize;
    let index = (number >> 8).checked_sub(1).ok_or(INVALID_ARGUMENT)?;
    let target = Target {
        state,
        index,
        mig: (number & 0xff).checked_sub(1),
    };
    let device = target.device()?;
    if store::is_lost(index, device.lost.is_some()) {
        return Err(device.lost.unwrap_or(GPU_IS_LOST));
    }
    if let Some(code) = device.errors.get(symbol) {
        return Err(*code);
    }
    target.mig()?;
    Ok(target)
}

/// The code of a result.
pub(crate) fn code(result: Result<(), nvmlReturn_t>) -> nvmlReturn_t {
    result.err().unwrap_or(SUCCESS)
}

/// Writes an answer where the caller wants it.
pub(crate) unsafe fn put<T>(out: *mut T, value: T) -> Result<(), nvmlReturn_t> {
    if out.is_null() {
        return Err(INVALID_ARGUMENT);
    }
    unsafe { out.write(value) };
    Ok(())
}

/// Writes a text into a buffer of `length` bytes, the zero at its end included.
pub(crate) unsafe fn put_text(out: *mut c_char, length: c_uint, text: &str) -> Result<(), nvmlReturn_t> {
    if out.is_null() {
        return Err(INVALID_ARGUMENT);
    }
    if text.len() + 1 > length as usize {
        return Err(INSUFFICIENT_SIZE);
    }
    unsafe {
        out.copy_from_nonoverlapping(text.as_ptr().cast(), text.len());
        out.add(text.len()).write(0);
    }
    Ok(())
}

/// Defines a function of a device that writes one value: its name, the type, and how the value is found.
macro_rules! getter {
    ($($symbol:ident: $kind:ty = $read:expr;)*) => {$(
        /// NVML's function of this name.
        #[unsafe(no_mangle)]
        pub extern "C" fn $symbol(device: nvmlDevice_t, out: *mut $kind) -> nvmlReturn_t {
            let read: fn(&$crate::abi::Target) -> Result<$kind, nvmlReturn_t> = $read;
            code(target(stringify!($symbol), device).and_then(|target| read(&target)).and_then(|value| unsafe { put(out, value) }))
        }
    )*};
}
pub(crate) use getter;
