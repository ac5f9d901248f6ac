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

use super::bucket;
use crate::snapshot::{ObjectKey, Snapshot};

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

    /// The memory of one object; `None` before it was first seen.
    pub fn object(&self, key: &ObjectKey) -> Option<&ObjectMemory> {
        self.objects.get(key)
    }
}
