use inferscale_core::snapshot::Target;
use rstest::rstest;
use serde_json::{Value, json};

use super::*;
use crate::config::{Presets, Signal};
use crate::observe::prometheus::query::Limits;
use crate::observe::prometheus::reply;

const NOW: Time = Time::from_millis(1_000_000);

/// A series named `name` with `labels`, its samples given as (seconds, value as Prometheus writes it).
fn series(name: &str, labels: &[(&str, &str)], samples: &[(f64, &str)]) -> Value {
    let mut metric = serde_json::Map::new();
    metric.insert("__name__".into(), name.into());
    for (key, value) in labels {
        metric.insert((*key).into(), (*value).into());
    }
    json!({"metric": metric, "values": samples})
}

/// The same of pod `prod/chat-1` in the engine's own labels and those of an ordinary scrape.
fn of_pod(name: &str, more: &[(&str, &str)], samples: &[(f64, &str)]) -> Value {
    let mut labels = vec![("namespace", "prod"), ("pod", "chat-1")];
    for standard in [
        ("engine", "0"),
        ("model_name", "m"),
        ("job", "pods"),
        ("instance", "10.0.0.1:8000"),
    ] {
        if more.iter().all(|(key, _)| *key != standard.0) {
            labels.push(standard);
        }
    }
    labels.extend_from_slice(more);
    series(name, &labels, samples)
}

fn run(signal: Signal, series: &[Value]) -> (HashMap<PodKey, Measured>, DroppedSamples) {
    let mut limits = Limits::default();
    limits.add(Target::TimeToFirstToken, Span::from_secs(1));
    let presets = Presets::embedded().unwrap();
    let queries = Query::all(presets.engine("vLLM").unwrap(), &limits, Span::from_secs(120));
    let query = queries.into_iter().find(|query| query.signal == signal).unwrap();
    let body = json!({"status": "success", "data": {"resultType": "matrix", "result": series}}).to_string();
    let mut join = Join::new(&query, NOW);
    reply::read(body.as_bytes(), &mut |series| join.add(&series)).unwrap();
    join.finish()
}

fn key(namespace: &str, name: &str) -> PodKey {
    PodKey {
        namespace: namespace.into(),
        name: name.into(),
    }
}

fn values(series: &Series) -> Values {
    series.samples().iter().map(|s| (s.at.as_secs_f64(), s.value)).collect()
}

/// The values of the only pod, and what was dropped.
type Values = Vec<(f64, f64)>;

fn one(signal: Signal, series: &[Value]) -> (Values, Vec<(DropCause, u64)>) {
    let (pods, dropped) = run(signal, series);
    let dropped = dropped.iter().collect();
    match pods.get(&key("prod", "chat-1")) {
        None => (Vec::new(), dropped),
        Some(Measured::Series(series)) => (values(series), dropped),
        Some(Measured::Histogram(_)) => panic!("a histogram"),
    }
}

const RUNNING: &str = "vllm:num_requests_running";
const DONE: &str = "vllm:request_success_total";
const KV: &str = "vllm:kv_cache_usage_perc";
const OLD_KV: &str = "vllm:gpu_cache_usage_perc";
const TTFT: &str = "vllm:time_to_first_token_seconds_bucket";

#[test]
fn samples_keep_the_time_of_their_scrape_however_old() {
    let (found, dropped) = one(Signal::Running, &[of_pod(RUNNING, &[], &[(1.5, "3"), (990.25, "4")])]);
    assert_eq!(found, [(1.5, 3.0), (990.25, 4.0)]);
    assert_eq!(dropped, []);
}

#[rstest]
#[case("NaN", DropCause::NotFinite)]
#[case("+Inf", DropCause::NotFinite)]
#[case("-Inf", DropCause::NotFinite)]
#[case("1e309", DropCause::NotFinite)]
#[case("many", DropCause::NotFinite)]
#[case("", DropCause::NotFinite)]
#[case("0x10", DropCause::NotFinite)]
#[case("-1", DropCause::Negative)]
#[case("1e308", DropCause::TooLarge)]
fn a_value_that_is_no_measurement_is_dropped_and_counted(#[case] value: &str, #[case] cause: DropCause) {
    let (found, dropped) = one(
        Signal::Running,
        &[of_pod(RUNNING, &[], &[(980.0, "3"), (990.0, value)])],
    );
    assert_eq!(found, [(980.0, 3.0)]);
    assert_eq!(dropped, [(cause, 1)]);
}

#[test]
fn a_share_above_all_of_it_is_dropped() {
    let (found, dropped) = one(Signal::KvUse, &[of_pod(KV, &[], &[(980.0, "1"), (990.0, "87")])]);
    assert_eq!(found, [(980.0, 1.0)]);
    assert_eq!(dropped, [(DropCause::TooLarge, 1)]);
}

