//! What the operator remembers of each object: a fold over closed grid buckets, a few kilobytes an object.
//!
//! Only closed buckets change it, so that two operators that saw the same buckets decide the same. An early tick
//! re-plans on the same memory. Orders in flight are not here: they are read from the cluster.

mod attainment;
mod demand;
mod headroom;
mod learned;
mod object;
mod workload;

use std::collections::BTreeMap;

pub use attainment::Attainment;
pub use demand::Levels;
pub use headroom::Headroom;
pub use learned::Learned;
pub use object::ObjectMemory;
pub use workload::WorkloadMix;

use super::bucket::{self, Bucket};
use crate::snapshot::{ObjectKey, ObjectSnapshot, Snapshot, Timing};

/// The memory of the whole fleet.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Memory {
    objects: BTreeMap<ObjectKey, ObjectMemory>,
}

impl Memory {
    /// Closes the buckets whose data has come and folds them in; objects that are gone are forgotten.
    pub fn absorb(&mut self, snapshot: &Snapshot) {
        self.objects.retain(|key, _| snapshot.objects.contains_key(key));
        for (key, object) in &snapshot.objects {
            let (timing, now) = (snapshot.timing, snapshot.now);
            let memory = self
                .objects
                .entry(key.clone())
                .or_insert_with(|| ObjectMemory::new(bucket::first_start(object, timing, now), now));
            for bucket in bucket::closed(object, timing, memory.cursor(), now) {
                memory.absorb(&bucket, object, timing);
            }
        }
    }

    /// Remembers an object as an operator does that has watched it since the first of these closed buckets, which come
    /// oldest first; the pods of `object` tell its lead time. An object that is known already, and none at all, are left.
    pub fn recall(&mut self, key: &ObjectKey, object: &ObjectSnapshot, timing: Timing, buckets: &[Bucket]) {
        let Some(first) = buckets.first().filter(|_| !self.objects.contains_key(key)) else {
            return;
        };
        let mut memory = ObjectMemory::new(first.start, first.start);
        for bucket in buckets {
            memory.absorb(bucket, object, timing);
        }
        self.objects.insert(key.clone(), memory);
    }

    /// The memory of one object; `None` before it was first seen.
    pub fn object(&self, key: &ObjectKey) -> Option<&ObjectMemory> {
        self.objects.get(key)
    }
}
