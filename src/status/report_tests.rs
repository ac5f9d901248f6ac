//! The whole status: what it counts, what it keeps from before, and that it always fits its schema.

use inferscale_core::plan::{ObjectPlan, Reason};
use inferscale_core::snapshot::{Bounds, ObjectSnapshot, TargetState};
use inferscale_core::units::{Ratio, Span};
use kube::CustomResourceExt;
use rstest::rstest;
use serde_json::Value;

use super::*;
use crate::act::{ScaleWrite, Written};
use crate::api::InferenceDeployment;
use crate::status::differs;
use crate::testing::samples::{self, NOW};

struct Scene {
    object: ObjectSnapshot,
    plan: ObjectPlan,
    applied: Applied,
}

impl Scene {
    fn new() -> Self {
        let object = samples::object();
        Self {
            plan: samples::plan(&object),
            applied: Applied::default(),
            object,
        }
    }

    fn report(&self, before: &InferenceDeploymentStatus, now: Time) -> InferenceDeploymentStatus {
        let beside = samples::beside(&self.object);
        let view = View {
            object: &self.object,
            beside: &beside,
            plan: &self.plan,
        };
        report(&view, &self.applied, before, now)
    }

    fn first(&self) -> InferenceDeploymentStatus {
        self.report(&InferenceDeploymentStatus::default(), NOW)
    }
}

fn written(variant: &str, from: u32, to: u32, outcome: Outcome) -> Written {
    Written {
        write: ScaleWrite {
            variant: variant.into(),
            target: samples::target("chat", "17"),
            from,
            to,
        },
        outcome,
    }
}

#[test]
fn a_full_status_reads_like_this() {
    let mut scene = Scene::new();
    scene.plan = samples::wants(scene.plan, &[6], Reason::DemandUp);
    scene.applied.scales = vec![written("a100-bf16", 4, 6, Outcome::Written)];
    insta::assert_snapshot!(serde_yaml::to_string(&scene.first()).unwrap());
}

#[test]
fn counts_what_is_ordered_what_serves_and_what_goes() {
    let status = Scene::new().first();
    let counts = status.replicas.unwrap();
    assert_eq!(
        (counts.desired, counts.ready, counts.starting, counts.draining),
        (4, 3, 1, 1)
    );
    assert_eq!(status.accelerators, Some(8));
    assert_eq!(status.hourly_cost.as_deref(), Some("27.44"));
}

#[test]
fn a_replica_without_a_pod_is_starting() {
    let mut scene = Scene::new();
    scene.object.variants[0].pods.clear();
    assert_eq!(scene.first().replicas.unwrap().starting, 4);
}

#[rstest]
#[case::runs(4, None)]
#[case::does_not_run(0, Some("13.72"))]
fn a_price_that_is_unknown_is_no_zero(#[case] ordered: u32, #[case] cost: Option<&str>) {
    let mut scene = Scene::new();
    let mut other = samples::variant("l40s", ordered, &[]);
    other.accelerator_price = None;
    scene.object.variants = vec![samples::variant("a100-bf16", 2, &[]), other];
    scene.plan = samples::plan(&scene.object);
    let status = scene.first();
    assert_eq!(status.hourly_cost.as_deref(), cost);
    assert_eq!(status.variants[1].hourly_cost, None);
}

#[test]
fn a_target_that_is_gone_counts_nothing() {
    let mut scene = Scene::new();
    scene.object.variants[0].target = TargetState::Missing;
    scene.object.variants[0].pods.clear();
    scene.plan = samples::plan(&scene.object);
    let status = scene.first();
    assert_eq!(status.replicas, Some(ReplicaCounts::default()));
    assert_eq!(status.accelerators, Some(0));
}

#[rstest]
#[case::met(Some(0.994), ConditionStatus::True, Some("99.4%"))]
#[case::exactly(Some(0.99), ConditionStatus::True, Some("99%"))]
#[case::missed(Some(0.98999), ConditionStatus::False, Some("98.9%"))]
#[case::unknown(None, ConditionStatus::Unknown, None)]
fn an_objective_is_told(#[case] share: Option<f64>, #[case] met: ConditionStatus, #[case] text: Option<&str>) {
    let mut scene = Scene::new();
    scene.plan.attained[0].share = share.map(Ratio::clamped);
    let told = &scene.first().objectives[0];
    assert_eq!(
        (told.name.as_str(), told.target.as_str()),
        ("timeToFirstToken", "500ms")
    );
    assert_eq!((told.met, told.attained.as_deref()), (met, text));
}

