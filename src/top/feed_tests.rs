use inferscale_core::snapshot::ObjectKey;
use kube::Config;
use serde_json::{Value, json};
use wiremock::matchers::{body_string_contains, method, path, query_param, query_param_is_missing};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;
use crate::config::MetricsSource;
use crate::top::fixture;

const OBJECTS: &str = "/apis/inferscale.dev/v1alpha1/namespaces/demo/inferencedeployments";
const POOLS: &str = "/apis/inferscale.dev/v1alpha1/gpupools";

fn list(items: &[Value], more: &str) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({
        "apiVersion": "inferscale.dev/v1alpha1", "kind": "List", "metadata": {"continue": more}, "items": items,
    }))
}

fn refusal(code: u16, message: &str) -> ResponseTemplate {
    ResponseTemplate::new(code).set_body_json(json!({
        "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "message": message,
    }))
}

async fn serve(server: &MockServer, at: &str, answer: ResponseTemplate) {
    Mock::given(method("GET"))
        .and(path(at))
        .respond_with(answer)
        .mount(server)
        .await;
}

/// A feed of the namespace `demo` from this API server.
fn feed(api: &MockServer, prometheus: Result<Prometheus, String>) -> Feed {
    // Another test may have done so before.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let client = Client::try_from(Config::new(api.uri().parse().unwrap())).unwrap();
    let scope = Scope::Namespace("demo".into());
    Feed::new(client, scope, prometheus, Presets::embedded().unwrap())
}

fn at(server: &MockServer) -> Result<Prometheus, String> {
    Prometheus::new(&MetricsSource::new("default", &server.uri())).map_err(|error| error.to_string())
}

fn vector(points: &[(Value, &str)]) -> ResponseTemplate {
    let result: Vec<Value> = points
        .iter()
        .map(|(labels, value)| json!({"metric": labels, "value": [1.0, value]}))
        .collect();
    ResponseTemplate::new(200)
        .set_body_json(json!({"status": "success", "data": {"resultType": "vector", "result": result}}))
}

#[tokio::test]
async fn every_page_is_read() {
    let api = MockServer::start().await;
    Mock::given(path(OBJECTS))
        .and(query_param_is_missing("continue"))
        .respond_with(list(&[fixture::chat("first")], "next"))
        .expect(1)
        .mount(&api)
        .await;
    Mock::given(path(OBJECTS))
        .and(query_param("continue", "next"))
        .respond_with(list(&[fixture::chat("second")], ""))
        .expect(1)
        .mount(&api)
        .await;
    serve(&api, POOLS, refusal(403, "no")).await;
    let view = feed(&api, Err("no live columns".into())).look().await.unwrap();
    let names: Vec<&str> = view.objects.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names, ["first", "second"]);
    assert_eq!(view.notes, ["no pools: you may not list GpuPools", "no live columns"]);
}

#[tokio::test]
async fn an_api_server_that_never_answered_is_an_error_that_says_what_to_do() {
    for (answer, says) in [
        (
            refusal(404, "the server could not find the requested resource"),
            "inferscale crd",
        ),
        (
            refusal(403, "you cannot list"),
            "you cannot list: ask for the right to list",
        ),
        (
            refusal(500, "etcd is away"),
            "cannot list InferenceDeployments: etcd is away",
        ),
    ] {
        let api = MockServer::start().await;
        serve(&api, OBJECTS, answer).await;
        serve(&api, POOLS, list(&[], "")).await;
        let error = feed(&api, Err(String::new())).look().await.unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}

#[tokio::test]
async fn the_last_fleet_stays_when_the_api_server_stops_answering() {
    let api = MockServer::start().await;
    serve(&api, OBJECTS, list(&[fixture::chat("chat")], "")).await;
    serve(&api, POOLS, list(&[], "")).await;
    let mut feed = feed(&api, Err("no live columns".into()));
    feed.look().await.unwrap();
    api.reset().await;
    serve(&api, OBJECTS, refusal(500, "etcd is away")).await;
    for _ in 0..2 {
        let view = feed.look().await.unwrap();
        assert_eq!(view.objects.len(), 1);
        assert!(
            view.notes[0].contains("those of 0s ago") && view.notes[0].contains("etcd is away"),
            "{:?}",
            view.notes
        );
    }
}

#[tokio::test]
async fn what_prometheus_says_is_joined_by_object_and_by_pod() {
    let (api, prometheus) = (MockServer::start().await, MockServer::start().await);
    serve(&api, OBJECTS, list(&[fixture::chat("chat")], "")).await;
    serve(&api, POOLS, list(&[], "")).await;
    let demand = json!({"__name__": "inferscale_demand_requests_per_second", "namespace": "demo", "name": "chat"});
    Mock::given(body_string_contains("inferscale_demand"))
        .respond_with(vector(&[(demand, "7.5"), (json!({}), "300")]))
        .mount(&prometheus)
        .await;
    let running = json!({"__name__": "vllm:num_requests_running", "namespace": "demo", "pod": "chat-7d9f8b6c54-x2v5k"});
    Mock::given(body_string_contains("num_requests_running"))
        .respond_with(vector(&[(running, "12")]))
        .mount(&prometheus)
        .await;
    let view = feed(&api, at(&prometheus)).look().await.unwrap();
    let row = &view.objects[0];
    assert_eq!(
        row.key(),
        ObjectKey {
            namespace: "demo".into(),
            name: "chat".into()
        }
    );
    assert_eq!(
        (row.demand, row.running.map(|r| r.value), row.waiting),
        (Some(7.5), Some(12.0), None)
    );
    assert_eq!(view.notes, ["the operator has not ticked for 5m: does it run?"]);
}

#[tokio::test]
async fn without_prometheus_the_fleet_is_still_shown_and_the_reason_is_said() {
    let (api, prometheus) = (MockServer::start().await, MockServer::start().await);
    serve(&api, OBJECTS, list(&[fixture::chat("chat")], "")).await;
    serve(&api, POOLS, list(&[], "")).await;
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(502))
        .mount(&prometheus)
        .await;
    let view = feed(&api, at(&prometheus)).look().await.unwrap();
    assert_eq!((view.objects.len(), view.objects[0].demand), (1, None));
    assert!(
        view.notes[0].contains("status 502") && view.notes[0].contains("--prometheus URL"),
        "{:?}",
        view.notes
    );
}

#[tokio::test]
async fn a_prometheus_that_does_not_scrape_the_operator_is_told_from_one_that_is_away() {
    let (api, prometheus) = (MockServer::start().await, MockServer::start().await);
    serve(&api, OBJECTS, list(&[fixture::chat("chat")], "")).await;
    serve(&api, POOLS, list(&[], "")).await;
    Mock::given(method("POST"))
        .respond_with(vector(&[]))
        .mount(&prometheus)
        .await;
    let view = feed(&api, at(&prometheus)).look().await.unwrap();
    assert!(
        view.notes[0].contains("has no metrics of the operator"),
        "{:?}",
        view.notes
    );
}
