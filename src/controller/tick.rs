//! The tick: look, absorb, plan, publish. One task; nothing else changes the memory.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use futures::channel::mpsc::UnboundedSender;
use inferscale_core::plan::{Memory, plan};
use inferscale_core::snapshot::ObjectKey;
use kube::runtime::reflector::ObjectRef;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::collect::collect;
use super::context::{Context, Guarded};
use super::published::Published;
use super::{metrics, pools};
use crate::observe::cluster::Lookup;
use crate::observe::{CollectedBySource, Observed, Scene, key_of, validate};
use crate::runtime::clock;
use crate::runtime::readiness::Part;

/// Changes that come together are one early tick.
const GATHER: Duration = Duration::from_millis(200);

/// The one who ticks.
pub struct Ticker {
    /// What is shared.
    pub context: Arc<Context>,
    /// Told of every change that asks for an early tick.
    pub changed: Arc<Notify>,
    /// Where outcomes go.
    pub publish: watch::Sender<Option<Arc<Published>>>,
    /// Which objects to reconcile.
    pub reconcile: UnboundedSender<ObjectRef<Guarded>>,
    /// Ready once the first tick is done.
    pub part: Part,
}

impl Ticker {
    /// Ticks until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let timing = self.context.config.timing;
        let mut memory = Memory::default();
        let mut collected = CollectedBySource::new();
        let mut interval = tokio::time::interval(timing.tick);
        // After a slow tick the next comes a whole period later: two at once would decide on the same data.
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut first = true;
        loop {
            let early = tokio::select! {
                () = stop.cancelled() => return,
                _ = interval.tick() => false,
                () = self.changed.notified() => {
                    tokio::time::sleep(GATHER).await;
                    true
                }
            };
            let started = Instant::now();
            let known = self.valid_objects().await;
            // A new object's metrics were not asked for yet; an early tick on old ones would be blind to it.
            let unasked = known
                .iter()
                .filter_map(|(_, v)| v.as_ref().ok())
                .any(|valid| !collected.contains_key(&(valid.source.clone(), valid.preset.name.clone())));
            if !early || unasked {
                let core = timing.core();
                let range = if first { core.backfill() } else { core.range() };
                let valid = known.iter().filter_map(|(_, valid)| valid.as_ref().ok());
                collected = collect(&self.context, valid, clock::now(), range).await;
                first = first && collected.is_empty();
            }
            self.decide(known, &collected, &mut memory, early, started).await;
        }
    }

    /// Every object that can be read, with its validation, and the kinds of its targets followed.
    async fn valid_objects(&self) -> Vec<super::reconcile::Validated> {
        let context = &self.context;
        let readable = context
            .objects
            .state()
            .into_iter()
            .filter_map(|guard| guard.0.as_ref().ok().cloned());
        let known: Vec<_> = readable
            .map(|object| {
                let valid = validate(&object, &context.config, &context.presets, &context.profiles);
                (Arc::new(object), valid)
            })
            .collect();
        let variants = known
            .iter()
            .filter_map(|(_, v)| v.as_ref().ok())
            .flat_map(|v| &v.variants);
        context.cluster.targets.ensure(variants.map(|v| &v.target)).await;
        known
    }

    async fn decide(
        &self,
        known: Vec<super::reconcile::Validated>,
        collected: &CollectedBySource,
        memory: &mut Memory,
        early: bool,
        started: Instant,
    ) {
        let context = &self.context;
        let epoch = context.leadership.epoch();
        let observed = self.observe(known, collected);
        memory.absorb(&observed.snapshot);
        let plan = plan(&observed.snapshot, memory);
        let published = Arc::new(Published {
            observed,
            plan,
            decided: started,
            epoch,
        });
        let previous = self.publish.send_replace(Some(published.clone()));
        self.part.ready();

        let turned = previous.as_ref().is_none_or(|p| p.epoch != epoch);
        if !early {
            context.metrics.tick(clock::now(), started.elapsed());
        }
        if !early || turned {
            metrics::record(&context.metrics, &published);
        }
        let alive: HashSet<ObjectKey> = context
            .objects
            .state()
            .iter()
            .map(|guard| key_of(guard.as_ref()))
            .collect();
        context.written.forget(|key| alive.contains(key));
        // Who begins to lead looks at everything at once; who stands by writes nothing.
        let changed = |key: &ObjectKey| !early || turned || previous.as_ref().is_none_or(|p| !same(p, &published, key));
        for guard in context.objects.state() {
            if epoch.is_some() && changed(&key_of(guard.as_ref())) {
                // The receiver ends only at shutdown.
                let _ = self.reconcile.unbounded_send(ObjectRef::from_obj(guard.as_ref()));
            }
        }
        pools::report(context, &published).await;
    }

    fn observe(&self, objects: Vec<super::reconcile::Validated>, collected: &CollectedBySource) -> Observed {
        let cluster = &self.context.cluster;
        let rivals = cluster.rivals.by_target();
        let scene = Scene {
            now: clock::now(),
            timing: self.context.config.timing.core(),
            objects,
            pods: &cluster.pods.state(),
            nodes: &cluster.nodes.state(),
            pools: &cluster.pools.state(),
            targets: &|namespace, target| -> Lookup { cluster.targets.lookup(namespace, target) },
            rivals: &|namespace, target| rivals.of(namespace, target),
            collected,
        };
        scene.observe()
    }
}

/// Whether two outcomes would be reported alike: what is slower than a tick waits for the next full one.
fn same(before: &Published, now: &Published, key: &ObjectKey) -> bool {
    let facts = |p: &Published| {
        let plan = p
            .plan
            .objects
            .get(key)
            .map(|o| (o.generation, o.desired(), o.decision.reason, o.evidence.freshness));
        let object = p.observed.snapshot.objects.get(key);
        let counts: Option<Vec<_>> = object.map(|o| {
            let variants = o.variants.iter();
            variants
                .map(|v| (v.target.clone(), v.pods.iter().map(|pod| pod.phase).collect::<Vec<_>>()))
                .collect()
        });
        let beside = p
            .observed
            .objects
            .get(key)
            .map(|o| (o.targets.clone(), o.unknown_pool.clone(), o.unschedulable.clone()));
        (plan, counts, beside, p.observed.invalid.get(key).cloned())
    };
    facts(before) == facts(now)
}
