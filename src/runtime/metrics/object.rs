//! The metrics of each object, as the last tick left them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use inferscale_core::snapshot::{ObjectKey, Target};
use inferscale_core::units::{Ratio, Span, UsdPerHour};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

/// What is shown of one object. What is `None` is unknown and not shown: absent is never zero.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ObjectMetrics {
    /// Each variant's replicas.
    pub variants: Vec<VariantMetrics>,
    /// Requests arriving a second.
    pub demand: Option<f64>,
    /// Requests a second that the ready replicas carry inside the objective.
    pub capacity: Option<f64>,
    /// Each latency target.
    pub objectives: Vec<ObjectiveMetrics>,
    /// What the ordered replicas cost.
    pub hourly_cost: Option<UsdPerHour>,
    /// The reason of the decision in force.
    pub reason: Option<String>,
    /// Each signal that the decision looks at.
    pub signals: Vec<SignalMetrics>,
}

/// The replicas of one variant.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VariantMetrics {
    /// Its name.
    pub variant: String,
    /// Those that should be.
    pub desired: u32,
    /// Those that serve.
    pub ready: u32,
    /// Those that are on their way.
    pub starting: u32,
    /// Those that are ending.
    pub draining: u32,
}

/// One latency target.
#[derive(Debug, Clone, PartialEq)]
pub struct ObjectiveMetrics {
    /// What is measured.
    pub target: Target,
    /// The limit.
    pub limit: Span,
    /// The share of the requests inside it over the window.
    pub attained: Option<Ratio>,
}

/// The evidence of one signal.
#[derive(Debug, Clone, PartialEq)]
pub struct SignalMetrics {
    /// Its name.
    pub signal: &'static str,
    /// The age of its newest sample.
    pub age: Option<Span>,
    /// The share of the live pods that it covers.
    pub coverage: Option<Ratio>,
}

/// The objects that are shown.
#[derive(Debug, Default)]
pub(super) struct Objects(Mutex<BTreeMap<ObjectKey, ObjectMetrics>>);

impl Objects {
    pub(super) fn change<T>(&self, work: impl FnOnce(&mut BTreeMap<ObjectKey, ObjectMetrics>) -> T) -> T {
        // A panic elsewhere leaves a map that is still whole.
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

type Point<'o> = (Option<(&'static str, &'o str)>, f64);

/// One gauge: its name, unit and help, and its points of one object, each with at most one label of its own.
struct Gauge {
    name: &'static str,
    unit: Option<Unit>,
    help: &'static str,
    points: fn(&ObjectMetrics) -> Vec<Point<'_>>,
}

fn single(value: Option<f64>) -> Vec<Point<'static>> {
    value.map(|value| (None, value)).into_iter().collect()
}

fn variants(object: &ObjectMetrics, value: fn(&VariantMetrics) -> u32) -> Vec<Point<'_>> {
    let variants = object.variants.iter();
    variants
        .map(|v| (Some(("variant", v.variant.as_str())), f64::from(value(v))))
        .collect()
}

fn gauges() -> [Gauge; 12] {
    [
        Gauge {
            name: "desired_replicas",
            unit: None,
            help: "Replicas of the variant that should be",
            points: |o| variants(o, |v| v.desired),
        },
        Gauge {
            name: "ready_replicas",
            unit: None,
            help: "Replicas of the variant that serve",
            points: |o| variants(o, |v| v.ready),
        },
        Gauge {
            name: "starting_replicas",
            unit: None,
            help: "Replicas of the variant that are on their way",
            points: |o| variants(o, |v| v.starting),
        },
        Gauge {
            name: "draining_replicas",
            unit: None,
            help: "Replicas of the variant that are ending",
            points: |o| variants(o, |v| v.draining),
        },
        Gauge {
            name: "demand_requests_per_second",
            unit: None,
            help: "Requests arriving",
            points: |o| single(o.demand),
        },
        Gauge {
            name: "capacity_requests_per_second",
            unit: None,
            help: "Requests that the ready replicas carry inside the objective",
            points: |o| single(o.capacity),
        },
        Gauge {
            name: "objective_attained_ratio",
            unit: None,
            help: "Share of the requests inside the target over the window of the objective, 0 to 1",
            points: |o| {
                let attained = |t: &ObjectiveMetrics| Some((Some(("objective", t.target.into())), t.attained?.get()));
                o.objectives.iter().filter_map(attained).collect()
            },
        },
        Gauge {
            name: "objective_target",
            unit: Some(Unit::Seconds),
            help: "Latency inside which a request must be",
            points: |o| {
                let limit = |t: &ObjectiveMetrics| (Some(("objective", t.target.into())), t.limit.as_secs_f64());
                o.objectives.iter().map(limit).collect()
            },
        },
        Gauge {
            name: "hourly_cost_usd",
            unit: None,
            help: "US dollars an hour for the replicas that are ordered",
            points: |o| single(o.hourly_cost.map(UsdPerHour::get)),
        },
        Gauge {
            name: "decision",
            unit: None,
            help: "1 for the reason of the decision in force",
            points: |o| {
                let reason = |reason| (Some(("reason", reason)), 1.0);
                o.reason.as_deref().map(reason).into_iter().collect()
            },
        },
        Gauge {
            name: "signal_age",
            unit: Some(Unit::Seconds),
            help: "Age of the newest sample of the signal",
            points: |o| {
                let age = |s: &SignalMetrics| Some((Some(("signal", s.signal)), s.age?.as_secs_f64()));
                o.signals.iter().filter_map(age).collect()
            },
        },
        Gauge {
            name: "signal_coverage_ratio",
            unit: None,
            help: "Share of the live pods that the signal covers, 0 to 1",
            points: |o| {
                let coverage = |s: &SignalMetrics| Some((Some(("signal", s.signal)), s.coverage?.get()));
                o.signals.iter().filter_map(coverage).collect()
            },
        },
    ]
}

/// Hands the objects to the registry at each scrape.
#[derive(Debug)]
pub(super) struct ObjectCollector(pub(super) std::sync::Arc<Objects>);

impl Collector for ObjectCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        self.0.change(|objects| {
            gauges().iter().try_for_each(|gauge| {
                let unit = gauge.unit.as_ref();
                let mut metric = encoder.encode_descriptor(gauge.name, gauge.help, unit, MetricType::Gauge)?;
                objects.iter().try_for_each(|(key, object)| {
                    let points = (gauge.points)(object);
                    points.into_iter().try_for_each(|point| encode(&mut metric, key, point))
                })
            })
        })
    }
}

fn encode(metric: &mut MetricEncoder<'_>, key: &ObjectKey, (label, value): Point<'_>) -> fmt::Result {
    // Not a number would break every sum over the fleet; it is as good as unknown.
    if !value.is_finite() {
        return Ok(());
    }
    let mut labels = vec![("namespace", key.namespace.as_str()), ("name", key.name.as_str())];
    labels.extend(label);
    let labels = labels.as_slice();
    ConstGauge::new(value).encode(metric.encode_family(&labels)?)
}
