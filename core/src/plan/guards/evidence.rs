//! Down needs evidence that is fresh, complete, and has been for the whole hold; up may act on a part of it.

use super::{Context, Verdict, decreases, increases, no_decrease, no_increase};
use crate::plan::lead_time;
use crate::plan::reason::Reason;

pub(super) fn check(context: &Context<'_>, proposal: &[u32]) -> Verdict {
    if context.user_ordered {
        return Verdict::Pass;
    }
    let evidence = context.evidence;
    let current = context.current;
    let mut replicas = proposal.to_vec();
    if !evidence.allows_up() && increases(current, &replicas) {
        replicas = no_increase(current, &replicas);
    }
    if !evidence.allows_down() && decreases(current, &replicas) {
        replicas = no_decrease(current, &replicas);
    }
    if replicas != proposal {
        let (reason, message) = context.evidence.judgement(context.object);
        return Verdict::Instead {
            replicas,
            reason,
            message,
        };
    }
    if !decreases(current, proposal) {
        return Verdict::Pass;
    }
    if let Some(since) = context.memory.levels.suspicious(context.now, context.timing.grid) {
        return Verdict::Instead {
            replicas: no_decrease(current, proposal),
            reason: Reason::SuspiciousZero,
            message: format!(
                "demand fell to nothing at once {} ago, which is more often a broken metric than a dead service",
                context.now.since(since)
            ),
        };
    }
    let needed = context
        .forecast
        .map_or(0, |f| lead_time::hold(f.lead_time, context.timing));
    if context.memory.complete_run() < needed {
        return Verdict::Instead {
            replicas: no_decrease(current, proposal),
            // Nothing is wrong now: replicas that have just started were not measured from the first moment.
            reason: Reason::HoldingDown,
            message: format!(
                "the signals have been complete for {}, a replica is given back after {}",
                context.timing.grid * context.memory.complete_run() as i64,
                context.timing.grid * needed as i64
            ),
        };
    }
    Verdict::Pass
}
