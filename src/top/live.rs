//! What moves from second to second: load and attained shares as the operator exports them, queues as the engines
//! do. I/O: one query, and one for each engine in use.

use std::collections::{BTreeMap, HashMap};

use inferscale_core::snapshot::{ObjectKey, Target};
use inferscale_core::units::{Ratio, Span};

use super::pods::Owners;
use super::query::{Point, Prometheus, QueryError};
use crate::config::{Combine, EnginePreset, Signal, SignalPreset};

/// The operator's own metrics; `docs/reference/metrics.md` has them all. The labels `exported_*` are what a scrape
/// without `honor_labels` makes of ours. Two operators that are scraped at once, old and new, show one value.
const OPERATOR: &str = "max by (__name__, namespace, exported_namespace, name, objective) ({__name__=~\
                        \"inferscale_demand_requests_per_second|inferscale_capacity_requests_per_second|\
                        inferscale_objective_attained_ratio\"}) \
                        or (time() - max(inferscale_last_tick_timestamp_seconds > 0))";

/// What Prometheus says of the fleet. What it does not say is absent.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Live {
    /// By object.
    pub objects: BTreeMap<ObjectKey, LiveObject>,
    /// The time since the operator's last tick.
    pub tick_age: Option<Span>,
    /// Why the queues of some engine are absent.
    pub queues_failed: Option<String>,
}

/// What Prometheus says of one object.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LiveObject {
    /// Requests arriving a second.
    pub demand: Option<f64>,
    /// Requests a second that the ready replicas carry inside the objective.
    pub capacity: Option<f64>,
    /// The share of the requests inside each target.
    pub attained: BTreeMap<Target, Ratio>,
    /// Requests in the engines' batches.
    pub running: Option<Sum>,
    /// Requests in the engines' queues.
    pub waiting: Option<Sum>,
}

/// A sum over the pods that report.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Sum {
    /// The sum.
    pub value: f64,
    /// How many pods are in it.
    pub pods: u32,
}

/// Asks for everything.
///
/// # Errors
/// When Prometheus does not answer the first query; the fleet is shown without live columns then.
pub async fn read(
    prometheus: &Prometheus,
    engines: &[std::sync::Arc<EnginePreset>],
    owners: &Owners,
) -> Result<Live, QueryError> {
    let queues = engines.iter().map(|engine| async move {
        let answer = prometheus.ask(&queues_of(engine)).await;
        (engine, answer)
    });
    let (operator, queues) = tokio::join!(prometheus.ask(OPERATOR), futures::future::join_all(queues));
    let mut live = Live::default();
    live.add_operator(&operator?);
    for (engine, answer) in queues {
        match answer {
            Ok(points) => live.add_queues(engine, owners, &points),
            Err(error) => live.queues_failed = Some(error.to_string()),
        }
    }
    Ok(live)
}

/// The requests running and waiting of every pod. A pod that is scraped twice counts once; the names come from a
/// preset that was checked.
fn queues_of(engine: &EnginePreset) -> String {
    let signals = [Signal::Running, Signal::Waiting].map(|signal| engine.signals.get(&signal));
    let names: Vec<&str> = signals.iter().flatten().flat_map(|signal| signal.names()).collect();
    let combine = match signals.iter().flatten().next().map(|signal| signal.combine) {
        Some(Combine::Max) => "max",
        Some(Combine::Sum) | None => "sum",
    };
    let ranks = engine.per_pod.join(", ");
    format!(
        "{combine} by (__name__, namespace, pod, exported_namespace, exported_pod) (max by (__name__, namespace, pod, \
         exported_namespace, exported_pod, {ranks}) ({{__name__=~\"{}\"}}))",
        names.join("|")
    )
}

impl Live {
    /// Whether the operator is seen at all.
    pub fn sees_operator(&self) -> bool {
        self.tick_age.is_some()
    }

    fn add_operator(&mut self, points: &[Point]) {
        for point in points {
            let Some(name) = point.label("name") else {
                // The age of the tick is the only point without an object.
                self.tick_age = Some(Span::from_secs_f64(point.value.max(0.0)));
                continue;
            };
            // Without honor_labels `namespace` is the operator's own.
            let Some(namespace) = point.label("exported_namespace").or_else(|| point.label("namespace")) else {
                continue;
            };
            let key = ObjectKey {
                namespace: namespace.to_owned(),
                name: name.to_owned(),
            };
            let object = self.objects.entry(key).or_default();
            match point.label("__name__") {
                Some("inferscale_demand_requests_per_second") => object.demand = Some(point.value),
                Some("inferscale_capacity_requests_per_second") => object.capacity = Some(point.value),
                Some("inferscale_objective_attained_ratio") => {
                    if let Some(target) = point.label("objective").and_then(|text| text.parse().ok()) {
                        object.attained.insert(target, Ratio::clamped(point.value));
                    }
                }
                _ => {}
            }
        }
    }

