//! The one clock of a world: what happens next, in order of time; of two things at one instant the one that was
//! scheduled first.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use crate::simulate::Moment;

/// A replica of an object; `id` tells it from one that had the same place before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub slot: u32,
    pub id: u32,
}

/// Something that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// The next request of the load.
    Arrival,
    /// An engine's batch changes.
    Wake(Place),
    /// A start is over, well or not.
    Started(Place),
    /// A draining replica is killed.
    DrainOver(Place),
    /// A replica loses its node.
    Reclaimed(Place),
    /// The replicas are scraped.
    Scrape,
    /// What was scraped can be queried.
    Visible,
    /// The policy is asked.
    Decide,
    /// A second is over.
    Second,
    /// A minute is over.
    Minute,
}

/// What is due, when and for which object.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub at: Moment,
    serial: u64,
    pub object: u32,
    pub due: Due,
}

impl Entry {
    fn rank(&self) -> (Moment, u64) {
        (self.at, self.serial)
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.rank() == other.rank()
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        self.rank().cmp(&other.rank())
    }
}

/// The heap of what is due.
#[derive(Debug, Default)]
pub(super) struct Clock {
    heap: BinaryHeap<Reverse<Entry>>,
    serial: u64,
}

impl Clock {
    pub fn schedule(&mut self, at: Moment, object: u32, due: Due) {
        self.serial += 1;
        self.heap.push(Reverse(Entry {
            at,
            serial: self.serial,
            object,
            due,
        }));
    }

    pub fn next(&mut self) -> Option<Entry> {
        self.heap.pop().map(|Reverse(entry)| entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_due_at_one_instant_comes_in_the_order_of_its_scheduling() {
        let mut clock = Clock::default();
        for (at, object) in [(2.0, 0), (1.0, 1), (2.0, 2), (0.5, 3)] {
            clock.schedule(Moment::from_millis(at), object, Due::Second);
        }
        let order: Vec<u32> = std::iter::from_fn(|| clock.next()).map(|entry| entry.object).collect();
        assert_eq!(order, [3, 1, 0, 2]);
    }
}
