//! An object that runs three of its four replicas, its plan, and what is known beside.

use inferscale_core::plan::{
    Decision, Evidence, Forecast, Freshness, Input, Limit, ObjectPlan, Origin, Reason, ReplicaCapacity, TargetAttained,
    VariantPlan, Weighed,
};
use inferscale_core::snapshot::{
    Bounds, Mode, ObjectKey, ObjectSnapshot, Objective, Objectives, Phase, PodSignals, PodSnapshot, Target,
    TargetState, VariantSnapshot,
};
use inferscale_core::units::{Ratio, Span, Time, UsdPerHour};
use kube::core::{ApiResource, GroupVersionKind};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::api::InferenceDeployment;
use crate::observe::{ObservedObject, ObservedTarget};
use crate::runtime::leader::{Leadership, Standing, Warrant};

/// 2026-11-24T10:00:00Z.
pub const NOW: Time = Time::from_millis(1_795_514_400_000);

/// An operator without others.
pub fn alone() -> Leadership {
    Leadership::new(watch::channel(Standing::Alone).1)
}

/// A warrant for what was decided just now, good for half a minute.
pub fn warrant() -> Warrant {
    let decided = Instant::now();
    Warrant {
        epoch: 0,
        decided,
        valid_until: decided + std::time::Duration::from_secs(30),
    }
}

/// The namespace and name of the object.
pub fn key() -> ObjectKey {
    ObjectKey {
        namespace: "prod".into(),
        name: "chat".into(),
    }
}

/// The object as a user writes it.
pub fn infd() -> InferenceDeployment {
    serde_yaml::from_str(
        "
apiVersion: inferscale.dev/v1alpha1
kind: InferenceDeployment
metadata: {name: chat, namespace: prod, generation: 3, uid: 7f1c, resourceVersion: '90'}
spec:
  engine: vLLM
  objectives: {timeToFirstToken: 500ms, timePerOutputToken: 50ms}
  replicas: {min: 1, max: 20}
  variants:
  - name: a100-bf16
    targetRef: {apiVersion: apps/v1, kind: Deployment, name: chat-a100}
    pool: a100
    performance: {profile: llama-3.1-8b/a100/bf16}
",
    )
    .unwrap()
}

/// A pod in a phase, made ten minutes ago and ready eight minutes ago.
pub fn pod(name: &str, phase: Phase) -> PodSnapshot {
    PodSnapshot {
        name: name.into(),
        phase,
        created: NOW - Span::from_secs(600),
        ready_since: (phase == Phase::Ready).then_some(NOW - Span::from_secs(480)),
        signals: PodSignals::default(),
    }
}

/// A variant with `ordered` replicas and these pods.
pub fn variant(name: &str, ordered: u32, pods: &[Phase]) -> VariantSnapshot {
    VariantSnapshot {
        name: name.into(),
        replicas: Bounds { min: 0, max: 20 },
        target: TargetState::Found { replicas: ordered },
        accelerators: 2,
        pool: Some("a100".into()),
        accelerator_price: UsdPerHour::new(3.43),
        profile: None,
        max_sequences: None,
        pods: pods
            .iter()
            .enumerate()
            .map(|(i, phase)| pod(&format!("{name}-{i}"), *phase))
            .collect(),
    }
}

/// The object as a decision sees it: four ordered, three serve, one starts, one more is on its way out.
pub fn object() -> ObjectSnapshot {
    let pods = [
        Phase::Ready,
        Phase::Ready,
        Phase::Ready,
        Phase::Starting,
        Phase::Draining,
    ];
    let target = |target, ms| Objective {
        target,
        limit: Span::from_millis(ms),
    };
    ObjectSnapshot {
        generation: 3,
        mode: Mode::Auto,
        objectives: Objectives {
            attainment: Ratio::clamped(0.99),
            window: Span::from_secs(300),
            targets: vec![
                target(Target::TimeToFirstToken, 500),
                target(Target::TimePerOutputToken, 50),
            ],
        },
        replicas: Bounds { min: 1, max: 20 },
        reported_max: Some(20),
        replicas_override: None,
        source_failure: None,
        conflicts: Vec::new(),
        variants: vec![variant("a100-bf16", 4, &pods)],
    }
}

/// A plan for `object` that changes nothing: fresh evidence, both targets attained.
pub fn plan(object: &ObjectSnapshot) -> ObjectPlan {
    let variants = object.variants.iter().map(|v| VariantPlan {
        name: v.name.clone(),
        observed: v.ordered(),
        desired: v.ordered().unwrap_or(0),
        capacity: Some(ReplicaCapacity {
            requests_per_second: 2.44,
            origin: Origin::Profile,
        }),
        cost: v.replica_price(),
    });
    ObjectPlan {
        generation: object.generation,
        variants: variants.collect(),
        writes: true,
        enough: true,
        evidence: Evidence {
            freshness: Freshness::Fresh,
            coverage: Ratio::ONE,
            age: Some(Span::from_secs(3)),
            running: 12.0,
            waiting: 1.0,
            kv_use: Some(Ratio::clamped(0.42)),
        },
        forecast: Some(Forecast {
            now: 6.9,
            expected: 8.8,
            held: 8.8,
            headroom: 1.28,
            workload: None,
            lead_time: Span::from_secs(120),
            hold: Span::from_secs(120),
        }),
        attained: [Target::TimeToFirstToken, Target::TimePerOutputToken]
            .map(|target| TargetAttained {
                target,
                share: Some(Ratio::clamped(0.994)),
            })
            .into(),
        limits: Vec::new(),
        decision: Decision {
            id: "0badcafe".into(),
            time: NOW,
            reason: Reason::Steady,
            message: "6.90 req/s now, 8.80 expected within 2m (headroom 1.28): 4 of a100-bf16 at 2.44 req/s each"
                .into(),
            inputs: vec![Input {
                name: "demand",
                value: "6.90 req/s".into(),
                age: Some(Span::from_secs(3)),
                coverage: Ratio::ONE,
            }],
            candidates: vec![Weighed {
                replicas: "4 a100-bf16".into(),
                cost: UsdPerHour::new(27.44),
                verdict: "chosen".into(),
            }],
        },
    }
}

/// The plan with `desired` replicas of each variant, for a reason.
pub fn wants(mut plan: ObjectPlan, desired: &[u32], reason: Reason) -> ObjectPlan {
    for (variant, n) in plan.variants.iter_mut().zip(desired) {
        variant.desired = *n;
    }
    plan.decision.reason = reason;
    plan
}

/// A guard's word.
pub fn limit(reason: Reason, message: &str) -> Limit {
    Limit {
        guard: "bounds",
        reason,
        message: message.into(),
        from: 9,
        to: 4,
    }
}

/// The resource of Deployments.
pub fn deployments() -> ApiResource {
    ApiResource::from_gvk(&GroupVersionKind::gvk("apps", "v1", "Deployment"))
}

/// A target that was seen at a resource version.
pub fn target(name: &str, resource_version: &str) -> ObservedTarget {
    ObservedTarget {
        resource: deployments(),
        name: name.into(),
        resource_version: resource_version.into(),
    }
}

/// What is known beside the snapshot: the targets, named after their variants.
pub fn beside(object: &ObjectSnapshot) -> ObservedObject {
    let targets = object
        .variants
        .iter()
        .map(|v| Some(target(&format!("chat-{}", v.name), "17")));
    ObservedObject {
        targets: targets.collect(),
        unknown_pool: None,
        unschedulable: None,
    }
}
