//! Why a condition has its status. Pure.
//!
//! The names are an API: a program may wait for them. A reason is added, never renamed; its words stand in
//! [`super::conditions`].

/// Why a condition has its status.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    strum::Display,
    strum::EnumIter,
    strum::EnumString,
    strum::IntoStaticStr,
)]
pub enum Reason {
    /// Nothing is wrong with the object.
    Valid,
    /// A target does not exist.
    TargetMissing,
    /// A target exists and cannot be scaled.
    TargetUncontrollable,
    /// No preset has the engine's name.
    EngineUnknown,
    /// No profile has that name.
    ProfileUnknown,
    /// No metric source has that name.
    MetricsSourceUnknown,
    /// No pool has that name.
    PoolUnknown,
    /// A stored value cannot be read.
    Malformed,
    /// No decision for this generation yet.
    FirstDecisionDue,
    /// This generation was decided on.
    Decided,
    /// The operator decides and writes.
    InControl,
    /// `mode: Paused`.
    Paused,
    /// `mode: Advise`.
    Advise,
    /// A person's order is in force.
    Override,
    /// A person's order has run out and still stands in the spec.
    OverrideExpired,
    /// Another controller scales a target.
    Conflicted,
    /// Everything is measured, recently, on every pod.
    Fresh,
    /// Nothing at all is measured.
    Missing,
    /// The newest sample is too old.
    Stale,
    /// Some pods are not measured.
    Partial,
    /// Values stand still where they must move.
    Frozen,
    /// The metric source does not answer.
    SourceUnreachable,
    /// No pod serves, so nothing can be measured.
    NoPods,
    /// Every target is attained.
    Met,
    /// A target is missed.
    Missed,
    /// No request ended in the window.
    NoTraffic,
    /// There are requests, but their latency is not known.
    NoData,
    /// No replica waits for a node.
    Available,
    /// A replica finds no node.
    Unschedulable,
    /// No limit binds.
    NotLimited,
    /// The minimum keeps more replicas than the load needs.
    AtMinimum,
    /// The maximum keeps fewer replicas than the load needs.
    AtMaximum,
    /// The maxima of the variants keep fewer replicas than the load needs.
    VariantsAtMaximum,
    /// Nobody else scales a target.
    NoConflict,
    /// Another controller scales a target.
    ScaledByOther,
}
