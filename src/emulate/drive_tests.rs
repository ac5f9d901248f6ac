//! The loop in a tokio time that jumps from event to event, and once in real time with real sockets.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;

use super::*;
use crate::emulate::scenario::Scenario;
use crate::emulate::timelapse::Arrival;

const END: End = End {
    stay: false,
    drain: Duration::from_secs(60),
};

fn pod(uid: &str, address: [u8; 4]) -> PodView {
    PodView {
        uid: uid.to_owned(),
        namespace: "demo".to_owned(),
        name: format!("chat-{uid}"),
        labels: BTreeMap::from([("app".to_owned(), "chat".to_owned())]),
        address: Some(IpAddr::from(address)),
        emulate: "llama-3.1-8b/a100/bf16".to_owned(),
        ready: true,
        terminating: false,
        arguments: Vec::new(),
    }
}

/// One request every `every_ms`, `count` of them.
fn world(count: u32, every_ms: f64) -> World {
    let text = "loads: {chat: {trace: t, pods: {namespace: demo, matchLabels: {app: chat}}}}";
    let scenario = Scenario::parse("w", text, Path::new("")).unwrap();
    let arrival = |i| Arrival {
        at_ms: f64::from(i) * every_ms,
        input_tokens: 500,
        output_tokens: 100,
    };
    let arrivals: Vec<_> = (0..count).map(arrival).collect();
    World::new(
        scenario
            .loads
            .into_iter()
            .map(|load| (load, arrivals.clone()))
            .collect(),
    )
}

async fn router() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// Loopback addresses of this test process alone.
fn own(last: u8) -> [u8; 4] {
    let [.., a, b] = std::process::id().to_be_bytes();
    [127, 64 | (a & 31), b, last]
}

#[tokio::test(start_paused = true)]
async fn plays_a_trace_to_its_end_and_no_longer() {
    let (teller, changes) = mpsc::channel(8);
    teller.send(PodChange::Seen(pod("1", own(1)))).await.unwrap();
    let before = Instant::now();
    let profiles = Profiles::embedded().unwrap();
    let summary = drive(
        world(100, 500.0),
        profiles,
        changes,
        router().await.0,
        std::future::pending(),
        END,
    )
    .await;
    assert_eq!((summary.loads[0].served, summary.loads[0].unfinished), (100, 0));
    let took = before.elapsed().as_secs_f64();
    assert!(
        (50.0..54.0).contains(&took),
        "the last request arrives after 49.5 s: {took}"
    );
}

#[tokio::test(start_paused = true)]
async fn stops_when_told_and_says_what_it_had() {
    let (teller, changes) = mpsc::channel(8);
    teller.send(PodChange::Seen(pod("1", own(2)))).await.unwrap();
    let shutdown = tokio::time::sleep(Duration::from_secs(10));
    let profiles = Profiles::embedded().unwrap();
    let summary = drive(world(100, 500.0), profiles, changes, router().await.0, shutdown, END).await;
    let load = &summary.loads[0];
    assert!((19..=21).contains(&load.arrived), "{load:?}");
    assert_eq!(load.arrived, load.served + load.unfinished);
}

#[tokio::test(start_paused = true)]
async fn pods_missing_from_a_new_list_are_gone_and_what_they_had_is_cut() {
    let (teller, changes) = mpsc::channel(8);
    teller.send(PodChange::Seen(pod("1", own(3)))).await.unwrap();
    teller.send(PodChange::Seen(pod("2", own(4)))).await.unwrap();
    let relist = async move {
        tokio::time::sleep(Duration::from_millis(1200)).await;
        teller
            .send(PodChange::Listed(HashSet::from(["2".to_owned()])))
            .await
            .unwrap();
        tokio::time::sleep(Duration::from_secs(60)).await;
    };
    let profiles = Profiles::embedded().unwrap();
    let playing = drive(
        world(10, 500.0),
        profiles,
        changes,
        router().await.0,
        std::future::pending(),
        END,
    );
    let (summary, ()) = tokio::join!(playing, relist);
    let load = &summary.loads[0];
    assert!(load.cut >= 1 && load.served + load.cut == 10, "{load:?}");
}

#[tokio::test(start_paused = true)]
async fn a_pod_elsewhere_or_of_an_unknown_profile_does_not_stop_the_others() {
    let (teller, changes) = mpsc::channel(8);
    let mut unknown = pod("2", own(6));
    unknown.emulate = "gpt-17/abacus/fp1".to_owned();
    // 192.0.2.0/24 is reserved for documentation: it is nobody's.
    for pod in [pod("1", [192, 0, 2, 1]), unknown, pod("3", own(5))] {
        teller.send(PodChange::Seen(pod)).await.unwrap();
    }
    let profiles = Profiles::embedded().unwrap();
    let summary = drive(
        world(10, 100.0),
        profiles,
        changes,
        router().await.0,
        std::future::pending(),
        END,
    )
    .await;
    assert_eq!(summary.loads[0].served, 10);
}

#[tokio::test]
async fn the_refusal_says_what_is_needed() {
    let error = listen::bind("demo/chat-1", SocketAddr::from(([192, 0, 2, 1], PORT)))
        .await
        .err()
        .unwrap();
    assert!(!error.passing);
    assert!(error.message.contains("not an address of this machine") && error.message.contains("e2e/cluster/up"));
}

#[tokio::test]
async fn answers_on_the_pods_own_address_until_it_is_gone() {
    let (teller, changes) = mpsc::channel(8);
    let address = SocketAddr::from((own(7), PORT));
    teller.send(PodChange::Seen(pod("1", own(7)))).await.unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let (listener, router_address) = router().await;
    let shutdown = async {
        let _ = stopped.await;
    };
    let profiles = Profiles::embedded().unwrap();
    let playing = tokio::spawn(drive(world(5000, 20.0), profiles, changes, listener, shutdown, END));
    let get = |url: String| async move {
        let response = reqwest::get(url).await?.error_for_status()?;
        response.text().await
    };
    let mut page = String::new();
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        page = get(format!("http://{address}/metrics")).await.unwrap_or_default();
        if page.contains("vllm:num_requests_running{engine=\"0\",model_name=\"llama-3.1-8b\"} 3.0") {
            break;
        }
    }
    assert!(page.contains("vllm:time_to_first_token_seconds_bucket"), "{page}");
    assert!(get(format!("http://{address}/health")).await.is_ok());
    assert!(
        get(format!("http://{router_address}/metrics"))
            .await
            .unwrap()
            .contains("llm_d_epp_request_total")
    );
    teller.send(PodChange::Gone("1".to_owned())).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(get(format!("http://{address}/metrics")).await.is_err());
    stop.send(()).unwrap();
    let load = playing.await.unwrap().loads.remove(0);
    assert!(load.cut > 0 && load.unfinished > 0, "{load:?}");
}
