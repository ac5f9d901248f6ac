//! All metrics of the operator, in one registry.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use inferscale_core::snapshot::ObjectKey;
use inferscale_core::units::Time;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use super::object::{ObjectCollector, ObjectMetrics, Objects};
use crate::observe::prometheus::Collected;

/// How something ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, strum::IntoStaticStr, strum::VariantNames)]
#[strum(serialize_all = "snake_case")]
pub enum Outcome {
    /// Done.
    Ok,
    /// There was nothing to do.
    Unchanged,
    /// Somebody else was faster; it is looked at again.
    Conflict,
    /// It failed.
    Error,
}

impl EncodeLabelValue for Outcome {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
        EncodeLabelValue::encode(&<&'static str>::from(self), encoder)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByOutcome {
    outcome: Outcome,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Asked {
    source: String,
    signal: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BySource {
    source: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Dropped {
    source: String,
    cause: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Written {
    kind: &'static str,
    outcome: Outcome,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByGuard {
    guard: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByChange {
    change: &'static str,
}

/// The operator's metrics. Every method may be called from anywhere at any time.
#[derive(Debug)]
pub struct OperatorMetrics {
    registry: Registry,
    objects: Arc<Objects>,
    tick_duration: Histogram,
    last_tick: Gauge<f64, AtomicU64>,
    reconciles: Family<ByOutcome, Counter>,
    queries: Family<Asked, Counter>,
    query_duration: Family<BySource, Histogram>,
    query_warnings: Family<BySource, Counter>,
    samples_dropped: Family<Dropped, Counter>,
    writes: Family<Written, Counter>,
    guard_holds: Family<ByGuard, Counter>,
    leader: Gauge,
    leader_changes: Family<ByChange, Counter>,
    lease_epoch: Gauge,
    lease_write_duration: Histogram,
}

impl Default for OperatorMetrics {
    fn default() -> Self {
        Self::new()
    }
}

/// From 5 ms to 10 s: a tick must fit into the grid, a query into its time limit.
fn seconds() -> Histogram {
    Histogram::new([0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0])
}

impl OperatorMetrics {
    /// All metrics at their beginning.
    pub fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("inferscale"),
            objects: Arc::default(),
            tick_duration: seconds(),
            last_tick: Gauge::default(),
            reconciles: Family::default(),
            queries: Family::default(),
            query_duration: Family::new_with_constructor(seconds),
            query_warnings: Family::default(),
            samples_dropped: Family::default(),
            writes: Family::default(),
            guard_holds: Family::default(),
            leader: Gauge::default(),
            leader_changes: Family::default(),
            lease_epoch: Gauge::default(),
            lease_write_duration: seconds(),
        };
        metrics.register();
        metrics
    }

    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register(
            "build",
            "The version that runs",
            Info::new([("version", env!("CARGO_PKG_VERSION"))]),
        );
        registry.register_collector(Box::new(ObjectCollector(Arc::clone(&self.objects))));
        registry.register_with_unit(
            "tick_duration",
            "From looking at the fleet to having a plan for all of it",
            Unit::Seconds,
            self.tick_duration.clone(),
        );
        registry.register_with_unit(
            "last_tick_timestamp",
            "When the last plan was made, since 1970; 0 before the first",
            Unit::Seconds,
            self.last_tick.clone(),
        );
        registry.register(
            "reconciles",
            "Looks at one object, by how they ended",
            self.reconciles.clone(),
        );
        registry.register(
            "queries",
            "Queries to a metrics source, by how they ended",
            self.queries.clone(),
        );
        registry.register_with_unit(
            "query_duration",
            "Time of a query to a metrics source, reading its answer included",
            Unit::Seconds,
            self.query_duration.clone(),
        );
        registry.register(
            "query_warnings",
            "Warnings that a metrics source sent along with its answers",
            self.query_warnings.clone(),
        );
        registry.register(
            "samples_dropped",
            "Samples that came and were not used, by cause; those still in the range are counted at each tick",
            self.samples_dropped.clone(),
        );
        registry.register(
            "writes",
            "Writes to the API server, by how they ended",
            self.writes.clone(),
        );
        registry.register(
            "guard_holds",
            "Plans that a guard held or clamped",
            self.guard_holds.clone(),
        );
        registry.register(
            "leader",
            "1 while this replica writes; 0 while it stands by, or holds no valid claim",
            self.leader.clone(),
        );
        registry.register(
            "leader_changes",
            "How often this replica began or ceased to write",
            self.leader_changes.clone(),
        );
        registry.register(
            "lease_epoch",
            "How often the Lease has changed hands, as this replica saw it last",
            self.lease_epoch.clone(),
        );
        registry.register_with_unit(
            "lease_write_duration",
            "Time to take, renew or release the Lease; two seconds at most",
            Unit::Seconds,
            self.lease_write_duration.clone(),
        );
    }

    /// This replica writes from now on, or no longer.
    pub fn leads(&self, leads: bool) {
        self.leader.set(i64::from(leads));
        let change = if leads { "gained" } else { "lost" };
        self.leader_changes.get_or_create(&ByChange { change }).inc();
    }

    /// There is no election: this operator writes.
    pub fn alone(&self) {
        self.leader.set(1);
    }

    /// How often the Lease has changed hands.
    pub fn epoch(&self, epoch: i32) {
        self.lease_epoch.set(i64::from(epoch));
    }

    /// The Lease was written, or should have been.
    pub fn wrote_lease(&self, outcome: Outcome, took: Duration) {
        self.wrote("lease", outcome);
        self.lease_write_duration.observe(took.as_secs_f64());
    }

    /// Shows an object as it is now, in place of all that was shown of it.
    pub fn set_object(&self, key: ObjectKey, object: ObjectMetrics) {
        self.objects.change(|objects| objects.insert(key, object));
    }

    /// Shows nothing of an object any more: it was deleted.
    pub fn forget(&self, key: &ObjectKey) {
        self.objects.change(|objects| objects.remove(key));
    }

    /// Shows only the objects of which `alive` holds.
    pub fn retain(&self, mut alive: impl FnMut(&ObjectKey) -> bool) {
        self.objects.change(|objects| objects.retain(|key, _| alive(key)));
    }

    /// A tick has ended at `now`.
    pub fn tick(&self, now: Time, took: Duration) {
        self.tick_duration.observe(took.as_secs_f64());
        self.last_tick.set(now.as_secs_f64());
    }

    /// A look at one object has ended.
    pub fn reconciled(&self, outcome: Outcome) {
        self.reconciles.get_or_create(&ByOutcome { outcome }).inc();
    }

    /// A metrics source has been read.
    pub fn collected(&self, source: &str, collected: &Collected) {
        let by_source = BySource {
            source: source.to_owned(),
        };
        for asked in &collected.asked {
            let labels = Asked {
                source: source.to_owned(),
                signal: asked.signal.into(),
                outcome: asked.failed.map_or("ok", |class| class.label()),
            };
            self.queries.get_or_create(&labels).inc();
            self.query_duration
                .get_or_create(&by_source)
                .observe(asked.took.as_secs_f64());
        }
        // Without credentials nothing was asked, but every signal is missing all the same.
        if collected.asked.is_empty() {
            for failure in &collected.failures {
                let labels = Asked {
                    source: source.to_owned(),
                    signal: failure.signal.into(),
                    outcome: failure.class.label(),
                };
                self.queries.get_or_create(&labels).inc();
            }
        }
        if collected.warnings > 0 {
            self.query_warnings
                .get_or_create(&by_source)
                .inc_by(collected.warnings as u64);
        }
        for (cause, count) in collected.dropped.iter() {
            let labels = Dropped {
                source: source.to_owned(),
                cause: cause.into(),
            };
            self.samples_dropped.get_or_create(&labels).inc_by(count);
        }
    }

    /// Something was written to the API server; `kind` says what, such as `scale` or `status`.
    pub fn wrote(&self, kind: &'static str, outcome: Outcome) {
        self.writes.get_or_create(&Written { kind, outcome }).inc();
    }

    /// A guard held or clamped a plan.
    pub fn held(&self, guard: &'static str) {
        self.guard_holds.get_or_create(&ByGuard { guard }).inc();
    }

    /// Everything in the text format of `OpenMetrics`.
    ///
    /// # Errors
    /// Never in practice: writing to memory does not fail.
    pub fn encode(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        text::encode(&mut text, &self.registry)?;
        Ok(text)
    }
}
