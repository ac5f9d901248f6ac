//! How long it takes from asking for a replica until it serves: measured on the object's own pods.

use crate::snapshot::{ObjectSnapshot, Timing};
use crate::units::Span;

/// A pod's readiness may flip long after its start; a longer "start" than this is not one.
const LONGEST_GRIDS: i64 = 120;

/// A replica that has served this many grids is to blame for what it serves late; a younger one inherited a queue.
pub const SETTLED_GRIDS: i64 = 8;

/// The p90 of (ready - created) over the ready pods; two minutes (eight grids) until one was seen. Never below a grid.
pub fn of(object: &ObjectSnapshot, timing: Timing) -> Span {
    let mut starts: Vec<Span> = object
        .variants
        .iter()
        .flat_map(|v| &v.pods)
        .filter_map(|pod| pod.ready_since.map(|ready| ready.since(pod.created)))
        .filter(|span| *span <= timing.grid * LONGEST_GRIDS)
        .collect();
    starts.sort_unstable();
    let rank = (starts.len() * 9).div_ceil(10).saturating_sub(1);
    starts
        .get(rank)
        .copied()
        .unwrap_or(timing.assumed_lead_time())
        .max(timing.grid)
}

/// How long need must stay low before a replica is given back, in buckets: about the lead time, at least eight grids.
/// Shorter pays the same cold start twice; longer only idles (flat between one and five minutes in the prototype).
pub fn hold(lead: Span, timing: Timing) -> usize {
    lead.in_buckets(timing.grid).max(8)
}
