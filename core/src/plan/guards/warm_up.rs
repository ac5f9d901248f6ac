//! An operator that has just started, or an object that is new to it: nothing is given back before it was watched
//! for a whole hold. What was back-filled lacks the pods that are gone.

use super::{Context, Verdict, decreases, no_decrease};
use crate::plan::reason::Reason;

pub(super) fn check(context: &Context<'_>, proposal: &[u32]) -> Verdict {
    let hold = context.forecast.map_or(context.timing.assumed_lead_time(), |f| f.hold);
    let watched = context.memory.watched(context.now);
    if context.user_ordered || watched >= hold || !decreases(context.current, proposal) {
        return Verdict::Pass;
    }
    Verdict::Instead {
        replicas: no_decrease(context.current, proposal),
        reason: Reason::WarmingUp,
        message: format!("watching since {watched}, a replica is given back after {hold}"),
    }
}
