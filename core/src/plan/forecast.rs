//! What demand to be ready for, now and over the hold.

use super::lead_time;
use super::memory::ObjectMemory;
use crate::performance::Workload;
use crate::snapshot::{ObjectSnapshot, Timing};
use crate::units::Span;

/// The demand that a plan is made for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Forecast {
    /// What arrives now, in requests/s.
    pub now: f64,
    /// What must be carried by the time that a replica ordered now could serve, in requests/s.
    pub expected: f64,
    /// The highest `expected` within the hold, in requests/s: replicas below it are not given back.
    pub held: f64,
    /// `expected` over the demand signal.
    pub headroom: f64,
    /// Mean tokens of a request; `None` = not known yet.
    pub workload: Option<Workload>,
    /// From asking for a replica until it serves.
    pub lead_time: Span,
    /// How long need must stay low before a replica is given back.
    pub hold: Span,
}

/// The forecast of one object; `None` before its first bucket.
pub fn of(object: &ObjectSnapshot, memory: &ObjectMemory, timing: Timing) -> Option<Forecast> {
    let signal = memory.levels.signal()?;
    let lead_time = lead_time::of(object, timing);
    let hold = lead_time::hold(lead_time, timing);
    let expected = memory.headroom.expected().unwrap_or(signal);
    Some(Forecast {
        now: memory.levels.now(),
        expected,
        held: memory.headroom.held(hold).unwrap_or(expected).max(expected),
        headroom: if signal > 0.0 { expected / signal } else { 1.0 },
        workload: memory.workload.workload(),
        lead_time,
        hold: timing.grid * hold as i64,
    })
}
