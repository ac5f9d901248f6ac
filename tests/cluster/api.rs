//! The custom resources on a real API server: what is accepted, what a user sees of what is not, what `kubectl`
//! shows, and that a full status fits.

use std::time::{Duration, Instant};

use inferscale::api::{
    AppliedLimits, Candidate, Change, Condition, ConditionStatus, ConditionType, Decision, InferenceDeployment,
    InferenceDeploymentStatus, Input, ObjectiveStatus, Reason, ReplicaCounts, Timestamp, VariantStatus, text,
};
use kube::api::{Api, Patch, PatchParams, PostParams};
use serde_json::json;

use super::cases::{Case, Checked, cases, example};
use super::harness::{Cluster, Said, cluster};
use super::stage::{beside, without_operator};

/// The manifest as a user would write it.
fn manifest(case: &Case) -> String {
    match &case.raw {
        Some(raw) => example(&case.from) + raw,
        None => serde_yaml::to_string(&case.object()).expect("YAML"),
    }
}

async fn dry_run(cluster: &Cluster, namespace: &str, manifest: &str) -> Said {
    cluster
        .kubectl(
            &["apply", "--server-side", "--dry-run=server", "-n", namespace, "-f", "-"],
            manifest,
        )
        .await
}

/// What is wrong with the answer to a case.
fn judge(case: &Case, said: &Said) -> Option<String> {
    let text = &said.stderr;
    if case.says.is_empty() {
        // No warning either: every apply would show it.
        return (!said.success || !text.is_empty()).then(|| format!("{} should be accepted:\n{text}", case.name));
    }
    let place = match &case.at {
        Some(at) => format!("{at}: "),
        None => String::new(),
    };
    let one_line = case.checked == Checked::Server || text.trim_end().lines().count() == 1;
    let right = !said.success && text.contains(&place) && text.contains(&case.says) && one_line;
    (!right).then(|| format!("{} should say {place}{}:\n{text}", case.name, case.says))
}

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_says_what_the_table_says() {
    use futures::StreamExt;
    let (cluster, _turn) = beside().await;
    let namespace = cluster.namespace(&cluster.client().await, "api").await;
    let wrong: Vec<String> = futures::stream::iter(cases())
        .map(|case| {
            let namespace = namespace.clone();
            async move { judge(&case, &dry_run(cluster, &namespace, &manifest(&case)).await) }
        })
        .buffered(4)
        .filter_map(std::future::ready)
        .collect()
        .await;
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_smallest_object_gets_its_defaults() {
    let (cluster, _turn) = without_operator().await;
    let client = cluster.client().await;
    let namespace = cluster.namespace(&client, "defaults").await;
    let said = cluster
        .kubectl(
            &["apply", "--server-side", "-n", &namespace, "-f", "-"],
            &example("smallest"),
        )
        .await;
    assert!(said.success, "{}", said.stderr);
    let stored = Api::<InferenceDeployment>::namespaced(client, &namespace)
        .get("chat")
        .await
        .expect("stored");
    let read: InferenceDeployment = serde_yaml::from_str(&example("smallest")).expect("readable");
    assert_eq!(
        stored.spec, read.spec,
        "the defaults of the API server are not those of the Rust types"
    );
    assert_eq!(
        (read.spec.replicas.min, read.spec.metrics_source.as_str()),
        (1, "default")
    );
}

/// The server publishes the texts of a definition a little later than it serves its objects.
async fn explain(cluster: &Cluster, path: &str) -> Said {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let said = cluster.kubectl(&["explain", path], "").await;
        if said.success || Instant::now() > deadline {
            return said;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn explain_reads_as_a_manual() {
    let cluster = cluster();
    for (path, words) in [
        (
            "infd.spec.objectives",
            vec!["Default 99%.", "Range 10s to 1h.", "Example: 500ms."],
        ),
        (
            "infd.spec.variants.targetRef",
            vec!["has a scale subresource", "Example: apps/v1."],
        ),
        ("infd.status.decision", vec!["what was measured"]),
        ("gpupool.spec.price", vec!["US dollars", "Decimals must be quoted."]),
    ] {
        let said = explain(cluster, path).await;
        let text = said.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        for word in words {
            assert!(
                text.contains(word),
                "kubectl explain {path} does not say {word:?}:\n{said:?}"
            );
        }
    }
}

/// `n` characters that take three bytes each, as a hostile message could.
fn long(n: usize) -> String {
    "…".repeat(n)
}

/// Everything that the schema allows, at its limit.
fn full_status() -> InferenceDeploymentStatus {
    let now: Timestamp = serde_json::from_str("\"2026-12-24T18:00:00Z\"").expect("an instant");
    let counts = ReplicaCounts {
        desired: 4,
        ready: 3,
        starting: 1,
        draining: 0,
    };
    InferenceDeploymentStatus {
        observed_generation: Some(1),
        conditions: (0..16)
            .map(|i| Condition {
                type_: format!("Type{i:0>59}"),
                status: ConditionStatus::Unknown,
                reason: long(text::NAME),
                message: long(text::MESSAGE),
                last_transition_time: now,
                observed_generation: Some(i64::MAX),
            })
            .collect(),
        replicas: Some(counts),
        accelerators: Some(4),
        hourly_cost: Some("27.52".to_owned()),
        objectives: (0..8)
            .map(|i| ObjectiveStatus {
                name: format!("{i}{}", long(62)),
                target: long(32),
                attained: Some(long(16)),
                met: ConditionStatus::True,
            })
            .collect(),
        variants: (0..16)
            .map(|i| VariantStatus {
                name: format!("{i:0>63}"),
                capacity: Some(long(32)),
                accelerators: Some(i),
                hourly_cost: Some(long(32)),
                ..VariantStatus::default()
            })
            .collect(),
        decision: Some(Decision {
            id: long(64),
            time: now,
            reason: "DemandUp".to_owned(),
            message: long(text::MESSAGE),
            inputs: vec![
                Input {
                    name: long(text::NAME),
                    value: long(text::VALUE),
                    age: Some(long(32)),
                    coverage: Some(long(16))
                };
                16
            ],
            candidates: vec![
                Candidate {
                    replicas: long(text::CANDIDATE),
                    hourly_cost: Some(long(32)),
                    verdict: long(text::CANDIDATE)
                };
                5
            ],
        }),
        history: vec![
            Change {
                time: now,
                from: 1,
                to: 2,
                reason: long(text::NAME),
                message: long(text::HISTORY_MESSAGE)
            };
            5
        ],
        applied_limits: Some(AppliedLimits { max_replicas: 20 }),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_fullest_status_is_stored_as_it_was_written() {
    let (cluster, _turn) = without_operator().await;
    let client = cluster.client().await;
    let namespace = cluster.namespace(&client, "status").await;
    let infds = Api::<InferenceDeployment>::namespaced(client, &namespace);
    let infd = serde_yaml::from_str(&example("smallest")).expect("readable");
    infds.create(&PostParams::default(), &infd).await.expect("created");
    let status = full_status();
    let patch = Patch::Merge(json!({"status": status}));
    infds
        .patch_status("chat", &PatchParams::default(), &patch)
        .await
        .expect("every bound is the schema's");
    let stored = infds.get("chat").await.expect("stored");
    assert_eq!(stored.status.as_ref(), Some(&status));
    assert_eq!(stored.spec, infd.spec, "a status write changes no spec");
    let bytes = serde_json::to_vec(&status).expect("JSON").len();
    assert!(bytes < 128 * 1024, "{bytes} bytes would strain etcd and every watch");

    let mut beyond = status;
    beyond.history.push(Change::default());
    let patch = Patch::Merge(json!({"status": beyond}));
    infds
        .patch_status("chat", &PatchParams::default(), &patch)
        .await
        .expect_err("six changes are too many");
}

#[tokio::test(flavor = "multi_thread")]
async fn get_shows_what_an_owner_asks_first() {
    let (cluster, _turn) = without_operator().await;
    let client = cluster.client().await;
    let namespace = cluster.namespace(&client, "columns").await;
    let infds = Api::<InferenceDeployment>::namespaced(client, &namespace);
    let infd = serde_yaml::from_str(&example("smallest")).expect("readable");
    infds.create(&PostParams::default(), &infd).await.expect("created");
    let status = InferenceDeploymentStatus {
        conditions: vec![Condition {
            type_: ConditionType::ObjectiveMet.to_string(),
            status: ConditionStatus::True,
            reason: Reason::Met.to_string(),
            ..Condition::default()
        }],
        replicas: Some(ReplicaCounts {
            desired: 4,
            ready: 3,
            starting: 1,
            draining: 0,
        }),
        accelerators: Some(8),
        hourly_cost: Some("27.52".to_owned()),
        decision: Some(Decision {
            reason: "DemandUp".to_owned(),
            ..Decision::default()
        }),
        ..InferenceDeploymentStatus::default()
    };
    let patch = Patch::Merge(json!({"status": status}));
    infds
        .patch_status("chat", &PatchParams::default(), &patch)
        .await
        .expect("written");
    let said = cluster.kubectl(&["get", "infd", "chat", "-n", &namespace], "").await;
    let rows: Vec<Vec<&str>> = said
        .stdout
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(
        rows[0],
        [
            "NAME", "ENGINE", "READY", "DESIRED", "SLO", "GPUS", "$/H", "REASON", "AGE"
        ]
    );
    assert_eq!(
        rows[1][..8],
        ["chat", "vLLM", "3", "4", "True", "8", "27.52", "DemandUp"]
    );
}

/// `kubectl apply` of a manifest that carries a status leaves the operator's status alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_user_cannot_write_status() {
    let (cluster, _turn) = without_operator().await;
    let client = cluster.client().await;
    let namespace = cluster.namespace(&client, "subresource").await;
    let manifest = example("smallest") + "status:\n  accelerators: 7\n";
    let said = cluster
        .kubectl(&["apply", "--server-side", "-n", &namespace, "-f", "-"], &manifest)
        .await;
    assert!(said.success, "{}", said.stderr);
    let stored = Api::<InferenceDeployment>::namespaced(client, &namespace)
        .get("chat")
        .await
        .expect("stored");
    assert_eq!(stored.status, None);
}
