//! Who a device is, and what it does.

use std::ffi::{c_char, c_uint, c_ulonglong};

use nvml_wrapper_sys::bindings::{
    nvmlDevice_t, nvmlMemory_t, nvmlMemory_v2_t, nvmlPciInfo_t, nvmlReturn_t, nvmlUtilization_t,
};

use super::{NOT_SUPPORTED, Target, VERSION_MISMATCH, code, getter, put, put_text, target};

macro_rules! text_of_device {
    ($($symbol:ident = $read:expr;)*) => {$(
        /// NVML's function of this name.
        #[unsafe(no_mangle)]
        pub extern "C" fn $symbol(device: nvmlDevice_t, out: *mut c_char, length: c_uint) -> nvmlReturn_t {
            let read: fn(&Target) -> Result<String, nvmlReturn_t> = $read;
            let text = target(stringify!($symbol), device).and_then(|target| read(&target));
            code(text.and_then(|text| unsafe { put_text(out, length, &text) }))
        }
    )*};
}
text_of_device! {
    nvmlDeviceGetUUID = Target::uuid;
    nvmlDeviceGetName = |target| {
        let name = target.device()?.profile.name();
        Ok(target.mig()?.map_or_else(|| name.to_owned(), |mig| format!("{name} MIG {}", mig.profile)))
    };
}

getter! {
    nvmlDeviceGetIndex: c_uint = |target| target.whole().map(|_| target.index as c_uint);
    nvmlDeviceGetMinorNumber: c_uint = Target::minor;
    nvmlDeviceGetPciInfo_v3: nvmlPciInfo_t = pci_info;
    nvmlDeviceGetUtilizationRates: nvmlUtilization_t = |target| {
        let device = target.whole()?;
        if device.mig_is_on() {
            return Err(NOT_SUPPORTED);
        }
        Ok(nvmlUtilization_t { gpu: device.gpu_percent, memory: device.memory_percent })
    };
    nvmlDeviceGetPowerUsage: c_uint = |target| Ok(target.whole()?.power);
    nvmlDeviceGetEnforcedPowerLimit: c_uint = |target| Ok(target.whole()?.profile.power_limit());
    nvmlDeviceGetTotalEnergyConsumption: c_ulonglong = |target| Ok(target.whole()?.energy);
    nvmlDeviceGetMemoryInfo: nvmlMemory_t = |target| {
        let (total, reserved, used) = memory(target)?;
        // The first version counts what is reserved as used.
        let used = used + reserved;
        Ok(nvmlMemory_t { total, free: total.saturating_sub(used), used })
    };
}

fn memory(target: &Target) -> Result<(u64, u64, u64), nvmlReturn_t> {
    let device = target.device()?;
    if let Some(mig) = target.mig()? {
        return Ok((mig.memory_total(), 0, mig.memory_used));
    }
    let instances: u64 = device.mig.iter().map(|mig| mig.memory_used).sum();
    Ok((
        device.profile.memory_total(),
        device.memory_reserved,
        device.memory_used.max(instances),
    ))
}

fn pci_info(target: &Target) -> Result<nvmlPciInfo_t, nvmlReturn_t> {
    target.device()?;
    let mut info = nvmlPciInfo_t {
        busIdLegacy: [0; 16],
        domain: 0,
        bus: target.index as c_uint + 0x1b,
        device: 0,
        pciDeviceId: 0x2330_10de,
        pciSubSystemId: 0x16c1_10de,
        busId: [0; 32],
    };
    let text = target.bus_id();
    for (to, from) in info.busId.iter_mut().zip(text.bytes()) {
        *to = c_char::from_ne_bytes([from]);
    }
    for (to, from) in info.busIdLegacy.iter_mut().zip(text.bytes().skip(4)) {
        *to = c_char::from_ne_bytes([from]);
    }
    Ok(info)
}

/// Memory in the second version: the caller says how large its structure is.
#[unsafe(no_mangle)]
pub extern "C" fn nvmlDeviceGetMemoryInfo_v2(device: nvmlDevice_t, out: *mut nvmlMemory_v2_t) -> nvmlReturn_t {
    const VERSION: c_uint = size_of::<nvmlMemory_v2_t>() as c_uint | (2 << 24);
    code(target("nvmlDeviceGetMemoryInfo_v2", device).and_then(|target| {
        if out.is_null() || unsafe { (*out).version } != VERSION {
            return Err(VERSION_MISMATCH);
        }
        let (total, reserved, used) = memory(&target)?;
        let free = total.saturating_sub(used + reserved);
        unsafe {
            put(
                out,
                nvmlMemory_v2_t {
                    version: VERSION,
                    total,
                    reserved,
                    free,
                    used,
                },
            )
        }
    }))
}

/// Temperature of the chip.
#[unsafe(no_mangle)]
pub extern "C" fn nvmlDeviceGetTemperature(device: nvmlDevice_t, sensor: c_uint, out: *mut c_uint) -> nvmlReturn_t {
    code(target("nvmlDeviceGetTemperature", device).and_then(|target| {
        if sensor != 0 {
            return Err(super::INVALID_ARGUMENT);
        }
        unsafe { put(out, target.whole()?.temperature) }
    }))
}

fn clock(target: &Target, kind: c_uint) -> Result<c_uint, nvmlReturn_t> {
    let device = target.whole()?;
    match kind {
        0 | 1 => Ok(device.sm_clock),
        2 => Ok(device.profile.memory_clock()),
        _ => Err(NOT_SUPPORTED),
    }
}

/// A clock now: 0 graphics, 1 SM, 2 memory.
#[unsafe(no_mangle)]
pub extern "C" fn nvmlDeviceGetClockInfo(device: nvmlDevice_t, kind: c_uint, out: *mut c_uint) -> nvmlReturn_t {
    code(target("nvmlDeviceGetClockInfo", device).and_then(|target| unsafe { put(out, clock(&target, kind)?) }))
}

/// The highest that a clock can be.
#[unsafe(no_mangle)]
pub extern "C" fn nvmlDeviceGetMaxClockInfo(device: nvmlDevice_t, kind: c_uint, out: *mut c_uint) -> nvmlReturn_t {
    code(target("nvmlDeviceGetMaxClockInfo", device).and_then(|target| {
        let now = clock(&target, kind)?;
        unsafe {
            put(
                out,
                if kind == 2 {
                    now
                } else {
                    target.whole()?.profile.most_sm_clock()
                },
            )
        }
    }))
}

macro_rules! codec {
    ($($symbol:ident = $read:expr;)*) => {$(
        /// NVML's function of this name.
        #[unsafe(no_mangle)]
        pub extern "C" fn $symbol(device: nvmlDevice_t, percent: *mut c_uint, period: *mut c_uint) -> nvmlReturn_t {
            code(target(stringify!($symbol), device).and_then(|target| {
                let device = target.whole()?;
                if device.mig_is_on() {
                    return Err(NOT_SUPPORTED);
                }
                let read: fn(&crate::state::Device) -> u32 = $read;
                unsafe {
                    put(percent, read(device))?;
                    put(period, 167_000)
                }
            }))
        }
    )*};
}
codec! {
    nvmlDeviceGetEncoderUtilization = |device| device.encoder_percent;
    nvmlDeviceGetDecoderUtilization = |device| device.decoder_percent;
}
