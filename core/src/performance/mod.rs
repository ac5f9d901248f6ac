//! The physics of serving: how long an engine step takes, how much KV cache there is, and how much demand one
//! replica therefore carries inside the objective. Shared by the plan, the simulator and the emulator. Pure.

mod capacity;
mod limits;
mod profile;
mod replica;
mod spread;
mod step;

pub use capacity::{Bound, Capacity, Prediction, capacity, predict};
pub use limits::EngineLimits;
pub use profile::{Fit, Profile, Source, StepLaw};
pub use replica::{OperatingPoint, Workload};
