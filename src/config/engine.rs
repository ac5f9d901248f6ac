//! How the metrics of one serving engine are read: names, kinds, units, and how a pod's ranks combine. No I/O.

use std::collections::BTreeMap;

use super::document::{Node, Problems, parse};
use super::error::ConfigError;

/// One measured quantity that a decision looks at.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::EnumIter,
    strum::VariantNames,
)]
#[strum(serialize_all = "camelCase")]
pub enum Signal {
    /// Requests in the running batch.
    Running,
    /// Requests in the engine's queue.
    Waiting,
    /// Requests finished.
    Completed,
    /// Prompt tokens processed.
    PromptTokens,
    /// Tokens generated.
    GeneratedTokens,
    /// Share of the KV cache in use.
    KvUse,
    /// Seconds from a request's arrival at the engine to its first token.
    TimeToFirstToken,
    /// Mean seconds between the tokens of one request.
    TimePerOutputToken,
}

impl Signal {
    /// What kind of metric carries it.
    fn kind(self) -> &'static str {
        match self {
            Self::Running | Self::Waiting | Self::KvUse => "gauge",
            Self::Completed | Self::PromptTokens | Self::GeneratedTokens => "counter",
            Self::TimeToFirstToken | Self::TimePerOutputToken => "histogram",
        }
    }
}

/// What kind of metric it is.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// Goes up and down.
    Gauge,
    /// Counts since the process started.
    Counter,
    /// A counter for each upper edge.
    Histogram {
        /// All upper edges but +Inf, rising, in the metric's own unit.
        edges: Vec<f64>,
    },
}

/// How the series of one pod (its ranks, its engines) become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::EnumString)]
#[strum(serialize_all = "camelCase")]
pub enum Combine {
    /// Added.
    Sum,
    /// The largest.
    Max,
}

/// Where one signal comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct SignalPreset {
    /// The metric's name; a histogram's without `_bucket`.
    pub metric: String,
    /// Other names of it, older ones last: the first that a pod has is read.
    pub aliases: Vec<String>,
    /// What kind of metric it is.
    pub kind: Kind,
    /// How the series of one pod become one.
    pub combine: Combine,
    /// One unit of the metric in SI units, such as 0.001 for milliseconds.
    pub unit: f64,
    /// Larger values (in the metric's own unit) are no measurement.
    pub at_most: Option<f64>,
}

impl SignalPreset {
    /// All names, the preferred one first.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.metric.as_str()).chain(self.aliases.iter().map(String::as_str))
    }
}

/// What is read from one engine.
#[derive(Debug, Clone, PartialEq)]
pub struct EnginePreset {
    /// What an InferenceDeployment calls it, such as `vLLM`.
    pub name: String,
    /// The port on which the engine serves and shows its metrics.
    pub port: u16,
    /// The labels by which the engine tells its own series in one pod apart.
    pub per_pod: Vec<String>,
    /// The signals that it has.
    pub signals: BTreeMap<Signal, SignalPreset>,
}

impl EnginePreset {
    /// Checks the text of a preset; `file` is its name in errors.
    ///
    /// # Errors
    /// With everything that is wrong in it.
    pub fn parse(text: &str, file: &str) -> Result<Self, ConfigError> {
        let problems = Problems::default();
        let document = parse(text, &problems);
        let preset = if document.is_null() {
            None
        } else {
            Self::read(&Node::root(&document, &problems))
        };
        problems.or(file, preset)
    }

    fn read(root: &Node<'_>) -> Option<Self> {
        if !root.only(&["name", "port", "aggregate", "signals"]) {
            return None;
        }
        let name = root.get("name");
        let name = name.required(
            name.read("a name: use at most 63 letters, digits, - and .", engine_name),
            "write the engine's name, such as vLLM",
        );
        let port = root.get("port");
        let port = port.required(
            port.read("a port: write a number between 1 and 65535", |text| {
                text.parse().ok().filter(|port| *port != 0)
            }),
            "write the port on which the engine serves, such as 8000",
        );
        root.get("aggregate").only(&["perPod"]);
        let per_pod = root
            .get("aggregate")
            .get("perPod")
            .items()
            .iter()
            .filter_map(read_label)
            .collect();
        let mut signals = BTreeMap::new();
        let node = root.get("signals");
        node.only(<Signal as strum::VariantNames>::VARIANTS);
        for (name, field) in node.fields() {
            // Other names were noted by `only`.
            let Ok(signal) = name.parse() else { continue };
            if let Some(preset) = read_signal(&field, signal) {
                signals.insert(signal, preset);
            }
        }
        if node.fields().is_empty() {
            node.wrong("has no entries: name at least one signal, such as running");
        }
        Some(Self {
            name: name?,
            port: port?,
            per_pod,
            signals,
        })
    }
}

