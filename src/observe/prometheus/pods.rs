//! Joins series to pods and makes one series of a pod's ranks. No I/O.
//!
//! How the series of one pod and signal become one:
//! 1. *Which name.* The first of the metric's names that has a usable sample.
//! 2. *Which scrape.* Series that differ in a label that the scraping side adds ([`SCRAPE_LABELS`]) are the same series
//!    scraped twice, by two Prometheus servers or two jobs. One scrape is used, the one with the newest sample; adding
//!    them would double the load.
//! 3. *Which rank.* Within one scrape, series that differ in the preset's `perPod` labels are ranks and are combined at
//!    equal times: a scrape gives all its samples one time. A time at which a rank is missing that is there before and
//!    after is left out, for a sum without it would look like a restart.
//! 4. Series that differ in any other label could be either. They are refused: adding could double the load, choosing
//!    could halve it, and an absent signal only makes the operator hold.
//!
//! `exported_namespace` and `exported_pod` name the pod that an exporter reports about; Prometheus also writes them
//! when an engine itself sends a label `pod`. So that nobody speaks for somebody else's pod, they count only for pods
//! that have no series of their own.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{Hash, Hasher};

use inferscale_core::snapshot::{Histogram, Sample, Series};
use inferscale_core::units::{Span, Time};

use super::failure::{DropCause, DroppedSamples};
use super::pod_key::PodKey;
use super::query::Query;
use super::reply::{Labels, WireSeries};
use super::sample::WireSample;
use crate::config::Combine;

/// Labels that say who scraped and how, never what was measured.
const SCRAPE_LABELS: [&str; 26] = [
    "cluster",
    "cluster_id",
    "container",
    "container_id",
    "container_name",
    "endpoint",
    "exported_endpoint",
    "exported_instance",
    "exported_job",
    "exported_service",
    "host",
    "instance",
    "job",
    "monitor",
    "node",
    "otel_scope_name",
    "otel_scope_version",
    "pod_ip",
    "pod_uid",
    "prometheus",
    "prometheus_replica",
    "receive",
    "replica",
    "service",
    "tenant_id",
    "uid",
];

/// A time ahead of ours by more than this is not one.
const CLOCK_TOLERANCE: Span = Span::from_secs(1);

/// What one query measured on one pod.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Measured {
    /// A gauge or a counter.
    Series(Series),
    /// A histogram.
    Histogram(Histogram),
}

/// One series, joined.
struct Row {
    /// Which of the metric's names.
    name: usize,
    /// Whether the pod was named by `exported_` labels.
    exported: bool,
    /// Which of the histogram's edges; 0 where there are none.
    edge: usize,
    /// Over the labels of the scraping side.
    scrape: u64,
    /// Over the labels that tell ranks apart.
    rank: u64,
    /// Over all other labels.
    rest: u64,
    samples: Vec<Sample>,
    /// Times at which a sample was dropped.
    bad: Vec<Time>,
    /// A sample was dropped of which is not even known when it was.
    untimed: bool,
}

impl Row {
    fn newest(&self) -> Option<Time> {
        self.samples.iter().map(|sample| sample.at).max()
    }
}

/// Collects the series of one answer, then makes the pods' signals of them.
pub(super) struct Join<'q> {
    query: &'q Query,
    latest: Time,
    pods: HashMap<PodKey, Vec<Row>>,
    pub(super) dropped: DroppedSamples,
}

impl<'q> Join<'q> {
    pub(super) fn new(query: &'q Query, now: Time) -> Self {
        Self {
            query,
            latest: now + CLOCK_TOLERANCE,
            pods: HashMap::new(),
            dropped: DroppedSamples::default(),
        }
    }

    /// Takes in one series.
    pub(super) fn add(&mut self, series: &WireSeries<'_>) {
        match self.row(series) {
            Ok((pod, row)) => self.pods.entry(pod).or_default().push(row),
            Err(cause) => self.dropped.add(cause, series.samples.len().max(1)),
        }
    }