#[test]
fn a_decision_stays_as_long_as_it_says_the_same() {
    let scene = Scene::new();
    let before = scene.first();
    let mut later = Scene::new();
    later.plan.decision.id = "deadbeef".into();
    later.plan.decision.message = "6.91 req/s now".into();
    later.plan.decision.time = NOW + Span::from_secs(15);
    let after = later.report(&before, NOW + Span::from_secs(15));
    assert_eq!(after.decision, before.decision);
    assert!(!differs(&before, &after));
}

#[rstest]
#[case::another_reason(|s: &mut Scene| s.plan.decision.reason = Reason::HoldingDown)]
#[case::another_number(|s: &mut Scene| s.plan.variants[0].desired = 5)]
#[case::another_generation(|s: &mut Scene| s.plan.generation = 4)]
fn a_decision_that_says_something_else_is_new(#[case] change: fn(&mut Scene)) {
    let before = Scene::new().first();
    let mut later = Scene::new();
    later.plan.decision.id = "deadbeef".into();
    change(&mut later);
    let after = later.report(&before, NOW);
    assert_eq!(after.decision.as_ref().unwrap().id, "deadbeef");
    assert!(differs(&before, &after));
}

#[test]
fn history_tells_what_was_written_newest_first_and_forgets_the_sixth() {
    let mut status = InferenceDeploymentStatus::default();
    for n in 0..8 {
        let mut scene = Scene::new();
        scene.plan.variants[0].observed = Some(n);
        scene.plan.variants[0].desired = n + 1;
        scene.applied.scales = vec![written("a100-bf16", n, n + 1, Outcome::Written)];
        status = scene.report(&status, NOW);
    }
    let changes: Vec<_> = status.history.iter().map(|c| (c.from, c.to)).collect();
    assert_eq!(changes, [(7, 8), (6, 7), (5, 6), (4, 5), (3, 4)]);
}

#[rstest]
#[case::conflict(Outcome::Conflict)]
#[case::failed(Outcome::Failed("no".into()))]
#[case::expired(Outcome::Expired)]
#[case::withheld(Outcome::Withheld)]
fn history_does_not_tell_what_was_only_wanted(#[case] outcome: Outcome) {
    let mut scene = Scene::new();
    scene.plan.variants[0].desired = 6;
    scene.applied.scales = vec![written("a100-bf16", 4, 6, outcome)];
    assert!(scene.first().history.is_empty());
}

#[test]
fn history_tells_the_part_that_came_through() {
    let mut scene = Scene::new();
    scene.object.variants = ["a", "b", "c"].map(|name| samples::variant(name, 4, &[])).into();
    scene.plan = samples::wants(samples::plan(&scene.object), &[6, 6, 1], Reason::DemandUp);
    scene.applied.scales = vec![
        written("a", 4, 6, Outcome::Written),
        written("b", 4, 6, Outcome::Conflict),
        written("c", 4, 1, Outcome::Written),
    ];
    let history = scene.first().history;
    assert_eq!((history[0].from, history[0].to), (12, 11));
}

#[rstest]
#[case::first_report(None, 20, 4, Some(20))]
#[case::raised(Some(10), 20, 4, Some(20))]
#[case::lowered_and_followed(Some(20), 6, 4, Some(6))]
#[case::lowered_and_not_followed(Some(20), 2, 4, Some(20))]
#[case::scaled_by_hand_above_it(Some(2), 2, 4, Some(2))]
#[case::raised_but_not_enough(Some(2), 3, 4, Some(3))]
#[case::lowered_twice(Some(20), 1, 4, Some(20))]
#[case::a_first_maximum_below_what_runs(None, 2, 4, None)]
fn the_limit_is_reported_as_applied_once_what_runs_has_followed(
    #[case] before: Option<u32>,
    #[case] max: u32,
    #[case] runs: u32,
    #[case] reported: Option<u32>,
) {
    let mut scene = Scene::new();
    scene.object.replicas = Bounds { min: 1, max };
    scene.object.variants[0].target = TargetState::Found { replicas: runs };
    let before = InferenceDeploymentStatus {
        applied_limits: before.map(|max_replicas| AppliedLimits { max_replicas }),
        ..InferenceDeploymentStatus::default()
    };
    let after = scene.report(&before, NOW);
    assert_eq!(after.applied_limits.map(|l| l.max_replicas), reported);
}

