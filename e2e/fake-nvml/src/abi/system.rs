//! Start and end, versions, and finding devices.

use std::ffi::{CStr, c_char, c_int, c_uint};

use nvml_wrapper_sys::bindings::{nvmlDevice_t, nvmlReturn_t};

use super::{INVALID_ARGUMENT, NOT_FOUND, SUCCESS, Target, UNINITIALIZED, code, enter, handle, put, put_text};
use crate::state::State;
use crate::store;

/// Starts.
#[unsafe(no_mangle)]
pub extern "C" fn nvmlInit_v2() -> nvmlReturn_t {
    start()
}

/// Functions here call no other one by its C name: a copy without that one must still load.
fn start() -> nvmlReturn_t {
    if let Some(code) = store::now().0.init_error {
        return code;
    }
    store::enter();
    SUCCESS
}

/// Starts.
#[unsafe(no_mangle)]
pub extern "C" fn nvmlInitWithFlags(_flags: c_uint) -> nvmlReturn_t {
    start()
}

/// Ends.
#[unsafe(no_mangle)]
pub extern "C" fn nvmlShutdown() -> nvmlReturn_t {
    if store::leave() { SUCCESS } else { UNINITIALIZED }
}

/// A text for a code.
#[unsafe(no_mangle)]
pub extern "C" fn nvmlErrorString(result: nvmlReturn_t) -> *const c_char {
    let text = match result {
        0 => c"Success",
        1 => c"Uninitialized",
        2 => c"Invalid Argument",
        3 => c"Not Supported",
        4 => c"Insufficient Permissions",
        6 => c"Not Found",
        7 => c"Insufficient Size",
        9 => c"Driver Not Loaded",
        10 => c"Timeout",
        15 => c"GPU is lost",
        16 => c"GPU requires restart",
        18 => c"Driver/library version mismatch",
        25 => c"Argument version mismatch",
        _ => c"Unknown Error",
    };
    text.as_ptr()
}

macro_rules! text_of_state {
    ($($symbol:ident = $read:expr;)*) => {$(
        /// NVML's function of this name.
        #[unsafe(no_mangle)]
        pub extern "C" fn $symbol(out: *mut c_char, length: c_uint) -> nvmlReturn_t {
            let read: fn(&State) -> &str = $read;
            code(enter(stringify!($symbol)).and_then(|state| unsafe { put_text(out, length, read(&state)) }))
        }
    )*};
}
text_of_state! {
    nvmlSystemGetDriverVersion = |state| &state.driver_version;
    nvmlSystemGetNVMLVersion = |state| &state.nvml_version;
}

/// The version of CUDA.
#[unsafe(no_mangle)]
pub extern "C" fn nvmlSystemGetCudaDriverVersion_v2(out: *mut c_int) -> nvmlReturn_t {
    code(enter("nvmlSystemGetCudaDriverVersion_v2").and_then(|state| unsafe { put(out, state.cuda_version) }))
}

/// How many GPUs there are.
#[unsafe(no_mangle)]
pub extern "C" fn nvmlDeviceGetCount_v2(out: *mut c_uint) -> nvmlReturn_t {
    code(enter("nvmlDeviceGetCount_v2").and_then(|state| unsafe { put(out, state.devices.len() as c_uint) }))
}

/// A GPU by its place.
#[unsafe(no_mangle)]
pub extern "C" fn nvmlDeviceGetHandleByIndex_v2(index: c_uint, out: *mut nvmlDevice_t) -> nvmlReturn_t {
    code(enter("nvmlDeviceGetHandleByIndex_v2").and_then(|state| {
        let index = index as usize;
        if index >= state.devices.len() {
            return Err(INVALID_ARGUMENT);
        }
        unsafe { put(out, handle(index, None)) }
    }))
}

/// A GPU or an instance by its UUID.
#[unsafe(no_mangle)]
pub extern "C" fn nvmlDeviceGetHandleByUUID(uuid: *const c_char, out: *mut nvmlDevice_t) -> nvmlReturn_t {
    code(enter("nvmlDeviceGetHandleByUUID").and_then(|state| {
        let found = find(&state, uuid, |target, text| {
            target.uuid().is_ok_and(|uuid| uuid == text)
        });
        unsafe { put(out, found?) }
    }))
}

/// A GPU by its place on the bus.
#[unsafe(no_mangle)]
pub extern "C" fn nvmlDeviceGetHandleByPciBusId_v2(bus_id: *const c_char, out: *mut nvmlDevice_t) -> nvmlReturn_t {
    code(enter("nvmlDeviceGetHandleByPciBusId_v2").and_then(|state| {
        let found = find(&state, bus_id, |target, text| {
            target.mig.is_none() && target.bus_id().eq_ignore_ascii_case(text)
        });
        unsafe { put(out, found?) }
    }))
}

fn find(
    state: &std::sync::Arc<State>,
    text: *const c_char,
    is_it: impl Fn(&Target, &str) -> bool,
) -> Result<nvmlDevice_t, nvmlReturn_t> {
    if text.is_null() {
        return Err(INVALID_ARGUMENT);
    }
    let text = unsafe { CStr::from_ptr(text) }.to_str().map_err(|_| INVALID_ARGUMENT)?;
    for (index, device) in state.devices.iter().enumerate() {
        for mig in [None].into_iter().chain((0..device.mig.len()).map(Some)) {
            let target = Target {
                state: state.clone(),
                index,
                mig,
            };
            if is_it(&target, text) {
                return Ok(handle(index, mig));
            }
        }
    }
    Err(NOT_FOUND)
}
