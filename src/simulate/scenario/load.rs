//! The traffic of one object: its files read, its parts fixed. I/O: the files of traces.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::problem::{Problems, ScenarioError};
use super::world::duration;
use super::written::{Gaps, WrittenLoad, WrittenTokens};
use crate::simulate::load::{
    Bursts, Facts, Hole, Load, Part, Source, Spreads, Tokens, fill_clients, fill_rates, last_arrival_s,
};
use crate::trace::clients::Clients;
use crate::trace::quantiles::Quantiles;
use crate::trace::rates::Rates;
use crate::trace::requests::Requests;
use crate::trace::{Kind, Table, TraceError};

/// No field takes more: ten years.
const MOST_S: f64 = 87_600.0 * 3600.0;
/// How many requests of a trace stand for its lengths: more do not change any quantile that matters.
const SAMPLE: usize = 200_000;

/// A load whose file is read, while the length of the played part is still open.
pub(super) struct Opened {
    name: String,
    source: Source,
    holes: Vec<Hole>,
    tokens: Tokens,
    mean_rate: Option<f64>,
    pub history_s: f64,
    pub start_s: f64,
    /// When the trace ends.
    pub end_s: f64,
}

/// Checks what needs no file.
pub(super) fn check(name: &str, written: &WrittenLoad, history_s: f64, problems: &mut Problems<'_>) {
    let at = |field: &'static str| ["loads", name, field];
    if let Some(rate) = written.mean_requests_per_second
        && !(rate > 0.0 && rate <= 1e6)
    {
        problems.add(
            &at("meanRequestsPerSecond"),
            format!("is {rate} but must be a number above 0 and at most 1000000, such as 35"),
        );
    }
    if let Some(bursts) = &written.bursts {
        let path = ["loads", name, "bursts", "shape"];
        problems.number(&path, bursts.shape, 0.01, 1e6, "4");
        let path = ["loads", name, "bursts", "correlation"];
        duration(problems, &path, Some(&bursts.correlation), 30.0, (1.0, 86_400.0));
    }
    if let Some(tokens) = &written.tokens {
        let fixed = tokens.input.is_some() || tokens.output.is_some();
        if tokens.file.is_some() == fixed || (fixed && (tokens.input.is_none() || tokens.output.is_none())) {
            problems.add(
                &at("tokens"),
                "must name either a file, such as {file: requests.csv.gz}, or both lengths, such as {input: 500, output: 200}",
            );
        }
    }
    if let Some(replicas) = written.initial_replicas {
        problems.number(&at("initialReplicas"), f64::from(replicas), 0.0, 10_000.0, "4");
    }
    let path = ["loads", name, "trace", "jitter"];
    duration(problems, &path, written.trace.jitter.as_deref(), 0.0, (0.0, 3600.0));
    let history_s = duration(
        problems,
        &at("history"),
        written.history.as_deref(),
        history_s,
        (0.0, MOST_S),
    );
    let start_s = duration(
        problems,
        &at("start"),
        written.start.as_deref(),
        history_s,
        (0.0, MOST_S),
    );
    if start_s < history_s {
        problems.add(
            &at("start"),
            format!(
                "is {:?} but the history before it is longer: start later, or set a shorter history (a load may have its own)",
                written.start.as_deref().unwrap_or_default()
            ),
        );
    }
}

/// Reads the files.
pub(super) fn open(
    name: &str,
    written: &WrittenLoad,
    history_s: f64,
    folder: &Path,
    problems: &mut Problems<'_>,
) -> Result<Opened, ScenarioError> {
    let at = |field: &'static str| ["loads", name, field];
    let file = folder.join(&written.trace.file);
    let table = Table::open(&file)?;
    let kind = match written.trace.kind {
        Some(kind) => kind,
        None => Kind::of(&table)?,
    };
    let zero = written.trace.gaps == Some(Gaps::Zero);
    let (source, holes, end_s) = match kind {
        Kind::Requests => {
            let end_s = last_arrival_s(&file)?;
            let jitter_s = seconds(written.trace.jitter.as_deref());
            (Source::Requests { file, jitter_s }, Vec::new(), end_s)
        }
        Kind::Rate => {
            let rates = Rates::of(table)?;
            let (rates, holes) = if zero { (rates, Vec::new()) } else { fill_rates(rates) };
            let (end_s, rates) = (rates.end_s(), Arc::new(rates));
            let bursts = written.bursts.as_ref().map(|bursts| Bursts {
                shape: bursts.shape,
                correlation_s: seconds(Some(&bursts.correlation)),
                seed: bursts.seed,
            });
            (Source::Rates { rates, bursts }, holes, end_s)
        }
        Kind::Clients => {
            let clients = Clients::of(table)?;
            let (clients, holes) = if zero {
                (clients, Vec::new())
            } else {
                fill_clients(clients)
            };
            let end_s = clients.end_s();
            (Source::Clients(Arc::new(clients)), holes, end_s)
        }
    };
    let only = |problems: &mut Problems<'_>, path: &[&str], of: Kind| {
        problems.add(
            path,
            format!("is only for a trace of kind {of}, but this one is of kind {kind}: leave it out"),
        );
    };
    if kind != Kind::Rate && written.bursts.is_some() {
        only(problems, &at("bursts"), Kind::Rate);
    }
    if kind != Kind::Requests && written.trace.jitter.is_some() {
        only(problems, &["loads", name, "trace", "jitter"], Kind::Requests);
    }
    let tokens = match &written.tokens {
        Some(tokens) => read_tokens(name, tokens, folder, &source, problems)?,
        None if kind == Kind::Requests => Tokens::Recorded,
        None => {
            problems.add(
                &at("tokens"),
                format!(
                    "is missing: a trace of kind {kind} does not say how long requests are; name a trace that does, such \
                     as {{file: requests.csv.gz}}, or write {{input: 500, output: 200}}"
                ),
            );
            Tokens::Fixed(1, 1)
        }
    };
    let history_s = written.history.as_deref().map_or(history_s, |text| seconds(Some(text)));
    Ok(Opened {
        name: name.to_owned(),
        source,
        holes,
        tokens,
        mean_rate: written.mean_requests_per_second,
        history_s,
        start_s: written.start.as_deref().map_or(history_s, |text| seconds(Some(text))),
        end_s,
    })
}

