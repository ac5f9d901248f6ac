//! The recipe against an API server in memory: what it writes, and that a failure of any one request, at any place,
//! ends where a run without failures ends, after which nothing is written any more.

#[path = "reconcile_world.rs"]
mod world;

use std::collections::BTreeMap;
use std::sync::Mutex;

use rstest::rstest;
use serde_json::{Value, json};

use tokio::sync::watch;

use super::*;
use crate::runtime::leader::{Claim, Leadership, Standing};
use crate::testing::fake_api::{self, Answer, Asked, Log};
use crate::testing::samples;

use self::world::{Failure, Operator, Stored};

/// An object with its workloads, as it stands before the operator comes.
fn stored(workloads: &[(&str, u32)], change: impl Fn(&mut InferenceDeployment)) -> Stored {
    let mut object = samples::infd();
    object.spec.variants[0].pool = None;
    change(&mut object);
    Stored {
        object: serde_json::to_value(object).unwrap(),
        workloads: workloads
            .iter()
            .map(|(name, n)| ((*name).to_owned(), (*n, 17)))
            .collect(),
        requests: 0,
        fails: None,
    }
}

fn order(object: &mut InferenceDeployment, replicas: u32) {
    object.spec.replicas_override = Some(crate::api::Override { replicas, until: None });
}

fn second_variant(object: &mut InferenceDeployment) {
    let mut second = object.spec.variants[0].clone();
    second.name = "h100-fp8".into();
    second.target_ref.name = "chat-h100".into();
    object.spec.variants.push(second);
}

fn reported(object: &mut InferenceDeployment, max_replicas: u32) {
    object.status = Some(InferenceDeploymentStatus {
        applied_limits: Some(crate::api::AppliedLimits { max_replicas }),
        ..InferenceDeploymentStatus::default()
    });
}

/// A person orders more.
fn more() -> Stored {
    stored(&[("chat-a100", 3)], |o| order(o, 7))
}
/// A person orders fewer, of two variants.
fn fewer() -> Stored {
    stored(&[("chat-a100", 3), ("chat-h100", 3)], |o| {
        second_variant(o);
        order(o, 2);
    })
}
/// A lowered maximum leaves no room for a variant's minimum.
fn cap_and_minimum() -> Stored {
    stored(&[("chat-a100", 1), ("chat-h100", 6)], |o| {
        second_variant(o);
        o.spec.variants[0].replicas = Some(crate::api::VariantReplicas { min: 3, max: None });
        o.spec.replicas.max = 5;
        reported(o, 20);
    })
}
/// The maximum of an object that is known was lowered.
fn lowered() -> Stored {
    stored(&[("chat-a100", 6)], |o| {
        o.spec.replicas.max = 2;
        reported(o, 20);
    })
}
/// An object is new, and its maximum is below what runs.
fn new_and_lower() -> Stored {
    stored(&[("chat-a100", 6)], |o| o.spec.replicas.max = 2)
}
/// Nothing is to be written but a status.
fn paused() -> Stored {
    stored(&[("chat-a100", 6)], |o| o.spec.mode = crate::api::Mode::Paused)
}
fn advised() -> Stored {
    stored(&[("chat-a100", 6)], |o| {
        o.spec.mode = crate::api::Mode::Advise;
        order(o, 9);
    })
}
fn without_a_target() -> Stored {
    stored(&[], |_| {})
}
fn invalid() -> Stored {
    stored(&[("chat-a100", 6)], |o| o.spec.engine = "unheard-of".into())
}

/// What a person sees in the end, without times and names of decisions.
fn seen(stored: &Stored) -> Value {
    let mut status = stored.object["status"].clone();
    for condition in status["conditions"].as_array_mut().unwrap() {
        condition["lastTransitionTime"] = Value::Null;
    }
    let replicas: BTreeMap<_, _> = stored.workloads.iter().map(|(name, (n, _))| (name, n)).collect();
    json!({
        "workloads": replicas,
        "conditions": status["conditions"],
        "replicas": status["replicas"],
        "appliedLimits": status["appliedLimits"],
        "reason": status["decision"]["reason"],
        "observedGeneration": status["observedGeneration"],
    })
}

/// Ends of a run: what is seen, how many requests it took, and the requests themselves.
async fn run(stored: Stored, restarts: bool) -> (Value, usize, Log) {
    const ROUNDS: usize = 6;
    let stored = Arc::new(Mutex::new(stored));
    let server = stored.clone();
    let (client, log) = fake_api::client(move |asked| server.lock().unwrap().answer(asked));
    let (nowhere, _) = fake_api::client(|_| Answer::Silence);
    let mut operator = Operator::start(&client, &nowhere);
    for _ in 0..ROUNDS {
        let outcome = operator.round(&stored).await;
        if outcome.is_err() && restarts {
            operator = Operator::start(&client, &nowhere);
        }
    }
    let settled = stored.lock().unwrap().requests;
    for _ in 0..2 {
        let wrote = operator.round(&stored).await.unwrap();
        assert!(!wrote, "it still writes: {:?}", fake_api::lines(&log));
    }
    // Another operator takes over.
    let wrote = Operator::start(&client, &nowhere).round(&stored).await.unwrap();
    assert!(!wrote, "a new operator writes: {:?}", fake_api::lines(&log));
    let stored = stored.lock().unwrap();
    assert_eq!(stored.requests, settled, "silence: {:?}", fake_api::lines(&log));
    (seen(&stored), settled, log)
}

