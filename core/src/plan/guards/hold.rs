//! A replica is given back only when need has been lower for about the lead time, and a quarter of the fleet at a time.

use super::{Context, Verdict, decreases};
use crate::plan::reason::Reason;

pub(super) fn check(context: &Context<'_>, proposal: &[u32]) -> Verdict {
    if context.user_ordered || !decreases(context.current, proposal) {
        return Verdict::Pass;
    }
    let replicas: Vec<u32> = proposal
        .iter()
        .zip(context.current)
        .enumerate()
        .map(|(i, (proposed, current))| {
            if proposed >= current {
                return *proposed;
            }
            let held = context.held.and_then(|held| held.get(i)).copied().unwrap_or(*current);
            let step = (current / 4).max(1);
            (*proposed).max(held.min(*current)).max(current.saturating_sub(step))
        })
        .collect();
    let hold = context.forecast.map_or(context.timing.assumed_lead_time(), |f| f.hold);
    Verdict::Instead {
        replicas,
        reason: Reason::HoldingDown,
        message: format!("need was higher within the last {hold}, or more than a quarter would go at once"),
    }
}
