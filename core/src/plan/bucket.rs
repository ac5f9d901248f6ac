//! Closing a grid bucket: what one object did between two multiples of the grid, and how much of it was seen.
//!
//! Engines count completions, not arrivals. Arrivals = completions + change of (running + waiting): for each pod
//! that sum is a counter of its own, read at both ends of the bucket on the line between scrapes, so that scrape
//! phase and bucket edges need not agree.

use crate::snapshot::{Histogram, ObjectSnapshot, Phase, PodSnapshot, Sample, Series, Target, Timing};
use crate::units::{Ratio, Time};

/// Requests counted against one latency target.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Attained {
    /// Requests inside the target.
    pub inside: f64,
    /// All requests that were measured.
    pub total: f64,
}

/// One object over one closed grid bucket, the sum over its pods.
#[derive(Debug, Clone, PartialEq)]
pub struct Bucket {
    /// Start of the bucket, a multiple of the grid.
    pub start: Time,
    /// Requests that arrived at the engines.
    pub arrivals: f64,
    /// Requests that finished.
    pub completed: f64,
    /// Requests whose first token came.
    pub started: f64,
    /// Prompt tokens processed.
    pub prompt_tokens: f64,
    /// Tokens generated.
    pub generated_tokens: f64,
    /// Time to first token against its target; `None` = no such target.
    pub time_to_first_token: Option<Attained>,
    /// Time per output token against its target; `None` = no such target.
    pub time_per_output_token: Option<Attained>,
    /// Replicas that served during the whole bucket.
    pub replicas: u32,
    /// The share of the serving pods that was seen from end to end. Zero = a hole.
    pub coverage: Ratio,
}

/// The buckets of `object` from `since` on that are closed: all their data is here, or can no longer come.
pub fn closed(object: &ObjectSnapshot, timing: Timing, since: Time, now: Time) -> Vec<Bucket> {
    let grid = timing.grid;
    let mut buckets = Vec::new();
    let mut start = since;
    // Holes of an operator that slept are not worth closing one by one: nothing was seen in them anyway.
    let oldest = (now - timing.backfill()).floor_to(grid);
    if start < oldest {
        start = oldest;
    }
    while start + grid <= now {
        let end = start + grid;
        let pods = serving(object, start, end);
        let complete = pods.iter().all(|pod| seen_until(pod) >= Some(end));
        if !complete && now.since(end) < timing.stale_after() {
            break;
        }
        buckets.push(close(object, &pods, start, end));
        start = end;
    }
    buckets
}

/// Where the first bucket of an object starts: at its oldest sample, else now.
pub fn first_start(object: &ObjectSnapshot, timing: Timing, now: Time) -> Time {
    let oldest = object
        .variants
        .iter()
        .flat_map(|v| &v.pods)
        .filter_map(|pod| pod.signals.completed.samples().first())
        .map(|s| s.at)
        .min()
        .unwrap_or(now);
    (oldest.max(now - timing.backfill())).floor_to(timing.grid)
}

/// The pods that served at some time between `start` and `end`.
fn serving(object: &ObjectSnapshot, start: Time, end: Time) -> Vec<&PodSnapshot> {
    let pods = object.variants.iter().flat_map(|v| &v.pods);
    pods.filter(|pod| match pod.phase {
        Phase::Ready => pod.ready_since.is_some_and(|ready| ready < end),
        // A draining pod takes no new requests; what it finishes still counts while its metrics last.
        Phase::Draining => seen_until(pod) >= Some(end) && pod.signals.completed.at(start).is_some(),
        Phase::Unschedulable | Phase::Starting => false,
    })
    .collect()
}

/// The instant up to which all three counts of a pod are known.
fn seen_until(pod: &PodSnapshot) -> Option<Time> {
    let s = &pod.signals;
    let ends = [&s.running, &s.waiting, &s.completed].map(|series| series.last().map(|sample| sample.at));
    ends.into_iter().min().flatten()
}

