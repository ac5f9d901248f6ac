//! One replica of a world: an engine with a pod around it.

use super::clock::Place;
use super::nodes::Lease;
use crate::simulate::Moment;
use crate::simulate::engine::Engine;
use crate::simulate::policy::{LatencyCounts, PodScrape, PodState};
use crate::snapshot::Phase;

/// What is measured on a replica, beyond what its engine counts.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Meters {
    /// Requests taken and not ended.
    pub in_flight: u32,
    /// Requests taken.
    pub arrived: u64,
    pub ttft: LatencyCounts,
    pub tpot: LatencyCounts,
    /// Milliseconds in which a batch ran.
    busy: f64,
    /// Requests in flight times milliseconds.
    flight: f64,
    since: Moment,
    scraped: Option<(Moment, f64, f64)>,
}

/// A replica from its order to the end of its drain.
#[derive(Debug)]
pub(super) struct Replica {
    pub id: u32,
    pub variant: usize,
    pub phase: Phase,
    pub created: Moment,
    pub ready_since: Option<Moment>,
    pub lease: Option<Lease>,
    pub engine: Engine,
    pub meters: Meters,
    /// When its batch changes next, as the clock knows it.
    pub wake: Option<Moment>,
    /// Credit of the weighted turn.
    pub credit: f64,
    /// Requests that it runs at once.
    pub sequences: u32,
}

/// Share of the KV cache above which an engine that lets requests wait has no room for more.
const FULL: f64 = 0.9;

impl Replica {
    /// Counts the time up to `now` as busy or idle, before anything changes.
    pub fn touch(&mut self, now: Moment) {
        let ms = now - self.meters.since;
        if ms > 0.0 {
            if self.engine.next_event().is_some() {
                self.meters.busy += ms;
            }
            self.meters.flight += ms * f64::from(self.meters.in_flight);
            self.meters.since = now;
        }
    }

    /// Starts counting, when it begins to serve.
    pub fn count_from(&mut self, now: Moment) {
        self.meters.since = now;
        self.meters.scraped = Some((now, 0.0, 0.0));
    }

    /// Whether a request given to it would soon be in its batch.
    pub fn has_room(&self) -> bool {
        self.meters.in_flight < self.sequences && (self.engine.waiting() == 0 || self.engine.kv_use() < FULL)
    }

    pub fn place(&self, slot: u32) -> Place {
        Place { slot, id: self.id }
    }

    pub fn state(&self) -> PodState {
        PodState {
            id: u64::from(self.id),
            variant: self.variant,
            phase: self.phase,
            created: self.created,
            ready_since: self.ready_since,
        }
    }

    /// What its metrics say; the engine must have been advanced to `now`.
    pub fn scrape(&mut self, now: Moment) -> PodScrape {
        self.touch(now);
        let (at, busy, flight) = self.meters.scraped.unwrap_or((now, 0.0, 0.0));
        let ms = (now - at).max(1e-9);
        self.meters.scraped = Some((now, self.meters.busy, self.meters.flight));
        let counters = self.engine.counters();
        PodScrape {
            id: u64::from(self.id),
            variant: self.variant,
            draining: self.phase == Phase::Draining,
            running: self.engine.running() as u32,
            waiting: self.engine.waiting() as u32,
            kv_use: self.engine.kv_use().min(1.0),
            kv_capacity: self.engine.kv_capacity(),
            busy_share: ((self.meters.busy - busy) / ms).clamp(0.0, 1.0),
            mean_in_flight: (self.meters.flight - flight) / ms,
            arrived: self.meters.arrived,
            completed: counters.finished,
            prompt_tokens: counters.prompt_tokens,
            generated_tokens: counters.generated_tokens,
            ttft: self.meters.ttft,
            tpot: self.meters.tpot,
        }
    }
}
