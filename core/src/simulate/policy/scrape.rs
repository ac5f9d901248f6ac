//! Metrics as they were scraped: gauges at the instant of the scrape, counters since the process started.

use std::collections::VecDeque;

use crate::simulate::Moment;

/// Upper edges in seconds of vLLM's `time_to_first_token_seconds`; the last bucket has no edge.
pub const TTFT_EDGES_S: [f64; 22] = [
    0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0,
    160.0, 640.0, 2560.0,
];
/// Upper edges in seconds of vLLM's `request_time_per_output_token_seconds`; the last bucket has no edge.
pub const TPOT_EDGES_S: [f64; 19] = [
    0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0,
];
/// Buckets of the longer one, with the one beyond the last edge.
const BUCKETS: usize = TTFT_EDGES_S.len() + 1;

/// A histogram since the process started, not cumulative over its edges.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct LatencyCounts {
    /// Requests by bucket: the first up to the first edge, one past the last edge for all that took longer.
    pub counts: [u64; BUCKETS],
    /// The sum of what was measured, in seconds.
    pub sum_s: f64,
    /// How many were measured.
    pub total: u64,
}

impl LatencyCounts {
    /// Counts one request that took `seconds`.
    pub fn observe(&mut self, edges: &[f64], seconds: f64) {
        let bucket = edges.partition_point(|edge| *edge < seconds);
        if let Some(count) = self.counts.get_mut(bucket) {
            *count += 1;
        }
        self.sum_s += seconds;
        self.total += 1;
    }

    /// The mean in seconds of what was measured after `earlier`; `None` when nothing was.
    pub fn mean_since_s(&self, earlier: &Self) -> Option<f64> {
        let n = self.total.checked_sub(earlier.total).filter(|n| *n > 0)?;
        Some((self.sum_s - earlier.sum_s) / n as f64)
    }
}

/// What one replica reports. Counters start at zero with the replica.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PodScrape {
    /// The pod's number.
    pub id: u64,
    /// The place of its variant in the spec.
    pub variant: usize,
    /// Whether it takes no new requests.
    pub draining: bool,
    /// Requests in the running batch.
    pub running: u32,
    /// Requests in the engine's queue.
    pub waiting: u32,
    /// Share of the KV cache in use, 0..=1.
    pub kv_use: f64,
    /// Tokens that fit into the KV cache.
    pub kv_capacity: u64,
    /// Share of the time since its last scrape in which a batch ran: what a GPU's utilisation counter shows, 0..=1.
    pub busy_share: f64,
    /// Mean of running + waiting since its last scrape.
    pub mean_in_flight: f64,
    /// Requests taken.
    pub arrived: u64,
    /// Requests finished.
    pub completed: u64,
    /// Prompt tokens processed.
    pub prompt_tokens: u64,
    /// Tokens generated.
    pub generated_tokens: u64,
    /// Time to first token from arrival at the engine, by [`TTFT_EDGES_S`].
    pub ttft: LatencyCounts,
    /// Mean time per output token of a request, by [`TPOT_EDGES_S`].
    pub tpot: LatencyCounts,
}

/// What the router reports.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct RouterScrape {
    /// Requests that have arrived.
    pub arrived: u64,
    /// Requests that wait at the router.
    pub queued: u32,
    /// Requests at the replicas.
    pub in_flight: u32,
    /// Mean of queued + in flight since the last scrape.
    pub mean_in_flight: f64,
    /// Time to first token from arrival at the router, by [`TTFT_EDGES_S`].
    pub ttft: LatencyCounts,
    /// Mean time per output token of a request, by [`TPOT_EDGES_S`].
    pub tpot: LatencyCounts,
}

/// One round of scrapes.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scrape {
    /// When the metrics were read.
    pub at: Moment,
    /// The router; `None` = lost.
    pub router: Option<RouterScrape>,
    /// The replicas that answered.
    pub pods: Vec<PodScrape>,
}

/// The rounds that have arrived, oldest first, of the last 15 minutes.
#[derive(Debug, Clone, Default)]
pub struct Scrapes {
    rounds: VecDeque<Scrape>,
}

impl Scrapes {
    /// How long a round is kept, in seconds.
    pub const KEPT_S: f64 = 900.0;

    /// Takes a round that has arrived and gives back one that is too old, for its memory to be used again.
    pub fn push(&mut self, round: Scrape) -> Option<Scrape> {
        let oldest = round.at + -1000.0 * Self::KEPT_S;
        self.rounds.push_back(round);
        if self.rounds.front().is_some_and(|r| r.at < oldest) {
            self.rounds.pop_front()
        } else {
            None
        }
    }

    /// All rounds, oldest first.
    pub fn rounds(&self) -> &VecDeque<Scrape> {
        &self.rounds
    }

    /// The newest round.
    pub fn last(&self) -> Option<&Scrape> {
        self.rounds.back()
    }

    /// The rounds from `from` on, oldest first.
    pub fn since(&self, from: Moment) -> impl DoubleEndedIterator<Item = &Scrape> {
        let start = self.rounds.partition_point(|r| r.at < from);
        self.rounds.range(start..)
    }
}

/// One second at the router.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Second {
    /// Mean of the requests that wait at the router or are at a replica.
    pub in_flight: f64,
    /// Requests that arrived.
    pub arrived: u32,
}

/// The last 15 minutes by the second, as a proxy in front of the replicas counts them itself.
#[derive(Debug, Clone, Default)]
pub struct Live {
    seconds: VecDeque<Second>,
}

impl Live {
    /// Seconds that are kept.
    pub const KEPT: usize = 900;

    /// Takes one second that is over.
    pub fn push(&mut self, second: Second) {
        if self.seconds.len() == Self::KEPT {
            self.seconds.pop_front();
        }
        self.seconds.push_back(second);
    }

    /// The last `seconds` seconds that are over, oldest first; fewer at the start of the world.
    pub fn last(&self, seconds: usize) -> impl DoubleEndedIterator<Item = &Second> + ExactSizeIterator {
        self.seconds.range(self.seconds.len().saturating_sub(seconds)..)
    }

    /// Mean requests in flight over the last `seconds` seconds, counting those before the start as empty of requests
    /// only when there are none at all.
    pub fn mean_in_flight(&self, seconds: usize) -> f64 {
        let last = self.last(seconds);
        let n = last.len().max(1) as f64;
        last.map(|s| s.in_flight).sum::<f64>() / n
    }
}
