//! What is asked: one PromQL text a signal, from a preset and the latency limits in use. No I/O.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use inferscale_core::snapshot::Target;
use inferscale_core::units::Span;

use crate::config::{Combine, EnginePreset, Kind, Signal, SignalPreset};

/// The latency limits of all objectives in the fleet: only the histogram edges next to one of them are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Limits {
    time_to_first_token: BTreeSet<Span>,
    time_per_output_token: BTreeSet<Span>,
}

impl Limits {
    /// Adds one limit.
    pub fn add(&mut self, target: Target, limit: Span) {
        match target {
            Target::TimeToFirstToken => &mut self.time_to_first_token,
            Target::TimePerOutputToken => &mut self.time_per_output_token,
        }
        .insert(limit);
    }

    fn of(&self, signal: Signal) -> impl Iterator<Item = Span> + '_ {
        let limits = match signal {
            Signal::TimeToFirstToken => Some(&self.time_to_first_token),
            Signal::TimePerOutputToken => Some(&self.time_per_output_token),
            _ => None,
        };
        limits.into_iter().flatten().copied()
    }
}

/// One query, and how its answer is read.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Query {
    pub(super) signal: Signal,
    /// The metric names that may come back, the preferred one first.
    pub(super) names: Vec<String>,
    /// The upper edges that may come back, in the metric's unit, +Inf last; empty = no histogram.
    pub(super) edges: Vec<f64>,
    pub(super) combine: Combine,
    pub(super) unit: f64,
    pub(super) at_most: f64,
    /// The labels by which the engine tells its own series in one pod apart.
    pub(super) per_pod: Vec<String>,
    pub(super) promql: String,
}

impl Query {
    /// The queries for every signal of a preset, over the last `range`.
    pub(super) fn all(preset: &EnginePreset, limits: &Limits, range: Span) -> Vec<Self> {
        preset
            .signals
            .iter()
            .map(|(signal, source)| Self::new(*signal, source, preset, limits, range))
            .collect()
    }

    fn new(signal: Signal, source: &SignalPreset, preset: &EnginePreset, limits: &Limits, range: Span) -> Self {
        let (suffix, edges) = match &source.kind {
            Kind::Gauge | Kind::Counter => ("", Vec::new()),
            Kind::Histogram { edges } => ("_bucket", neighbours(edges, source.unit, limits.of(signal))),
        };
        let names: Vec<String> = source.names().map(|name| format!("{name}{suffix}")).collect();
        let mut promql = match names.as_slice() {
            [name] => format!("{{__name__=\"{name}\""),
            names => format!("{{__name__=~\"{}\"", names.join("|")),
        };
        if !edges.is_empty() {
            let spellings: Vec<String> = edges.iter().flat_map(|edge| spellings(*edge)).collect();
            let _ = write!(promql, ",le=~\"{}\"", spellings.join("|"));
        }
        let _ = write!(promql, "}}[{range}]");
        Self {
            signal,
            names,
            edges,
            combine: source.combine,
            unit: source.unit,
            // Beyond 2^50 a counter cannot be told from a wrong one, and a double no longer counts single tokens
            // reliably once ranks are added.
            at_most: source.at_most.unwrap_or(1e15),
            per_pod: preset.per_pod.clone(),
            promql,
        }
    }

    /// The place among the asked edges of the one that a `le` means.
    pub(super) fn edge(&self, le: &str) -> Option<usize> {
        let value: f64 = le.parse().ok()?;
        self.edges.iter().position(|edge| {
            edge.total_cmp(&value).is_eq() || (edge.is_finite() && (edge - value).abs() <= edge * 1e-9)
        })
    }
}

/// The edges next to each limit (the limit itself where it is one) and +Inf, which counts all requests.
fn neighbours(edges: &[f64], unit: f64, limits: impl Iterator<Item = Span>) -> Vec<f64> {
    let mut wanted = vec![false; edges.len()];
    for limit in limits {
        let limit = limit.as_secs_f64() / unit;
        let above = edges.partition_point(|edge| *edge < limit * (1.0 - 1e-9));
        let exact = edges.get(above).is_some_and(|edge| *edge <= limit * (1.0 + 1e-9));
        let below = if exact { None } else { above.checked_sub(1) };
        for index in below.into_iter().chain([above]) {
            if let Some(wanted) = wanted.get_mut(index) {
                *wanted = true;
            }
        }
    }
    let near = edges
        .iter()
        .zip(wanted)
        .filter_map(|(edge, wanted)| wanted.then_some(*edge));
    near.chain([f64::INFINITY]).collect()
}