fn close(object: &ObjectSnapshot, pods: &[&PodSnapshot], start: Time, end: Time) -> Bucket {
    let limit = |target| object.objectives.limit(target);
    let mut bucket = Bucket {
        start,
        arrivals: 0.0,
        completed: 0.0,
        started: 0.0,
        prompt_tokens: 0.0,
        generated_tokens: 0.0,
        time_to_first_token: limit(Target::TimeToFirstToken).map(|_| Attained::default()),
        time_per_output_token: limit(Target::TimePerOutputToken).map(|_| Attained::default()),
        replicas: 0,
        coverage: Ratio::ZERO,
    };
    let mut seen = 0.0;
    let mut net = 0.0;
    for pod in pods {
        // A process that began inside the bucket counted from zero.
        let fresh = pod.ready_since.is_some_and(|ready| ready > start);
        bucket.replicas += u32::from(!fresh && pod.phase == Phase::Ready);
        let signals = &pod.signals;
        let Some(arrivals) = growth(&arrived(signals), start, end, fresh) else {
            continue;
        };
        seen += 1.0;
        net += arrivals;
        bucket.completed += growth(&signals.completed.monotone(), start, end, fresh).unwrap_or(0.0);
        bucket.prompt_tokens += growth(&signals.prompt_tokens.monotone(), start, end, fresh).unwrap_or(0.0);
        bucket.generated_tokens += growth(&signals.generated_tokens.monotone(), start, end, fresh).unwrap_or(0.0);
        bucket.started += total(&signals.time_to_first_token, start, end, fresh).unwrap_or(0.0);
        for (target, histogram, sum) in [
            (
                Target::TimeToFirstToken,
                &signals.time_to_first_token,
                &mut bucket.time_to_first_token,
            ),
            (
                Target::TimePerOutputToken,
                &signals.time_per_output_token,
                &mut bucket.time_per_output_token,
            ),
        ] {
            if let (Some(limit), Some(sum)) = (limit(target), sum.as_mut())
                && let Some(a) = attained(histogram, limit.as_secs_f64(), start, end, fresh)
            {
                sum.inside += a.inside;
                sum.total += a.total;
            }
        }
    }
    // A request that moves between two pods' counts (aborted here, retried there) can make one pod negative;
    // only the sum must not be.
    bucket.arrivals = net.max(0.0);
    bucket.coverage = Ratio::of(seen, pods.len() as f64).unwrap_or(Ratio::ZERO);
    bucket
}

/// Completions + running + waiting of one pod at the instants at which all three were scraped.
fn arrived(signals: &crate::snapshot::PodSignals) -> Series {
    let completed = signals.completed.monotone();
    let samples = completed.samples().iter().filter_map(|c| {
        let in_flight = signals.running.at(c.at)? + signals.waiting.at(c.at)?;
        Some(Sample {
            at: c.at,
            value: c.value + in_flight,
        })
    });
    Series::new(samples.collect())
}

/// How much `counter` grew between two instants; `fresh` = it was zero at the start when nothing older is known.
fn growth(counter: &Series, start: Time, end: Time, fresh: bool) -> Option<f64> {
    let at_end = counter.at(end)?;
    match counter.at(start) {
        Some(at_start) => Some(at_end - at_start),
        None if fresh => Some(at_end),
        None => None,
    }
}

fn total(histogram: &Histogram, start: Time, end: Time, fresh: bool) -> Option<f64> {
    let (_, counter) = histogram.buckets.last()?;
    growth(&counter.monotone(), start, end, fresh)
}

/// The share of a histogram's requests that took at most `limit` seconds, on the line between the edges around it.
fn attained(histogram: &Histogram, limit: f64, start: Time, end: Time, fresh: bool) -> Option<Attained> {
    let total = total(histogram, start, end, fresh)?;
    let mut below = (0.0, 0.0);
    for (edge, counter) in &histogram.buckets {
        let count = growth(&counter.monotone(), start, end, fresh)?;
        if *edge >= limit {
            // Beyond the last finite edge nothing is known of how long it took: those count as misses.
            let share = if edge.is_finite() {
                (limit - below.0) / (edge - below.0)
            } else {
                0.0
            };
            let inside = below.1 + (count - below.1).max(0.0) * share;
            return Some(Attained {
                inside: inside.min(total),
                total,
            });
        }
        below = (*edge, count);
    }
    None
}
