//! What a user sees with nothing but kubectl.

use std::time::{Duration, Instant};

use serde_json::json;

use super::model::{Setup, load_for};
use super::operator::TICK;
use super::stage::together;
use super::turns::tell;

#[tokio::test(flavor = "multi_thread")]
async fn wait_get_and_describe_tell_the_story() {
    let act = together().await;
    let model = Setup::new("kubectl").rate(load_for(2)).start(act.stage).await;
    let ns = model.namespace.clone();
    let kubectl = async |arguments: &[&str]| {
        let said = act.stage.cluster.kubectl(&[arguments, &["-n", &ns]].concat(), "").await;
        assert!(said.success, "kubectl {arguments:?}: {}", said.stderr);
        said.stdout
    };
    kubectl(&["wait", "--for=condition=Ready", "infd/chat", "--timeout=10s"]).await;
    model
        .until("two serve", 30, |seen| {
            seen.ready() == Some(2) && seen.desired() == Some(2) && seen.is("ObjectiveMet", "True", "Met")
        })
        .await;

    let table = kubectl(&["get", "infd"]).await;
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    let reason = model.now().reason().to_owned();
    assert_eq!(
        rows[0],
        [
            "NAME", "ENGINE", "READY", "DESIRED", "SLO", "GPUS", "$/H", "REASON", "AGE"
        ],
        "{table}"
    );
    assert_eq!(
        rows[1][..8],
        ["chat", "vLLM", "2", "2", "True", "2", "6.86", reason.as_str()],
        "{table}"
    );

    let deadline = Instant::now() + Duration::from_secs(10);
    let text = loop {
        let text = kubectl(&["describe", "infd", "chat"]).await;
        if text.contains("ScaledUp") || Instant::now() > deadline {
            break text;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    let event = text
        .lines()
        .find(|line| line.contains("ScaledUp"))
        .unwrap_or_else(|| panic!("no event:\n{text}"));
    for words in [
        "Normal",
        "inferscale",
        "a100-bf16: 1 -> 2 replicas (DemandUp, decision ",
        "req/s now",
    ] {
        assert!(event.contains(words), "{words:?} is not in {event}");
    }
    model.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_is_observed_within_two_ticks() {
    let act = together().await;
    let model = Setup::new("edits").rate(load_for(1)).settle(act.stage).await;
    let mut took = Vec::new();
    for max in [11, 10, 9, 8] {
        model.edit(&json!({"replicas": {"max": max}})).await;
        let edited = model
            .until("the edit is stored", 5, |seen| seen.get("/spec/replicas/max") == max)
            .await;
        let generation = edited.get("/metadata/generation").clone();
        let observed = model
            .until("the edit is observed", 10, |seen| {
                seen.is_current() && seen.get("/metadata/generation") == &generation
            })
            .await;
        model
            .check(
                observed.get("/status/appliedLimits/maxReplicas") == max,
                "with its content",
            )
            .await;
        took.push(observed.at.duration_since(edited.at));
    }
    tell(&format!("edits were observed after {took:.2?}"));
    model
        .check(
            took.iter().all(|took| *took <= 2 * TICK),
            &format!("within two ticks: {took:?}"),
        )
        .await;
    model.end().await;
}
