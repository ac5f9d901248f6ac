//! What is worth a write, and the write as the API server sees it.

use rstest::rstest;

use super::*;
use crate::act::Applied;
use crate::api::{AppliedLimits, Change, Decision, InferenceDeployment, ReplicaCounts, VariantStatus};
use crate::status::{View, report};
use crate::testing::fake_api::{self, Answer};
use crate::testing::samples;

fn status() -> InferenceDeploymentStatus {
    let object = samples::object();
    let (plan, beside) = (samples::plan(&object), samples::beside(&object));
    let view = View {
        object: &object,
        beside: &beside,
        plan: &plan,
    };
    report(
        &view,
        &Applied::default(),
        &InferenceDeploymentStatus::default(),
        samples::NOW,
    )
}

fn of<'a>(status: &'a mut InferenceDeploymentStatus, type_: &str) -> &'a mut Condition {
    status.conditions.iter_mut().find(|c| c.type_ == type_).unwrap()
}

#[rstest]
#[case::generation(|s: &mut InferenceDeploymentStatus| s.observed_generation = Some(4))]
#[case::desired(|s: &mut InferenceDeploymentStatus| s.replicas.as_mut().unwrap().desired = 9)]
#[case::ready(|s: &mut InferenceDeploymentStatus| s.replicas.as_mut().unwrap().ready = 9)]
#[case::starting(|s: &mut InferenceDeploymentStatus| s.replicas.as_mut().unwrap().starting = 9)]
#[case::a_status(|s: &mut InferenceDeploymentStatus| of(s, "Ready").status = ConditionStatus::False)]
#[case::a_reason(|s: &mut InferenceDeploymentStatus| of(s, "SignalsFresh").reason = "Partial".into())]
#[case::a_condition_less(|s: &mut InferenceDeploymentStatus| { s.conditions.pop(); })]
#[case::the_generation_of_a_condition(|s: &mut InferenceDeploymentStatus| of(s, "Ready").observed_generation = Some(9))]
#[case::a_decision(|s: &mut InferenceDeploymentStatus| s.decision.as_mut().unwrap().id = "other".into())]
#[case::its_reason(|s: &mut InferenceDeploymentStatus| s.decision.as_mut().unwrap().reason = "DemandUp".into())]
#[case::a_change(|s: &mut InferenceDeploymentStatus| s.history.push(Change::default()))]
#[case::the_limits(|s: &mut InferenceDeploymentStatus| s.applied_limits = Some(AppliedLimits { max_replicas: 9 }))]
fn what_somebody_acts_on_is_worth_a_write(#[case] change: fn(&mut InferenceDeploymentStatus)) {
    let mut other = status();
    change(&mut other);
    assert!(differs(&status(), &other) && differs_slowly(&status(), &other));
}

#[rstest]
#[case::cost(|s: &mut InferenceDeploymentStatus| s.hourly_cost = Some("9.99".into()))]
#[case::share(|s: &mut InferenceDeploymentStatus| s.objectives[0].attained = Some("99.1%".into()))]
#[case::capacity(|s: &mut InferenceDeploymentStatus| s.variants[0].capacity = Some("2.5".into()))]
#[case::a_message(|s: &mut InferenceDeploymentStatus| of(s, "ObjectiveMet").message = "99.1 % inside".into())]
#[case::the_sentence_of_a_decision(|s: &mut InferenceDeploymentStatus| s.decision.as_mut().unwrap().message = "6.91 req/s".into())]
#[case::inputs(|s: &mut InferenceDeploymentStatus| s.decision.as_mut().unwrap().inputs.clear())]
fn what_only_drifts_waits(#[case] change: fn(&mut InferenceDeploymentStatus)) {
    let mut other = status();
    change(&mut other);
    assert!(!differs(&status(), &other) && differs_slowly(&status(), &other));
}

#[test]
fn what_is_the_same_is_never_written() {
    assert!(!differs(&status(), &status()) && !differs_slowly(&status(), &status()));
}

