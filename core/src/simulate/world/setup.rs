//! What a world is made of.

use crate::performance::EngineLimits;
use crate::simulate::Moment;
use crate::simulate::load::{Load, PastBucket};
use crate::simulate::policy::Policy;
use crate::snapshot::{ObjectKey, ObjectSnapshot, Timing};

/// A duration that varies: log-normal by its median and its 95th percentile, in seconds. Equal = constant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// Half are shorter.
    pub median_s: f64,
    /// One in twenty is longer. Below the median counts as the median.
    pub p95_s: f64,
}

impl Spread {
    /// Always `seconds`.
    pub const fn constant(seconds: f64) -> Self {
        Self {
            median_s: seconds,
            p95_s: seconds,
        }
    }
}

/// How the router spreads requests over the replicas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, strum::Display, strum::EnumString)]
pub enum Balancing {
    /// In turn, whatever they can do: a plain Service.
    #[default]
    Equal,
    /// To the one with the fewest requests: a gateway.
    LeastLoaded,
    /// In turn, by the capacity of each variant.
    Weighted,
}

/// What the router does with requests that cannot be served in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, strum::Display, strum::EnumString)]
pub enum Queue {
    /// First come, first served; waits at the router only while no replica is ready.
    #[default]
    Fifo,
    /// Waits at the router while every engine's batch is full; requests that have waited for most of the target for the
    /// first token are served when no other waits.
    LateLast,
    /// As `LateLast`, but such requests are turned away.
    Reject,
}

/// How metrics are collected.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScrapeSetup {
    /// Seconds between two scrapes of a replica.
    pub interval_s: f64,
    /// Seconds from a scrape until a query finds it.
    pub delay_s: f64,
    /// The share of the scrapes that is lost, each on its own, 0..=1.
    pub loss: f64,
}

impl Default for ScrapeSetup {
    fn default() -> Self {
        Self {
            interval_s: 15.0,
            delay_s: 2.0,
            loss: 0.0,
        }
    }
}

/// Nodes that come and go with the pods of one pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolSetup {
    /// Its name, as variants call it.
    pub name: String,
    /// Accelerators of one node.
    pub accelerators_per_node: u32,
    /// Nodes that are there from the start and stay.
    pub min_nodes: u32,
    /// Nodes at most.
    pub max_nodes: u32,
}

/// One object, its traffic and who scales it.
pub struct ObjectSetup {
    /// Its name.
    pub key: ObjectKey,
    /// The validated manifest, without pods. Every variant needs a profile: it is what the engines run by.
    pub spec: ObjectSnapshot,
    /// The requests.
    pub load: Load,
    /// One bucket a grid before the start, oldest first, the last one ending at the start.
    pub history: Vec<PastBucket>,
    /// From, to: times without metrics.
    pub holes: Vec<(Moment, Moment)>,
    /// Replicas by variant that serve at the start.
    pub initial: Vec<u32>,
    /// Who decides.
    pub policy: Box<dyn Policy>,
}

/// A whole world.
pub struct WorldSetup {
    /// All chance comes from here.
    pub seed: u64,
    /// Seconds that are simulated.
    pub duration_s: f64,
    /// Seconds at the start that the score leaves out.
    pub warmup_s: f64,
    /// The objects.
    pub objects: Vec<ObjectSetup>,
    /// The pools whose nodes are simulated; a variant of another pool finds a free node at once.
    pub pools: Vec<PoolSetup>,
    /// From a pod on a node until it serves.
    pub pod_start: Spread,
    /// From asking for a node until it can take pods.
    pub node_start: Spread,
    /// Seconds after which a draining replica is killed.
    pub drain_s: f64,
    /// The share of the starts that fail, and are tried again from the beginning, 0..=1.
    pub start_failure: f64,
    /// How often a serving replica loses its node, in events an hour; its drain is all it has then.
    pub reclaims_per_hour: f64,
    /// How requests are spread.
    pub balancing: Balancing,
    /// How requests wait.
    pub queue: Queue,
    /// How metrics are collected.
    pub scrape: ScrapeSetup,
    /// How engines are started; a variant's own `max_sequences` beats it.
    pub engine: EngineLimits,
    /// The time constants of the operator.
    pub timing: Timing,
    /// Whether to record a time line every minute and each change of an order.
    pub timeline: bool,
}

/// What holds for every object of a world.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    pub seed: u64,
    pub end: Moment,
    pub warmup: Moment,
    pub pod_start: Spread,
    pub drain_s: f64,
    pub start_failure: f64,
    pub reclaims_per_hour: f64,
    pub balancing: Balancing,
    pub queue: Queue,
    pub scrape: ScrapeSetup,
    pub engine: EngineLimits,
    pub timing: Timing,
    pub timeline: bool,
}

impl WorldSetup {
    pub(super) fn rules(&self) -> Rules {
        Rules {
            seed: self.seed,
            end: Moment::from_secs(self.duration_s),
            warmup: Moment::from_secs(self.warmup_s),
            pod_start: self.pod_start,
            drain_s: self.drain_s.max(0.0),
            start_failure: self.start_failure.clamp(0.0, 1.0),
            reclaims_per_hour: self.reclaims_per_hour,
            balancing: self.balancing,
            queue: self.queue,
            scrape: self.scrape,
            engine: self.engine,
            timing: self.timing,
            timeline: self.timeline,
        }
    }
}
