//! One look after the other: the fleet, then what is live, joined into a view. I/O through [`fleet`] and [`live`].
//!
//! What cannot be read is said in the view's notes; the last fleet that was seen stays in it.

use std::collections::BTreeMap;
use std::sync::Arc;

use inferscale_core::units::{Span, Time};
use kube::Client;

use super::fleet::{self, Fleet, FleetError, Scope};
use super::live::{self, Live};
use super::pods::Owners;
use super::query::Prometheus;
use super::rows::{self, View};
use super::words::age;
use crate::config::{EnginePreset, Presets};
use crate::runtime::clock;

/// An operator that has not ticked for so long does not run: four grids of production.
const TICKS_WITHIN: Span = Span::from_secs(60);

/// Looks at the fleet again and again.
pub struct Feed {
    client: Client,
    scope: Scope,
    /// Where live columns come from, or why there are none.
    prometheus: Result<Prometheus, String>,
    presets: Presets,
    last: Option<(Fleet, Time)>,
}

impl Feed {
    /// Nothing is read yet.
    pub fn new(client: Client, scope: Scope, prometheus: Result<Prometheus, String>, presets: Presets) -> Self {
        Self {
            client,
            scope,
            prometheus,
            presets,
            last: None,
        }
    }

    /// One look.
    ///
    /// # Errors
    /// When the API server has never answered.
    pub async fn look(&mut self) -> Result<View, FleetError> {
        let mut notes = Vec::new();
        let (fleet, seen) = match (fleet::read(&self.client, &self.scope).await, self.last.take()) {
            (Ok(fleet), _) => (fleet, clock::now()),
            (Err(error), None) => return Err(error),
            (Err(error), Some((fleet, seen))) => {
                let old = age(clock::now().since(seen));
                notes.push(format!("the objects are those of {old} ago: {error}"));
                (fleet, seen)
            }
        };
        if fleet.more {
            notes.push(format!(
                "only the first {} objects are shown; choose a namespace with -n",
                fleet::MOST
            ));
        }
        if let Err(why) = &fleet.pools {
            notes.push(format!("no pools: {why}"));
        }
        let live = self.live(&fleet, &mut notes).await;
        let namespace = match &self.scope {
            Scope::All => None,
            Scope::Namespace(namespace) => Some(namespace.clone()),
        };
        let view = View::new(clock::now(), namespace, &fleet, live.as_ref(), &notes);
        self.last = Some((fleet, seen));
        Ok(view)
    }

    async fn live(&self, fleet: &Fleet, notes: &mut Vec<String>) -> Option<Live> {
        let prometheus = match &self.prometheus {
            Ok(prometheus) => prometheus,
            Err(why) => {
                notes.push(why.clone());
                return None;
            }
        };
        let (owners, engines) = self.known(fleet);
        let url = prometheus.url();
        let live = match live::read(prometheus, &engines, &owners).await {
            Ok(live) => live,
            Err(error) => {
                notes.push(format!(
                    "no live columns: Prometheus at {url} {error}; mend it, or give another one by --prometheus URL"
                ));
                return None;
            }
        };
        if let Some(why) = &live.queues_failed {
            notes.push(format!("some queues are not known: Prometheus at {url} {why}"));
        }
        match live.tick_age {
            None => notes.push(format!(
                "Prometheus at {url} has no metrics of the operator: does it run, and is it scraped?"
            )),
            Some(old) if old > TICKS_WITHIN => {
                notes.push(format!("the operator has not ticked for {}: does it run?", age(old)));
            }
            Some(_) => {}
        }
        Some(live)
    }

    /// Whose the pods are, and the engines that objects use, as far as they are known here.
    fn known(&self, fleet: &Fleet) -> (Owners, Vec<Arc<EnginePreset>>) {
        let mut owners = Owners::default();
        let mut engines = BTreeMap::new();
        for guarded in &fleet.objects {
            let Ok(object) = &guarded.0 else { continue };
            let key = rows::key(guarded);
            for variant in &object.spec.variants {
                owners.add(&key, &variant.target_ref.kind, &variant.target_ref.name);
            }
            // An engine that the administrator added is known to the operator only; its queues are shown as unknown.
            if let Ok(engine) = self.presets.engine(&object.spec.engine) {
                engines.insert(engine.name.as_str(), engine.clone());
            }
        }
        (owners, engines.into_values().collect())
    }
}

#[cfg(test)]
#[path = "feed_tests.rs"]
mod tests;
