//! Minimum and maximum, of each variant and in total. A cap beats a minimum, and only an edit of a cap removes
//! replicas that run.

use super::{Context, Verdict, increases, no_decrease};
use crate::plan::distribute;
use crate::plan::reason::Reason;

pub(super) fn check(context: &Context<'_>, proposal: &[u32]) -> Verdict {
    if context.object.mode == crate::snapshot::Mode::Paused || !context.object.conflicts.is_empty() {
        return Verdict::Pass;
    }
    let object = context.object;
    let current: u32 = context.current.iter().sum();
    let within: Vec<u32> = proposal
        .iter()
        .zip(&object.variants)
        .zip(context.current)
        .map(|((proposed, variant), current)| {
            let cap = variant.replicas.max.max(*current);
            (*proposed).max(variant.replicas.min).min(cap)
        })
        .collect();
    let total: u32 = within.iter().sum();
    let cap = if context.user_ordered {
        object.replicas.max
    } else {
        object.replicas.max.max(current)
    };
    if total > cap {
        let replicas = if context.user_ordered {
            distribute::lower_to(object, &within, cap, None)
        } else {
            // What earlier guards have kept stays: room for more is made by those who give back, not by the cap.
            distribute::grow_to(context.current, &within, cap)
        };
        return Verdict::Instead {
            replicas,
            reason: Reason::AtMaximum,
            message: format!("replicas.max is {}", object.replicas.max),
        };
    }
    if total < object.replicas.min {
        let least = object.replicas.min.min(object.replicas.max);
        let mut replicas = distribute::raise_to(object, &within, least, context.active);
        if increases(context.current, &replicas) && !context.user_ordered {
            // The minimum moves to another variant: what serves stays until the others do, as far as there is room.
            replicas = distribute::grow_to(&replicas, &no_decrease(context.current, &replicas), cap);
        }
        return Verdict::Instead {
            replicas,
            reason: Reason::AtMinimum,
            message: format!("replicas.min is {}", object.replicas.min),
        };
    }
    let (reason, message) = match proposal.iter().sum::<u32>().cmp(&total) {
        std::cmp::Ordering::Greater => (Reason::AtMaximum, "the variants' replicas.max bind".to_owned()),
        _ => (Reason::AtMinimum, "the variants' replicas.min bind".to_owned()),
    };
    Verdict::Instead {
        replicas: within,
        reason,
        message,
    }
}
