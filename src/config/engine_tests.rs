use rstest::rstest;

use super::*;

fn problems(text: &str) -> Vec<String> {
    match EnginePreset::parse(text, "engine.yaml") {
        Err(ConfigError::Invalid { problems, .. }) => problems.iter().map(ToString::to_string).collect(),
        Err(other) => panic!("{other}"),
        Ok(preset) => panic!("accepted: {preset:?}"),
    }
}

/// A preset whose only signal is `signal` with the given fields.
fn with(signal: &str, fields: &str) -> String {
    format!("name: E\nport: 1\nsignals: {{{signal}: {{{fields}}}}}")
}

#[test]
fn a_preset_in_milliseconds_keeps_its_unit_and_edges() {
    let preset = EnginePreset::parse(
        &with(
            "timeToFirstToken",
            "metric: ttft_ms, kind: histogram, unit: 0.001, edges: [10, 20.5]",
        ),
        "f",
    )
    .unwrap();
    let signal = &preset.signals[&Signal::TimeToFirstToken];
    assert_eq!(
        signal.kind,
        Kind::Histogram {
            edges: vec![10.0, 20.5]
        }
    );
    assert!((signal.unit - 0.001).abs() < 1e-12);
    assert_eq!(signal.combine, Combine::Sum);
}

#[rstest]
#[case("", "it holds nothing that can be used")]
#[case(
    "port: 1\nsignals: {running: {metric: a, kind: gauge}}",
    "name: is missing: write the engine's name, such as vLLM"
)]
#[case(
    "name: a b\nport: 1",
    "name: \"a b\" is not a name: use at most 63 letters, digits, - and ."
)]
#[case(
    "name: E\nsignals: {running: {metric: a, kind: gauge}}",
    "port: is missing: write the port on which the engine serves, such as 8000"
)]
#[case("name: E\nport: 0", "port: 0 is not a port: write a number between 1 and 65535")]
#[case(
    "name: E\nport: 1",
    "signals: has no entries: name at least one signal, such as running"
)]
#[case(
    "name: E\nport: 1\naggregate: {perPod: [pod]}",
    "aggregate.perPod[0]: \"pod\" tells pods or buckets apart, not series of one pod: leave it out"
)]
#[case(
    "name: E\nport: 1\naggregate: {perPod: ['a-b']}",
    "aggregate.perPod[0]: \"a-b\" is not a label's name: use letters, digits and _"
)]
#[case(
    "name: E\nport: 1\nsignals: {runing: {}}",
    "signals.runing: unknown field: did you mean running? known here: running, waiting, completed, promptTokens, generatedTokens, kvUse, timeToFirstToken, timePerOutputToken"
)]
#[case(&with("running", "kind: gauge"), "signals.running.metric: is missing: write the metric's name, such as vllm:num_requests_running")]
#[case(&with("running", "metric: 'a\"} or up', kind: gauge"), "signals.running.metric: \"a\\\"} or up\" is not a metric's name: use letters, digits, _ and :")]
#[case(&with("running", "metric: a, aliases: ['b|c'], kind: gauge"), "signals.running.aliases[0]: \"b|c\" is not a metric's name: use letters, digits, _ and :")]
#[case(&with("running", "metric: a, aliases: [a], kind: gauge"), "signals.running.aliases[0]: \"a\" is the metric itself: leave it out")]
#[case(&with("running", "metric: a"), "signals.running.kind: is missing: write gauge")]
#[case(&with("running", "metric: a, kind: counter"), "signals.running.kind: \"counter\" cannot carry running: it must be a gauge")]
#[case(&with("running", "metric: a, kind: gauge, combine: avg"), "signals.running.combine: \"avg\" is not sum or max")]
#[case(&with("running", "metric: a, kind: gauge, unit: 0"), "signals.running.unit: 0 is not above 0: write a positive number")]
#[case(&with("running", "metric: a, kind: gauge, unit: '1'"), "signals.running.unit: \"1\" is not a number: write it without quotes, such as 0.5")]
#[case(&with("running", "metric: a, kind: gauge, unit: .inf"), "signals.running.unit: .inf is not a finite number")]
#[case(&with("running", "metric: a, kind: gauge, edges: [1]"), "signals.running.edges: belongs to histograms, and this is a gauge: leave it out")]
#[case(&with("running", "metric: a, kind: gauge, bucket: 1"), "signals.running.bucket: unknown field: known here: metric, aliases, kind, combine, unit, atMost, edges")]
#[case(&with("timeToFirstToken", "metric: a, kind: histogram"), "signals.timeToFirstToken.edges: has 0 entries: list the histogram's upper edges as the engine has them, 1 to 64, +Inf left out")]
#[case(&with("timeToFirstToken", "metric: a, kind: histogram, edges: [1, 0.5]"), "signals.timeToFirstToken.edges[1]: 0.5 is not above the edge before it (1): sort the edges, each once")]
#[case(&with("timeToFirstToken", "metric: a, kind: histogram, edges: [-1]"), "signals.timeToFirstToken.edges[0]: -1 is not above 0: write the edges as the engine has them")]
#[case(&with("timeToFirstToken", "metric: a_bucket, kind: histogram, edges: [1]"), "signals.timeToFirstToken.metric: \"a_bucket\" is one part of a histogram: write \"a\", the rest is added")]
#[case(&with("timeToFirstToken", "metric: a, kind: histogram, combine: max, edges: [1]"), "signals.timeToFirstToken.combine: \"max\" of histograms is no histogram: write sum")]
fn a_mistake_is_named_with_its_place_value_rule_and_fix(#[case] text: &str, #[case] expected: &str) {
    let found = problems(text);
    assert!(found.iter().any(|p| p == expected), "{found:#?}");
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,200}") {
        let _ = EnginePreset::parse(&text, "f");
    }
}
