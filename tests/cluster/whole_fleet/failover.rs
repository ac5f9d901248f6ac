//! The leader of three is killed, paused or ended: who decides next, how soon, and that nobody writes who must not.
//!
//! A decision that can be told from all others is one that a person orders: `override`, another number each time.

use std::time::{Duration, Instant};

use serde_json::json;

use super::trio::Trio;
use crate::audit::{Audit, Write};
use crate::model::Model;
use crate::operator::USER;
use crate::setup::{Setup, load_for};
use crate::stage::{Act, alone};
use crate::turns::tell;

/// How often each is done here.
const ROUNDS: usize = 3;

#[tokio::test(flavor = "multi_thread")]
async fn after_the_leader_is_killed_another_decides_within_the_lease() {
    let act = alone().await;
    let mut scene = Scene::set(&act, "killed").await;
    let mut took = Vec::new();
    for _ in 0..ROUNDS {
        let leader = scene.trio.leader().await;
        scene.trio.kill(leader).await;
        took.push(scene.order().await);
        scene.trio.complete().await;
    }
    scene.close(&took, 11.0, 14.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_was_paused_writes_nothing_when_it_wakes() {
    let act = alone().await;
    let mut scene = Scene::set(&act, "paused").await;
    let mut took = Vec::new();
    // In the middle of different things: before it looks, while it gathers, about when it writes.
    for pause in [0, 210, 260] {
        let leader = scene.trio.leader().await;
        scene.give_order().await;
        tokio::time::sleep(Duration::from_millis(pause)).await;
        scene.trio.pause(leader).await;
        took.push(scene.order().await);
        let before = scene.audit.writes_of(USER).len();
        scene.trio.resume().await;
        // There is something to do just when it wakes.
        scene.order().await;
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert!(!scene.trio.leads(leader).await, "it knows that it does not lead");
        assert!(
            scene.audit.writes_of(USER).len() > before,
            "the order was carried out by another one"
        );
    }
    scene.close(&took, 11.0, 14.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_an_orderly_end_another_decides_at_once() {
    let act = alone().await;
    let mut scene = Scene::set(&act, "ended").await;
    let mut took = Vec::new();
    for _ in 0..ROUNDS {
        let leader = scene.trio.leader().await;
        let began = Instant::now();
        scene.trio.end(leader).await;
        let ended = began.elapsed().as_secs_f64();
        assert!(ended < 5.0, "the end took {ended:.1} s");
        took.push(scene.order().await + ended);
        scene.trio.complete().await;
    }
    scene.close(&took, 3.0, 5.0).await;
}

struct Scene {
    trio: Trio,
    model: Model,
    audit: Audit,
    ordered: i64,
}

impl Scene {
    async fn set(act: &Act, purpose: &str) -> Self {
        let audit = Audit::from_now(act.stage.cluster);
        let mut trio = Trio::start(act).await;
        let model = Setup::new(purpose).rate(load_for(1)).settle(act.stage).await;
        trio.leader().await;
        Self {
            trio,
            model,
            audit,
            ordered: 1,
        }
    }

    /// A person orders another number of replicas.
    async fn give_order(&mut self) {
        self.ordered += 1;
        let order = json!({"override": {"replicas": self.ordered}});
        self.model.edit(&order).await;
    }

    /// The same, and tells after how many seconds it was carried out.
    async fn order(&mut self) -> f64 {
        let began = Instant::now();
        self.give_order().await;
        let wanted = self.ordered;
        let seen = self
            .model
            .until(&format!("{wanted} replicas"), 40, |seen| {
                seen.replicas() == Some(wanted)
            })
            .await;
        seen.at.duration_since(began).as_secs_f64()
    }

    /// Checks the times and every write of all three, in the order in which the API server took them.
    async fn close(mut self, took: &[f64], median: f64, longest: f64) {
        let mut sorted = took.to_vec();
        sorted.sort_by(f64::total_cmp);
        let writes = self.audit.writes_of(USER);
        tell(&format!("decided after {took:.1?} s; {} writes", writes.len()));
        let logs = self.trio.logs();
        self.trio.kill_all().await;
        if let Err(why) = fenced(&writes) {
            self.model.fail(&format!("{why}\n{logs}")).await;
        }
        let epochs: std::collections::BTreeSet<_> = writes.iter().filter_map(Write::epoch).collect();
        assert!(epochs.len() > ROUNDS, "the Lease changed hands each time: {epochs:?}");
        assert!(sorted[sorted.len() / 2] <= median, "median of {took:.1?} s");
        assert!(sorted.last() <= Some(&longest), "longest of {took:.1?} s");
        self.model.end().await;
    }
}

/// After the first write of an epoch, none of an earlier one comes through, and none of an operator that does not lead.
fn fenced(writes: &[Write]) -> Result<(), String> {
    let mut newest = None;
    for write in writes.iter().filter(|w| !w.elects()) {
        let came_through = write.code != 409;
        if came_through && (write.epoch().is_none() || write.epoch() < newest) {
            return Err(format!("after a write of epoch {newest:?}: {write:?}"));
        }
        if came_through {
            newest = write.epoch();
        }
    }
    Ok(())
}

#[test]
fn a_write_of_an_earlier_epoch_would_be_found() {
    let write = |epoch: &str, code| Write {
        verb: "update".into(),
        resource: "deployments/scale".into(),
        namespace: "n".into(),
        name: "chat".into(),
        code,
        agent: format!("inferscale/0.1.0 (one_12{epoch})"),
    };
    let (old, new) = ("; epoch 3", "; epoch 4");
    assert_eq!(
        fenced(&[write(old, 200), write(new, 200), write(new, 409), write(old, 409)]),
        Ok(())
    );
    assert!(fenced(&[write(old, 200), write(new, 200), write(old, 200)]).is_err());
    assert!(fenced(&[write(old, 200), write("", 200)]).is_err());
}
