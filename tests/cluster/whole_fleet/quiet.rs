//! Nothing happens, so nothing is written.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::audit::{Audit, Write};
use crate::operator::{TICK, USER};
use crate::setup::{Setup, load_for};
use crate::stage::alone;
use crate::turns::tell;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_written_when_nothing_changes() {
    let act = alone().await;
    let mut models = Vec::new();
    for (purpose, replicas, spec) in [
        ("quiet", 1, json!({})),
        ("quiet-four", 4, json!({})),
        ("quiet-advise", 1, json!({"mode": "Advise"})),
        ("quiet-minimum", 2, json!({"replicas": {"min": 2}})),
        ("quiet-engine", 1, json!({"engine": "unknown"})),
    ] {
        let load = if purpose == "quiet-minimum" {
            load_for(1)
        } else {
            load_for(replicas)
        };
        models.push(
            Setup::new(purpose)
                .replicas(replicas)
                .rate(load)
                .spec(spec)
                .start(act.stage)
                .await,
        );
    }
    // A start may overshoot by one, which goes after the hold of eight seconds; then all have settled.
    let deadline = Instant::now() + Duration::from_secs(60);
    let mut audit = Audit::from_now(act.stage.cluster);
    let mut silent = Instant::now();
    while silent.elapsed() < Duration::from_secs(10) {
        if !besides_the_lease(&audit).is_empty() {
            (audit, silent) = (Audit::from_now(act.stage.cluster), Instant::now());
        }
        assert!(
            Instant::now() < deadline,
            "still written after a minute: {:?}",
            besides_the_lease(&audit)
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let ticks = async || {
        let operator = act.stage.operator().await;
        operator.metric("inferscale_tick_duration_seconds_count", "").await
    };
    let (audit, before) = (Audit::from_now(act.stage.cluster), ticks().await);
    tokio::time::sleep(TICK * 11).await;
    let (writes, looked) = (besides_the_lease(&audit), ticks().await - before);
    let renewals = audit.writes_of(USER).len() - writes.len();
    tell(&format!(
        "{looked} ticks, {} writes, {renewals} renewals of the Lease",
        writes.len()
    ));
    assert!((4..=7).contains(&renewals), "one in two seconds, not {renewals}");
    assert!(looked >= 10.0, "only {looked} ticks in eleven of their periods");
    assert!(writes.is_empty(), "{writes:#?}");
    for model in &models[..4] {
        model
            .check(
                model.now().is("SignalsFresh", "True", "Fresh"),
                "it was decided on evidence",
            )
            .await;
    }
    // The proof that the log is read rightly.
    models[0].load.set_rate(load_for(2));
    models[0].until("a change", 15, |seen| seen.replicas() == Some(2)).await;
    assert!(!besides_the_lease(&audit).is_empty(), "the change is in the audit log");
    for model in models {
        model.end().await;
    }
}

/// What the operator wrote, renewals of the Lease that came through aside.
fn besides_the_lease(audit: &Audit) -> Vec<Write> {
    let writes = audit.writes_of(USER).into_iter();
    writes
        .filter(|w| !(w.elects() && w.verb == "update" && w.code == 200))
        .collect()
}