/// Every text and list of a status that is as long as it can get, against the limits of the CRD.
#[test]
fn nothing_is_longer_than_the_schema_allows() {
    let long = "ä".repeat(5000);
    let mut scene = Scene::new();
    scene.object.variants = (0..16)
        .map(|i| {
            let mut v = samples::variant(&format!("{i:02}{}", "n".repeat(61)), 10_000, &[]);
            v.accelerators = 1024;
            v.accelerator_price = inferscale_core::units::UsdPerHour::new(999_999_999.0);
            v
        })
        .collect();
    scene.plan = samples::plan(&scene.object);
    for variant in &mut scene.plan.variants {
        variant.capacity.as_mut().unwrap().requests_per_second = 1e9;
    }
    scene.plan.decision.message = long.clone();
    let input = scene.plan.decision.inputs[0].clone();
    scene.plan.decision.inputs = vec![
        inferscale_core::plan::Input {
            value: long.clone(),
            ..input
        };
        9
    ];
    let weighed = scene.plan.decision.candidates[0].clone();
    scene.plan.decision.candidates = vec![
        inferscale_core::plan::Weighed {
            replicas: long.clone(),
            verdict: long.clone(),
            ..weighed
        };
        5
    ];
    scene.object.source_failure = Some(long.clone());
    scene.object.conflicts = vec![inferscale_core::snapshot::Conflict {
        kind: "ScaledObject".into(),
        name: long.clone(),
        variant: long,
    }];
    scene.plan.evidence.freshness = inferscale_core::plan::Freshness::SourceUnreachable;
    scene.applied.scales = vec![written("x", 4, 6, Outcome::Written)];
    let mut status = InferenceDeploymentStatus::default();
    for _ in 0..7 {
        status = scene.report(&status, NOW);
    }
    let crd = serde_json::to_value(InferenceDeployment::crd()).unwrap();
    let schema = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["status"];
    let mut texts = 0;
    fits("status", &serde_json::to_value(&status).unwrap(), schema, &mut texts);
    assert!(texts > 100, "only {texts} texts were looked at");
}

/// Panics where `value` is longer than `schema` allows, or has a field that it does not know.
fn fits(at: &str, value: &Value, schema: &Value, texts: &mut usize) {
    let most = |key: &str| schema[key].as_u64().map(|n| n as usize);
    match value {
        Value::String(text) => {
            *texts += 1;
            let n = text.chars().count();
            let bounded = most("maxLength").is_some() || schema.get("format").is_some() || schema.get("enum").is_some();
            assert!(bounded, "{at} has no bound");
            assert!(most("maxLength").is_none_or(|most| n <= most), "{at}: {n} characters");
        }
        Value::Array(items) => {
            assert!(items.len() <= most("maxItems").unwrap(), "{at}: {} items", items.len());
            for item in items {
                fits(&format!("{at}[]"), item, &schema["items"], texts);
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                let schema = &schema["properties"][name];
                assert!(!schema.is_null(), "{at}.{name} is not in the schema");
                fits(&format!("{at}.{name}"), field, schema, texts);
            }
        }
        _ => {}
    }
}

#[test]
fn the_history_stays_under_two_kilobytes() {
    let mut scene = Scene::new();
    scene.plan.decision.message = "x".repeat(5000);
    scene.applied.scales = vec![written("a100-bf16", 4, 6, Outcome::Written)];
    let mut status = InferenceDeploymentStatus::default();
    for _ in 0..7 {
        status = scene.report(&status, NOW);
    }
    let bytes = serde_json::to_vec(&status.history).unwrap().len();
    assert!(bytes <= 2048, "{bytes}");
}