#[rstest]
#[case::more(more, json!({"chat-a100": 7}))]
#[case::fewer(fewer, json!({"chat-a100": 2, "chat-h100": 0}))]
#[case::cap_and_minimum(cap_and_minimum, json!({"chat-a100": 1, "chat-h100": 4}))]
#[case::lowered(lowered, json!({"chat-a100": 2}))]
#[case::new_and_lower(new_and_lower, json!({"chat-a100": 2}))]
#[case::paused(paused, json!({"chat-a100": 6}))]
#[case::advised(advised, json!({"chat-a100": 6}))]
#[case::without_a_target(without_a_target, json!({}))]
#[case::invalid(invalid, json!({"chat-a100": 6}))]
#[tokio::test(start_paused = true)]
async fn a_failure_anywhere_ends_where_no_failure_ends(#[case] scenario: fn() -> Stored, #[case] workloads: Value) {
    let (clean, requests, _) = run(scenario(), false).await;
    assert_eq!(clean["workloads"], workloads);
    assert!(requests > 0);
    let failures = [
        Failure::Refused,
        Failure::NotSent,
        Failure::AnswerLost,
        Failure::AnswerHangs,
    ];
    for n in 0..requests {
        for failure in failures {
            for restarts in [false, true] {
                let broken = Stored {
                    fails: Some((n, failure)),
                    ..scenario()
                };
                let (end, _, log) = run(broken, restarts).await;
                assert_eq!(end, clean, "{failure:?} of request {n}: {:?}", fake_api::lines(&log));
            }
        }
    }
}

/// Runs a scenario without failures and gives the requests.
async fn requests(scenario: Stored) -> Vec<Asked> {
    let (_, _, log) = run(scenario, false).await;
    log.lock().unwrap().clone()
}

#[tokio::test(start_paused = true)]
async fn the_scale_comes_before_the_status_and_the_event() {
    let lines: Vec<String> = requests(more()).await.into_iter().map(|a| a.line).collect();
    assert_eq!(
        lines[0],
        "PUT /apis/apps/v1/namespaces/prod/deployments/chat-a100/scale"
    );
    assert!(
        lines[2].starts_with("POST /apis/events.k8s.io/v1/namespaces/prod/events"),
        "{lines:?}"
    );
    assert!(lines[1].ends_with("/inferencedeployments/chat/status"), "{lines:?}");
}

