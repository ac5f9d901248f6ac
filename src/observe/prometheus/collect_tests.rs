use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use inferscale_core::snapshot::Target;
use rstest::rstest;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use wiremock::matchers::{body_string_contains, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;
use crate::config::tempdir::Folder;
use crate::config::{MetricsSource, Presets};

const NOW: Time = Time::from_millis(1_700_000_000_500);
const EMPTY: &str = r#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#;

fn settings(url: &str) -> MetricsSource {
    MetricsSource {
        timeout: Duration::from_millis(800),
        max_bytes: 1 << 20,
        ..MetricsSource::new("default", url)
    }
}

async fn collect_with(settings: &MetricsSource) -> Collected {
    let presets = Presets::embedded().unwrap();
    let mut limits = Limits::default();
    limits.add(Target::TimeToFirstToken, Span::from_millis(500));
    Source::new(settings)
        .unwrap()
        .collect(presets.engine("vLLM").unwrap(), &limits, NOW, Span::from_secs(120))
        .await
}

async fn collect(url: &str) -> Collected {
    collect_with(&settings(url)).await
}

/// A server that gives every query the same answer.
async fn always(response: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("POST")).respond_with(response).mount(&server).await;
    server
}

fn ok(body: &str) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_raw(body.to_owned(), "application/json")
}

/// The answer with one series of pod `prod/chat-1`.
fn answer(name: &str, labels: &str, value: &str) -> String {
    format!(
        r#"{{"status":"success","data":{{"resultType":"matrix","result":[{{"metric":{{"__name__":"{name}","namespace":"prod","pod":"chat-1"{labels}}},"values":[[1699999990.25,"{value}"]]}}]}}}}"#
    )
}

/// A server that sends bytes without end after a proper header, and counts them.
async fn endless(head: &'static str, chunk: Vec<u8>, pause: Duration) -> (String, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let sent = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&sent);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (chunk, counter) = (chunk.clone(), Arc::clone(&counter));
            tokio::spawn(async move {
                let mut request = [0; 4096];
                let _ = stream.read(&mut request).await;
                if stream.write_all(head.as_bytes()).await.is_err() {
                    return;
                }
                while stream.write_all(&chunk).await.is_ok() {
                    counter.fetch_add(chunk.len() as u64, Ordering::Relaxed);
                    tokio::time::sleep(pause).await;
                }
            });
        }
    });
    (url, sent)
}

fn classes(collected: &Collected) -> Vec<FailureClass> {
    let mut classes: Vec<FailureClass> = collected.failures.iter().map(|failure| failure.class).collect();
    classes.dedup();
    classes
}

