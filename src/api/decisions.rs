//! What the reason of a decision means, and what a user can do about it. Pure.
//!
//! The reasons are the core's. The match below is complete, so a new one does not compile without its words here,
//! and docs/reference/conditions.md is made from them.

use inferscale_core::plan::Reason;

/// Meaning and remedy of a decision's reason, in sentences for people; the remedy is "Nothing." where all is well.
pub const fn explain(reason: Reason) -> (&'static str, &'static str) {
    match reason {
        Reason::Steady => ("What runs is what is needed.", "Nothing."),
        Reason::DemandUp => ("More demand is expected than the replicas carry.", "Nothing."),
        Reason::DemandDown => (
            "Fewer replicas carry the expected demand, and would have for the whole hold.",
            "Nothing.",
        ),
        Reason::CheaperVariant => ("A cheaper variant carries the demand.", "Nothing."),
        Reason::ObjectiveMissed => (
            "Requests missed their target, and no replica that is starting makes up for it.",
            "Nothing, unless it stays: then look at ScalingLimited and CapacityAvailable.",
        ),
        Reason::Override => (
            "A person's order in `override` is in force.",
            "Remove `override` to give the control back.",
        ),
        Reason::UserOrdered => (
            "A person lowered a limit below what runs; that is carried out without fresh metrics.",
            "Nothing, if it was meant.",
        ),
        Reason::Paused => (
            "`mode` is Paused: the replicas stay as they are.",
            "Set `mode: Auto` to go on.",
        ),
        Reason::TargetUnavailable => (
            "A target does not exist, or cannot be read.",
            "See the condition Stalled: its message names the target.",
        ),
        Reason::Conflicted => (
            "Another controller scales a target, so nothing is written.",
            "See the condition Conflicted: its message names the other one.",
        ),
        Reason::SignalsMissing => (
            "No sample of a serving pod is there, so the replicas are held.",
            "See the condition SignalsFresh.",
        ),
        Reason::SignalsStale => (
            "The newest samples are too old to go down on.",
            "See the condition SignalsFresh.",
        ),
        Reason::SignalsPartial => (
            "Some serving pods are not seen, so the replicas do not go down.",
            "Usual for a short time while pods start. If it stays, see the condition SignalsFresh.",
        ),
        Reason::SignalsFrozen => (
            "An engine reports work but makes no progress: it hangs, or its metrics do.",
            "Look at the log of the pod that the message names.",
        ),
        Reason::SuspiciousZero => (
            "All demand vanished at once, which is more often a broken metric than a quiet hour. The replicas are held.",
            "If the traffic really ended, nothing: they go down after the hold. Otherwise look at the scrapes.",
        ),
        Reason::WarmingUp => (
            "There is not enough complete history yet to give a replica back.",
            "Nothing; it ends by itself.",
        ),
        Reason::Learning => (
            "There is no profile, and what one replica carries is not known yet: small steps up, none down.",
            "Nothing; it ends with traffic. A `performance.profile` makes it shorter.",
        ),
        Reason::InFlight => (
            "Replicas are starting; none is given back before they serve.",
            "Nothing.",
        ),
        Reason::Draining => (
            "Replicas are still draining; the next are given back when they have gone.",
            "Nothing. If it stays, a pod does not end: look at its grace period and at what it still serves.",
        ),
        Reason::HoldingDown => (
            "The need was higher within the hold, or the signals were not complete all the while: replicas are kept.",
            "Nothing.",
        ),
        Reason::WithinTolerance => ("The difference is too small to act on.", "Nothing."),
        Reason::AtMinimum => (
            "The minimum keeps more replicas than the load needs.",
            "Lower `replicas.min` if the standing capacity is not wanted.",
        ),
        Reason::AtMaximum => (
            "The maximum keeps fewer replicas than the load needs.",
            "Raise `replicas.max`, or relax the objective.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use strum::IntoEnumIterator;

    use super::*;

    #[test]
    fn every_reason_is_explained_in_sentences() {
        for reason in Reason::iter() {
            let (meaning, remedy) = explain(reason);
            assert!(meaning.ends_with('.') && remedy.ends_with('.'), "{reason}");
        }
    }
}
