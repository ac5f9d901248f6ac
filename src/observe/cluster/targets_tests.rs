//! Looking for kinds: what is served, what is refused for good, and what is only not known yet.

use std::sync::atomic::{AtomicBool, Ordering};

use rstest::rstest;
use serde_json::{Value, json};

use super::*;
use crate::testing::fake_api::{self, Answer, Asked, Log};

fn target(kind: &str) -> TargetRef {
    TargetRef {
        api_version: "apps/v1".into(),
        kind: kind.into(),
        name: "chat".into(),
    }
}

fn resource(name: &str, kind: &str) -> Value {
    json!({"name": name, "singularName": "", "namespaced": true, "kind": kind, "verbs": ["get", "list", "watch", "update"]})
}

/// An API server with Deployments, which have a scale, and `DaemonSet`s, which have none.
fn serves(asked: &Asked) -> Answer {
    let list = |items: Value| json!({"kind": "List", "apiVersion": "v1", "metadata": {"resourceVersion": "1"}, "items": items});
    match asked.line.as_str() {
        "GET /apis/apps/v1" => Answer::Json(
            200,
            json!({"kind": "APIResourceList", "groupVersion": "apps/v1", "resources": [
                resource("deployments", "Deployment"),
                resource("deployments/scale", "Scale"),
                resource("daemonsets", "DaemonSet"),
            ]}),
        ),
        "GET /apis/apps/v1/deployments" if asked.query.iter().any(|q| q.starts_with("watch=")) => Answer::Silence,
        "GET /apis/apps/v1/deployments" => Answer::Json(
            200,
            list(json!([{
                "metadata": {"name": "chat", "namespace": "prod", "resourceVersion": "9"},
                "spec": {"replicas": 3},
            }])),
        ),
        _ => Answer::refused(404, "the server could not find the requested resource"),
    }
}

fn targets(answer: impl FnMut(&Asked) -> Answer + Send + 'static) -> (Targets, Log) {
    let (client, log) = fake_api::client(answer);
    (Targets::new(client, Arc::default(), CancellationToken::new()), log)
}

fn why(lookup: Lookup) -> String {
    match lookup {
        Lookup::Uncontrollable(why) => why,
        Lookup::Found(..) => "found".into(),
        Lookup::Missing => "missing".into(),
        Lookup::Pending => "pending".into(),
    }
}

async fn looked_up(targets: &Targets, target: &TargetRef) -> String {
    targets.ensure([target].into_iter()).await;
    for _ in 0..50 {
        let found = why(targets.lookup("prod", target));
        if found != "pending" {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    "pending".into()
}

#[tokio::test(start_paused = true)]
async fn what_is_served_is_followed_and_found_by_namespace_and_name() {
    let (targets, _) = targets(serves);
    let chat = target("Deployment");
    assert_eq!(why(targets.lookup("prod", &chat)), "pending", "nobody has looked yet");
    assert_eq!(looked_up(&targets, &chat).await, "found");
    let Lookup::Found(found, resource) = targets.lookup("prod", &chat) else {
        unreachable!()
    };
    assert_eq!(
        (found.spec.replicas, resource.plural.as_str()),
        (Some(3), "deployments")
    );
    assert_eq!(why(targets.lookup("dev", &chat)), "missing");
}

#[rstest]
#[case::no_such_kind("Deploymint", "is not served")]
#[case::no_scale("DaemonSet", "has no scale subresource")]
#[tokio::test(start_paused = true)]
async fn what_cannot_be_scaled_is_refused_with_its_reason(#[case] kind: &str, #[case] words: &str) {
    let (targets, _) = targets(serves);
    let found = looked_up(&targets, &target(kind)).await;
    assert!(found.contains(words), "{found}");
}

#[tokio::test(start_paused = true)]
async fn an_absent_group_is_refused() {
    let (targets, _) = targets(|_| Answer::refused(404, "404 page not found"));
    let found = looked_up(&targets, &target("Deployment")).await;
    assert!(found.contains("is not served"), "{found}");
}

#[tokio::test(start_paused = true)]
async fn a_kind_that_the_role_does_not_allow_says_how_to_allow_it() {
    let (targets, _) = targets(|asked| match asked.line.as_str() {
        "GET /apis/apps/v1/deployments" => Answer::refused(403, "forbidden"),
        _ => serves(asked),
    });
    let found = looked_up(&targets, &target("Deployment")).await;
    assert!(
        found.contains("may not watch deployments.apps") && found.contains("scaleTargets"),
        "{found}"
    );
}

#[rstest]
#[case::server_error(Answer::refused(503, "starting"))]
#[case::broken(Answer::Broken)]
#[case::silent(Answer::Silence)]
#[tokio::test(start_paused = true)]
async fn an_api_server_in_trouble_is_no_verdict_on_the_target(#[case] trouble: Answer) {
    let well = Arc::new(AtomicBool::new(false));
    let is_well = well.clone();
    let (targets, _) = targets(move |asked| {
        if is_well.load(Ordering::SeqCst) {
            serves(asked)
        } else {
            trouble.clone()
        }
    });
    let chat = target("Deployment");
    let start = tokio::time::Instant::now();
    targets.ensure([&chat].into_iter()).await;
    assert!(start.elapsed() <= REQUEST * 2, "{:?}", start.elapsed());
    assert_eq!(why(targets.lookup("prod", &chat)), "pending");
    // It is asked again at once when it is back.
    well.store(true, Ordering::SeqCst);
    assert_eq!(looked_up(&targets, &chat).await, "found");
}

#[tokio::test(start_paused = true)]
async fn what_is_known_is_not_asked_again() {
    let (targets, log) = targets(serves);
    for _ in 0..3 {
        looked_up(&targets, &target("Deployment")).await;
        looked_up(&targets, &target("DaemonSet")).await;
    }
    let discoveries = fake_api::lines(&log)
        .iter()
        .filter(|l| *l == "GET /apis/apps/v1")
        .count();
    assert_eq!(discoveries, 2);
}
