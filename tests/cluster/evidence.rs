//! What must never happen: a replica given back because nothing, too little or nonsense was measured.

use std::time::Instant;

use serde_json::json;

use super::engine::Answer;
use super::model::Model;
use super::seen::Seen;
use super::setup::{Setup, load_for};
use super::stage::together;
use super::turns::tell;

/// Reasons of `SignalsFresh` since `from`, in their order.
fn reasons(model: &Model, from: Instant) -> Vec<String> {
    let all = model.since(from);
    let mut reasons: Vec<String> = all
        .iter()
        .filter_map(|seen| Some(seen.condition("SignalsFresh")?.1.to_owned()))
        .collect();
    reasons.dedup();
    reasons
}

fn blind(seen: &Seen, reason: &str) -> bool {
    seen.is("SignalsFresh", "False", reason)
}

#[tokio::test(flavor = "multi_thread")]
async fn holds_when_nothing_was_ever_measured() {
    let act = together().await;
    let from = Instant::now();
    let model = Setup::new("missing").replicas(3).unscraped().start(act.stage).await;
    let seen = model
        .until("three, unseen", 20, |seen| {
            blind(seen, "Missing") && seen.ready() == Some(3)
        })
        .await;
    model
        .check(seen.reason() == "SignalsMissing", "the decision says why")
        .await;
    model
        .check(seen.is("ObjectiveMet", "Unknown", "NoData"), "absent is never met")
        .await;
    model.always("three stay", 10, |seen| seen.replicas() == Some(3)).await;
    model
        .check(
            model.fewest(from) == Some(3) && model.scales().is_empty(),
            "nothing was written",
        )
        .await;
    model.end().await;
}

/// The load falls at the moment at which the engines stop to answer: only once they answer again may one go.
#[tokio::test(flavor = "multi_thread")]
async fn holds_when_the_engines_stop_to_answer_and_goes_on_when_they_do() {
    let act = together().await;
    let model = Setup::new("silent")
        .replicas(3)
        .rate(load_for(3))
        .settle(act.stage)
        .await;
    let from = Instant::now();
    model.load.set_answer(Answer::Silent);
    model.load.set_rate(load_for(1));
    model
        .until("the samples get old", 15, |seen| blind(seen, "Stale"))
        .await;
    model.until("and are gone", 20, |seen| blind(seen, "Missing")).await;
    model.always("three stay", 15, |seen| seen.replicas() == Some(3)).await;
    let told = reasons(&model, from);
    // Engines that are scraped one after the other may be missed one after the other.
    let gone = told.ends_with(&["Stale".into(), "Missing".into()]);
    model.check(gone, &format!("old, then gone: {told:?}")).await;
    model
        .check(model.now().reason() == "SignalsMissing", "the decision says why")
        .await;
    model.load.set_answer(Answer::Metrics);
    let back = model
        .until("they are seen again", 10, |seen| {
            seen.is("SignalsFresh", "True", "Fresh")
        })
        .await;
    // The proof that the load would have let one go, had it been seen.
    let down = model.until("one goes", 50, |seen| seen.replicas() < Some(3)).await;
    let held = down.at.duration_since(back.at).as_secs_f64();
    model
        .check(held >= 7.0, &format!("complete for {held:.1} s before a replica goes"))
        .await;
    model.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn holds_when_the_engines_report_nonsense() {
    let act = together().await;
    let model = Setup::new("nan").replicas(3).rate(load_for(3)).settle(act.stage).await;
    let dropped = |count: &'static str| async move {
        let operator = act.stage.operator().await;
        operator.metric("inferscale_samples_dropped_total", count).await
    };
    let (before, from) = (dropped("cause=\"not_finite\"").await, Instant::now());
    model.load.set_answer(Answer::NotANumber);
    model.load.set_rate(load_for(1));
    model
        .until("no usable sample is left", 25, |seen| blind(seen, "Missing"))
        .await;
    model.always("three stay", 12, |seen| seen.replicas() == Some(3)).await;
    model.check(model.fewest(from) == Some(3), "never fewer").await;
    let counted = dropped("cause=\"not_finite\"").await - before;
    model.check(counted > 0.0, "the dropped samples are counted").await;
    model.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn holds_when_the_engines_hang() {
    let act = together().await;
    let model = Setup::new("frozen")
        .replicas(3)
        .rate(load_for(3))
        .settle(act.stage)
        .await;
    let from = Instant::now();
    model.load.set_answer(Answer::Frozen);
    let seen = model
        .until("the freeze is seen", 12, |seen| blind(seen, "Frozen"))
        .await;
    model.always("three stay", 15, |seen| seen.replicas() == Some(3)).await;
    model.check(model.fewest(from) == Some(3), "never fewer").await;
    model
        .check(model.now().reason() == "SignalsFrozen", "the decision says why")
        .await;
    tell(&format!(
        "seen after {:.1} s",
        seen.at.duration_since(from).as_secs_f64()
    ));
    model.load.set_answer(Answer::Metrics);
    model
        .until("they go on", 10, |seen| seen.is("SignalsFresh", "True", "Fresh"))
        .await;
    model.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_the_engines_may_raise_and_never_lower() {
    let act = together().await;
    let model = Setup::new("partial")
        .replicas(4)
        .rate(load_for(4))
        .settle(act.stage)
        .await;
    let from = Instant::now();
    // What is still seen is half of the load, and soon a quarter.
    model.load.set_answer_of(2, Answer::Closed);
    model
        .until("half of them are not seen", 15, |seen| blind(seen, "Partial"))
        .await;
    model.load.set_rate(load_for(2));
    model.always("four stay", 15, |seen| seen.replicas() == Some(4)).await;
    model.check(model.fewest(from) == Some(4), "never fewer").await;
    let seen = model.now();
    model
        .check(seen.is("SignalsFresh", "False", "Partial"), "still half")
        .await;
    let share = seen.condition("SignalsFresh").map(|(_, _, message)| message.to_owned());
    model
        .check(share.is_some_and(|text| text.contains("50")), "the share is told")
        .await;
    // Half of this is more than four carry.
    model.load.set_rate(load_for(11));
    let up = model
        .until("more on what is seen", 15, |seen| seen.replicas() > Some(4))
        .await;
    model
        .check(up.is("SignalsFresh", "False", "Partial"), "raised on a part")
        .await;
    model.load.set_answer(Answer::Metrics);
    model
        .until("all are seen", 20, |seen| seen.is("SignalsFresh", "True", "Fresh"))
        .await;
    model.check(model.fewest(from) == Some(4), "never fewer").await;
    model.end().await;
}

/// Demand that vanishes at once is more often a broken metric than a dead service.
#[tokio::test(flavor = "multi_thread")]
async fn a_sudden_silence_gives_nothing_back() {
    let act = together().await;
    let setup = Setup::new("silence")
        .replicas(3)
        .rate(load_for(3))
        .spec(json!({"replicas": {"max": 6}}));
    let model = setup.settle(act.stage).await;
    let from = Instant::now();
    model.load.set_rate(0.0);
    model.always("three stay", 20, |seen| seen.replicas() == Some(3)).await;
    model.check(model.fewest(from) == Some(3), "never fewer").await;
    model.end().await;
}