#[rstest]
#[case(1002.0)]
#[case(1e300)]
#[case(-5.0)]
fn a_time_that_cannot_be_is_dropped(#[case] time: f64) {
    let (found, dropped) = one(Signal::Running, &[of_pod(RUNNING, &[], &[(980.0, "3"), (time, "4")])]);
    assert_eq!(found, [(980.0, 3.0)]);
    assert_eq!(dropped, [(DropCause::BadTime, 1)]);
}

#[test]
fn a_value_of_another_json_type_is_no_number() {
    let mut odd = of_pod(RUNNING, &[], &[]);
    odd["values"] = json!([[980, "2"], [981, 3], [982, null], [983, [1]], [984, {"a": 1}], ["985", "4"], [986, true]]);
    let (found, dropped) = one(Signal::Running, &[odd]);
    assert_eq!(found, [(980.0, 2.0)]);
    assert_eq!(dropped, [(DropCause::NotFinite, 5), (DropCause::BadTime, 1)]);
}

#[test]
fn series_without_a_pod_are_counted_and_ignored() {
    let (pods, dropped) = run(
        Signal::Running,
        &[
            series(RUNNING, &[("namespace", "prod")], &[(990.0, "1")]),
            series(RUNNING, &[("pod", "chat-1")], &[(990.0, "1")]),
            series(RUNNING, &[("namespace", ""), ("pod", "chat-1")], &[(990.0, "1")]),
        ],
    );
    assert!(pods.is_empty());
    assert_eq!(dropped.get(DropCause::NoPod), 3);
}

#[test]
fn a_huge_label_is_no_pod() {
    let long = "x".repeat(100_000);
    let (pods, dropped) = run(
        Signal::Running,
        &[series(
            RUNNING,
            &[("namespace", "prod"), ("pod", &long)],
            &[(990.0, "1")],
        )],
    );
    assert!(pods.is_empty());
    assert_eq!(dropped.get(DropCause::BadLabels), 1);
}

#[test]
fn a_series_with_countless_labels_is_ignored() {
    let names: Vec<String> = (0..1000).map(|n| format!("l{n}")).collect();
    let more: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "x")).collect();
    let (found, dropped) = one(Signal::Running, &[of_pod(RUNNING, &more, &[(990.0, "1")])]);
    assert_eq!(found, []);
    assert_eq!(dropped, [(DropCause::BadLabels, 1)]);
}

#[test]
fn a_series_that_was_not_asked_for_is_ignored() {
    let (found, dropped) = one(Signal::Running, &[of_pod("up", &[], &[(990.0, "1")])]);
    assert_eq!(found, []);
    assert_eq!(dropped, [(DropCause::NotAsked, 1)]);
}

#[test]
fn exported_labels_name_the_pod_that_an_exporter_reports_about() {
    let labels = [
        ("namespace", "monitoring"),
        ("pod", "exporter-0"),
        ("exported_namespace", "prod"),
        ("exported_pod", "chat-1"),
    ];
    let (found, _) = one(Signal::Running, &[series(RUNNING, &labels, &[(990.0, "5")])]);
    assert_eq!(found, [(990.0, 5.0)]);
}

#[test]
fn nobody_speaks_for_a_pod_that_speaks_for_itself() {
    let liar = [
        ("namespace", "evil"),
        ("pod", "liar-0"),
        ("exported_namespace", "prod"),
        ("exported_pod", "chat-1"),
    ];
    let (found, dropped) = one(
        Signal::Running,
        &[
            series(RUNNING, &liar, &[(990.0, "0"), (999.0, "0")]),
            of_pod(RUNNING, &[], &[(990.0, "5")]),
        ],
    );
    assert_eq!(found, [(990.0, 5.0)]);
    assert_eq!(dropped, [(DropCause::Duplicate, 2)]);
}

#[test]
fn ranks_are_added_at_equal_times() {
    let (found, _) = one(
        Signal::Running,
        &[
            of_pod(RUNNING, &[("engine", "0")], &[(980.0, "3"), (990.0, "4")]),
            of_pod(RUNNING, &[("engine", "1")], &[(980.0, "10"), (990.0, "20")]),
        ],
    );
    assert_eq!(found, [(980.0, 13.0), (990.0, 24.0)]);
}

#[test]
fn finish_reasons_are_added() {
    let (found, _) = one(
        Signal::Completed,
        &[
            of_pod(DONE, &[("finished_reason", "stop")], &[(990.0, "7")]),
            of_pod(DONE, &[("finished_reason", "length")], &[(990.0, "2")]),
            of_pod(DONE, &[("finished_reason", "abort")], &[(990.0, "1")]),
        ],
    );
    assert_eq!(found, [(990.0, 10.0)]);
}

#[test]
fn of_the_kv_use_of_ranks_the_fullest_counts() {
    let (found, _) = one(
        Signal::KvUse,
        &[
            of_pod(KV, &[("engine", "0")], &[(990.0, "0.25")]),
            of_pod(KV, &[("engine", "1")], &[(990.0, "0.75")]),
        ],
    );
    assert_eq!(found, [(990.0, 0.75)]);
}

