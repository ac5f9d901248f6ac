//! Two controllers must never fight over one field: whoever else scales a target keeps it.

use super::{Context, Verdict};
use crate::plan::reason::Reason;

pub(super) fn check(context: &Context<'_>, _proposal: &[u32]) -> Verdict {
    let Some(other) = context.object.conflicts.first() else {
        return Verdict::Pass;
    };
    Verdict::Instead {
        replicas: context.current.to_vec(),
        reason: Reason::Conflicted,
        message: format!(
            "{} {} scales the target of variant {} too: delete it, or remove the variant",
            other.kind, other.name, other.variant
        ),
    }
}
