//! What a person orders: modes, overrides, limits.

use std::time::{Duration, Instant};

use serde_json::json;

use super::setup::{Setup, load_for};
use super::stage::together;
use super::turns::tell;

#[tokio::test(flavor = "multi_thread")]
async fn advise_writes_nothing_but_its_report() {
    let act = together().await;
    let setup = Setup::new("advise").rate(load_for(1)).spec(json!({"mode": "Advise"}));
    let model = setup.settle(act.stage).await;
    model.load.set_rate(load_for(4));
    // One engine for three is late; were it not, it would be three times as strong as its profile says.
    model.load.set_late(0.3);
    let advice = model
        .until("it would scale up", 20, |seen| seen.desired() >= Some(3))
        .await;
    model
        .check(advice.is("Active", "False", "Advise"), "it says that it only advises")
        .await;
    model
        .always("the workload stays", 5, |seen| seen.replicas() == Some(1))
        .await;
    model.check(model.scales().is_empty(), "no scale is written").await;
    model
        .check(
            model.writes().iter().any(super::audit::Write::reports),
            "the audit log is read rightly",
        )
        .await;

    model.edit(&json!({"mode": "Auto"})).await;
    model
        .until("it does scale up", 10, |seen| seen.replicas() >= Some(3))
        .await;
    model.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn paused_keeps_everything_as_it_is() {
    let act = together().await;
    let model = Setup::new("paused").rate(load_for(1)).settle(act.stage).await;
    model.edit(&json!({"mode": "Paused", "replicas": {"min": 2}})).await;
    model
        .until("the pause", 5, |seen| seen.is("Active", "False", "Paused"))
        .await;
    model.load.set_rate(load_for(4));
    model.load.set_late(0.3);
    let held = |seen: &super::seen::Seen| seen.replicas() == Some(1) && seen.desired() == Some(1);
    model.always("nothing moves", 8, held).await;
    model
        .check(model.now().reason() == "Paused", "the decision says why")
        .await;
    model.check(model.scales().is_empty(), "no scale is written").await;
    model.edit(&json!({"mode": "Auto"})).await;
    model.until("it goes on", 10, |seen| seen.replicas() >= Some(3)).await;
    model.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_override_expires_by_itself() {
    let act = together().await;
    let model = Setup::new("override").rate(load_for(1)).settle(act.stage).await;
    let until = jiff::Timestamp::now() + Duration::from_secs(8);
    model
        .edit(&json!({"override": {"replicas": 3, "until": until.to_string()}}))
        .await;
    let ordered = model.until("three at once", 4, |seen| seen.replicas() == Some(3)).await;
    model
        .until("the order is named", 4, |seen| seen.is("Active", "False", "Override"))
        .await;
    model
        .check(model.now().reason() == "Override", "the decision says why")
        .await;
    let expired = model
        .until("it expires", 12, |seen| {
            seen.condition("Active")
                .is_some_and(|(_, reason, _)| reason == "OverrideExpired")
        })
        .await;
    let fewest = model.fewest(ordered.at);
    model.check(fewest == Some(3), "no fewer while it is in force").await;
    model
        .until("back to what the load needs", 40, |seen| seen.replicas() == Some(1))
        .await;
    tell(&format!(
        "expired after {:.1} s",
        expired.at.duration_since(ordered.at).as_secs_f64()
    ));
    model.end().await;
}

/// A person's order needs no evidence: here nothing is measured at all.
#[tokio::test(flavor = "multi_thread")]
async fn a_lower_maximum_is_an_order() {
    let act = together().await;
    let model = Setup::new("maximum").replicas(4).unscraped().start(act.stage).await;
    model
        .until("four, unseen", 20, |seen| {
            seen.is("SignalsFresh", "False", "Missing")
                && seen.ready() == Some(4)
                && seen.get("/status/appliedLimits/maxReplicas") == 12
        })
        .await;
    let edit = Instant::now();
    model.edit(&json!({"replicas": {"max": 2}})).await;
    let lowered = model.until("two", 5, |seen| seen.replicas() == Some(2)).await;
    tell(&format!(
        "lowered after {:.1} s",
        lowered.at.duration_since(edit).as_secs_f64()
    ));
    let reported = model
        .until("the order is reported", 5, |seen| {
            seen.get("/status/history/0/reason") == "UserOrdered"
                && seen.get("/status/appliedLimits/maxReplicas") == 2
                && seen.is_current()
        })
        .await;
    model
        .check(reported.get("/status/history/0/to") == 2, "from four to two")
        .await;
    // Scaled up by hand, on the other hand, is no order: it needs evidence to come down.
    model
        .patch("Deployment", "chat", &json!({"spec": {"replicas": 3}}))
        .await;
    model
        .until("the hand is seen", 5, |seen| seen.replicas() == Some(3))
        .await;
    model
        .always("and left alone", 5, |seen| seen.replicas() == Some(3))
        .await;
    model.end().await;
}
