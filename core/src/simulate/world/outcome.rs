//! What came out of a world.

use crate::simulate::Moment;
use crate::snapshot::ObjectKey;

/// One minute of one object.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Minute {
    /// When it ended.
    pub at: Moment,
    /// Requests a second that arrived.
    pub rate: f64,
    /// Replicas that served at its end.
    pub ready: u32,
    /// Replicas that were starting at its end.
    pub starting: u32,
    /// Replicas that drained at its end.
    pub draining: u32,
    /// Requests that waited at the router at its end.
    pub queued: u32,
    /// The 99th percentile of the time to first token of the requests that got it, in ms; `None` = none did.
    pub ttft_p99_ms: Option<f64>,
    /// The 99th percentile of the time per output token of the requests that ended, in ms; `None` = none did.
    pub tpot_p99_ms: Option<f64>,
    /// Requests that ended, and those of them inside every target.
    pub ended: u32,
    /// Those of them inside every target.
    pub attained: u32,
}

/// An order that changed something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// When.
    pub at: Moment,
    /// Replicas by variant before.
    pub before: Vec<u32>,
    /// Replicas by variant after.
    pub after: Vec<u32>,
    /// Why.
    pub why: Option<String>,
}

/// What happened over time.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Timeline {
    /// One entry a minute.
    pub minutes: Vec<Minute>,
    /// The orders.
    pub marks: Vec<Mark>,
}

/// The figures of one object over the evaluated part.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Score {
    /// Requests that arrived in the evaluated part.
    pub requests: u64,
    /// Those that finished.
    pub finished: u64,
    /// Those that were turned away.
    pub rejected: u64,
    /// Those that were cut off by the end of a drain.
    pub aborted: u64,
    /// Those still on their way at the end. All of the last three are misses.
    pub unfinished: u64,
    /// Share of the requests inside every target.
    pub attainment: f64,
    /// Share inside the target for the time to first token; 1 without one.
    pub attainment_ttft: f64,
    /// Share inside the target for the time per output token; 1 without one.
    pub attainment_tpot: f64,
    /// Accelerator hours from order to the end of the drain.
    pub gpu_hours: f64,
    /// What they cost in US dollars; 0 without prices.
    pub cost_usd: f64,
    /// Replicas that were started.
    pub starts: u64,
    /// Orders that changed the number of replicas.
    pub replica_changes: u64,
    /// Half of the requests got their first token within this, in ms.
    pub ttft_p50_ms: f64,
    /// 95 % did.
    pub ttft_p95_ms: f64,
    /// 99 % did.
    pub ttft_p99_ms: f64,
    /// 99 % of the requests had at most this time per output token, in ms.
    pub tpot_p99_ms: f64,
    /// 99 % of the requests that missed the target for the first token got it within this, in ms; 0 = none missed.
    pub late_ttft_p99_ms: f64,
    /// The mean of the same, in ms.
    pub late_ttft_mean_ms: f64,
    /// Mean replicas that served.
    pub mean_ready: f64,
}

/// One object at the end of a world.
#[derive(Debug, Clone, PartialEq)]
pub struct ObjectOutcome {
    /// The object.
    pub key: ObjectKey,
    /// Its figures.
    pub score: Score,
    /// What happened over time, when it was asked for.
    pub timeline: Option<Timeline>,
}
