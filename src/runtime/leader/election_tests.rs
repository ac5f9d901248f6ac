//! Candidates before an API server in memory that knows resource versions, fails at will, and whose watch is silent.

use std::sync::Mutex;
use std::time::Duration;

use rstest::rstest;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::super::claim::Leadership;
use super::*;
use crate::runtime::readiness::Readiness;
use crate::testing::fake_api::{self, Answer, Asked};

const S: Duration = Duration::from_secs(1);

#[derive(Default)]
struct Server {
    lease: Option<Value>,
    version: u64,
    /// Whether it answers at all.
    fails: Option<Answer>,
    /// Writes are carried out and not answered.
    loses_answers: bool,
}

type Shared = Arc<Mutex<Server>>;

impl Server {
    fn answer(&mut self, asked: &Asked) -> Answer {
        let path: Vec<&str> = asked.line.split(['/', ' ']).collect();
        if path.last() == Some(&"leases") && path.first() == Some(&"GET") {
            // Looks are enough: what the watch adds is tested on a real API server.
            return Answer::Silence;
        }
        if let Some(fails) = &self.fails {
            return fails.clone();
        }
        let write = match path.first() {
            Some(&"GET") => {
                let gone = Answer::refused(404, "not found");
                return self.lease.clone().map_or(gone, |lease| Answer::Json(200, lease));
            }
            Some(&"POST") => self.lease.is_none(),
            _ => {
                let now = self.lease.as_ref().map(|lease| &lease["metadata"]["resourceVersion"]);
                now == Some(&asked.body["metadata"]["resourceVersion"])
            }
        };
        if !write {
            return Answer::refused(409, "the object has been modified");
        }
        self.put(asked.body.clone());
        if self.loses_answers {
            return Answer::Silence;
        }
        self.lease
            .clone()
            .map_or(Answer::Broken, |lease| Answer::Json(200, lease))
    }

    fn put(&mut self, mut lease: Value) {
        self.version += 1;
        lease["metadata"]["resourceVersion"] = json!(self.version.to_string());
        self.lease = Some(lease);
    }

    fn spec(&self, field: &str) -> Value {
        self.lease
            .as_ref()
            .map_or(Value::Null, |lease| lease["spec"][field].clone())
    }
}