    fn add_queues(&mut self, engine: &EnginePreset, owners: &Owners, points: &[Point]) {
        for signal in [Signal::Running, Signal::Waiting] {
            let names: Vec<&str> = engine
                .signals
                .get(&signal)
                .into_iter()
                .flat_map(SignalPreset::names)
                .collect();
            // Of several names the first that a pod has.
            let mut pods: HashMap<(&str, &str), (usize, &ObjectKey, f64)> = HashMap::new();
            for point in points {
                let rank = point
                    .label("__name__")
                    .and_then(|name| names.iter().position(|n| *n == name));
                let (Some(rank), Some((pod, owner))) = (rank, pod_of(point, owners)) else {
                    continue;
                };
                let found = pods.entry(pod).or_insert((rank, owner, point.value));
                if rank < found.0 {
                    *found = (rank, owner, point.value);
                }
            }
            for (_, owner, value) in pods.into_values() {
                let object = self.objects.entry(owner.clone()).or_default();
                let sum = match signal {
                    Signal::Running => &mut object.running,
                    _ => &mut object.waiting,
                };
                let sum = sum.get_or_insert_default();
                sum.value += value.max(0.0);
                sum.pods += 1;
            }
        }
    }
}

/// Namespace and name of the pod that a series is about, and whose it is.
fn pod_of<'a>(point: &'a Point, owners: &'a Owners) -> Option<((&'a str, &'a str), &'a ObjectKey)> {
    [("namespace", "pod"), ("exported_namespace", "exported_pod")]
        .into_iter()
        .find_map(|(namespace, pod)| {
            let pod = (point.label(namespace)?, point.label(pod)?);
            Some((pod, owners.of(pod.0, pod.1)?))
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Presets;

    fn point(labels: &[(&str, &str)], value: f64) -> Point {
        Point {
            labels: labels.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect(),
            value,
        }
    }

    fn chat() -> ObjectKey {
        ObjectKey {
            namespace: "prod".into(),
            name: "chat".into(),
        }
    }

    fn owners() -> Owners {
        let mut owners = Owners::default();
        owners.add(&chat(), "Deployment", "chat");
        owners
    }

    fn vllm() -> std::sync::Arc<EnginePreset> {
        Presets::embedded().unwrap().engine("vLLM").unwrap().clone()
    }

    #[test]
    fn the_queries_are_these() {
        insta::assert_snapshot!(format!("{OPERATOR}\n{}", queues_of(&vllm())), @r#"
        max by (__name__, namespace, exported_namespace, name, objective) ({__name__=~"inferscale_demand_requests_per_second|inferscale_capacity_requests_per_second|inferscale_objective_attained_ratio"}) or (time() - max(inferscale_last_tick_timestamp_seconds > 0))
        sum by (__name__, namespace, pod, exported_namespace, exported_pod) (max by (__name__, namespace, pod, exported_namespace, exported_pod, engine, model_name, finished_reason) ({__name__=~"vllm:num_requests_running|vllm:num_requests_waiting"}))
        "#);
    }

    #[test]
    fn an_object_is_found_with_and_without_honor_labels() {
        let demand = ("__name__", "inferscale_demand_requests_per_second");
        for labels in [
            [
                demand,
                ("namespace", "prod"),
                ("exported_namespace", ""),
                ("name", "chat"),
            ],
            [
                demand,
                ("namespace", "inferscale-system"),
                ("exported_namespace", "prod"),
                ("name", "chat"),
            ],
        ] {
            let mut live = Live::default();
            live.add_operator(&[point(&labels, 7.2)]);
            assert_eq!(live.objects[&chat()].demand, Some(7.2));
            assert!(!live.sees_operator());
        }
    }

    #[test]
    fn shares_go_to_their_target_and_the_tick_to_the_fleet() {
        let share = |objective| {
            point(
                &[
                    ("__name__", "inferscale_objective_attained_ratio"),
                    ("namespace", "prod"),
                    ("name", "chat"),
                    ("objective", objective),
                ],
                0.994,
            )
        };
        let mut live = Live::default();
        live.add_operator(&[share("timeToFirstToken"), share("somethingNew"), point(&[], 1.5)]);
        let attained = &live.objects[&chat()].attained;
        assert_eq!(attained.len(), 1);
        assert_eq!(attained[&Target::TimeToFirstToken].to_string(), "99.4%");
        assert_eq!(live.tick_age, Some(Span::from_millis(1500)));
    }

    #[test]
    fn queues_are_added_over_the_pods_of_an_object_and_no_others() {
        let queue = |name, pod| point(&[("__name__", name), ("namespace", "prod"), ("pod", pod)], 3.0);
        let mut live = Live::default();
        live.add_queues(
            &vllm(),
            &owners(),
            &[
                queue("vllm:num_requests_running", "chat-7d9f8b6c54-x2v5k"),
                queue("vllm:num_requests_running", "chat-7d9f8b6c54-bbbbb"),
                queue("vllm:num_requests_running", "chat-large-7d9f8b6c54-bbbbb"),
                queue("vllm:num_requests_waiting", "chat-7d9f8b6c54-x2v5k"),
                queue("vllm:something_else", "chat-7d9f8b6c54-x2v5k"),
            ],
        );
        assert_eq!(live.objects.len(), 1);
        let object = &live.objects[&chat()];
        assert_eq!(object.running, Some(Sum { value: 6.0, pods: 2 }));
        assert_eq!(object.waiting, Some(Sum { value: 3.0, pods: 1 }));
        assert_eq!(object.demand, None);
    }
}
