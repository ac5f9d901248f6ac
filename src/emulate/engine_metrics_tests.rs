//! What an emulated engine says, against what vLLM said.

use std::collections::{BTreeMap, BTreeSet};

use inferscale_core::simulate::Moment;
use inferscale_core::simulate::engine::Request;

use super::*;
use crate::config::{Presets, Profiles};

/// A scrape of vLLM 0.32 (CPU build, V1 engine) under load. `e2e/engines/vllm/record` makes it anew.
const RECORDED: &str = include_str!("../../e2e/engines/vllm/metrics-0.32.txt");

/// Type, label names without `le`, edges.
type Shape = (String, BTreeSet<String>, Vec<String>);

/// The metrics of a page by name. Without `_created`, which only Python's client writes.
fn shapes(page: &str) -> BTreeMap<String, Shape> {
    let mut shapes: BTreeMap<String, Shape> = BTreeMap::new();
    let mut current = String::new();
    for line in page.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            name.clone_into(&mut current);
            shapes.insert(current.clone(), (kind.to_owned(), BTreeSet::new(), Vec::new()));
        } else if !line.starts_with('#') && !line.is_empty() {
            let (series, _) = line.rsplit_once(' ').unwrap();
            let (name, labels) = series.trim_end_matches('}').split_once('{').unwrap_or((series, ""));
            assert!(name.starts_with(&current), "{name} stands below {current}");
            let shape = shapes.get_mut(&current).unwrap();
            for label in labels.split("\",").filter(|l| !l.is_empty()) {
                let (label, value) = label.split_once("=\"").unwrap();
                let value = value.trim_end_matches('"');
                if label == "le" {
                    if !shape.2.iter().any(|edge| edge == value) {
                        shape.2.push(value.to_owned());
                    }
                } else {
                    shape.1.insert(label.to_owned());
                }
            }
        }
    }
    shapes.retain(|name, _| name.contains(':') && !name.ends_with("_created"));
    shapes
}

fn page() -> String {
    let profiles = Profiles::embedded().unwrap();
    let mut engine = Engine::new(
        profiles.get("llama-3.1-8b/a100/bf16").unwrap(),
        inferscale_core::performance::EngineLimits::default(),
    );
    let mut metrics = EngineMetrics::new();
    let mut hear = |event: Event| metrics.hear(&event);
    for id in 0..5 {
        let request = Request {
            id,
            prompt_tokens: 1000,
            output_tokens: 20 + id as u32,
        };
        engine
            .submit(Moment::from_millis(id as f64 * 40.0), request, &mut hear)
            .unwrap();
    }
    engine.advance(Moment::from_secs(60.0), &mut hear);
    metrics.page("tiny", &engine)
}

#[test]
fn every_metric_has_the_type_labels_and_buckets_of_the_real_one() {
    let real = shapes(RECORDED);
    for (name, shape) in shapes(&page()) {
        assert_eq!(Some(&shape), real.get(&name), "{name}");
    }
}

#[test]
fn all_that_the_preset_reads_is_there() {
    let presets = Presets::embedded().unwrap();
    let ours = shapes(&page());
    for (signal, preset) in &presets.engine("vLLM").unwrap().signals {
        assert!(ours.contains_key(&preset.metric), "{signal:?} reads {}", preset.metric);
    }
}

#[test]
fn the_numbers_are_those_of_the_engine() {
    let page = page();
    let value = |series: &str| -> f64 {
        let line = page
            .lines()
            .find(|l| l.starts_with(series))
            .unwrap_or_else(|| panic!("no {series}"));
        line.rsplit(' ').next().unwrap().parse().unwrap()
    };
    let queue_and_inference =
        value("vllm:request_queue_time_seconds_sum") + value("vllm:request_inference_time_seconds_sum");
    for (series, expected) in [
        ("vllm:prompt_tokens_total", 5000.0),
        ("vllm:generation_tokens_total", 110.0),
        ("vllm:time_to_first_token_seconds_count", 5.0),
        // Every token but each first one followed another.
        ("vllm:inter_token_latency_seconds_count", 105.0),
        (
            "vllm:request_success_total{engine=\"0\",finished_reason=\"length\"",
            5.0,
        ),
        ("vllm:e2e_request_latency_seconds_sum", queue_and_inference),
        // All prompt and output tokens went through a step; first tokens come with the step of the last prompt token.
        ("vllm:iteration_tokens_total_sum", 5000.0 + 105.0),
    ] {
        assert!((value(series) - expected).abs() < 1e-9, "{series}: {}", value(series));
    }
}