#[tokio::test]
async fn every_signal_of_a_pod_is_read_in_eight_queries() {
    let server = MockServer::start().await;
    for (name, labels, value) in [
        ("vllm:num_requests_running", "", "3"),
        ("vllm:num_requests_waiting", "", "0"),
        ("vllm:request_success_total", r#","finished_reason":"stop""#, "100"),
        ("vllm:prompt_tokens_total", "", "5000"),
        ("vllm:generation_tokens_total", "", "7000"),
        ("vllm:kv_cache_usage_perc", "", "0.5"),
        ("vllm:time_to_first_token_seconds_bucket", r#","le":"0.5""#, "90"),
        (
            "vllm:request_time_per_output_token_seconds_bucket",
            r#","le":"+Inf""#,
            "100",
        ),
    ] {
        Mock::given(method("POST"))
            .and(path("/api/v1/query"))
            .and(body_string_contains("time=1700000000.500"))
            .and(body_string_contains(name.replace(':', "%3A")))
            .respond_with(ok(&answer(name, labels, value)))
            .expect(1)
            .mount(&server)
            .await;
    }
    let collected = collect(&server.uri()).await;
    assert_eq!(collected.failures, []);
    assert!(collected.dropped.is_empty());
    assert_eq!(collected.asked.len(), 8);
    let pod = PodKey {
        namespace: "prod".into(),
        name: "chat-1".into(),
    };
    let signals = &collected.pods[&pod];
    for (series, value) in [
        (&signals.running, 3.0),
        (&signals.waiting, 0.0),
        (&signals.completed, 100.0),
        (&signals.prompt_tokens, 5000.0),
        (&signals.generated_tokens, 7000.0),
        (&signals.kv_use, 0.5),
        (&signals.time_to_first_token.buckets[0].1, 90.0),
        (&signals.time_per_output_token.buckets[0].1, 100.0),
    ] {
        let last = series.last().unwrap();
        assert_eq!((last.at.as_millis(), last.value), (1_699_999_990_250, value));
    }
}

#[tokio::test]
async fn no_series_is_no_failure_and_no_zero() {
    let server = always(ok(EMPTY)).await;
    let collected = collect(&server.uri()).await;
    assert_eq!(collected.failures, []);
    assert!(collected.pods.is_empty());
}

#[tokio::test]
async fn a_query_that_fails_takes_only_its_own_signal() {
    let server = MockServer::start().await;
    Mock::given(body_string_contains("num_requests_waiting"))
        .respond_with(ResponseTemplate::new(503))
        .mount(&server)
        .await;
    Mock::given(body_string_contains("num_requests_running"))
        .respond_with(ok(&answer("vllm:num_requests_running", "", "3")))
        .mount(&server)
        .await;
    Mock::given(method("POST"))
        .respond_with(ok(EMPTY))
        .with_priority(9)
        .mount(&server)
        .await;
    let collected = collect(&server.uri()).await;
    let failed: Vec<Signal> = collected.failures.iter().map(|failure| failure.signal).collect();
    assert_eq!(failed, [Signal::Waiting]);
    assert_eq!(collected.failures[0].class, FailureClass::Http(503));
    let signals = collected.pods.values().next().unwrap();
    assert!(!signals.running.is_empty() && signals.waiting.is_empty());
}

#[rstest]
#[case::overloaded(ResponseTemplate::new(503).set_body_string("try later"), FailureClass::Http(503))]
#[case::no_such_page(ResponseTemplate::new(404).set_body_string("<html>"), FailureClass::Http(404))]
#[case::no_entry(ResponseTemplate::new(401), FailureClass::Http(401))]
#[case::refused_with_200(
    ok(r#"{"status":"error","errorType":"execution","error":"s3cret"}"#),
    FailureClass::Rejected
)]
#[case::refused_with_422(ResponseTemplate::new(422).set_body_string(r#"{"status":"error","errorType":"execution","error":"s3cret"}"#), FailureClass::Rejected)]
#[case::refused_for_a_made_up_reason(
    ok(r#"{"status":"error","errorType":"s3cret","error":"s3cret"}"#),
    FailureClass::Rejected
)]
#[case::refused_at_length(ResponseTemplate::new(400).set_body_string("s3cret".repeat(100_000)), FailureClass::Http(400))]
#[case::slow(ok(EMPTY).set_delay(Duration::from_secs(30)), FailureClass::Timeout)]
#[case::no_json(ok("s3cret"), FailureClass::Malformed)]
#[case::a_web_page(ok("<html>s3cret</html>"), FailureClass::Malformed)]
#[case::nothing(ok(""), FailureClass::Malformed)]
#[case::cut_json(ok(&answer("vllm:num_requests_running", "", "3")[..100]), FailureClass::Malformed)]
#[case::more_after_the_end(ok(&format!("{EMPTY}{EMPTY}")), FailureClass::Malformed)]
#[case::another_api(ok(r#"{"items":[]}"#), FailureClass::Malformed)]
#[case::no_data(ok(r#"{"status":"success"}"#), FailureClass::Malformed)]
#[case::no_result(
    ok(r#"{"status":"success","data":{"resultType":"matrix"}}"#),
    FailureClass::Malformed
)]
#[case::a_null_result(
    ok(r#"{"status":"success","data":{"resultType":"matrix","result":null}}"#),
    FailureClass::Malformed
)]
#[case::a_vector(
    ok(r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"1"]}]}}"#),
    FailureClass::Malformed
)]
#[case::a_scalar(
    ok(r#"{"status":"success","data":{"resultType":"scalar","result":[1,"1"]}}"#),
    FailureClass::Malformed
)]
#[case::two_results(
    ok(r#"{"status":"success","data":{"resultType":"matrix","result":[],"result":[]}}"#),
    FailureClass::Malformed
)]
#[case::deep_nesting(ok(&"[".repeat(100_000)), FailureClass::Malformed)]
#[case::too_long(ok(&" ".repeat(2 << 20)), FailureClass::TooLarge)]
#[case::compressed(ok("\u{1f}").insert_header("content-encoding", "gzip"), FailureClass::Malformed)]
#[tokio::test]
async fn an_answer_that_is_none_is_a_failure_of_its_class(
    #[case] response: ResponseTemplate,
    #[case] class: FailureClass,
) {
    let server = always(response).await;
    let collected = collect(&server.uri()).await;
    assert_eq!(classes(&collected), [class]);
    assert_eq!(collected.failures.len(), 8);
    assert!(collected.pods.is_empty());
    for failure in &collected.failures {
        assert!(!failure.message.contains("s3cret"), "{failure:?}");
        assert!(!failure.message.is_empty() && failure.message.chars().count() <= 200);
    }
}

#[tokio::test]
async fn warnings_are_counted_and_the_answer_is_used() {
    let body = answer("vllm:num_requests_running", "", "3").replacen(
        '{',
        r#"{"warnings":["a store is away","b"],"infos":["c"],"#,
        1,
    );
    let server = always(ok(&body)).await;
    let collected = collect(&server.uri()).await;
    assert_eq!(collected.failures, []);
    assert_eq!(collected.warnings, 16);
    assert_eq!(collected.pods.len(), 1);
}

