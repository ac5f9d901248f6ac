//! The whole fleet at one instant.

use std::collections::BTreeMap;

use super::object::{ObjectKey, ObjectSnapshot};
use super::pool::PoolSnapshot;
use crate::units::{Span, Time};

/// The time constants of a decision. All are multiples of the grid, so that tests and demos run fast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// The width of a demand bucket: 15 s in production, 2 s in the demo.
    pub grid: Span,
}

impl Timing {
    /// A sample older than this says nothing about now: four grids (a minute), so that one lost scrape of an
    /// ordinary 30 s scrape interval does not blind the operator.
    pub fn stale_after(self) -> Span {
        self.grid * 4
    }

    /// How far back the samples in a snapshot reach: enough to close a bucket whose data came late.
    pub fn range(self) -> Span {
        self.grid * 8
    }

    /// How far back the very first look reaches, so that a restarted operator need not learn the last minutes anew.
    pub fn backfill(self) -> Span {
        self.grid * 40
    }

    /// The lead time that is assumed until one has been measured: eight grids (two minutes).
    pub fn assumed_lead_time(self) -> Span {
        self.grid * 8
    }
}

/// One look at the whole fleet: what exists, what was measured, what it costs.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// When it was taken. Ages are counted from here.
    pub now: Time,
    /// The time constants in force.
    pub timing: Timing,
    /// Every valid object, by name.
    pub objects: BTreeMap<ObjectKey, ObjectSnapshot>,
    /// Every pool, by name.
    pub pools: BTreeMap<String, PoolSnapshot>,
}
