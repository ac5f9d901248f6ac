//! While replicas start, nothing that serves is given back; what has not started yet may be. The same holds for
//! replicas that this very proposal adds, as long as the maximum leaves room for them: a switch of variants keeps its
//! strength. At the maximum it goes on step by step, for else it would never begin.

use super::{Context, Verdict, decreases, increases};
use crate::plan::reason::Reason;

pub(super) fn check(context: &Context<'_>, proposal: &[u32]) -> Verdict {
    let starting = |i: usize, current: u32| current > context.ready(i);
    let any_starting = context.current.iter().enumerate().any(|(i, c)| starting(i, *c));
    let adds =
        increases(context.current, proposal) && context.current.iter().sum::<u32>() < context.object.replicas.max;
    if context.user_ordered || !(any_starting || adds) || !decreases(context.current, proposal) {
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
