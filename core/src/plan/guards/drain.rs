//! What drains still counts against the fleet that was: the next replicas are given back when the last have gone.

use super::{Context, Verdict, decreases, no_decrease};
use crate::plan::reason::Reason;
use crate::snapshot::Phase;

pub(super) fn check(context: &Context<'_>, proposal: &[u32]) -> Verdict {
    if context.user_ordered || !decreases(context.current, proposal) {
        return Verdict::Pass;
    }
    let draining: u32 = context
        .object
        .variants
        .iter()
        .map(|v| v.count(|phase| phase == Phase::Draining))
        .sum();
    if draining == 0 {
        return Verdict::Pass;
    }
    Verdict::Instead {
        replicas: no_decrease(context.current, proposal),
        reason: Reason::Draining,
        message: format!("still draining: {draining}; one step down at a time"),
    }
}