    fn row(&mut self, series: &WireSeries<'_>) -> Result<(PodKey, Row), DropCause> {
        let labels = &series.labels;
        if labels.too_many {
            return Err(DropCause::BadLabels);
        }
        let name = labels.get("__name__").ok_or(DropCause::NotAsked)?;
        let name = self
            .query
            .names
            .iter()
            .position(|asked| asked == name)
            .ok_or(DropCause::NotAsked)?;
        let edge = if self.query.edges.is_empty() {
            0
        } else {
            labels
                .get("le")
                .and_then(|le| self.query.edge(le))
                .ok_or(DropCause::NotAsked)?
        };
        let (pod, exported) = pod_of(labels)?;
        let before = self.dropped.get(DropCause::BadTime);
        let (samples, bad) = self.samples(&series.samples);
        let untimed = self.dropped.get(DropCause::BadTime) > before;
        let [scrape, rank, rest] = fingerprints(labels, &self.query.per_pod);
        let row = Row {
            name,
            exported,
            edge,
            scrape,
            rank,
            rest,
            samples,
            bad,
            untimed,
        };
        Ok((pod, row))
    }

    /// The samples that are measurements, in the signal's unit, and the times of those that are not.
    fn samples(&mut self, wire: &[WireSample]) -> (Vec<Sample>, Vec<Time>) {
        let mut samples = Vec::with_capacity(wire.len());
        let mut bad = Vec::new();
        for sample in wire {
            // The range is checked before the conversion: what is far outside would overflow later.
            let at = Time::from_secs_f64(sample.time);
            if !(sample.time.is_finite() && sample.time >= 0.0 && at <= self.latest) {
                self.dropped.add(DropCause::BadTime, 1);
                continue;
            }
            let cause = if !sample.value.is_finite() {
                DropCause::NotFinite
            } else if sample.value < 0.0 {
                DropCause::Negative
            } else if sample.value > self.query.at_most * (1.0 + 1e-9) {
                DropCause::TooLarge
            } else {
                let value = sample.value * self.query.unit;
                samples.push(Sample { at, value });
                continue;
            };
            self.dropped.add(cause, 1);
            bad.push(at);
        }
        (samples, bad)
    }

    /// What was measured on each pod.
    pub(super) fn finish(self) -> (HashMap<PodKey, Measured>, DroppedSamples) {
        let (query, mut dropped) = (self.query, self.dropped);
        let measured = self
            .pods
            .into_iter()
            .filter_map(|(pod, rows)| Some((pod, measure(query, rows, &mut dropped)?)))
            .collect();
        (measured, dropped)
    }
}

/// The pod that a series is about, and whether `exported_` labels said so.
fn pod_of(labels: &Labels<'_>) -> Result<(PodKey, bool), DropCause> {
    let exported = labels.get("exported_pod");
    let name = exported.or_else(|| labels.get("pod")).ok_or(DropCause::NoPod)?;
    let namespace = match exported {
        Some(_) => labels.get("exported_namespace").or_else(|| labels.get("namespace")),
        None => labels.get("namespace"),
    };
    let namespace = namespace.ok_or(DropCause::NoPod)?;
    // The longest names that Kubernetes allows.
    if namespace.len() > 63 || name.len() > 253 {
        return Err(DropCause::BadLabels);
    }
    let key = PodKey {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    };
    Ok((key, exported.is_some()))
}

/// Hashes of the labels of the scraping side, of those that tell ranks apart, and of all others.
fn fingerprints(labels: &Labels<'_>, per_pod: &[String]) -> [u64; 3] {
    let mut pairs: Vec<(&str, &str)> = labels.pairs.iter().map(|(k, v)| (k.as_ref(), v.as_ref())).collect();
    pairs.sort_unstable();
    let [mut scrape, mut rank, mut rest] = [DefaultHasher::new(), DefaultHasher::new(), DefaultHasher::new()];
    for pair in pairs {
        match pair.0 {
            "__name__" | "le" | "namespace" | "pod" | "exported_namespace" | "exported_pod" => {}
            name if per_pod.iter().any(|label| label == name) => pair.hash(&mut rank),
            name if SCRAPE_LABELS.contains(&name) => pair.hash(&mut scrape),
            _ => pair.hash(&mut rest),
        }
    }
    [scrape.finish(), rank.finish(), rest.finish()]
}

fn measure(query: &Query, rows: Vec<Row>, dropped: &mut DroppedSamples) -> Option<Measured> {
    let rows = choose(rows, dropped);
    if is_ambiguous(&rows) {
        dropped.add(DropCause::Ambiguous, rows.iter().map(|row| row.samples.len()).sum());
        return None;
    }
    if query.edges.is_empty() {
        let series = combine(&rows.iter().collect::<Vec<_>>(), query.combine, dropped);
        return (!series.is_empty()).then_some(Measured::Series(series));
    }
    let buckets: Vec<(f64, Series)> = query
        .edges
        .iter()
        .enumerate()
        .filter_map(|(index, edge)| {
            let rows: Vec<&Row> = rows.iter().filter(|row| row.edge == index).collect();
            let series = combine(&rows, query.combine, dropped);
            (!series.is_empty()).then_some((edge * query.unit, series))
        })
        .collect();
    (!buckets.is_empty()).then_some(Measured::Histogram(Histogram { buckets }))
}

