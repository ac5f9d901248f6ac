//! What the samples are worth: fresh, stale, partial, frozen or absent, and which share of the serving pods they cover.

use super::reason::Reason;
use crate::snapshot::{ObjectSnapshot, Phase, PodSnapshot, Sample, Series, Timing};
use crate::units::{Ratio, Span, Time};

/// What may be concluded from the samples of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display, strum::IntoStaticStr)]
pub enum Freshness {
    /// Every serving pod is seen, now.
    Fresh,
    /// No pod has served long enough to be seen.
    NoPods,
    /// The metrics source does not answer.
    SourceUnreachable,
    /// No sample of any serving pod is there.
    Missing,
    /// There are samples, all too old.
    Stale,
    /// An engine reports work but makes no progress.
    Frozen,
    /// Only some serving pods are seen.
    Partial,
}

/// The state of an object's evidence at the time of the snapshot.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// What may be concluded.
    pub freshness: Freshness,
    /// The share of the serving pods with fresh samples of running, waiting and completed.
    pub coverage: Ratio,
    /// Age of the newest sample of the pod that was seen the longest time ago; `None` without any.
    pub age: Option<Span>,
    /// Requests running, over the fresh pods.
    pub running: f64,
    /// Requests waiting in the engines, over the fresh pods.
    pub waiting: f64,
    /// The highest share of a KV cache in use; `None` when no fresh pod reports it.
    pub kv_use: Option<Ratio>,
}

impl Evidence {
    /// Whether a replica may be given back on it.
    pub fn allows_down(&self) -> bool {
        self.freshness == Freshness::Fresh
    }

    /// Whether what is seen says nothing of now: a plan that stays the same is no steadiness then.
    pub fn is_blind(&self) -> bool {
        matches!(
            self.freshness,
            Freshness::SourceUnreachable | Freshness::Missing | Freshness::Stale | Freshness::Frozen
        )
    }

    /// The state of the evidence as the reason of a hold, with its message.
    pub fn judgement(&self, object: &ObjectSnapshot) -> (Reason, String) {
        let age = self.age.map_or_else(|| "unknown".to_owned(), |age| age.to_string());
        match self.freshness {
            Freshness::SourceUnreachable => {
                let why = object.source_failure.as_deref().unwrap_or("no answer");
                (
                    Reason::SignalsMissing,
                    format!("the metrics source does not answer ({why}): holding"),
                )
            }
            Freshness::Stale => (
                Reason::SignalsStale,
                format!("the newest samples are {age} old: holding"),
            ),
            Freshness::Frozen => (
                Reason::SignalsFrozen,
                "an engine reports running requests, but no token and no completion came: it hangs, or its metrics do"
                    .to_owned(),
            ),
            Freshness::Partial | Freshness::Fresh => (
                Reason::SignalsPartial,
                format!(
                    "only {} of the serving pods are seen: nothing is given back",
                    self.coverage
                ),
            ),
            Freshness::NoPods => (Reason::SignalsMissing, "no pod serves yet: holding".to_owned()),
            Freshness::Missing => (
                Reason::SignalsMissing,
                "no sample of any serving pod came: holding; are the pods scraped?".to_owned(),
            ),
        }
    }

    /// Whether a replica may be added on it. One engine that hangs must not keep the others from being helped.
    pub fn allows_up(&self) -> bool {
        matches!(
            self.freshness,
            Freshness::Fresh | Freshness::Partial | Freshness::Frozen
        )
    }
}

/// Judges the samples of `object` at `now`.
pub fn assess(object: &ObjectSnapshot, timing: Timing, now: Time) -> Evidence {
    let pods: Vec<&PodSnapshot> = object
        .variants
        .iter()
        .flat_map(|v| &v.pods)
        .filter(|p| p.phase == Phase::Ready)
        // A pod that has just become ready may not have been scraped yet: that is no gap in the evidence. Its bucket is
        // incomplete all the same, so nothing is given back meanwhile.
        .filter(|p| newest(p).is_some() || p.ready_since.is_none_or(|t| now.since(t) > timing.stale_after()))
        .collect();
    let oldest = pods.iter().filter_map(|pod| newest(pod)).min();
    let fresh: Vec<&&PodSnapshot> = pods
        .iter()
        .filter(|pod| newest(pod).is_some_and(|at| now.since(at) <= timing.stale_after()))
        .collect();
    let coverage = Ratio::of(fresh.len() as f64, pods.len() as f64).unwrap_or(Ratio::ZERO);
    let freshness = if pods.is_empty() {
        Freshness::NoPods
    } else if fresh.is_empty() && object.source_failure.is_some() {
        Freshness::SourceUnreachable
    } else if oldest.is_none() {
        Freshness::Missing
    } else if fresh.is_empty() {
        Freshness::Stale
    } else if fresh.iter().any(|pod| stands_still(pod, timing)) {
        Freshness::Frozen
    } else if fresh.len() < pods.len() {
        Freshness::Partial
    } else {
        Freshness::Fresh
    };
    let sum = |of: fn(&PodSnapshot) -> &Series| {
        fresh
            .iter()
            .filter_map(|p| of(p).last())
            .map(|s| s.value)
            .fold(0.0, |a, b| a + b)
    };
    Evidence {
        freshness,
        coverage,
        age: oldest.map(|at| now.since(at)),
        running: sum(|p| &p.signals.running),
        waiting: sum(|p| &p.signals.waiting),
        kv_use: fresh
            .iter()
            .filter_map(|p| p.signals.kv_use.last())
            .map(|s| s.value)
            .reduce(f64::max)
            .map(Ratio::clamped),
    }
}

/// When the pod was last seen: the oldest of the newest samples of the three counts that demand is made of.
fn newest(pod: &PodSnapshot) -> Option<Time> {
    let s = &pod.signals;
    [&s.running, &s.waiting, &s.completed]
        .map(|series| series.last().map(|x| x.at))
        .into_iter()
        .min()
        .flatten()
}

/// Counters count whole tokens and requests: a difference far below one is none.
const ONE_EVENT: f64 = 1e-3;

/// Whether a pod's engine stands still at its newest sample.
fn stands_still(pod: &PodSnapshot, timing: Timing) -> bool {
    pod.signals
        .running
        .last()
        .is_some_and(|last| frozen(pod, timing, last.at))
}

/// Work is reported all the while, but not one token came and not one request ended over the three grids of samples
/// that end at `at`.
pub fn frozen(pod: &PodSnapshot, timing: Timing, at: Time) -> bool {
    let s = &pod.signals;
    let recent = |series: &Series, holds: fn(&[Sample]) -> bool| {
        let samples = series.between(at - timing.grid * 3, at);
        let long_enough = samples
            .first()
            .zip(samples.last())
            .is_some_and(|(a, b)| b.at.since(a.at) >= timing.grid * 2);
        long_enough && holds(samples)
    };
    let still = |samples: &[Sample]| {
        samples
            .windows(2)
            .all(|w| matches!(w, [a, b] if (a.value - b.value).abs() < ONE_EVENT))
    };
    recent(&s.running, |samples| samples.iter().all(|x| x.value > 0.0))
        && [&s.completed, &s.generated_tokens, &s.prompt_tokens]
            .into_iter()
            .all(|series| recent(series, still))
}

#[cfg(test)]
#[path = "evidence_tests.rs"]
mod tests;
