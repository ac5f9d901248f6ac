//! Opening NVIDIA's library, and saying clearly why that cannot be done. I/O.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use nvml_wrapper::Nvml;
use nvml_wrapper::error::NvmlError;

/// Where the driver puts it: found as every shared library.
pub const DEFAULT_NAME: &str = "libnvidia-ml.so.1";

/// Why NVML cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LibraryError {
    /// It is not there, or is none.
    #[error(
        "cannot load {library}: {reason}. Is the NVIDIA driver installed on this node and given to this container \
         (runtimeClassName: nvidia)? Name another file with --nvml-library, or wait for it with --wait-for-driver"
    )]
    Load {
        /// What was looked for.
        library: String,
        /// As the loader says it.
        reason: String,
    },
    /// It lacks what every version has.
    #[error("{library} is not NVML: {reason}. Name NVIDIA's libnvidia-ml.so.1 with --nvml-library")]
    NotNvml {
        /// What was loaded.
        library: String,
        /// The symbol that is missing.
        reason: String,
    },
    /// The driver itself does not answer.
    #[error("{library} was loaded, but NVML does not start: {reason}. {remedy}")]
    Start {
        /// What was loaded.
        library: String,
        /// As NVML says it.
        reason: String,
        /// What to do.
        remedy: &'static str,
    },
}

/// Loads the library and starts it.
///
/// # Errors
/// When it is not there, is another library, or the driver does not answer.
pub fn open(path: Option<&Path>) -> Result<Nvml, LibraryError> {
    let name = path.map_or_else(|| PathBuf::from(DEFAULT_NAME), Path::to_path_buf);
    let library = name.display().to_string();
    Nvml::builder()
        .lib_path(OsStr::new(name.as_os_str()))
        .init()
        .map_err(|error| match error {
            NvmlError::LibloadingError(error) => LibraryError::Load {
                library,
                reason: chain(&error),
            },
            NvmlError::FailedToLoadSymbol(reason) => LibraryError::NotNvml { library, reason },
            error => LibraryError::Start {
                library,
                remedy: remedy(&error),
                reason: error.to_string(),
            },
        })
}

/// The loader hides its reason in the cause of its error.
fn chain(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), ToString::to_string)
}

fn remedy(error: &NvmlError) -> &'static str {
    match error {
        NvmlError::DriverNotLoaded => "Load the driver's kernel module: nvidia-smi on the node must work first",
        NvmlError::LibRmVersionMismatch => {
            "The library and the loaded kernel module are of different versions: restart the pod, so that it gets the \
             library of the new driver, or reboot the node"
        }
        NvmlError::NoPermission => "Give the container the devices /dev/nvidiactl and /dev/nvidia*",
        _ => "nvidia-smi on the node says more",
    }
}