#[rstest]
#[case::two_servers(&[("prometheus", "a")], &[("prometheus", "b")])]
#[case::two_replicas_of_a_server(&[("prometheus_replica", "0")], &[("prometheus_replica", "1")])]
#[case::two_jobs(&[("job", "pods")], &[("job", "services")])]
#[case::two_jobs_with_labels_of_their_own(&[("job", "pods")], &[("job", "services"), ("team", "x"), ("service", "chat")])]
#[case::two_ports(&[("instance", "10.0.0.1:8000")], &[("instance", "10.0.0.1:8001")])]
fn a_series_that_was_scraped_twice_is_never_doubled(#[case] a: &[(&str, &str)], #[case] b: &[(&str, &str)]) {
    let (found, dropped) = one(
        Signal::Completed,
        &[
            of_pod(DONE, a, &[(970.0, "100"), (985.0, "110")]),
            of_pod(DONE, b, &[(975.0, "103"), (990.0, "113")]),
        ],
    );
    assert_eq!(
        found,
        [(975.0, 103.0), (990.0, 113.0)],
        "the scrape with the newest sample"
    );
    assert_eq!(dropped, [(DropCause::Duplicate, 2)]);
}

#[test]
fn series_that_differ_in_a_label_nobody_knows_are_refused() {
    let (found, dropped) = one(
        Signal::Running,
        &[
            of_pod(RUNNING, &[("priority", "high")], &[(990.0, "5")]),
            of_pod(RUNNING, &[("priority", "low")], &[(990.0, "6")]),
        ],
    );
    assert_eq!(found, [], "5 would halve the load, 11 could double it");
    assert_eq!(dropped, [(DropCause::Ambiguous, 2)]);
}

#[test]
fn a_rank_that_reports_nonsense_takes_the_instant_with_it() {
    // 4 instead of 104 would look like a restart and then like 100 new requests.
    let (found, dropped) = one(
        Signal::Completed,
        &[
            of_pod(
                DONE,
                &[("engine", "0")],
                &[(970.0, "100"), (980.0, "NaN"), (990.0, "102")],
            ),
            of_pod(DONE, &[("engine", "1")], &[(970.0, "3"), (980.0, "4"), (990.0, "5")]),
        ],
    );
    assert_eq!(found, [(970.0, 103.0), (990.0, 107.0)]);
    assert_eq!(dropped, [(DropCause::NotFinite, 1), (DropCause::Incomplete, 1)]);
}

#[rstest]
#[case::in_the_middle(&[(970.0, "100"), (990.0, "102")], &[(970.0, 103.0), (990.0, 107.0)])]
#[case::with_a_time_that_cannot_be(&[(970.0, "100"), (980.0, "101"), (99990.0, "102")], &[(970.0, 103.0), (980.0, 105.0)])]
fn a_rank_that_is_missing_takes_the_instant_with_it(#[case] rank: &[(f64, &str)], #[case] expected: &[(f64, f64)]) {
    let (found, _) = one(
        Signal::Completed,
        &[
            of_pod(DONE, &[("engine", "0")], rank),
            of_pod(DONE, &[("engine", "1")], &[(970.0, "3"), (980.0, "4"), (990.0, "5")]),
        ],
    );
    assert_eq!(found, expected);
}

#[test]
fn a_rank_that_starts_later_counts_from_then() {
    let (found, _) = one(
        Signal::Running,
        &[
            of_pod(RUNNING, &[("engine", "0")], &[(980.0, "3"), (990.0, "4")]),
            of_pod(RUNNING, &[("engine", "1")], &[(990.0, "20")]),
        ],
    );
    assert_eq!(found, [(980.0, 3.0), (990.0, 24.0)]);
}

#[rstest]
#[case::only_the_old_name(&[(OLD_KV, "0.5")], 0.5)]
#[case::both_names(&[(OLD_KV, "0.5"), (KV, "0.6")], 0.6)]
#[case::the_new_name_without_a_measurement(&[(OLD_KV, "0.5"), (KV, "NaN")], 0.5)]
fn the_first_name_that_a_pod_has_is_read(#[case] series: &[(&str, &str)], #[case] expected: f64) {
    let series: Vec<Value> = series
        .iter()
        .map(|(name, value)| of_pod(name, &[], &[(990.0, value)]))
        .collect();
    let (found, _) = one(Signal::KvUse, &series);
    assert_eq!(found, [(990.0, expected)]);
}

#[test]
fn each_pod_has_its_own_name_of_the_metric() {
    let of = |name: &str, pod: &str, value: &str| series(name, &[("namespace", "n"), ("pod", pod)], &[(990.0, value)]);
    let (pods, _) = run(Signal::KvUse, &[of(KV, "new", "0.1"), of(OLD_KV, "old", "0.2")]);
    assert_eq!(pods.len(), 2);
}

#[path = "pods_histograms.rs"]
mod histograms;
#[path = "pods_properties.rs"]
mod properties;
