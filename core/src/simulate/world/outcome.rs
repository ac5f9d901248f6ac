//! What came out of a world.

use crate::simulate::Moment;
use crate::simulate::score::Score;
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

/// All requests of one object over the whole world: arrived = finished + rejected + aborted + in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Requests that came.
    pub arrived: u64,
    /// Those that finished.
    pub finished: u64,
    /// Those that were turned away.
    pub rejected: u64,
    /// Those that were cut off at the end of a drain.
    pub aborted: u64,
    /// Those that waited or ran at the end, counted where they were.
    pub in_flight: u64,
}

/// One object at the end of a world.
#[derive(Debug, Clone, PartialEq)]
pub struct ObjectOutcome {
    /// The object.
    pub key: ObjectKey,
    /// Its figures.
    pub score: Score,
    /// What became of all its requests.
    pub totals: Totals,
    /// What happened over time, when it was asked for.
    pub timeline: Option<Timeline>,
}
