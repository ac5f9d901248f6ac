//! What a policy sees when it decides.

use super::scrape::{Live, Scrapes};
use crate::performance::EngineLimits;
use crate::simulate::Moment;
use crate::simulate::load::PastBucket;
use crate::snapshot::{ObjectKey, ObjectSnapshot, Phase, Timing};

/// What is known before the world starts.
#[derive(Debug, Clone, Copy)]
pub struct Beginning<'a> {
    /// The object's name.
    pub key: &'a ObjectKey,
    /// The object as its manifest says, without pods.
    pub object: &'a ObjectSnapshot,
    /// The time constants in force.
    pub timing: Timing,
    /// One bucket a grid, oldest first; the last one ends at the start.
    pub history: &'a [PastBucket],
    /// How the engines are started; a variant's own `max_sequences` beats it.
    pub engine: EngineLimits,
}

/// One look at one object.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// The instant of the decision.
    pub now: Moment,
    /// The object's name.
    pub key: &'a ObjectKey,
    /// The object as its manifest says, without pods; its targets say what is ordered.
    pub object: &'a ObjectSnapshot,
    /// The time constants in force.
    pub timing: Timing,
    /// By variant, in the order of the spec: what the API server says now.
    pub variants: &'a [VariantState],
    /// Every pod that exists, oldest first: what the API server says now.
    pub pods: &'a [PodState],
    /// What Prometheus holds: the last 15 minutes of what has arrived there.
    pub scrapes: &'a Scrapes,
    /// What a system that counts in its own proxy knows of the last 15 minutes, without delay.
    pub live: &'a Live,
}

impl View<'_> {
    /// Replicas that are ordered over all variants.
    pub fn ordered(&self) -> u32 {
        self.variants.iter().map(|v| v.ordered).sum()
    }

    /// Replicas that serve over all variants.
    pub fn ready(&self) -> u32 {
        self.variants.iter().map(|v| v.ready).sum()
    }
}

/// The replicas of one variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct VariantState {
    /// `spec.replicas`: ready and starting ones.
    pub ordered: u32,
    /// Those that serve.
    pub ready: u32,
    /// Those that were ordered and do not serve yet.
    pub starting: u32,
    /// Those that end the requests they have and take no more.
    pub draining: u32,
}

/// One pod as the API server shows it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PodState {
    /// Its number, never used twice in a world.
    pub id: u64,
    /// The place of its variant in the spec.
    pub variant: usize,
    /// Where it stands.
    pub phase: Phase,
    /// When it was ordered.
    pub created: Moment,
    /// When it became ready; `None` = not yet.
    pub ready_since: Option<Moment>,
}
