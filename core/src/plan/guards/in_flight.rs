//! While replicas start, nothing that serves is given back; what has not started yet may be.

use super::{Context, Verdict, decreases};
use crate::plan::reason::Reason;

pub(super) fn check(context: &Context<'_>, proposal: &[u32]) -> Verdict {
    let starting = |i: usize, current: u32| current > context.ready(i);
    let any_starting = context.current.iter().enumerate().any(|(i, c)| starting(i, *c));
    if context.user_ordered || !any_starting || !decreases(context.current, proposal) {
        return Verdict::Pass;
    }
    // A ReplicaSet gives up pods that are not ready before any that is.
    let replicas: Vec<u32> = proposal
        .iter()
        .zip(context.current)
        .enumerate()
        .map(|(i, (p, c))| if p < c { *p.max(&context.ready(i).min(*c)) } else { *p })
        .collect();
    Verdict::Instead {
        replicas,
        reason: Reason::InFlight,
        message: "replicas are starting: what serves is kept until they are ready".to_owned(),
    }
}
