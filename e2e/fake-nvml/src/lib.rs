//! A `libnvidia-ml.so` for tests and demos: GPUs that a JSON file describes, read anew whenever it changes.
//!
//! The file is the one that the environment variable `FAKE_NVML_STATE` names, else `state.json` beside the library.
//! Who replaces it while a reader runs should write another file and rename it, as half a file is no state: it is
//! complained of on stderr, and the state before stays.
//!
//! ```json
//! {"devices": [{"profile": "H100", "gpu_percent": 87, "memory_used": 68719476736},
//!              {"profile": "A100", "mig": [{"profile": "3g.20gb", "gpu_instance": 2}]}]}
//! ```
//!
//! `errors` (of the machine or of one device) makes a C function return that code of `nvmlReturn_t`: 3 not supported,
//! 4 no permission, 6 not found, 15 lost, 16 reset required, 18 driver and library differ, 25 wrong structure version,
//! 999 unknown. `lost` makes all of a device do so, and, as in life, the process sees it again only after another
//! `nvmlInit`.

pub mod profile;
pub mod state;

mod abi;
mod store;

pub use profile::Profile;
pub use state::{Device, Mig, Process, State, Xid};