struct Running {
    leadership: Leadership,
    gained: Arc<Notify>,
    readiness: Readiness,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

fn start(server: &Shared) -> Running {
    let server = server.clone();
    let (client, _) = fake_api::client(move |asked| server.lock().unwrap().answer(asked));
    let (standing, receiver) = watch::channel(Standing::Standby);
    let (gained, readiness, stop) = (Arc::new(Notify::new()), Readiness::default(), CancellationToken::new());
    let election = Election::new(
        client,
        "system",
        Identity::new(Some("pod")),
        standing,
        gained.clone(),
        Arc::new(OperatorMetrics::new()),
        readiness.part("lease", "the first look"),
    );
    Running {
        leadership: Leadership::new(receiver),
        gained,
        readiness,
        task: tokio::spawn(election.run(stop.clone())),
        stop,
    }
}

/// Waits until a candidate leads and tells how long it took; a minute at most.
async fn leads(candidate: &Running) -> Duration {
    let began = Instant::now();
    while candidate.leadership.epoch().is_none() {
        assert!(began.elapsed() < 60 * S, "nobody leads");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    began.elapsed()
}

#[tokio::test(start_paused = true)]
async fn the_first_leads_at_once_and_is_told_of_it() {
    let server = Shared::default();
    let first = start(&server);
    assert!(!first.readiness.is_ready());
    assert!(leads(&first).await < S);
    first.gained.notified().await;
    assert_eq!(first.leadership.epoch(), Some(0));
    assert!(first.readiness.is_ready());
    assert_eq!(server.lock().unwrap().spec("leaseDurationSeconds"), 10);
}

#[tokio::test(start_paused = true)]
async fn it_goes_on_leading_with_one_write_in_two_seconds() {
    let server = Shared::default();
    let (first, second) = (start(&server), start(&server));
    leads(&first).await;
    let before = server.lock().unwrap().version;
    for _ in 0..600 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!((first.leadership.epoch(), second.leadership.epoch()), (Some(0), None));
    }
    assert!(second.readiness.is_ready(), "who waits is ready");
    let writes = server.lock().unwrap().version - before;
    assert!((29..=31).contains(&writes), "{writes} writes in a minute");
}

#[tokio::test(start_paused = true)]
async fn after_a_death_the_next_leads_between_eight_and_twelve_seconds_later() {
    let server = Shared::default();
    let first = start(&server);
    leads(&first).await;
    let second = start(&server);
    tokio::time::sleep(25 * S + Duration::from_millis(700)).await;
    first.task.abort();
    let took = leads(&second).await;
    assert!((8 * S..=12 * S + S / 10).contains(&took), "{took:?}");
    assert_eq!(second.leadership.epoch(), Some(1));
    assert_eq!(first.leadership.epoch(), None, "its claim has run out by itself");
}

#[tokio::test(start_paused = true)]
async fn after_an_orderly_end_the_next_leads_as_soon_as_it_looks() {
    let server = Shared::default();
    let first = start(&server);
    leads(&first).await;
    let second = start(&server);
    tokio::time::sleep(5 * S).await;
    first.stop.cancel();
    first.task.await.unwrap();
    assert_eq!(first.leadership.epoch(), None);
    assert_eq!(server.lock().unwrap().spec("holderIdentity"), Value::Null);
    let took = leads(&second).await;
    assert!(took <= 2 * S, "{took:?}");
    assert_eq!(second.leadership.epoch(), Some(1));
}

#[tokio::test(start_paused = true)]
async fn who_waits_ends_without_a_write() {
    let server = Shared::default();
    let first = start(&server);
    leads(&first).await;
    let second = start(&server);
    tokio::time::sleep(S / 2).await;
    let before = server.lock().unwrap().version;
    second.stop.cancel();
    second.task.await.unwrap();
    assert_eq!(server.lock().unwrap().version, before);
}

#[rstest]
#[case::refused(Answer::refused(500, "etcd is down"))]
#[case::throttled(Answer::refused(429, "too many requests"))]
#[case::broken(Answer::Broken)]
#[case::silent(Answer::Silence)]
#[tokio::test(start_paused = true)]
async fn a_server_that_fails_ends_the_claim_in_seven_seconds_and_gives_it_back_when_it_answers(#[case] fails: Answer) {
    let server = Shared::default();
    let first = start(&server);
    leads(&first).await;
    tokio::time::sleep(10 * S).await;
    let began = Instant::now();
    server.lock().unwrap().fails = Some(fails);
    while first.leadership.epoch().is_some() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let lasted = began.elapsed();
    assert!((5 * S..=7 * S + S / 10).contains(&lasted), "{lasted:?}");
    tokio::time::sleep(20 * S).await;
    server.lock().unwrap().fails = None;
    let took = leads(&first).await;
    assert!(took <= 4 * S, "{took:?}");
    assert_eq!(first.leadership.epoch(), Some(0), "nobody else has had it");
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_somebody_else_took_is_given_up_with_the_next_renewal() {
    let server = Shared::default();
    let first = start(&server);
    leads(&first).await;
    server.lock().unwrap().put(json!({
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "inferscale"},
        "spec": {"holderIdentity": "other", "leaseTransitions": 9, "leaseDurationSeconds": 10},
    }));
    tokio::time::sleep(2 * S + S / 10).await;
    assert_eq!(first.leadership.epoch(), None);
    // It was never renewed, so it comes back, in a new epoch.
    let took = leads(&first).await;
    assert!((9 * S..=13 * S).contains(&took), "{took:?}");
    assert_eq!(first.leadership.epoch(), Some(10));
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_is_deleted_is_made_again_by_its_holder() {
    let server = Shared::default();
    let (first, second) = (start(&server), start(&server));
    leads(&first).await;
    tokio::time::sleep(5 * S).await;
    server.lock().unwrap().lease = None;
    tokio::time::sleep(4 * S + S / 10).await;
    assert_eq!((first.leadership.epoch(), second.leadership.epoch()), (Some(1), None));
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_was_taken_without_an_answer_is_recognised() {
    let server = Shared::default();
    server.lock().unwrap().loses_answers = true;
    let first = start(&server);
    tokio::time::sleep(3 * S).await;
    assert_eq!(first.leadership.epoch(), None, "it does not know");
    server.lock().unwrap().loses_answers = false;
    assert!(leads(&first).await <= 4 * S);
    assert_eq!(first.leadership.epoch(), Some(0));
}

#[tokio::test(start_paused = true)]
async fn without_the_right_nobody_leads_or_is_ready() {
    let server = Shared::default();
    server.lock().unwrap().fails = Some(Answer::refused(403, "leases is forbidden"));
    let first = start(&server);
    tokio::time::sleep(30 * S).await;
    assert_eq!(first.leadership.epoch(), None);
    assert_eq!(first.readiness.report(), "missing: lease (the first look)\n");
}

#[tokio::test(start_paused = true)]
async fn of_many_that_come_at_once_one_leads() {
    let server = Shared::default();
    let all: Vec<Running> = (0..8).map(|_| start(&server)).collect();
    for round in 0..5 {
        tokio::time::sleep(15 * S).await;
        let leading: Vec<&Running> = all.iter().filter(|one| one.leadership.epoch().is_some()).collect();
        assert_eq!(leading.len(), 1, "round {round}");
        assert_eq!(leading[0].leadership.epoch(), Some(round));
        leading[0].task.abort();
        tokio::time::sleep(S / 10).await;
        let _ = leading[0].leadership.epoch();
    }
}
