//! Without a known capacity nothing is given back: fewer replicas of unknown strength are a guess.

use super::{Context, Verdict, decreases, no_decrease};
use crate::plan::reason::Reason;

pub(super) fn check(context: &Context<'_>, proposal: &[u32]) -> Verdict {
    let known = context.capacities.iter().any(Option::is_some);
    if context.user_ordered || known || !decreases(context.current, proposal) {
        return Verdict::Pass;
    }
    Verdict::Instead {
        replicas: no_decrease(context.current, proposal),
        reason: Reason::Learning,
        message: "what a replica carries is not known yet: name a performance profile, or let the load vary".to_owned(),
    }
}
