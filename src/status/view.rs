//! What a report about one object is made from. Plain data.

use inferscale_core::plan::ObjectPlan;
use inferscale_core::snapshot::ObjectSnapshot;

use crate::observe::ObservedObject;

/// Everything that a report is made from.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// The object as the decision saw it.
    pub object: &'a ObjectSnapshot,
    /// What is known of it besides.
    pub beside: &'a ObservedObject,
    /// The plan.
    pub plan: &'a ObjectPlan,
}
