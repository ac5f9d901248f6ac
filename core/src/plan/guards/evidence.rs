//! Down needs evidence that is fresh, complete, and has been for the whole hold; up may act on a part of it.

use super::{Context, Verdict, decreases, increases, no_decrease, no_increase};
use crate::plan::evidence::Freshness;
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
        let (reason, message) = judged(context);
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
            reason: Reason::SignalsPartial,
            message: format!(
                "the signals have been complete for {}, a replica is given back after {}",
                context.timing.grid * context.memory.complete_run() as i64,
                context.timing.grid * needed as i64
            ),
        };
    }
    Verdict::Pass
}

/// The state of the evidence as a reason, with its message.
fn judged(context: &Context<'_>) -> (Reason, String) {
    let age = context
        .evidence
        .age
        .map_or_else(|| "unknown".to_owned(), |age| age.to_string());
    match context.evidence.freshness {
        Freshness::SourceUnreachable => {
            let why = context.object.source_failure.clone().unwrap_or_default();
            (
                Reason::SignalsMissing,
                format!("the metrics source does not answer ({why}): holding"),
            )
        }
        Freshness::Stale => (
            Reason::SignalsStale,
            format!("the newest samples are {age} old: holding"),
        ),
        Freshness::Frozen => (
            Reason::SignalsFrozen,
            "an engine reports running requests, but no token and no completion came: it hangs, or its metrics do"
                .to_owned(),
        ),
        Freshness::Partial | Freshness::Fresh => (
            Reason::SignalsPartial,
            format!(
                "only {} of the serving pods are seen: nothing is given back",
                context.evidence.coverage
            ),
        ),
        Freshness::NoPods => (Reason::SignalsMissing, "no pod serves yet: holding".to_owned()),
        Freshness::Missing => (
            Reason::SignalsMissing,
            "no sample of any serving pod came: holding; are the pods scraped?".to_owned(),
        ),
    }
}