#[rstest]
#[case(paused)]
#[case(advised)]
#[case(without_a_target)]
#[case(invalid)]
#[tokio::test(start_paused = true)]
async fn where_it_is_not_in_control_only_status_and_events_are_written(#[case] scenario: fn() -> Stored) {
    for asked in requests(scenario()).await {
        assert!(
            asked.line.contains("/status") || asked.line.contains("events.k8s.io"),
            "{}",
            asked.line
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_status_loses_no_event_of_what_was_scaled() {
    // The first request scales, the second is the status.
    let broken = Stored {
        fails: Some((1, Failure::Refused)),
        ..more()
    };
    let events: Vec<_> = requests(broken)
        .await
        .into_iter()
        .filter(|a| a.line.contains("events.k8s.io"))
        .collect();
    assert!(events.iter().any(|e| e.body["reason"] == "ScaledUp"), "{events:?}");
}

/// An operator with a stored object whose tick has been published.
async fn once(stored: Stored, change: impl Fn(&mut Value)) -> (Result<bool, Error>, Vec<String>) {
    let stored = Mutex::new(stored);
    let (client, log) = fake_api::client(|asked| Answer::Json(200, asked.body.clone()));
    let mut operator = Operator::start(&client, &client);
    let published = operator.tick(&stored.lock().unwrap());
    operator.publish.send_replace(Some(Arc::new(published)));
    change(&mut stored.lock().unwrap().object);
    let guarded = stored.lock().unwrap().guarded();
    let outcome = recipe(&guarded, &operator.context).await;
    let ours = |line: &String| line.contains("/chat") || line.contains("events.k8s.io");
    (outcome, fake_api::lines(&log).into_iter().filter(ours).collect())
}

#[rstest]
#[case::edited_since(|o: &mut Value| o["metadata"]["generation"] = json!(4))]
#[case::being_deleted(|o: &mut Value| o["metadata"]["deletionTimestamp"] = json!("2026-11-24T10:00:00Z"))]
#[case::another_object(|o: &mut Value| o["metadata"]["name"] = json!("new"))]
#[tokio::test(start_paused = true)]
async fn a_plan_for_something_else_is_not_carried_out(#[case] change: fn(&mut Value)) {
    let (outcome, lines) = once(more(), change).await;
    assert!(!outcome.unwrap());
    assert!(lines.is_empty(), "{lines:?}");
}

#[tokio::test(start_paused = true)]
async fn a_status_that_meets_an_edit_is_made_again_beside_it_once() {
    let stored = std::sync::Arc::new(Mutex::new(more()));
    let shared = stored.clone();
    // Between the scale and the status somebody labels the object.
    let (client, log) = fake_api::client(move |asked| {
        let mut stored = shared.lock().unwrap();
        if asked.line.ends_with("/scale") {
            stored.object["metadata"]["resourceVersion"] = json!("95");
        }
        stored.answer(asked)
    });
    let (nowhere, _) = fake_api::client(|_| Answer::Silence);
    let mut operator = Operator::start(&client, &nowhere);
    assert!(operator.round(&stored).await.unwrap());
    let lines = fake_api::lines(&log);
    let about = |what: &str| lines.iter().filter(|line| line.ends_with(what)).count();
    assert_eq!(
        (
            about("/chat/status"),
            about("inferencedeployments/chat"),
            about("/scale")
        ),
        (2, 1, 1),
        "{lines:?}"
    );
    let status = stored.lock().unwrap().object["status"].clone();
    assert_eq!(
        status["history"].as_array().map(Vec::len),
        Some(1),
        "what was scaled is told: {status}"
    );
}

#[rstest]
#[case::stands_by(|_: &watch::Sender<Standing>| {})]
#[case::begins_to_lead(|standing: &watch::Sender<Standing>| { standing.send_replace(leading(3)); })]
#[tokio::test(start_paused = true)]
async fn what_was_planned_while_standing_by_is_not_carried_out(#[case] then: fn(&watch::Sender<Standing>)) {
    let stored = Mutex::new(more());
    let (client, log) = fake_api::client(|asked| Answer::Json(200, asked.body.clone()));
    let (nowhere, _) = fake_api::client(|_| Answer::Silence);
    let mut operator = Operator::start(&client, &nowhere);
    let (standing, receiver) = watch::channel(Standing::Standby);
    operator.context.leadership = Leadership::new(receiver);
    let published = operator.tick(&stored.lock().unwrap());
    operator.publish.send_replace(Some(Arc::new(published)));
    then(&standing);
    let guarded = stored.lock().unwrap().guarded();
    assert!(!recipe(&guarded, &operator.context).await.unwrap());
    assert!(log.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn who_loses_the_lease_in_the_middle_writes_neither_status_nor_event() {
    let stored = Mutex::new(more());
    let (standing, receiver) = watch::channel(leading(3));
    let (client, log) = fake_api::client(move |asked| {
        standing.send_replace(Standing::Standby);
        Answer::Json(200, asked.body.clone())
    });
    let (nowhere, _) = fake_api::client(|_| Answer::Silence);
    let mut operator = Operator::start(&client, &nowhere);
    operator.context.leadership = Leadership::new(receiver);
    let published = operator.tick(&stored.lock().unwrap());
    operator.publish.send_replace(Some(Arc::new(published)));
    let guarded = stored.lock().unwrap().guarded();
    assert!(matches!(
        recipe(&guarded, &operator.context).await,
        Err(Error::Superseded(_))
    ));
    let lines = fake_api::lines(&log);
    assert!(lines.len() == 1 && lines[0].ends_with("/scale"), "{lines:?}");
}

fn leading(epoch: i32) -> Standing {
    Standing::Leading(Claim {
        epoch,
        renewed: tokio::time::Instant::now(),
    })
}

#[tokio::test(start_paused = true)]
async fn nothing_is_done_before_the_first_tick() {
    let (client, log) = fake_api::client(|_| Answer::Broken);
    let (nowhere, _) = fake_api::client(|_| Answer::Silence);
    let operator = Operator::start(&client, &nowhere);
    assert!(!recipe(&more().guarded(), &operator.context).await.unwrap());
    assert!(log.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_malformed_object_is_told_once() {
    let mut broken = more();
    broken.object["spec"]["replicas"] = json!("many");
    let (client, log) = fake_api::client(|asked| Answer::Json(200, asked.body.clone()));
    let (nowhere, _) = fake_api::client(|_| Answer::Silence);
    let operator = Operator::start(&client, &nowhere);
    let guarded: Guarded = broken.guarded();
    assert!(guarded.0.is_err());
    for round in 0..3 {
        assert_eq!(recipe(&guarded, &operator.context).await.unwrap(), round == 0);
    }
    let log = log.lock().unwrap();
    assert!(
        log[0].line.ends_with("/inferencedeployments/chat/status"),
        "{}",
        log[0].line
    );
    assert_eq!(log[0].media, "application/merge-patch+json");
    let conditions = &log[0].body["status"]["conditions"];
    assert_eq!(
        (&conditions[0]["type"], &conditions[0]["reason"]),
        (&json!("Ready"), &json!("Malformed"))
    );
    assert_eq!(log.iter().filter(|a| a.line.contains("/status")).count(), 1);
}
