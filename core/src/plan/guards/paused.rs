//! `mode: Paused`: everything stays as it is, whatever else is set.

use super::{Context, Verdict};
use crate::plan::reason::Reason;
use crate::snapshot::Mode;

pub(super) fn check(context: &Context<'_>, _proposal: &[u32]) -> Verdict {
    if context.object.mode != Mode::Paused {
        return Verdict::Pass;
    }
    Verdict::Instead {
        replicas: context.current.to_vec(),
        reason: Reason::Paused,
        message: "mode is Paused: nothing is changed; set mode to Auto to go on".to_owned(),
    }
}
