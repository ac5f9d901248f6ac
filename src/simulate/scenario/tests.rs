//! Scenarios that are read, and what is said of those that cannot be.

use super::*;
use crate::config::tempdir::Folder;

const SCENARIO: &str = "seed: 7
history: 10m
duration: 30m
loads:
  chat:
    trace: {file: t.csv, kind: requests}
    start: 20m
manifests: [m.yaml]
world: {podStart: {median: 60s, p95: 90s}, queue: LateLast}
policies: [inferscale, \"hpa-rps:0.7\"]
";

const MANIFESTS: &str = "apiVersion: inferscale.dev/v1alpha1
kind: GpuPool
metadata: {name: a100}
spec:
  accelerator: {vendor: NVIDIA, product: A100-SXM4-80GB, memory: 80Gi, resource: nvidia.com/gpu, perNode: 8}
  nodeSelector: {pool: a100}
  price: {perAcceleratorHour: \"3.43\"}
---
# a comment
apiVersion: inferscale.dev/v1alpha1
kind: InferenceDeployment
metadata: {name: chat, namespace: prod}
spec:
  engine: vLLM
  objectives: {timeToFirstToken: 2s, timePerOutputToken: 50ms}
  replicas: {min: 1, max: 20}
  variants:
  - name: bf16
    targetRef: {apiVersion: apps/v1, kind: Deployment, name: chat}
    pool: a100
    performance: {profile: llama-3.1-8b/a100/bf16}
";

const WORKLOAD: &str = "---
apiVersion: apps/v1
kind: Deployment
metadata: {name: chat, namespace: prod}
spec:
  replicas: 3
  selector: {matchLabels: {app: chat}}
  template:
    spec:
      containers:
      - resources: {limits: {nvidia.com/gpu: \"2\"}}
";

/// Two requests a second for an hour.
fn trace() -> String {
    let rows: String = (0..7200).map(|i| format!("{},500,200\n", f64::from(i) / 2.0)).collect();
    format!("arrival_s,input_tokens,output_tokens\n{rows}")
}

fn read(scenario: &str, manifests: &str) -> Result<Scenario, String> {
    let folder = Folder::new();
    folder.write("t.csv", &trace());
    folder.write(
        "rates.csv",
        "t_s,count\n0,100\n300,200\n600,300\n900,100\n1200,100\n1500,100\n1800,100\n2100,100\n",
    );
    folder.write("empty.csv", "arrival_s,input_tokens,output_tokens\n");
    folder.write("notes.csv", "a,b\n1,2\n");
    folder.write("m.yaml", manifests);
    let path = folder.write("s.yaml", scenario);
    let shown = format!("{}/", folder.path().display());
    Scenario::read(&path).map_err(|error| error.to_string().replace(&shown, ""))
}

#[test]
fn a_whole_scenario_is_read() {
    let scenario = read(SCENARIO, MANIFESTS).unwrap();
    let object = &scenario.objects[0];
    assert_eq!(
        (scenario.seed, scenario.duration_s, scenario.warm_up_s),
        (7, 1800.0, 900.0)
    );
    assert_eq!(object.key.to_string(), "prod/chat");
    assert_eq!(object.load.mean_rate(), 2.0);
    assert_eq!((object.load.part.history_s, object.load.part.start_s), (600.0, 1200.0));
    assert_eq!(
        (scenario.world.pod_start.p95_s, scenario.world.queue),
        (90.0, Queue::LateLast)
    );
    let variant = &object.spec.variants[0];
    assert_eq!(variant.accelerators, 1, "no workload and no -tp in the profile's name");
    assert!((variant.replica_price().unwrap().get() - 3.43).abs() < 1e-9);
    assert_eq!(object.initial, [1], "two requests a second need one replica");
    assert_eq!(scenario.policies.len(), 2);
}

#[test]
fn a_workloads_manifest_gives_replicas_and_accelerators() {
    let object = &read(SCENARIO, &format!("{MANIFESTS}{WORKLOAD}")).unwrap().objects[0];
    assert_eq!(
        (object.initial.as_slice(), object.spec.variants[0].accelerators),
        ([3].as_slice(), 2)
    );
}

#[test]
fn a_part_without_numbers_is_the_rest_of_the_trace() {
    let scenario = SCENARIO
        .replace("duration: 30m\n", "")
        .replace("{file: t.csv, kind: requests}", "t.csv");
    let scenario = read(&scenario, MANIFESTS).unwrap();
    assert!((scenario.duration_s - 2399.5).abs() < 1e-6, "{}", scenario.duration_s);
}

#[test]
fn a_rescaled_rate_is_that_of_the_played_part() {
    let load = "trace: rates.csv\n    tokens: {input: 500, output: 200}\n    meanRequestsPerSecond: 35\n    bursts: {shape: 4, correlation: 30s, seed: 3}";
    let scenario = SCENARIO
        .replace("trace: {file: t.csv, kind: requests}", load)
        .replace("duration: 30m", "duration: 20m");
    let object = &read(&scenario, MANIFESTS).unwrap().objects[0];
    assert!((object.load.mean_rate() - 35.0).abs() < 1e-9);
    assert!((object.load.factor - 105.0).abs() < 1e-9);
}

#[test]
fn the_hash_is_that_of_the_contents() {
    let hash = |scenario: &str, manifests: &str| read(scenario, manifests).unwrap().hash;
    assert_eq!(hash(SCENARIO, MANIFESTS), hash(SCENARIO, MANIFESTS));
    assert_ne!(
        hash(SCENARIO, MANIFESTS),
        hash(&SCENARIO.replace("seed: 7", "seed: 8"), MANIFESTS)
    );
    assert_ne!(
        hash(SCENARIO, MANIFESTS),
        hash(SCENARIO, &MANIFESTS.replace("3.43", "3.44"))
    );
}

/// What it is, what is written, and what is written instead.
const BAD_SCENARIOS: [(&str, &str, &str); 27] = [
    ("a field that there is not", "seed: 7", "sed: 7"),
    ("a number that is none", "seed: 7", "seed: seven"),
    ("no yaml", "loads:", "loads: ["),
    ("an unknown field of a load", "    start: 20m", "    begin: 20m"),
    ("a kind that there is not", "kind: requests", "kind: arrivals"),
    ("a duration without unit", "start: 20m", "start: 20"),
    ("a history longer than what is there", "start: 20m", "start: 5m"),
    ("two mistakes at once", "duration: 30m", "duration: soon\nwarmUp: 9x"),
    ("a part beyond the end", "duration: 30m", "duration: 2h"),
    ("a score of nothing", "duration: 30m", "duration: 10m"),
    (
        "a rate of nothing",
        "    start: 20m",
        "    start: 20m\n    meanRequestsPerSecond: 0",
    ),
    (
        "bursts of requests",
        "    start: 20m",
        "    start: 20m\n    bursts: {shape: 4, correlation: 30s}",
    ),
    ("rates without lengths", "{file: t.csv, kind: requests}", "rates.csv"),
    (
        "half a length",
        "    start: 20m",
        "    start: 20m\n    tokens: {input: 500}",
    ),
    ("a trace of another kind", "kind: requests", "kind: clients"),
    ("no trace at all", "{file: t.csv, kind: requests}", "notes.csv"),
    ("an empty trace", "t.csv", "empty.csv"),
    ("a trace that is not there", "t.csv", "x.csv"),
    ("a policy that there is not", "hpa-rps:0.7", "hpa-rsp:0.7"),
    ("a parameter out of range", "hpa-rps:0.7", "hpa-rps:seventy"),
    ("no policies", "[inferscale, \"hpa-rps:0.7\"]", "[]"),
    ("a queue that there is not", "queue: LateLast", "queue: Lifo"),
    ("a tail shorter than the median", "p95: 90s", "p95: 30s"),
    ("a loss beyond all", "queue: LateLast", "scrape: {loss: 1.5}"),
    ("a pool that there is not", "queue: LateLast", "nodes: {h100: {max: 4}}"),
    ("a load without object", "  chat:", "  chatt:"),
    ("a manifest that is not there", "[m.yaml]", "[m.yaml, n.yaml]"),
];

#[test]
fn a_bad_scenario_is_named_with_place_field_value_and_fix() {
    let said = BAD_SCENARIOS.map(|(what, written, instead)| {
        assert!(SCENARIO.contains(written), "{written}");
        let error = read(&SCENARIO.replacen(written, instead, 1), MANIFESTS).unwrap_err();
        format!("# {what}: {}\n{error}\n", instead.replace('\n', " / "))
    });
    insta::assert_snapshot!(said.join("\n"));
}

/// What it is, what is written, and what is written instead.
const BAD_MANIFESTS: [(&str, &str, &str); 9] = [
    ("an engine that there is not", "engine: vLLM", "engine: vlm"),
    ("a field that there is not", "min: 1, max: 20", "min: 1, maximum: 20"),
    (
        "a field that would be dropped",
        "  engine: vLLM",
        "  engine: vLLM\n  batch: {min: 8}",
    ),
    ("a limit without unit", "timeToFirstToken: 2s", "timeToFirstToken: 2"),
    ("no profile", "    performance: {profile: llama-3.1-8b/a100/bf16}\n", ""),
    ("a profile that there is not", "a100/bf16", "a100/bf61"),
    ("a price that is none", "\"3.43\"", "\"3,43\""),
    (
        "a pool that there is not",
        "pool: a100\n    perf",
        "pool: h100\n    perf",
    ),
    ("no object", "kind: InferenceDeployment", "kind: InferenceDeploiment"),
];

#[test]
fn a_bad_manifest_is_named_with_place_field_value_and_fix() {
    let said = BAD_MANIFESTS.map(|(what, written, instead)| {
        assert!(MANIFESTS.contains(written), "{written}");
        let error = read(SCENARIO, &MANIFESTS.replacen(written, instead, 1)).unwrap_err();
        format!("# {what}: {}\n{error}\n", instead.replace('\n', " / "))
    });
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn the_example_is_a_scenario() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/simulate/chat.yaml");
    let scenario = Scenario::read(&path).unwrap();
    assert!((scenario.objects[0].load.mean_rate() - 20.0).abs() < 1e-6);
}