/// How exporters and servers write an edge, escaped for a regular expression inside a PromQL string: Prometheus 3
/// writes `1.0` where version 2 keeps an exporter's `1`.
fn spellings(edge: f64) -> Vec<String> {
    if edge.is_infinite() {
        return vec!["\\\\+Inf".into()];
    }
    let plain = edge.to_string().replace('.', "\\\\.");
    if edge.fract() == 0.0 {
        let point = format!("{plain}\\\\.0");
        vec![plain, point]
    } else {
        vec![plain]
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::config::Presets;

    fn ask(limits: &Limits) -> Vec<Query> {
        let presets = Presets::embedded().unwrap();
        Query::all(presets.engine("vLLM").unwrap(), limits, Span::from_secs(120))
    }

    fn limits(ttft_ms: &[i64]) -> Limits {
        let mut limits = Limits::default();
        for ms in ttft_ms {
            limits.add(Target::TimeToFirstToken, Span::from_millis(*ms));
        }
        limits
    }

    #[test]
    fn the_queries_of_vllm() {
        let mut limits = limits(&[500, 600]);
        limits.add(Target::TimePerOutputToken, Span::from_millis(50));
        let text: Vec<String> = ask(&limits).into_iter().map(|query| query.promql).collect();
        insta::assert_snapshot!(text.join("\n"), @r#"
        {__name__="vllm:num_requests_running"}[2m]
        {__name__="vllm:num_requests_waiting"}[2m]
        {__name__="vllm:request_success_total"}[2m]
        {__name__="vllm:prompt_tokens_total"}[2m]
        {__name__="vllm:generation_tokens_total"}[2m]
        {__name__=~"vllm:kv_cache_usage_perc|vllm:gpu_cache_usage_perc"}[2m]
        {__name__="vllm:time_to_first_token_seconds_bucket",le=~"0\\.5|0\\.75|\\+Inf"}[2m]
        {__name__="vllm:request_time_per_output_token_seconds_bucket",le=~"0\\.05|\\+Inf"}[2m]
        "#);
    }

    #[test]
    fn no_more_than_twelve_queries_a_preset() {
        for preset in Presets::embedded().unwrap().engines() {
            assert!(Query::all(preset, &Limits::default(), Span::from_secs(1)).len() <= 12);
        }
    }

    #[rstest]
    #[case::an_edge_itself(&[500], &[0.5])]
    #[case::between_two(&[300], &[0.25, 0.5])]
    #[case::below_all(&[0], &[0.001])]
    #[case::above_all(&[9_999_000], &[2560.0])]
    #[case::neighbours_are_shared(&[300, 500, 600], &[0.25, 0.5, 0.75])]
    #[case::no_objective(&[], &[])]
    fn only_the_edges_next_to_a_limit_are_asked_for(#[case] ms: &[i64], #[case] expected: &[f64]) {
        let query = ask(&limits(ms))
            .into_iter()
            .find(|query| query.signal == Signal::TimeToFirstToken)
            .unwrap();
        let (infinity, edges) = query.edges.split_last().unwrap();
        assert_eq!(edges, expected);
        assert!(infinity.is_infinite());
    }

    #[test]
    fn every_edge_that_vllm_can_be_given_as_a_limit_is_found_exactly() {
        let presets = Presets::embedded().unwrap();
        let preset = presets.engine("vLLM").unwrap();
        let Kind::Histogram { edges } = &preset.signals[&Signal::TimeToFirstToken].kind else {
            panic!("a histogram");
        };
        for edge in edges {
            let found = neighbours(edges, 1.0, std::iter::once(Span::from_secs_f64(*edge)));
            assert_eq!(found.len(), 2, "{edge}: {found:?}");
        }
    }

    #[test]
    fn edges_in_milliseconds_are_found_by_a_limit_in_seconds() {
        let found = neighbours(&[10.0, 20.0, 50.0], 0.001, std::iter::once(Span::from_millis(20)));
        assert_eq!(found, [20.0, f64::INFINITY]);
    }

    #[test]
    fn a_whole_edge_is_asked_for_in_both_spellings_and_read_in_either() {
        let query = ask(&limits(&[1000])).into_iter().nth(6).unwrap();
        assert!(query.promql.contains("le=~\"1|1\\\\.0|\\\\+Inf\""), "{}", query.promql);
        assert_eq!(query.edge("1"), Some(0));
        assert_eq!(query.edge("1.0"), Some(0));
        assert_eq!(query.edge("+Inf"), Some(1));
        assert_eq!(query.edge("0.5"), None);
        assert_eq!(query.edge("NaN"), None);
        assert_eq!(query.edge(""), None);
    }
}
