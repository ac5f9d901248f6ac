//! Asks everything that a preset needs at once and puts it together. I/O through [`Source`].

use std::collections::HashMap;
use std::time::{Duration, Instant};

use futures::{StreamExt, stream};
use inferscale_core::snapshot::{PodSignals, Series};
use inferscale_core::units::{Span, Time};

use super::failure::{DroppedSamples, Failure, FailureClass, QueryFailure};
use super::pod_key::PodKey;
use super::pods::{Join, Measured};
use super::query::{Limits, Query};
use super::reply;
use super::source::Source;
use crate::config::{EnginePreset, Signal};

/// Answers held at once: with `maxBytes` each, this bounds the memory; two rounds fit into a tick.
const AT_ONCE: usize = 4;

/// What one preset's queries to one source brought.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Collected {
    /// What is known of each pod. A pod without any usable sample is not here.
    pub pods: HashMap<PodKey, PodSignals>,
    /// The signals that could not be read; they are absent from every pod.
    pub failures: Vec<QueryFailure>,
    /// Samples that came and were not used.
    pub dropped: DroppedSamples,
    /// Warnings that the servers sent along, such as "a store did not answer".
    pub warnings: usize,
    /// How long each query took, failed ones too.
    pub asked: Vec<Asked>,
}

/// One query that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// What it was for.
    pub signal: Signal,
    /// From sending it to having its answer joined.
    pub took: Duration,
    /// How it failed; `None` = it did not.
    pub failed: Option<FailureClass>,
}

type Answer = Result<(HashMap<PodKey, Measured>, DroppedSamples, usize), Failure>;

impl Source {
    /// Reads every signal of a preset for all pods that the source knows: the samples of the last `range` before `now`.
    /// Never fails as a whole: what could not be read is in [`Collected::failures`].
    pub async fn collect(&self, preset: &EnginePreset, limits: &Limits, now: Time, range: Span) -> Collected {
        let queries = Query::all(preset, limits, range);
        let mut collected = Collected::default();
        let token = match self.refresh().await {
            Ok(token) => token,
            Err(failure) => {
                collected.failures = queries.iter().map(|query| failure.clone().of(query.signal)).collect();
                return collected;
            }
        };
        let answers = stream::iter(queries)
            .map(|query| {
                let token = token.as_ref();
                async move {
                    let started = Instant::now();
                    let signal = query.signal;
                    let answer = match self.ask(&query.promql, now, token).await {
                        Ok(body) => understand(query, body, now).await,
                        Err(failure) => Err(failure),
                    };
                    (signal, started.elapsed(), answer)
                }
            })
            .buffer_unordered(AT_ONCE);
        let mut answers: Vec<(Signal, Duration, Answer)> = answers.collect().await;
        answers.sort_by_key(|(signal, ..)| *signal);
        for (signal, took, answer) in answers {
            let failed = answer.as_ref().err().map(|failure| failure.class);
            collected.asked.push(Asked { signal, took, failed });
            match answer {
                Ok((measured, dropped, warnings)) => {
                    collected.dropped.merge(&dropped);
                    collected.warnings += warnings;
                    for (pod, measured) in measured {
                        set(collected.pods.entry(pod).or_default(), signal, measured);
                    }
                }
                Err(failure) => collected.failures.push(failure.of(signal)),
            }
        }
        collected
    }
}

/// Parses and joins off the async threads: a large answer takes a few hundred milliseconds.
async fn understand(query: Query, body: Vec<u8>, now: Time) -> Answer {
    let work = move || {
        let mut join = Join::new(&query, now);
        let warnings = reply::read(&body, &mut |series| join.add(&series))?;
        let (measured, dropped) = join.finish();
        Ok((measured, dropped, warnings))
    };
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|_| Err(Failure::new(FailureClass::Malformed, "the answer could not be read")))
}

fn set(signals: &mut PodSignals, signal: Signal, measured: Measured) {
    let series: Option<&mut Series> = match signal {
        Signal::Running => Some(&mut signals.running),
        Signal::Waiting => Some(&mut signals.waiting),
        Signal::Completed => Some(&mut signals.completed),
        Signal::PromptTokens => Some(&mut signals.prompt_tokens),
        Signal::GeneratedTokens => Some(&mut signals.generated_tokens),
        Signal::KvUse => Some(&mut signals.kv_use),
        Signal::TimeToFirstToken | Signal::TimePerOutputToken => None,
    };
    match (series, measured) {
        (Some(series), Measured::Series(measured)) => *series = measured,
        (None, Measured::Histogram(measured)) if signal == Signal::TimeToFirstToken => {
            signals.time_to_first_token = measured;
        }
        (None, Measured::Histogram(measured)) => signals.time_per_output_token = measured,
        // The preset's reader lets a signal have no other kind than its own.
        (Some(_), Measured::Histogram(_)) | (None, Measured::Series(_)) => {}
    }
}

#[cfg(test)]
#[path = "collect_tests.rs"]
mod tests;
