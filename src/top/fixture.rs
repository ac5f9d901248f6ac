//! A small fleet for the tests: one of everything that a table must show well.

use inferscale_core::snapshot::{ObjectKey, Target};
use inferscale_core::units::{Ratio, Span, Time};
use serde_json::{Value, json};

use super::fleet::{Fleet, Guarded};
use super::live::{Live, LiveObject, Sum};
use super::rows::View;
use crate::api::GpuPool;

/// 2026-07-30T15:46:02Z
pub fn now() -> Time {
    Time::from_millis(1_785_426_362_000)
}

/// An object in the namespace `demo`, as the API server would send it.
pub fn chat(name: &str) -> Value {
    document("demo", name, "Auto", &busy())
}

fn object(namespace: &str, name: &str, mode: &str, status: &Value) -> Guarded {
    serde_json::from_value(document(namespace, name, mode, status)).unwrap()
}

fn document(namespace: &str, name: &str, mode: &str, status: &Value) -> Value {
    json!({
        "apiVersion": "inferscale.dev/v1alpha1",
        "kind": "InferenceDeployment",
        "metadata": {"namespace": namespace, "name": name},
        "spec": {
            "engine": "vLLM",
            "mode": mode,
            "objectives": {"attainment": "99%", "window": "5m", "timeToFirstToken": "2s", "timePerOutputToken": "50ms"},
            "replicas": {"min": 1, "max": 10},
            "variants": [{
                "name": "a100-bf16",
                "targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
            }],
        },
        "status": status,
    })
}

fn condition(type_: &str, status: &str, reason: &str) -> Value {
    json!({
        "type": type_, "status": status, "reason": reason, "lastTransitionTime": "2026-07-30T15:40:00Z",
        "message": format!("what {reason} is about"),
    })
}

fn busy() -> Value {
    json!({
        "conditions": [
            condition("ObjectiveMet", "False", "Missed"),
            condition("SignalsFresh", "False", "Partial"),
            condition("ScalingLimited", "False", "NotLimited"),
        ],
        "replicas": {"desired": 4, "ready": 2, "starting": 2, "draining": 1},
        "accelerators": 4,
        "hourlyCost": "13.72",
        "objectives": [
            {"name": "timeToFirstToken", "target": "2s", "attained": "97.1%", "met": "False"},
            {"name": "timePerOutputToken", "target": "50ms", "attained": "100%", "met": "True"},
        ],
        "decision": {
            "id": "chat-1", "time": "2026-07-30T15:45:50Z", "reason": "DemandUp",
            "message": "7.2 requests/s now, 8.9 expected within 20s; 3 replicas carry 6.9, 4 carry 9.2.",
        },
        "history": [
            {"time": "2026-07-30T15:45:50Z", "from": 2, "to": 4, "reason": "DemandUp", "message": "8.9 requests/s are expected."},
            {"time": "2026-07-30T15:31:00Z", "from": 3, "to": 2, "reason": "DemandDown", "message": "2 replicas carry it."},
        ],
    })
}

fn quiet() -> Value {
    json!({
        "conditions": [condition("ObjectiveMet", "Unknown", "NoTraffic"), condition("Active", "False", "Advise")],
        "replicas": {"desired": 1, "ready": 1},
        "accelerators": 8,
        "objectives": [{"name": "timeToFirstToken", "target": "2s", "met": "Unknown"}],
        "decision": {"id": "summary-1", "time": "2026-07-29T10:00:00Z", "reason": "Steady", "message": "One replica carries it."},
    })
}

fn stalled() -> Value {
    json!({"conditions": [condition("Stalled", "True", "TargetMissing"), condition("Ready", "False", "TargetMissing")]})
}

fn pools() -> Vec<GpuPool> {
    let pool = |name: &str, status: &Value| {
        serde_json::from_value(json!({
            "apiVersion": "inferscale.dev/v1alpha1",
            "kind": "GpuPool",
            "metadata": {"name": name},
            "spec": {
                "accelerator": {
                    "vendor": "NVIDIA", "product": "A100-SXM4-80GB", "memory": "80Gi", "resource": "nvidia.com/gpu", "perNode": 8,
                },
                "nodeSelector": {"inferscale.dev/pool": name},
            },
            "status": status,
        }))
        .unwrap()
    };
    let status = json!({
        "nodes": {"ready": 2, "starting": 1}, "accelerators": {"total": 16, "free": 3}, "hourlyCost": "54.88",
    });
    vec![pool("new", &Value::Null), pool("a100", &status)]
}

pub fn fleet() -> Fleet {
    let unreadable = json!({
        "apiVersion": "inferscale.dev/v1alpha1",
        "kind": "InferenceDeployment",
        "metadata": {"namespace": "demo", "name": "unreadable"},
        "spec": {"engine": 7},
    });
    Fleet {
        objects: vec![
            object(
                "research",
                "summary-of-very-long-documents-with-a-long-name",
                "Advise",
                &quiet(),
            ),
            serde_json::from_value(unreadable).unwrap(),
            object("demo", "embed", "Auto", &stalled()),
            object("demo", "chat", "Auto", &busy()),
        ],
        more: false,
        pools: Ok(pools()),
    }
}

pub fn live() -> Live {
    let chat = LiveObject {
        demand: Some(7.23),
        capacity: Some(4.6),
        attained: [
            (Target::TimeToFirstToken, Ratio::clamped(0.9632)),
            (Target::TimePerOutputToken, Ratio::ONE),
        ]
        .into(),
        running: Some(Sum { value: 118.0, pods: 2 }),
        waiting: Some(Sum { value: 9.0, pods: 1 }),
    };
    let key = ObjectKey {
        namespace: "demo".into(),
        name: "chat".into(),
    };
    Live {
        objects: [(key, chat)].into(),
        tick_age: Some(Span::from_millis(1200)),
        queues_failed: None,
    }
}

pub fn view() -> View {
    View::new(now(), None, &fleet(), Some(&live()), &[])
}

pub fn view_without_prometheus() -> View {
    let note = "no live columns: the ConfigMap inferscale-system/inferscale does not exist; give --prometheus URL";
    View::new(now(), None, &fleet(), None, &[note.to_owned()])
}

pub fn empty() -> View {
    let fleet = Fleet {
        objects: Vec::new(),
        more: false,
        pools: Ok(Vec::new()),
    };
    View::new(now(), Some("demo".into()), &fleet, None, &[])
}
