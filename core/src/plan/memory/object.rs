//! The memory of one object and its fold.

use super::headroom::{Headroom, Seen};
use super::strength::{Loaded, Strength};
use super::{Attainment, Learned, Levels, WorkloadMix};
use crate::plan::bucket::Bucket;
use crate::plan::{lead_time, size};
use crate::snapshot::{ObjectSnapshot, Target, Timing};
use crate::units::{Ratio, Span, Time};

/// How long a request may wait where no time to first token is promised.
const PATIENCE: Span = Span::from_secs(2);

/// What is remembered of one object.
#[derive(Debug, Clone, PartialEq)]
pub struct ObjectMemory {
    cursor: Time,
    watched_since: Time,
    complete_run: u32,
    /// The level of demand.
    pub levels: Levels,
    /// Headroom over the signal.
    pub headroom: Headroom,
    /// How strong the replicas are, against their profile.
    pub strength: Strength,
    /// Requests inside the targets.
    pub attainment: Attainment,
    /// Tokens of a request.
    pub workload: WorkloadMix,
    /// Capacity where no profile is given.
    pub learned: Learned,
}

impl ObjectMemory {
    /// Nothing remembered: the first bucket starts at `start`, and the object is watched from `now` on.
    pub fn new(start: Time, now: Time) -> Self {
        Self {
            cursor: start,
            watched_since: now,
            complete_run: 0,
            levels: Levels::default(),
            headroom: Headroom::default(),
            strength: Strength::default(),
            attainment: Attainment::default(),
            workload: WorkloadMix::default(),
            learned: Learned::default(),
        }
    }

    /// Where the next bucket starts.
    pub fn cursor(&self) -> Time {
        self.cursor
    }

    /// How long this operator has watched the object itself; what was back-filled does not count.
    pub fn watched(&self, now: Time) -> Span {
        now.since(self.watched_since)
    }

    /// Buckets in a row, up to the newest, that were seen completely.
    pub fn complete_run(&self) -> usize {
        self.complete_run as usize
    }

    /// Folds in one closed bucket of `object`.
    pub fn absorb(&mut self, bucket: &Bucket, object: &ObjectSnapshot, timing: Timing) {
        self.cursor = self.cursor.max(bucket.start + timing.grid);
        let complete = bucket.coverage == Ratio::ONE;
        self.complete_run = if complete {
            self.complete_run.saturating_add(1)
        } else {
            0
        };
        if bucket.coverage == Ratio::ZERO {
            // A hole: absent is never zero. The levels stay where they were.
            return;
        }
        // Traffic is spread evenly, so what was not seen is like what was seen.
        let rate = bucket.arrivals / bucket.coverage.get() / timing.grid.as_secs_f64();
        let counted = self.levels.absorb(bucket.start, rate, timing.grid);
        self.workload.absorb(bucket);
        let lead = lead_time::of(object, timing);
        let capacity = self.capacity(object);
        let patience = object.objectives.limit(Target::TimeToFirstToken).unwrap_or(PATIENCE);
        self.headroom.absorb(Seen {
            start: bucket.start,
            grid: timing.grid,
            rate: counted,
            lead: lead.in_buckets(timing.grid) + 1,
            hold: lead_time::hold(lead, timing),
            capacity: capacity.map(|c| c.requests_per_second),
            patience,
            attainment: object.objectives.attainment,
        });
        self.attainment.absorb(bucket, object.objectives.window, timing.grid);
        let targets = [bucket.time_to_first_token, bucket.time_per_output_token];
        let missed = targets.iter().flatten().map(|a| a.missed()).fold(0.0, f64::max);
        let total = targets.iter().flatten().map(|a| a.total).fold(0.0, f64::max);
        self.headroom
            .correct(missed, total, object.objectives.attainment, timing.grid);
        // What was learned without a profile is no profile's to be corrected.
        let of_profile = capacity.filter(|c| c.origin == size::Origin::Profile);
        if let (true, Some(capacity), true) = (complete && bucket.replicas > 0, of_profile, total > 0.0) {
            self.strength.absorb(Loaded {
                rate,
                // What is known of it already is in the capacity, and must not count twice.
                capacity: capacity.requests_per_second / self.strength.factor() * f64::from(bucket.replicas),
                missed: missed / total * rate,
                mean: self.headroom.mean(),
                grid_s: timing.grid.as_secs_f64(),
                patience_s: patience.as_secs_f64(),
            });
        }
        if complete && bucket.replicas > 0 && total > 0.0 {
            let met = missed <= (1.0 - object.objectives.attainment.get()) * total + 1e-9;
            self.learned.absorb(rate / f64::from(bucket.replicas), met);
        }
    }

    /// What one replica of the variant that most replicas are of carries, in requests/s; `None` = not known.
    fn capacity(&self, object: &ObjectSnapshot) -> Option<size::ReplicaCapacity> {
        let workload = self.workload.workload();
        let known = object.variants.iter().filter_map(|variant| {
            let capacity = size::capacity(object, variant, workload, self)?;
            Some((variant.ordered().unwrap_or(0), capacity))
        });
        // Of several with as many, the first.
        known
            .reduce(|best, one| if one.0 > best.0 { one } else { best })
            .map(|(_, capacity)| capacity)
    }

    /// What it holds outside of itself.
    #[cfg(test)]
    pub fn heap_bytes(&self) -> usize {
        self.headroom.heap_bytes() + self.attainment.heap_bytes()
    }
}
