//! What the administrator sets: the operator's own YAML file, engine presets and performance profiles.
//!
//! Read once at the start, before the first tick; file I/O happens in the `load` functions and nowhere else. Every
//! reader collects *all* errors of a file, and each error names the field, its value, the rule and the fix. Tenants
//! never write any of this: an InferenceDeployment only names a source, a preset or a profile.

mod document;
mod engine;
mod error;
mod files;
mod names;
mod operator;
mod presets;
mod profiles;
mod quantity;
mod source;
#[cfg(test)]
pub(crate) mod tempdir;

/// The YAML files that the binary carries, as (name, text); written by `build.rs`.
mod embedded {
    include!(concat!(env!("OUT_DIR"), "/embedded.rs"));
}

pub use engine::{Combine, EnginePreset, Kind, Signal, SignalPreset};
pub use error::{ConfigError, Problem};
#[cfg(feature = "laboratory")]
pub(crate) use files::read as read_text;
pub use names::UnknownName;
pub use operator::{LeaderElection, Listen, OperatorConfig, Timing};
pub use presets::Presets;
pub use profiles::Profiles;
pub use source::MetricsSource;
