//! The operator is killed and started again: what it decides does not depend on what it remembered.

use std::time::{Duration, Instant};

use crate::model::{Setup, load_for};
use crate::stage::alone;
use crate::turns::tell;

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_operator_comes_back_to_the_same_decision() {
    let act = alone().await;
    let steady = Setup::new("steady")
        .replicas(3)
        .rate(load_for(3))
        .start(act.stage)
        .await;
    let rising = Setup::new("rising").rate(load_for(1)).settle(act.stage).await;
    steady
        .until("three", 30, |seen| {
            seen.desired() == Some(3) && seen.reason() == "Steady"
        })
        .await;

    let killed = Instant::now();
    let decision = steady.now().get("/status/decision/id").clone();
    act.operator().await.kill().await;
    // The load rises while nobody looks.
    rising.load.set_rate(load_for(3));
    tokio::time::sleep(Duration::from_secs(3)).await;
    let (before, restarted) = (steady.writes().len(), Instant::now());
    act.operator().await.start().await;
    rising
        .until("the rise is seen", 12, |seen| seen.replicas() >= Some(3))
        .await;
    rising
        .check(rising.most(killed) <= Some(5), "and not more than it")
        .await;
    steady
        .always("three stay", 12, |seen| {
            seen.replicas() == Some(3) && seen.desired() == Some(3)
        })
        .await;
    steady.check(steady.fewest(killed) == Some(3), "never fewer").await;
    rising.check(rising.fewest(killed) == Some(1), "never fewer").await;
    let same = steady.now().get("/status/decision/id") == &decision;
    steady.check(same, "the decision is the one before").await;
    steady
        .check(
            steady.writes().len() == before,
            "nothing was news, so nothing was written",
        )
        .await;
    tell(&format!(
        "watched for {:.1} s after the restart",
        restarted.elapsed().as_secs_f64()
    ));

    // Again and again, in the middle of what it does: a fall of the load that it may answer.
    let fall = Instant::now();
    steady.load.set_rate(0.7 * load_for(2));
    for pause in [700, 1900, 2600] {
        act.operator().await.kill().await;
        act.operator().await.start().await;
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
    steady
        .check(
            steady.fewest(fall) == Some(3),
            "not before it has watched for a whole hold",
        )
        .await;
    steady
        .until("two in the end", 60, |seen| seen.replicas() == Some(2))
        .await;
    steady.check(steady.fewest(fall) == Some(2), "and no fewer").await;
    steady.end().await;
    rising.end().await;
}
