//! A scenario as it is written. The reference of every field is docs/simulator.md; a test holds the two together.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor, value::MapAccessDeserializer};

use crate::trace::Kind;

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Written {
    pub seed: Option<u64>,
    pub history: Option<String>,
    pub duration: Option<String>,
    pub warm_up: Option<String>,
    pub loads: BTreeMap<String, WrittenLoad>,
    pub manifests: Vec<PathBuf>,
    pub profiles: Option<PathBuf>,
    #[serde(default)]
    pub world: WrittenWorld,
    pub policies: Vec<String>,
}

/// The traffic of one object.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct WrittenLoad {
    pub trace: WrittenTrace,
    pub history: Option<String>,
    pub start: Option<String>,
    pub mean_requests_per_second: Option<f64>,
    pub bursts: Option<WrittenBursts>,
    pub tokens: Option<WrittenTokens>,
    pub initial_replicas: Option<u32>,
    pub max_sequences: Option<BTreeMap<String, u32>>,
}

/// A trace: the name of its file, or more.
#[derive(Debug)]
pub(super) struct WrittenTrace {
    pub file: PathBuf,
    pub kind: Option<Kind>,
    pub jitter: Option<String>,
    pub gaps: Option<Gaps>,
}

/// What a window without data stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) enum Gaps {
    /// Metrics that are missing while the traffic goes on.
    Missing,
    /// No demand.
    Zero,
}

/// How bursty the windows of a rate trace are.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct WrittenBursts {
    pub shape: f64,
    pub correlation: String,
    pub seed: Option<u64>,
}

/// How long requests are.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct WrittenTokens {
    pub file: Option<PathBuf>,
    pub input: Option<u32>,
    pub output: Option<u32>,
}

/// What all objects meet.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct WrittenWorld {
    pub pod_start: Option<WrittenSpread>,
    pub node_start: Option<WrittenSpread>,
    pub nodes: BTreeMap<String, WrittenNodes>,
    pub drain: Option<String>,
    pub start_failure: Option<f64>,
    pub reclaims_per_hour: Option<f64>,
    pub balancing: Option<String>,
    pub queue: Option<String>,
    pub scrape: WrittenScrape,
    pub engine: WrittenEngine,
    pub grid: Option<String>,
}

/// A duration that varies.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct WrittenSpread {
    pub median: String,
    pub p95: Option<String>,
}

/// The nodes of a pool.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct WrittenNodes {
    #[serde(default)]
    pub min: u32,
    pub max: u32,
}

/// How metrics are collected.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct WrittenScrape {
    pub interval: Option<String>,
    pub delay: Option<String>,
    pub loss: Option<f64>,
}

/// How engines are started.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct WrittenEngine {
    pub max_sequences: Option<u32>,
    pub max_tokens_per_step: Option<u32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Fields {
    file: PathBuf,
    kind: Option<Kind>,
    jitter: Option<String>,
    gaps: Option<Gaps>,
}

/// By hand, because an untagged enum loses the place and the reason of every mistake inside.
impl<'de> Deserialize<'de> for WrittenTrace {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TraceVisitor)
    }
}

struct TraceVisitor;

impl<'de> Visitor<'de> for TraceVisitor {
    type Value = WrittenTrace;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a trace's file, or {file, kind, jitter, gaps}")
    }

    fn visit_str<E: Error>(self, file: &str) -> Result<WrittenTrace, E> {
        Ok(WrittenTrace {
            file: file.into(),
            kind: None,
            jitter: None,
            gaps: None,
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<WrittenTrace, A::Error> {
        let Fields {
            file,
            kind,
            jitter,
            gaps,
        } = Fields::deserialize(MapAccessDeserializer::new(map))?;
        Ok(WrittenTrace {
            file,
            kind,
            jitter,
            gaps,
        })
    }
}
