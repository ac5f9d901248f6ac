//! The physics of serving: how long an engine step takes, how much KV cache there is, and how much demand one
//! replica therefore carries inside the objective. Shared by the plan, the simulator and the emulator.

mod profile;

pub use profile::{Fit, Profile, Source, StepLaw};