fn engine_name(text: &str) -> Option<String> {
    let ok = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    (text.len() <= 63 && text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(ok))
        .then(|| text.to_owned())
}

fn read_label(node: &Node<'_>) -> Option<String> {
    let label = node.read("a label's name: use letters, digits and _", |text| {
        word(text, |c| c == '_').then(|| text.to_owned())
    })?;
    if [
        "__name__",
        "le",
        "namespace",
        "pod",
        "exported_namespace",
        "exported_pod",
    ]
    .contains(&label.as_str())
    {
        node.wrong(format!(
            "{label:?} tells pods or buckets apart, not series of one pod: leave it out"
        ));
        return None;
    }
    Some(label)
}

/// A metric's or a label's name: letters, digits and what `more` allows, not starting with a digit.
fn word(text: &str, more: impl Fn(char) -> bool) -> bool {
    text.len() <= 200
        && text.starts_with(|c: char| c.is_ascii_alphabetic() || more(c))
        && text.chars().all(|c| c.is_ascii_alphanumeric() || more(c))
}

/// The names go into queries as they are: this charset is what keeps them from being more than names.
fn read_metric(node: &Node<'_>, histogram: bool) -> Option<String> {
    let name = node.read("a metric's name: use letters, digits, _ and :", |text| {
        word(text, |c| c == '_' || c == ':').then(|| text.to_owned())
    })?;
    match name.strip_suffix("_bucket") {
        Some(stem) if histogram => {
            node.wrong(format!(
                "{name:?} is one part of a histogram: write {stem:?}, the rest is added"
            ));
            None
        }
        _ => Some(name),
    }
}

fn read_signal(node: &Node<'_>, signal: Signal) -> Option<SignalPreset> {
    if !node.only(&["metric", "aliases", "kind", "combine", "unit", "atMost", "edges"]) {
        return None;
    }
    let expected = signal.kind();
    let kind = node.get("kind");
    match kind.required(kind.text(), &format!("write {expected}")) {
        Some(text) if text != expected => {
            kind.wrong(format!("{text:?} cannot carry {signal}: it must be a {expected}"));
        }
        _ => {}
    }
    let histogram = expected == "histogram";
    let metric = node.get("metric");
    let metric = metric.required(
        read_metric(&metric, histogram),
        "write the metric's name, such as vllm:num_requests_running",
    );
    let aliases: Vec<String> = node
        .get("aliases")
        .items()
        .iter()
        .filter_map(|alias| {
            let name = read_metric(alias, histogram)?;
            if Some(&name) == metric.as_ref() {
                alias.wrong(format!("{name:?} is the metric itself: leave it out"));
            }
            Some(name)
        })
        .collect();
    if aliases.len() > 8 {
        node.get("aliases")
            .wrong(format!("has {} entries: 8 is the most", aliases.len()));
    }
    let combine = node
        .get("combine")
        .read("sum or max", |text| text.parse().ok())
        .unwrap_or(Combine::Sum);
    if histogram && combine == Combine::Max {
        node.get("combine")
            .wrong("\"max\" of histograms is no histogram: write sum");
    }
    let positive = |field: &str| {
        let node = node.get(field);
        node.number().filter(|value| {
            if *value <= 0.0 {
                node.wrong(format!("{value} is not above 0: write a positive number"));
            }
            *value > 0.0
        })
    };
    let unit = positive("unit").unwrap_or(1.0);
    let at_most = positive("atMost");
    let kind = match expected {
        "histogram" => Kind::Histogram {
            edges: read_edges(&node.get("edges")),
        },
        other => {
            if !node.get("edges").is_absent() {
                node.get("edges")
                    .wrong(format!("belongs to histograms, and this is a {other}: leave it out"));
            }
            if other == "counter" { Kind::Counter } else { Kind::Gauge }
        }
    };
    Some(SignalPreset {
        metric: metric?,
        aliases,
        kind,
        combine,
        unit,
        at_most,
    })
}

fn read_edges(node: &Node<'_>) -> Vec<f64> {
    const MOST: usize = 64;
    let mut edges: Vec<f64> = Vec::new();
    let items = node.items();
    if items.is_empty() || items.len() > MOST {
        node.wrong(format!(
            "has {} entries: list the histogram's upper edges as the engine has them, 1 to {MOST}, +Inf left out",
            items.len()
        ));
        return edges;
    }
    for item in items {
        let Some(edge) = item.number() else { continue };
        match edges.last() {
            _ if edge <= 0.0 => item.wrong(format!("{edge} is not above 0: write the edges as the engine has them")),
            Some(last) if edge <= *last => {
                item.wrong(format!(
                    "{edge} is not above the edge before it ({last}): sort the edges, each once"
                ));
            }
            _ => edges.push(edge),
        }
    }
    edges
}

#[cfg(test)]
#[path = "engine_tests.rs"]
mod tests;
