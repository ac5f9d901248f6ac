//! The main job: replicas follow the load.

use std::time::{Duration, Instant};

use serde_json::json;

use super::seen::Seen;
use super::setup::{Setup, carries, load_for};
use super::stage::together;
use super::turns::tell;

#[expect(clippy::too_many_lines, reason = "one story from beginning to end")]
#[tokio::test(flavor = "multi_thread")]
async fn scales_up_on_load_and_down_after_the_hold() {
    let act = together().await;
    let setup = Setup::new("load").start_delay("5s").rate(load_for(1));
    let model = setup.settle(act.stage).await;
    let expected = carries();
    let capacity = |seen: &Seen| -> Option<f64> { seen.get("/status/variants/0/capacity").as_str()?.parse().ok() };
    // Of the first few requests: their mean is not yet the mean.
    let first = capacity(&model.now()).map(|it| it / expected - 1.0);
    model
        .check(
            first.is_some_and(|off| off.abs() < 0.25),
            &format!("capacity is off by {first:?}"),
        )
        .await;

    // A spike: the engine that is there is late, and stays so until the others have started.
    let (rate, spike) = (load_for(4), Instant::now());
    model.load.set_rate(rate);
    model.load.set_late(0.3);
    let first = model
        .until("the first raise", 8, |seen| seen.replicas() > Some(1))
        .await;
    let needed = (rate / expected).ceil() as i64;
    let enough = model
        .until("enough replicas ordered", 12, |seen| seen.replicas() >= Some(needed))
        .await;
    tell(&format!(
        "raised after {:.1} s, enough after {:.1} s",
        first.at.duration_since(spike).as_secs_f64(),
        enough.at.duration_since(spike).as_secs_f64()
    ));
    let missed = model
        .until("the miss is reported", 12, |seen| {
            seen.is("ObjectiveMet", "False", "Missed")
        })
        .await;
    model
        .check(
            missed.replicas() >= Some(needed),
            "the miss is answered before it is reported",
        )
        .await;
    model
        .until("all serve", 25, |seen| {
            seen.ready() >= Some(needed) && seen.ready() == seen.replicas()
        })
        .await;
    model.load.set_late(0.0);
    model
        .until("the objective is met again", 30, |seen| {
            seen.is("ObjectiveMet", "True", "Met")
        })
        .await;
    // While they started, the ready ones had four times their share: what is ordered times that would be the maximum.
    // Demand is over-estimated a little, for pods that are ready and not scraped yet.
    let most = (2.0 * 1.35 * rate / expected).ceil() as i64;
    assert!(most < 12, "the maximum would hide it");
    model
        .check(
            model.most(spike) <= Some(most),
            &format!("at most {most} replicas are needed"),
        )
        .await;

    let top = model.at_rest(10).await;
    model.check(top >= needed, "what the load needs stays").await;
    let fall = Instant::now();
    model.load.set_rate(0.6 * load_for(2));
    let down = model
        .until("the first replica given back", 50, |seen| seen.replicas() < Some(top))
        .await;
    let held = down.at.duration_since(fall);
    tell(&format!("given back after {:.1} s", held.as_secs_f64()));
    // Eight grids of hold; the last bucket before the fall may have begun a little earlier.
    model
        .check(held >= Duration::from_secs(7), &format!("given back after {held:?}"))
        .await;
    model
        .until("two replicas", 60, |seen| {
            seen.replicas() == Some(2) && seen.ready() == Some(2)
        })
        .await;
    for pair in model.since(fall).windows(2) {
        if pair[1].replicas() < pair[0].replicas() {
            model
                .check(
                    pair[0].is("SignalsFresh", "True", "Fresh"),
                    "given back on fresh and complete evidence only",
                )
                .await;
        }
    }
    model
        .always("two are enough and stay", 3, |seen| seen.replicas() == Some(2))
        .await;

    let last = capacity(&model.now()).map(|it| it / expected - 1.0);
    model
        .check(
            // The mean of many requests is exact; what was learned of the engines' strength moves it a little.
            last.is_some_and(|off| off.abs() < 0.2),
            &format!("capacity is off by {last:?}"),
        )
        .await;

    let scales = model.scales();
    let put = |w: &super::audit::Write| (w.verb.as_str(), w.resource.as_str()) == ("update", "deployments/scale");
    model
        .check(scales.iter().all(put), "nothing is written but the scale and reports")
        .await;
    let history = model.now().get("/status/history").clone();
    let told: Vec<_> = history
        .as_array()
        .expect("changes")
        .iter()
        .map(|change| &change["to"])
        .collect();
    model
        .check(
            told.first() == Some(&&json!(2)),
            &format!("the history ends with the two replicas: {told:?}"),
        )
        .await;
    model.end().await;
}

/// Deleting the object is no order to stop serving.
#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_object_leaves_its_workload_serving() {
    let act = together().await;
    let model = Setup::new("deleted")
        .replicas(3)
        .rate(load_for(3))
        .settle(act.stage)
        .await;
    let gone = Instant::now();
    model.delete("InferenceDeployment", "chat").await;
    let left = model
        .api("InferenceDeployment")
        .get_opt("chat")
        .await
        .expect("an answer");
    assert!(left.is_none(), "nothing keeps it from going: {left:?}");
    let before = model.scales().len();
    model.load.set_rate(load_for(6));
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(model.fewest(gone), Some(3));
    assert_eq!(model.most(gone), Some(3));
    assert_eq!(model.scales().len(), before);
    let target = model.api("Deployment").get("chat").await.expect("the workload");
    assert_eq!(target.data["status"]["readyReplicas"], 3, "they serve");
    let owners = target.metadata.owner_references.unwrap_or_default();
    assert!(owners.is_empty(), "an owner would take it along: {owners:?}");
    model.end().await;
}
