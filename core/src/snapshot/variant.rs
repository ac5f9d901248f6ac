//! One way to serve the model, and the workload that does it.

use std::sync::Arc;

use super::bounds::Bounds;
use super::pod::{Phase, PodSnapshot};
use crate::performance::Profile;
use crate::units::UsdPerHour;

/// What is known of the workload that a variant scales.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TargetState {
    /// It exists and has a scale.
    Found {
        /// `spec.replicas` as last observed. It counts what is ordered, running or not.
        replicas: u32,
    },
    /// It does not exist (yet).
    Missing,
    /// It exists, but nothing can be decided about it; the text says why, for people.
    Uncontrollable(String),
}

/// One variant at one instant.
#[derive(Debug, Clone, PartialEq)]
pub struct VariantSnapshot {
    /// The variant's name, unique in its object.
    pub name: String,
    /// Bounds of this variant alone.
    pub replicas: Bounds,
    /// The workload that is scaled.
    pub target: TargetState,
    /// Accelerators one replica asks for, from the pod template. 0 = none.
    pub accelerators: u32,
    /// The pool it runs on, when one is named and exists.
    pub pool: Option<String>,
    /// What one accelerator costs; `None` = no pool, or a pool without a price.
    pub accelerator_price: Option<UsdPerHour>,
    /// The measured seed of its performance model; `None` = learn from scratch.
    pub profile: Option<Arc<Profile>>,
    /// The most sequences that one replica runs at once, when it is known.
    pub max_sequences: Option<u32>,
    /// Its pods, newest last. Pods that have ended are not here.
    pub pods: Vec<PodSnapshot>,
}

impl VariantSnapshot {
    /// Replicas that are ordered; `None` when the target cannot be read.
    pub fn ordered(&self) -> Option<u32> {
        match self.target {
            TargetState::Found { replicas } => Some(replicas),
            TargetState::Missing | TargetState::Uncontrollable(_) => None,
        }
    }

    /// How many of its pods serve.
    pub fn ready(&self) -> u32 {
        self.count(|phase| phase == Phase::Ready)
    }

    /// How many of its pods are in a phase.
    pub fn count(&self, phase: impl Fn(Phase) -> bool) -> u32 {
        self.pods.iter().filter(|pod| phase(pod.phase)).count() as u32
    }

    /// What one replica costs an hour.
    pub fn replica_price(&self) -> Option<UsdPerHour> {
        self.accelerator_price.map(|p| p.times(self.accelerators))
    }
}
