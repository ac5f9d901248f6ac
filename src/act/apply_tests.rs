//! The writes as the API server sees them, and what each of its answers becomes.

use rstest::rstest;
use serde_json::json;

use super::*;
use crate::testing::fake_api::{self, Answer, Asked};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::runtime::leader::{Claim, Standing};
use crate::testing::samples::{self, key, target};

fn write(name: &str, from: u32, to: u32) -> ScaleWrite {
    ScaleWrite {
        variant: name.into(),
        target: target(&format!("chat-{name}"), "17"),
        from,
        to,
    }
}

fn prepared(writes: Vec<ScaleWrite>) -> Prepared {
    Prepared {
        object: key(),
        decision: "0badcafe".into(),
        warrant: samples::warrant(),
        writes,
    }
}

fn accepted(asked: &Asked) -> Answer {
    Answer::Json(200, asked.body.clone())
}

fn outcomes(applied: &Applied) -> Vec<Outcome> {
    applied.scales.iter().map(|s| s.outcome.clone()).collect()
}

#[tokio::test]
async fn a_scale_is_put_with_the_version_that_was_seen_under_our_name() {
    let (client, log) = fake_api::client(accepted);
    let applied = apply(&client, &samples::alone(), prepared(vec![write("a100", 3, 5)])).await;
    assert_eq!(outcomes(&applied), [Outcome::Written]);
    let asked = log.lock().unwrap().remove(0);
    assert_eq!(
        asked.line,
        "PUT /apis/apps/v1/namespaces/prod/deployments/chat-a100/scale"
    );
    assert_eq!(asked.query, ["fieldManager=inferscale-scale"]);
    assert_eq!(asked.media, "application/json");
    assert_eq!(
        asked.body,
        json!({
            "apiVersion": "autoscaling/v1", "kind": "Scale",
            "metadata": {"name": "chat-a100", "namespace": "prod", "resourceVersion": "17"},
            "spec": {"replicas": 5},
        })
    );
}

#[tokio::test]
async fn writes_go_out_one_after_the_other_in_their_order() {
    let (client, log) = fake_api::client(accepted);
    let writes = vec![write("b", 1, 2), write("c", 0, 1), write("a", 4, 3)];
    let applied = apply(&client, &samples::alone(), prepared(writes.clone())).await;
    assert_eq!(
        applied.scales.iter().map(|s| s.write.clone()).collect::<Vec<_>>(),
        writes
    );
    let names: Vec<_> = fake_api::lines(&log)
        .iter()
        .map(|l| l.rsplit('/').nth(1).unwrap().to_owned())
        .collect();
    assert_eq!(names, ["chat-b", "chat-c", "chat-a"]);
}

#[tokio::test]
async fn zero_is_written_as_zero() {
    let (client, log) = fake_api::client(accepted);
    apply(&client, &samples::alone(), prepared(vec![write("a100", 3, 0)])).await;
    assert_eq!(log.lock().unwrap()[0].body["spec"]["replicas"], 0);
}

