//! The planner of NVIDIA Dynamo, with the targets of the object as its SLA.
//!
//! Source: `ai-dynamo/dynamo` (main of 2026), `components/src/dynamo/planner/` (`core/throughput_scaling.py`,
//! `core/load_scaling.py`, `core/perf_model/agg.py`, `config/defaults.py`), mode `agg`: prefill and decoding in one engine.
//!
//! Its performance model is a regression of the step time over prompt tokens and cached tokens, fitted on profiling runs
//! and on what the engines report. Here it is the step law that the engines run by, that is, a regression without error.
//! Two limits of it are the planner's own: it knows mean tokens only, and it holds means, not percentiles, against the SLA.

mod engine;
mod kalman;
mod load;
mod throughput;

pub use engine::EngineModel;

use self::load::Load;
use self::throughput::Throughput;
use super::Policy;

/// What the planner is told of the engines of the variant that it scales.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Planned {
    /// The variant.
    pub variant: usize,
    /// Its engines.
    pub engine: EngineModel,
    /// The SLA for the time to first token in ms.
    pub ttft_ms: f64,
    /// The SLA for the time per output token in ms.
    pub itl_ms: f64,
}

impl Planned {
    /// The throughput planner.
    pub fn throughput(self) -> Box<dyn Policy> {
        Box::new(Throughput::new(self))
    }

    /// The load planner above the floor of the throughput planner.
    pub fn load(self) -> Box<dyn Policy> {
        Box::new(Load::new(self))
    }
}