/// The rows of one name and one scrape.
fn choose(mut rows: Vec<Row>, dropped: &mut DroppedSamples) -> Vec<Row> {
    let keep = |rows: &mut Vec<Row>, dropped: &mut DroppedSamples, wanted: &dyn Fn(&Row) -> bool| {
        rows.retain(|row| {
            if !wanted(row) {
                dropped.add(DropCause::Duplicate, row.samples.len());
            }
            wanted(row)
        });
    };
    if rows.iter().any(|row| !row.exported && !row.samples.is_empty()) {
        keep(&mut rows, dropped, &|row| !row.exported);
    }
    let name = rows
        .iter()
        .filter(|row| !row.samples.is_empty())
        .map(|row| row.name)
        .min();
    if let Some(name) = name {
        keep(&mut rows, dropped, &|row| row.name == name);
    }
    // (newest sample, number of samples, hash): the last only makes the choice the same each time.
    let mut scrapes: BTreeMap<u64, (Option<Time>, usize)> = BTreeMap::new();
    for row in &rows {
        let (newest, count) = scrapes.entry(row.scrape).or_default();
        *newest = (*newest).max(row.newest());
        *count += row.samples.len();
    }
    let best = scrapes
        .into_iter()
        .max_by_key(|(hash, (newest, count))| (*newest, *count, *hash));
    if let Some((scrape, _)) = best {
        keep(&mut rows, dropped, &|row| row.scrape == scrape);
    }
    rows
}

/// Whether two rows of one rank (and edge) differ in labels that nobody knows.
fn is_ambiguous(rows: &[Row]) -> bool {
    let mut seen: HashMap<(u64, usize), u64> = HashMap::new();
    rows.iter()
        .any(|row| *seen.entry((row.rank, row.edge)).or_insert(row.rest) != row.rest)
}

/// One series of the ranks of a pod.
fn combine(rows: &[&Row], how: Combine, dropped: &mut DroppedSamples) -> Series {
    // One rank may come in several pieces, such as an edge written `1` before and `1.0` after an upgrade.
    let mut ranks: BTreeMap<u64, (Vec<Sample>, bool)> = BTreeMap::new();
    for row in rows {
        let (samples, untimed) = ranks.entry(row.rank).or_default();
        samples.extend_from_slice(&row.samples);
        *untimed |= row.untimed;
    }
    let ranks: Vec<(Series, bool)> = ranks
        .into_values()
        .map(|(s, untimed)| (Series::new(s), untimed))
        .collect();
    if let [(single, _)] = ranks.as_slice() {
        return single.clone();
    }
    let bad: BTreeSet<Time> = rows.iter().flat_map(|row| row.bad.iter().copied()).collect();
    let mut times: BTreeMap<Time, (f64, usize)> = BTreeMap::new();
    for sample in ranks.iter().flat_map(|(rank, _)| rank.samples()) {
        let (value, present) = times.entry(sample.at).or_default();
        *value = match how {
            Combine::Sum => *value + sample.value,
            Combine::Max => value.max(sample.value),
        };
        *present += 1;
    }
    // From when to when each rank must be there. One with a sample at an unknown time must always be.
    let spans: Vec<(Time, Time)> = ranks
        .iter()
        .filter_map(|(rank, untimed)| {
            if *untimed {
                return Some((Time::from_millis(i64::MIN), Time::from_millis(i64::MAX)));
            }
            Some((rank.samples().first()?.at, rank.samples().last()?.at))
        })
        .collect();
    let complete = times.into_iter().filter_map(|(at, (value, present))| {
        let expected = spans
            .iter()
            .filter(|(first, last)| (*first..=*last).contains(&at))
            .count();
        if present < expected || bad.contains(&at) {
            dropped.add(DropCause::Incomplete, present);
            return None;
        }
        Some(Sample { at, value })
    });
    Series::new(complete.collect())
}

#[cfg(test)]
#[path = "pods_tests.rs"]
mod tests;
