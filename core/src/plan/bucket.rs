//! Closing a grid bucket: what one object did between two multiples of the grid, and how much of it was seen.
//!
//! Engines count completions, not arrivals. Arrivals = completions + change of (running + waiting): for each pod
//! that sum is a counter of its own, read at both ends of the bucket on the line between scrapes, so that scrape
//! phase and bucket edges need not agree.

use super::evidence;
use crate::snapshot::{Histogram, ObjectSnapshot, Phase, PodSnapshot, Sample, Series, Target, Timing};
use crate::units::{Ratio, Span, Time};

/// No engine takes in, or finishes, more requests a second than this: what says so is a broken counter, and one such
/// bucket would move the averages for days.
const MOST_REQUESTS: f64 = 1e5;
/// More requests than one engine can hold, running or waiting.
const MOST_IN_FLIGHT: f64 = 1e6;
/// The same of tokens.
const MOST_TOKENS: f64 = 1e8;

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
    /// Requests that finished, on the pods whose generated tokens are known.
    pub completed: f64,
    /// Requests whose first token came, on the pods whose prompt tokens are known.
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
        buckets.push(close(object, &pods, timing, start, end));
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

/// Whether a pod's metrics did not move while it reported work, up to the first sample at or after `end`: what they
/// say of the bucket is not what happened in it.
fn stood_still(pod: &PodSnapshot, timing: Timing, end: Time) -> bool {
    let samples = pod.signals.running.samples();
    let at = samples.get(samples.partition_point(|s| s.at < end)).map(|s| s.at);
    at.is_some_and(|at| evidence::frozen(pod, timing, at))
}

/// Whether any sample of the counts that demand is made of is none that an engine can have: then those beside it, which
/// look possible, are not believed either, as long as it is among what is looked at.
fn nonsense(signals: &crate::snapshot::PodSignals) -> bool {
    let too_many = |series: &Series| series.samples().iter().any(|s| s.value > MOST_IN_FLIGHT);
    let completed = signals.completed.monotone();
    let jumps = completed.samples().windows(2).any(|pair| match pair {
        [a, b] => plausible(b.value - a.value, MOST_REQUESTS, b.at.since(a.at)).is_none(),
        _ => false,
    });
    too_many(&signals.running) || too_many(&signals.waiting) || jumps
}

/// `grown` where an engine can have done that in `span`, at `most` a second.
fn plausible(grown: f64, most: f64, span: Span) -> Option<f64> {
    (grown.abs() <= most * span.as_secs_f64()).then_some(grown)
}

fn close(object: &ObjectSnapshot, pods: &[&PodSnapshot], timing: Timing, start: Time, end: Time) -> Bucket {
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
    let span = end.since(start);
    for pod in pods {
        if stood_still(pod, timing, end) || nonsense(&pod.signals) {
            continue;
        }
        // A process that began inside the bucket counted from zero.
        let fresh = pod.ready_since.is_some_and(|ready| ready > start);
        bucket.replicas += u32::from(!fresh && pod.phase == Phase::Ready);
        let signals = &pod.signals;
        let of = |counter: &Series, most: f64| {
            growth(&counter.monotone(), start, end, fresh).and_then(|grown| plausible(grown, most, span))
        };
        let Some(arrivals) =
            growth(&arrived(signals), start, end, fresh).and_then(|grown| plausible(grown, MOST_REQUESTS, span))
        else {
            continue;
        };
        seen += 1.0;
        net += arrivals;
        // Tokens count together with the requests they belong to, or not at all: absent is never zero.
        let started = total(&signals.time_to_first_token, start, end, fresh);
        if let (Some(started), Some(tokens)) = (started, of(&signals.prompt_tokens, MOST_TOKENS)) {
            bucket.started += started;
            bucket.prompt_tokens += tokens;
        }
        let completed = of(&signals.completed, MOST_REQUESTS);
        if let (Some(completed), Some(tokens)) = (completed, of(&signals.generated_tokens, MOST_TOKENS)) {
            bucket.completed += completed;
            bucket.generated_tokens += tokens;
        }
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
    let grown = growth(&counter.monotone(), start, end, fresh)?;
    plausible(grown, MOST_REQUESTS, end.since(start))
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

#[cfg(test)]
#[path = "bucket_tests.rs"]
mod tests;
