//! The same against a real Prometheus that scrapes vLLM's metric names from this process. Needs the binary that
//! `e2e/cluster/build` leaves in the cache (or `INFERSCALE_PROMETHEUS`); without it the test says so and passes.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use inferscale_core::snapshot::{Series, Target};
use inferscale_core::units::{Span, Time};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::config::tempdir::Folder;
use crate::config::{MetricsSource, Presets};
use crate::runtime::clock;

/// Ends the process, come what may.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn binary() -> Option<PathBuf> {
    let given = std::env::var_os("INFERSCALE_PROMETHEUS").map(PathBuf::from);
    let cached = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache/inferscale/bin/prometheus"));
    given.into_iter().chain(cached).find(|path| path.exists())
}

/// An engine with two data parallel ranks that finish a request each a second, a fifth of them late.
async fn engine() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let started = Instant::now();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let done = 100.0 + started.elapsed().as_secs_f64();
            let mut lines = Vec::new();
            for rank in ["0", "1"] {
                let labels = format!("engine=\"{rank}\",model_name=\"m\"");
                for (name, value) in [
                    ("vllm:num_requests_running", 3.0),
                    ("vllm:num_requests_waiting", 0.0),
                    ("vllm:prompt_tokens_total", done * 100.0),
                    ("vllm:generation_tokens_total", f64::NAN),
                ] {
                    lines.push(format!("{name}{{{labels}}} {value}"));
                }
                lines.push(format!("vllm:gpu_cache_usage_perc{{{labels}}} 0.{rank}5"));
                for reason in ["stop", "length"] {
                    lines.push(format!(
                        "vllm:request_success_total{{{labels},finished_reason=\"{reason}\"}} {}",
                        done / 2.0
                    ));
                }
                for (le, share) in [("0.5", 0.5), ("1.0", 0.8), ("2.5", 0.9), ("+Inf", 1.0)] {
                    let value = done * share;
                    lines.push(format!(
                        "vllm:time_to_first_token_seconds_bucket{{{labels},le=\"{le}\"}} {value}"
                    ));
                }
            }
            let text = lines.join("\n") + "\n";
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
                text.len()
            );
            let _ = stream.write_all(head.as_bytes()).await;
            let _ = stream.write_all(text.as_bytes()).await;
        }
    });
    address
}

/// Prometheus on a free port, with pod `a` scraped once and pod `b` by two jobs.
async fn prometheus(binary: &PathBuf, folder: &Folder) -> (Running, String) {
    let (a, b) = (engine().await, engine().await);
    let job = |name: &str, address: &str, pod: &str| {
        format!(
            "- job_name: {name}\n  static_configs: [{{targets: ['{address}'], labels: {{namespace: prod, pod: {pod}}}}}]\n"
        )
    };
    let config = format!(
        "global: {{scrape_interval: 1s, scrape_timeout: 900ms}}\nscrape_configs:\n{}{}{}",
        job("pods", &a, "a"),
        job("pods-too", &b, "b"),
        job("services", &b, "b"),
    );
    let config = folder.write("prometheus.yml", &config);
    let port = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let child = Command::new(binary)
        .arg(format!("--config.file={}", config.display()))
        .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    (Running(child), format!("http://127.0.0.1:{port}"))
}

fn rises(series: &Series) -> bool {
    series.samples().windows(2).all(|pair| pair[0].value < pair[1].value)
}

#[tokio::test]
async fn a_real_prometheus_gives_what_the_engines_show() {
    let Some(binary) = binary() else {
        eprintln!("SKIPPED: there is no Prometheus; e2e/cluster/build makes one, or set INFERSCALE_PROMETHEUS");
        return;
    };
    let folder = Folder::new();
    let (_running, url) = prometheus(&binary, &folder).await;
    let source = Source::new(&MetricsSource::new("default", &url)).unwrap();
    let presets = Presets::embedded().unwrap();
    let mut limits = Limits::default();
    limits.add(Target::TimeToFirstToken, Span::from_millis(1000));
    let deadline = Instant::now() + Duration::from_secs(60);
    let (collected, now) = loop {
        let now = clock::now();
        let collected = source
            .collect(presets.engine("vLLM").unwrap(), &limits, now, Span::from_secs(30))
            .await;
        let seen = |signals: &inferscale_core::snapshot::PodSignals| signals.completed.samples().len() >= 4;
        if collected.failures.is_empty() && collected.pods.len() == 2 && collected.pods.values().all(seen) {
            break (collected, now);
        }
        assert!(Instant::now() < deadline, "{collected:?}");
        tokio::time::sleep(Duration::from_millis(500)).await;
    };
    assert_eq!(collected.warnings, 0);
    for (pod, signals) in &collected.pods {
        assert_eq!(pod.namespace, "prod");
        // Two ranks, however often they are scraped.
        assert!(
            signals
                .running
                .samples()
                .iter()
                .all(|sample| (sample.value - 6.0).abs() < 1e-9)
        );
        assert!(
            signals
                .kv_use
                .samples()
                .iter()
                .all(|sample| (sample.value - 0.15).abs() < 1e-9)
        );
        assert!(
            rises(&signals.completed) && rises(&signals.prompt_tokens),
            "{signals:?}"
        );
        assert!(signals.generated_tokens.is_empty(), "it is not a number");
        let newest = signals.completed.last().unwrap();
        assert!(now.since(newest.at) <= Span::from_secs(3) && newest.at > Time::from_millis(0));
        let histogram = &signals.time_to_first_token.buckets;
        let edges: Vec<f64> = histogram.iter().map(|(edge, _)| *edge).collect();
        assert_eq!(edges, [1.0, f64::INFINITY], "only the edge that is the target, and all");
        let (inside, all) = (histogram[0].1.last().unwrap(), histogram[1].1.last().unwrap());
        assert_eq!(inside.at, all.at);
        assert!((inside.value / all.value - 0.8).abs() < 1e-9);
    }
    assert!(
        collected.dropped.get(DropCause::Duplicate) > 0,
        "pod b is scraped twice"
    );
    assert!(collected.dropped.get(DropCause::NotFinite) > 0);
    assert_eq!(collected.dropped.get(DropCause::Ambiguous), 0);
    assert_eq!(collected.dropped.get(DropCause::NotAsked), 0);
}