#[rstest]
#[case::conflict(Answer::refused(409, "the object has been modified"), Outcome::Conflict)]
#[case::gone(Answer::refused(404, "not found"), Outcome::Gone)]
#[case::forbidden(Answer::refused(403, "may not patch"), Outcome::Forbidden("may not patch".into()))]
#[case::invalid(Answer::refused(422, "replicas: too many"), Outcome::Failed("replicas: too many".into()))]
#[case::server_error(Answer::refused(500, "etcd is down"), Outcome::Failed("etcd is down".into()))]
#[case::too_many(Answer::refused(429, "try later"), Outcome::Failed("try later".into()))]
#[tokio::test]
async fn what_the_server_refuses_is_an_outcome_and_not_tried_again(#[case] answer: Answer, #[case] outcome: Outcome) {
    let (client, log) = fake_api::client(move |_| answer.clone());
    let applied = apply(&client, &samples::alone(), prepared(vec![write("a100", 3, 5)])).await;
    assert_eq!(outcomes(&applied), [outcome]);
    assert_eq!(log.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_broken_connection_is_an_outcome() {
    let (client, log) = fake_api::client(|_| Answer::Broken);
    let applied = apply(&client, &samples::alone(), prepared(vec![write("a100", 3, 5)])).await;
    assert!(
        matches!(outcomes(&applied).as_slice(), [Outcome::Failed(_)]),
        "{applied:?}"
    );
    assert_eq!(log.lock().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn no_request_lives_longer_than_two_seconds() {
    let (client, log) = fake_api::client(|_| Answer::Silence);
    let start = Instant::now();
    let applied = apply(&client, &samples::alone(), prepared(vec![write("a100", 3, 5)])).await;
    assert_eq!(outcomes(&applied), [Outcome::Failed("no answer within 2s".into())]);
    assert_eq!(start.elapsed().as_secs(), 2);
    assert_eq!(log.lock().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_old_decision_writes_nothing() {
    let (client, log) = fake_api::client(accepted);
    let mut old = prepared(vec![write("a", 3, 5), write("b", 3, 2)]);
    old.warrant.valid_until = Instant::now();
    let applied = apply(&client, &samples::alone(), old).await;
    assert_eq!(outcomes(&applied), [Outcome::Expired, Outcome::Expired]);
    assert!(log.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_decision_may_grow_old_between_two_writes() {
    let (client, log) = fake_api::client(|_| Answer::Silence);
    let mut late = prepared(vec![write("a", 3, 5), write("b", 0, 5)]);
    late.warrant.valid_until = Instant::now() + Duration::from_secs(1);
    let applied = apply(&client, &samples::alone(), late).await;
    assert!(
        matches!(outcomes(&applied).as_slice(), [Outcome::Failed(_), Outcome::Expired]),
        "{applied:?}"
    );
    assert_eq!(log.lock().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_lost_lease_stops_the_writes_that_are_left() {
    let claim = Claim {
        epoch: 0,
        renewed: Instant::now(),
    };
    let (standing, receiver) = watch::channel(Standing::Leading(claim));
    let (client, log) = fake_api::client(move |asked| {
        standing.send_replace(Standing::Standby);
        accepted(asked)
    });
    let both = prepared(vec![write("a", 3, 5), write("b", 3, 2)]);
    let applied = apply(&client, &Leadership::new(receiver), both).await;
    assert_eq!(outcomes(&applied), [Outcome::Written, Outcome::NotLeader]);
    assert_eq!(log.lock().unwrap().len(), 1);
}

#[rstest]
#[case::refused(Answer::refused(403, "no"))]
#[case::conflict(Answer::refused(409, "changed"))]
#[case::broken(Answer::Broken)]
#[tokio::test]
async fn nothing_is_given_back_while_what_replaces_it_did_not_come(#[case] answer: Answer) {
    let (client, log) = fake_api::client(move |asked| {
        if asked.line.contains("chat-new") {
            answer.clone()
        } else {
            accepted(asked)
        }
    });
    let applied = apply(
        &client,
        &samples::alone(),
        prepared(vec![write("new", 0, 1), write("other", 1, 2), write("old", 4, 3)]),
    )
    .await;
    assert_eq!(outcomes(&applied)[1..], [Outcome::Written, Outcome::Withheld]);
    assert_eq!(log.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_failed_decrease_withholds_no_other() {
    let (client, _) = fake_api::client(|asked| {
        if asked.line.contains("chat-a") {
            Answer::refused(409, "changed")
        } else {
            accepted(asked)
        }
    });
    let applied = apply(
        &client,
        &samples::alone(),
        prepared(vec![write("a", 4, 3), write("b", 4, 3)]),
    )
    .await;
    assert_eq!(outcomes(&applied), [Outcome::Conflict, Outcome::Written]);
}

#[tokio::test]
async fn more_replicas_than_a_scale_can_say_are_not_written_as_none() {
    let (client, log) = fake_api::client(accepted);
    let applied = apply(&client, &samples::alone(), prepared(vec![write("a", 3, u32::MAX)])).await;
    assert!(
        matches!(outcomes(&applied).as_slice(), [Outcome::Failed(_)]),
        "{applied:?}"
    );
    assert!(log.lock().unwrap().is_empty());
}

#[tokio::test]
async fn nothing_to_write_asks_nothing() {
    let (client, log) = fake_api::client(accepted);
    assert_eq!(
        apply(&client, &samples::alone(), prepared(Vec::new())).await,
        Applied::default()
    );
    assert!(log.lock().unwrap().is_empty());
}
