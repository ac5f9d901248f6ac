//! What an error of NVML means: for one reading, for the device, or for the session. No I/O.

use nvml_wrapper::error::NvmlError;

/// What must be done about an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The GPU, the driver or the library does not have this figure: its series is absent.
    Absent,
    /// It should have it: absent, and counted under this word.
    Failed(&'static str),
    /// Nothing can be read of the device until the library is opened again.
    Lost(&'static str),
    /// The library is of no use any more: close it and open it again.
    Closed(&'static str),
}

/// NVML's code for a structure of a version that the library does not know. The wrapper has no name for it.
const VERSION_MISMATCH: u32 = 25;

/// Sorts an error.
pub fn classify(error: &NvmlError) -> Fault {
    match error {
        NvmlError::NotSupported
        | NvmlError::FailedToLoadSymbol(_)
        | NvmlError::FunctionNotFound
        | NvmlError::NotFound
        | NvmlError::NoData => Fault::Absent,
        NvmlError::GpuLost => Fault::Lost("lost"),
        NvmlError::ResetRequired => Fault::Lost("reset_required"),
        NvmlError::LibRmVersionMismatch => Fault::Closed("the driver was changed: its version is not the library's"),
        NvmlError::DriverNotLoaded => Fault::Closed("the driver is not loaded"),
        NvmlError::Uninitialized => Fault::Closed("the library was shut down"),
        NvmlError::NoPermission => Fault::Failed("no_permission"),
        NvmlError::Timeout => Fault::Failed("timeout"),
        NvmlError::UnexpectedVariant(VERSION_MISMATCH) => Fault::Failed("version"),
        NvmlError::InvalidArg => Fault::Failed("invalid_argument"),
        _ => Fault::Failed("unknown"),
    }
}

/// Gathers what failed while one device is read.
#[derive(Debug, Default)]
pub struct Faults {
    /// How often a reading failed, by why.
    pub failures: std::collections::BTreeMap<&'static str, u64>,
    /// Why the device is lost.
    pub lost: Option<&'static str>,
    /// Why the session is over.
    pub closed: Option<&'static str>,
}

impl Faults {
    /// The value, or its absence noted.
    pub fn value<T>(&mut self, result: Result<T, NvmlError>) -> Option<T> {
        let error = match result {
            Ok(value) => return Some(value),
            Err(error) => error,
        };
        match classify(&error) {
            Fault::Absent => {}
            Fault::Failed(why) => *self.failures.entry(why).or_default() += 1,
            Fault::Lost(why) => self.lost = Some(why),
            Fault::Closed(why) => self.closed = Some(why),
        }
        None
    }

    /// Whether it is of no use to read on.
    pub fn is_hopeless(&self) -> bool {
        self.lost.is_some() || self.closed.is_some()
    }
}