/// The seconds of a text that was checked.
fn seconds(text: Option<&str>) -> f64 {
    text.and_then(|text| super::span::seconds(text).ok()).unwrap_or(0.0)
}

fn read_tokens(
    name: &str,
    written: &WrittenTokens,
    folder: &Path,
    source: &Source,
    problems: &mut Problems<'_>,
) -> Result<Tokens, ScenarioError> {
    let (Some(file), None, None) = (&written.file, written.input, written.output) else {
        return Ok(Tokens::Fixed(written.input.unwrap_or(1), written.output.unwrap_or(1)));
    };
    let file: PathBuf = folder.join(file);
    let table = Table::open(&file)?;
    if !Quantiles::fits(&table) {
        return Ok(Tokens::Drawn(sample(&file)?.into()));
    }
    let names: Vec<&str> = match source {
        Source::Clients(clients) => clients.clients.iter().map(|client| client.name.as_str()).collect(),
        Source::Requests { .. } | Source::Rates { .. } => Vec::new(),
    };
    let Some(spreads) = Spreads::new(Quantiles::of(table)?, &names) else {
        problems.add(
            &["loads", name, "tokens", "file"],
            "has no client with both input and output tokens: name another file",
        );
        return Ok(Tokens::Fixed(1, 1));
    };
    Ok(Tokens::Spreads(Arc::new(spreads)))
}

/// Lengths of a trace's requests: all of them, or every second, fourth, ... when they are too many.
fn sample(file: &Path) -> Result<Vec<(u32, u32)>, TraceError> {
    let mut kept = Vec::new();
    let mut stride = 1_usize;
    for (index, request) in Requests::open(file)?.enumerate() {
        let request = request?;
        if index % stride == 0 {
            kept.push((request.input_tokens, request.output_tokens));
        }
        if kept.len() > SAMPLE {
            let mut place = 0_usize;
            kept.retain(|_| {
                place += 1;
                place % 2 == 1
            });
            stride *= 2;
        }
    }
    if kept.is_empty() {
        return Err(TraceError::Empty {
            file: file.display().to_string(),
            what: "request",
        });
    }
    Ok(kept)
}

impl Opened {
    /// Fixes the played part.
    pub fn close(self, duration_s: f64, problems: &mut Problems<'_>) -> Result<Load, ScenarioError> {
        let part = Part {
            history_s: self.history_s,
            start_s: self.start_s,
            duration_s,
        };
        let facts = match &self.source {
            Source::Requests { file, .. } => Facts::of_requests(file, &self.tokens, part)?,
            Source::Rates { rates, .. } => Facts::of_rates(rates, &self.tokens, part),
            Source::Clients(clients) => Facts::of_clients(clients, &self.tokens, part),
        };
        let name = self.name.as_str();
        // A recording stops with its last request or window: a hundredth of the part, or a minute, may be missing.
        let slack_s = (0.01 * duration_s).max(60.0);
        if part.end_s() > self.end_s + slack_s {
            problems.add(
                &["loads", name, "start"],
                format!(
                    "and duration end {:.0} s after the beginning of the trace, but the trace is over after {:.0} s: start \
                     earlier, or play a shorter part",
                    part.end_s(),
                    self.end_s
                ),
            );
        } else if facts.rate <= 0.0 {
            problems.add(
                &["loads", name, "trace"],
                format!(
                    "has no request between {:.0} s and {:.0} s, the part that is played: choose another start",
                    part.start_s,
                    part.end_s()
                ),
            );
        }
        let factor = self
            .mean_rate
            .map_or(1.0, |rate| rate / facts.rate.max(f64::MIN_POSITIVE));
        Ok(Load {
            name: self.name,
            source: self.source,
            tokens: self.tokens,
            factor,
            part,
            holes: self.holes,
            facts,
        })
    }
}
