//! Prometheus is gone for a while.

use std::time::Instant;

use crate::harness::Cluster;
use crate::setup::{Setup, load_for};
use crate::stage::alone;
use crate::turns::tell;

/// Whatever becomes of the test, the next one finds Prometheus running.
struct Outage(&'static Cluster);

impl Outage {
    fn begin(cluster: &'static Cluster) -> Self {
        cluster.tool("prometheus", &["down"]);
        Self(cluster)
    }
}

impl Drop for Outage {
    fn drop(&mut self) {
        self.0.tool("prometheus", &["up"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn holds_while_prometheus_is_gone() {
    let act = alone().await;
    let model = Setup::new("outage")
        .replicas(3)
        .rate(load_for(3))
        .settle(act.stage)
        .await;
    let from = Instant::now();
    let outage = Outage::begin(act.stage.cluster);
    model.load.set_rate(load_for(1));
    let seen = model
        .until("it is said", 10, |seen| {
            seen.is("SignalsFresh", "Unknown", "SourceUnreachable")
        })
        .await;
    model
        .check(seen.reason() == "SignalsMissing", "the decision says why")
        .await;
    tell(&format!(
        "said after {:.1} s",
        seen.at.duration_since(from).as_secs_f64()
    ));
    model.always("three stay", 12, |seen| seen.replicas() == Some(3)).await;
    let up = Instant::now();
    drop(outage);
    let back = model
        .until("it is back", 15, |seen| seen.is("SignalsFresh", "True", "Fresh"))
        .await;
    tell(&format!(
        "seen again after {:.1} s",
        back.at.duration_since(up).as_secs_f64()
    ));
    let down = model.until("one goes", 50, |seen| seen.replicas() < Some(3)).await;
    let held = down.at.duration_since(back.at).as_secs_f64();
    model
        .check(held >= 6.0, &format!("complete for {held:.1} s before a replica goes"))
        .await;
    model.end().await;
}