#[rstest]
#[case::without_a_length("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")]
#[case::of_a_gigabyte("HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n")]
#[case::of_a_negative_length("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n")]
#[tokio::test]
async fn a_body_without_end_is_read_only_to_the_limit(#[case] head: &'static str) {
    let (url, sent) = endless(head, vec![b' '; 64 << 10], Duration::ZERO).await;
    let collected = collect(&url).await;
    let class = collected.failures[0].class;
    assert!(
        matches!(class, FailureClass::TooLarge | FailureClass::Unreachable),
        "{class:?}"
    );
    // 8 answers of 1 MiB, and what lies in the buffers of the sockets.
    let sent = sent.load(Ordering::Relaxed);
    assert!(sent < 8 * (8 << 20), "{sent} bytes were taken");
}

#[tokio::test]
async fn a_body_that_drips_ends_at_the_time_limit() {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n";
    let (url, _) = endless(head, b" ".to_vec(), Duration::from_millis(50)).await;
    let started = Instant::now();
    let collected = collect(&url).await;
    assert_eq!(classes(&collected), [FailureClass::Timeout]);
    // Two rounds of 800 ms.
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn headers_without_end_are_not_read() {
    let (url, sent) = endless(
        "HTTP/1.1 200 OK\r\n",
        b"X-A: bbbbbbbbbbbbbbbbbbbbbbb\r\n".repeat(100),
        Duration::ZERO,
    )
    .await;
    let collected = collect(&url).await;
    assert_eq!(collected.failures.len(), 8);
    assert!(sent.load(Ordering::Relaxed) < 64 << 20);
}

// The feature brings the compressor.
#[cfg(feature = "laboratory")]
#[tokio::test]
async fn a_gzip_bomb_is_never_unpacked() {
    use std::io::Write;
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..512 {
        bomb.write_all(&vec![b' '; 1 << 20]).unwrap();
    }
    let bomb = bomb.finish().unwrap();
    assert!(bomb.len() < 1 << 20, "small enough to pass the limit as it is");
    let response = ResponseTemplate::new(200)
        .insert_header("content-encoding", "gzip")
        .set_body_raw(bomb, "application/json");
    let server = always(response).await;
    let started = Instant::now();
    assert_eq!(classes(&collect(&server.uri()).await), [FailureClass::Malformed]);
    assert!(started.elapsed() < Duration::from_secs(2));
    let requests = server.received_requests().await.unwrap();
    assert!(
        requests
            .iter()
            .all(|request| !request.headers.contains_key("accept-encoding"))
    );
}

#[tokio::test]
async fn more_series_than_the_limit_fail_the_query_instead_of_being_cut() {
    let mut body = String::from(r#"{"status":"success","data":{"resultType":"matrix","result":["#);
    for _ in 0..200_000 {
        body.push_str(r#"{"metric":{}},"#);
    }
    body.push_str(r#"{"metric":{}}]}}"#);
    let failure = reply::read(body.as_bytes(), &mut |_| {}).unwrap_err();
    assert_eq!(failure.class, FailureClass::TooLarge);
    assert_eq!(failure.message, "the answer has more than 200000 series");
}

#[tokio::test]
async fn nobody_listening_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let collected = collect(&url).await;
    assert_eq!(classes(&collected), [FailureClass::Unreachable]);
    assert!(
        collected.failures[0].message.contains("Connection refused"),
        "{:?}",
        collected.failures[0]
    );
}

#[tokio::test]
async fn a_connection_that_closes_at_once_is_a_failure() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { while listener.accept().await.is_ok() {} });
    assert_eq!(classes(&collect(&url).await), [FailureClass::Unreachable]);
}

#[tokio::test]
async fn no_more_than_four_answers_are_held_at_once() {
    static NOW_OPEN: AtomicU64 = AtomicU64::new(0);
    static MOST_OPEN: AtomicU64 = AtomicU64::new(0);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = [0; 4096];
                let _ = stream.read(&mut request).await;
                let open = NOW_OPEN.fetch_add(1, Ordering::SeqCst) + 1;
                MOST_OPEN.fetch_max(open, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(50)).await;
                NOW_OPEN.fetch_sub(1, Ordering::SeqCst);
                let head = format!(
                    "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
                    EMPTY.len()
                );
                let _ = stream.write_all(head.as_bytes()).await;
                let _ = stream.write_all(EMPTY.as_bytes()).await;
            });
        }
    });
    assert_eq!(collect(&url).await.failures, []);
    assert_eq!(MOST_OPEN.load(Ordering::SeqCst), 4);
}

#[path = "connection_tests.rs"]
mod connection;
