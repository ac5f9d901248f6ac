//! What a tick publishes for the reconcilers: the plan, and what it was made from.

use std::sync::Arc;

use inferscale_core::plan::Plan;
use inferscale_core::snapshot::ObjectKey;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::observe::{Invalid, Observed};
use crate::status::View;

/// The outcome of one tick.
#[derive(Debug, Clone)]
pub struct Published {
    /// What was seen.
    pub observed: Observed,
    /// What was decided.
    pub plan: Plan,
    /// When the look began that this was decided on.
    pub decided: Instant,
    /// The epoch in which this operator led then; `None` = it stood by, and nothing of this is carried out.
    pub epoch: Option<i32>,
}

impl Published {
    /// What a report about one object is made from; `None` = not decided on.
    pub fn view(&self, key: &ObjectKey) -> Option<View<'_>> {
        Some(View {
            object: self.observed.snapshot.objects.get(key)?,
            beside: self.observed.objects.get(key)?,
            plan: self.plan.objects.get(key)?,
        })
    }

    /// Why an object cannot be decided on, with the generation that this was found on.
    pub fn invalid(&self, key: &ObjectKey) -> Option<&(Option<i64>, Invalid)> {
        self.observed.invalid.get(key)
    }
}

/// The newest outcome; `None` before the first tick.
pub type Latest = watch::Receiver<Option<Arc<Published>>>;