#[test]
fn another_thing_to_do_is_news_at_once() {
    let stalled = |message: &str| {
        let mut s = status();
        *of(&mut s, "Stalled") = Condition {
            status: ConditionStatus::True,
            message: message.into(),
            ..of(&mut status(), "Stalled").clone()
        };
        s
    };
    assert!(differs(&stalled("create a"), &stalled("create b")));
    assert!(!differs(&stalled("create a"), &stalled("create a")));
}

#[test]
fn an_empty_status_differs_from_any() {
    let empty = InferenceDeploymentStatus::default();
    assert!(differs(&empty, &status()));
    let counts = Some(ReplicaCounts::default());
    assert!(differs(
        &empty,
        &InferenceDeploymentStatus {
            replicas: counts,
            ..empty.clone()
        }
    ));
    let decision = Some(Decision::default());
    assert!(differs(
        &empty,
        &InferenceDeploymentStatus {
            decision,
            ..empty.clone()
        }
    ));
}

async fn written(how: How, answer: impl Fn() -> Answer + Send + 'static) -> (Result<(), WriteError>, fake_api::Log) {
    let (client, log) = fake_api::client(move |_| answer());
    let api: Api<InferenceDeployment> = Api::namespaced(client, "prod");
    let to = Addressee {
        api_version: "inferscale.dev/v1alpha1",
        kind: "InferenceDeployment",
        name: "chat",
        version: Some("90"),
    };
    (write(&api, to, &status(), how).await, log)
}

fn taken() -> Answer {
    Answer::Json(200, serde_json::to_value(samples::infd()).unwrap())
}

#[rstest]
#[case(How::Apply, "application/apply-patch+yaml", &["force=true", "fieldManager=inferscale-status"])]
#[case(How::Merge, "application/merge-patch+json", &["fieldManager=inferscale-status"])]
#[tokio::test]
async fn a_status_is_patched_under_our_name(#[case] how: How, #[case] media: &str, #[case] query: &[&str]) {
    let (outcome, log) = written(how, taken).await;
    assert!(outcome.is_ok());
    let log = log.lock().unwrap();
    assert_eq!(log.len(), 1);
    assert_eq!(
        log[0].line,
        "PATCH /apis/inferscale.dev/v1alpha1/namespaces/prod/inferencedeployments/chat/status"
    );
    assert_eq!((log[0].media.as_str(), log[0].query.len()), (media, query.len()));
    assert!(
        query.iter().all(|q| log[0].query.iter().any(|asked| asked == q)),
        "{:?}",
        log[0].query
    );
    let body = &log[0].body;
    assert_eq!(
        (&body["kind"], &body["metadata"]),
        (
            &json!("InferenceDeployment"),
            &json!({"name": "chat", "resourceVersion": "90"})
        )
    );
    assert_eq!(body["status"], serde_json::to_value(status()).unwrap());
    assert!(body.get("spec").is_none(), "a status write touches nothing else");
}

#[tokio::test]
async fn a_refusal_is_an_error() {
    let (outcome, log) = written(How::Apply, || Answer::refused(422, "too long")).await;
    assert!(matches!(outcome, Err(WriteError::Refused(_))));
    assert_eq!(log.lock().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_status_is_not_waited_for_longer_than_two_seconds() {
    let start = tokio::time::Instant::now();
    let (outcome, _) = written(How::Apply, || Answer::Silence).await;
    assert!(matches!(outcome, Err(WriteError::NoAnswer)));
    assert_eq!(start.elapsed().as_secs(), 2);
}

fn with_capacity(capacity: Option<&str>) -> InferenceDeploymentStatus {
    InferenceDeploymentStatus {
        variants: vec![VariantStatus {
            name: "a100".to_owned(),
            capacity: capacity.map(str::to_owned),
            ..VariantStatus::default()
        }],
        ..InferenceDeploymentStatus::default()
    }
}

#[test]
fn a_number_that_becomes_known_is_worth_a_write_and_one_that_drifts_is_not() {
    let (unknown, known, drifted) = (
        with_capacity(None),
        with_capacity(Some("5.9")),
        with_capacity(Some("6.0")),
    );
    assert!(differs(&unknown, &known));
    assert!(!differs(&known, &drifted) && differs_slowly(&known, &drifted));
}
