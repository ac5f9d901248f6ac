//! A scenario: loads, manifests, the world they meet and the policies that are tried. I/O: the file and those it names.
//!
//! ```text
//!  scenario.yaml ─► written (serde) ─► checked ─┬─► loads: traces read, parts and rates known
//!                                               ├─► objects: manifests through the operator's own validation
//!                                               └─► world, policies
//! ```
//!
//! Every mistake is named with file, line and column; all of one stage at once.

mod check;
mod load;
mod locate;
mod manifests;
mod problem;
mod span;
mod world;
mod written;

use std::path::Path;

use inferscale_core::performance::EngineLimits;
use inferscale_core::simulate::world::{Balancing, PoolSetup, Queue, ScrapeSetup, Spread};
use inferscale_core::snapshot::{ObjectKey, ObjectSnapshot, Timing};

pub use problem::{Located, ScenarioError};

use super::load::Load;
use super::policies::Named;

/// Everything that is simulated.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// The file, as it was named.
    pub file: String,
    /// All chance comes from here.
    pub seed: u64,
    /// Seconds that are simulated.
    pub duration_s: f64,
    /// Seconds at the start that the score leaves out.
    pub warm_up_s: f64,
    /// The objects, by name.
    pub objects: Vec<Object>,
    /// What they meet.
    pub world: World,
    /// The policies.
    pub policies: Vec<Named>,
    /// Two scenarios of one hash are the same, the traces' contents included.
    pub hash: String,
}

/// An object and its traffic.
#[derive(Debug, Clone)]
pub struct Object {
    /// Its name.
    pub key: ObjectKey,
    /// Its manifest, joined with pools and workloads.
    pub spec: ObjectSnapshot,
    /// Its requests.
    pub load: Load,
    /// Replicas by variant at the start.
    pub initial: Vec<u32>,
}

/// What all objects meet.
#[derive(Debug, Clone)]
pub struct World {
    /// From a pod on a node until it serves.
    pub pod_start: Spread,
    /// From asking for a node until it can take pods.
    pub node_start: Spread,
    /// Pools whose nodes come and go.
    pub pools: Vec<PoolSetup>,
    /// Seconds after which a draining replica is killed.
    pub drain_s: f64,
    /// The share of the starts that fail.
    pub start_failure: f64,
    /// Replicas that lose their node, each so many times an hour.
    pub reclaims_per_hour: f64,
    /// How requests are spread.
    pub balancing: Balancing,
    /// How requests wait.
    pub queue: Queue,
    /// How metrics are collected.
    pub scrape: ScrapeSetup,
    /// How engines are started.
    pub engine: EngineLimits,
    /// The time constants of the operator.
    pub timing: Timing,
}

impl Scenario {
    /// Reads a scenario and everything that it names; paths in it are relative to it.
    ///
    /// # Errors
    /// What is wrong in the first file that is wrong.
    pub fn read(path: &Path) -> Result<Self, ScenarioError> {
        let text = crate::config::read_text(path)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        check::check(&path.display().to_string(), &text, folder)
    }
}

#[cfg(test)]
mod tests;
