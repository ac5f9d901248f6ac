//! Why a decision came out as it did. The names are an API: they stand in status, events and metrics.

/// The reason of a decision.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, strum::Display, strum::IntoStaticStr, strum::EnumIter,
)]
pub enum Reason {
    /// What runs is what is needed.
    Steady,
    /// More demand is expected than the replicas carry.
    DemandUp,
    /// Fewer replicas carry the expected demand, and have for the whole hold.
    DemandDown,
    /// A cheaper variant carries the demand.
    CheaperVariant,
    /// Requests missed their target and no capacity on the way explains it away.
    ObjectiveMissed,
    /// A person's override is in force.
    Override,
    /// A person lowered a limit below what runs.
    UserOrdered,
    /// `mode: Paused`.
    Paused,
    /// A target does not exist, or cannot be read.
    TargetUnavailable,
    /// Another controller scales a target.
    Conflicted,
    /// No sample of a serving pod is there.
    SignalsMissing,
    /// The newest samples are too old.
    SignalsStale,
    /// Some serving pods are not seen.
    SignalsPartial,
    /// An engine reports work but makes no progress: hung, or its metrics are frozen.
    SignalsFrozen,
    /// Demand vanished at once, which is more often a broken metric than a dead service.
    SuspiciousZero,
    /// Not enough complete history yet to give a replica back.
    WarmingUp,
    /// No profile, and the capacity of a replica is not known yet.
    Learning,
    /// Replicas are starting; nothing is given back before they serve.
    InFlight,
    /// Replicas are draining; the next are given back when they have gone.
    Draining,
    /// The need was higher within the hold.
    HoldingDown,
    /// The difference is too small to act on.
    WithinTolerance,
    /// The minimum binds.
    AtMinimum,
    /// The maximum binds.
    AtMaximum,
}
