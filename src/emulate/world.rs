//! Everything that happens in an emulation, in the order in which it happens. Pure: time comes in as an argument, pods
//! and their addresses are told, nothing is waited for.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use inferscale_core::performance::Profile;
use inferscale_core::simulate::Moment;
use inferscale_core::simulate::engine::{Event, Request};

use super::load::{Load, Pending};
use super::replica::{PodView, Replica};
use super::router_metrics::{self, Entry, PoolState};
use super::scenario::{LoadSpec, Spread};
use super::summary::{LoadSummary, Summary};
use super::timelapse::Arrival;

/// The router, its loads, and the engines of all pods.
#[derive(Debug)]
pub struct World {
    loads: Vec<Load>,
    /// By the pod's uid.
    replicas: BTreeMap<String, Replica>,
    /// Requests given to a pod: load, and what they spent at the router.
    given: HashMap<u64, (usize, f64)>,
    next_id: u64,
    turn: u64,
    /// When the traces began to play: when every load had a pod to go to.
    started: Option<Moment>,
    now: Moment,
}

impl World {
    /// A world without pods. The traces begin when each load has a ready pod.
    pub fn new(loads: Vec<(LoadSpec, Vec<Arrival>)>) -> Self {
        Self {
            loads: loads
                .into_iter()
                .map(|(spec, arrivals)| Load::new(spec, arrivals))
                .collect(),
            replicas: BTreeMap::new(),
            given: HashMap::new(),
            next_id: 0,
            turn: 0,
            started: None,
            now: Moment::START,
        }
    }

    /// Whether the pod is known.
    pub fn knows(&self, uid: &str) -> bool {
        self.replicas.contains_key(uid)
    }

    /// All known pods.
    pub fn pods(&self) -> impl Iterator<Item = &PodView> {
        self.replicas.values().map(|replica| &replica.pod)
    }

    /// Whether the traces have begun to play.
    pub fn has_started(&self) -> bool {
        self.started.is_some()
    }

    /// A new pod, with the profile it named.
    pub fn add_pod(&mut self, now: Moment, pod: PodView, profile: &Arc<Profile>) {
        self.advance(now);
        let load = self.loads.iter().position(|load| load.selects(&pod));
        if let Some(load) = load.and_then(|index| self.loads.get_mut(index)) {
            pod.model().clone_into(&mut load.model);
        }
        self.replicas.insert(pod.uid.clone(), Replica::new(pod, profile, load));
        self.dispatch(now);
    }

    /// What is known of a pod has changed.
    pub fn update_pod(&mut self, now: Moment, pod: PodView) {
        self.advance(now);
        if let Some(replica) = self.replicas.get_mut(&pod.uid) {
            replica.pod = pod;
        }
        self.dispatch(now);
    }

    /// From now on something answers on the pod's address.
    pub fn set_listening(&mut self, now: Moment, uid: &str) {
        self.advance(now);
        if let Some(replica) = self.replicas.get_mut(uid) {
            replica.listening = true;
        }
        self.dispatch(now);
    }

    /// The pod is gone: what ran on it is cut off. The number of requests that were.
    pub fn remove_pod(&mut self, now: Moment, uid: &str) -> usize {
        self.advance(now);
        let Some(mut replica) = self.replicas.remove(uid) else {
            return 0;
        };
        let mut events = Vec::new();
        replica.abort_all(now, &mut events);
        self.hear(&events);
        events
            .iter()
            .filter(|event| matches!(event, Event::Aborted { .. }))
            .count()
    }

    /// When something happens next by itself.
    pub fn next_event(&self) -> Option<Moment> {
        let arrivals = self.started.and_then(|started| {
            let next = self.loads.iter().filter_map(|load| load.next_arrival(started));
            next.min()
        });
        let engines = self
            .replicas
            .values()
            .filter_map(|replica| replica.engine().next_event());
        engines.chain(arrivals).min()
    }

    /// Lets everything happen up to `now`, in its order. Earlier than the last call: nothing happens.
    pub fn advance(&mut self, now: Moment) {
        let mut events = Vec::new();
        while let Some(at) = self.next_event().filter(|at| *at <= now) {
            let at = at.max(self.now);
            self.now = at;
            for replica in self.replicas.values_mut() {
                if replica.engine().next_event().is_some_and(|next| next <= at) {
                    replica.advance(at, &mut events);
                }
            }
            self.hear(&events);
            events.clear();
            if let Some(started) = self.started {
                for load in &mut self.loads {
                    while load.next_arrival(started).is_some_and(|next| next <= at) {
                        load.arrive(started);
                    }
                }
            }
            self.dispatch(at);
        }
        self.now = self.now.max(now);
    }

    /// Whether all traces are over and every request has been answered.
    pub fn is_over(&self) -> bool {
        self.started.is_some()
            && self
                .loads
                .iter()
                .all(|l| l.is_played() && l.backlog.is_empty() && l.in_flight == 0)
    }

    /// Whether all traces are over.
    pub fn is_played(&self) -> bool {
        self.started.is_some() && self.loads.iter().all(Load::is_played)
    }

    /// How far a trace has come (0..=1), requests at its router and in its pods, and its ready pods; by load.
    pub fn state(&self) -> impl Iterator<Item = (&str, f64, usize, usize, usize)> {
        self.loads.iter().enumerate().map(|(index, load)| {
            let ready = self.ready(index).count();
            (
                load.spec.name.as_str(),
                load.progress(),
                load.backlog.len(),
                load.in_flight,
                ready,
            )
        })
    }

    /// What the engine of a pod says of itself; `None` = there is no such pod.
    pub fn engine_page(&mut self, now: Moment, uid: &str) -> Option<String> {
        self.advance(now);
        let replica = self.replicas.get_mut(uid)?;
        let mut events = Vec::new();
        // Up to the last step: a scrape sees what has happened, not only what has ended.
        replica.advance(now, &mut events);
        let page = replica.page();
        self.hear(&events);
        Some(page)
    }

    /// What the router says of itself.
    pub fn router_page(&mut self, now: Moment) -> String {
        self.advance(now);
        let entries: Vec<_> = self
            .loads
            .iter()
            .enumerate()
            .map(|(index, load)| self.entry(index, load))
            .collect();
        router_metrics::page(&entries)
    }

    fn entry<'a>(&'a self, index: usize, load: &'a Load) -> Entry<'a> {
        let ready: Vec<_> = self.ready(index).map(Replica::engine).collect();
        let count = ready.len().max(1) as f64;
        Entry {
            load: &load.spec.name,
            model: &load.model,
            metrics: &load.metrics,
            state: PoolState {
                queued: load.backlog.len(),
                running: load.in_flight,
                ready_endpoints: ready.len(),
                mean_waiting: ready.iter().map(|engine| engine.waiting() as f64).sum::<f64>() / count,
                mean_running: ready.iter().map(|engine| engine.running() as f64).sum::<f64>() / count,
                mean_kv_use: ready.iter().map(|engine| engine.kv_use()).sum::<f64>() / count,
            },
        }
    }

    /// What became of all requests so far.
    pub fn summary(&mut self, now: Moment) -> Summary {
        self.advance(now);
        let played_s = self.started.map_or(0.0, |started| (now - started) / 1000.0);
        Summary {
            played_s,
            loads: self.loads.iter().map(LoadSummary::of).collect(),
        }
    }

    /// Pods that new requests of a load may go to.
    fn ready(&self, load: usize) -> impl Iterator<Item = &Replica> {
        self.replicas
            .values()
            .filter(move |r| r.load == Some(load) && r.takes_requests())
    }

    /// Begins the play when it can, and gives waiting requests to ready pods.
    fn dispatch(&mut self, now: Moment) {
        if self.started.is_none() && (0..self.loads.len()).all(|load| self.ready(load).next().is_some()) {
            self.started = Some(now);
        }
        for index in 0..self.loads.len() {
            while let Some(pending) = self.next_pending(index) {
                let Some(uid) = self.choose(index) else {
                    break;
                };
                if let Some(load) = self.loads.get_mut(index) {
                    load.backlog.pop_front();
                }
                self.give(now, index, &uid, pending);
            }
            if let Some(load) = self.loads.get_mut(index) {
                load.longest_backlog = load.longest_backlog.max(load.backlog.len());
            }
        }
    }

    fn next_pending(&self, load: usize) -> Option<Pending> {
        self.loads.get(load)?.backlog.front().copied()
    }

    /// The pod that the next request of a load goes to.
    fn choose(&self, load: usize) -> Option<String> {
        let spread = self.loads.get(load)?.spec.spread;
        let rank = |replica: &&Replica| match spread {
            Spread::LeastLoaded => (replica.in_flight(), replica.last_turn),
            Spread::RoundRobin => (0, replica.last_turn),
        };
        self.ready(load).min_by_key(rank).map(|replica| replica.pod.uid.clone())
    }

    fn give(&mut self, now: Moment, load: usize, uid: &str, pending: Pending) {
        let Some(replica) = self.replicas.get_mut(uid) else {
            return;
        };
        self.turn += 1;
        self.next_id += 1;
        replica.last_turn = self.turn;
        let request = Request {
            id: self.next_id,
            prompt_tokens: pending.input_tokens,
            output_tokens: pending.output_tokens,
        };
        let mut events = Vec::new();
        let taken = replica.submit(now, request, &mut events);
        if let Some(load) = self.loads.get_mut(load) {
            if taken.is_ok() {
                load.in_flight += 1;
            } else {
                load.metrics.refused += 1;
            }
        }
        if taken.is_ok() {
            self.given.insert(request.id, (load, now - pending.at));
        }
        self.hear(&events);
    }

    /// Books what engines reported.
    fn hear(&mut self, events: &[Event]) {
        for event in events {
            match event {
                Event::FirstToken { id, ttft_ms, .. } => {
                    let Some(&(index, waited_ms)) = self.given.get(id) else {
                        continue;
                    };
                    if let Some(load) = self.loads.get_mut(index) {
                        load.metrics.first_token.observe((waited_ms + ttft_ms) / 1000.0);
                    }
                }
                Event::Finished(completion) => {
                    let Some((index, waited_ms)) = self.given.remove(&completion.id) else {
                        continue;
                    };
                    if let Some(load) = self.loads.get_mut(index) {
                        load.serve(completion, waited_ms);
                    }
                }
                Event::Aborted { id, .. } => {
                    let Some((index, _)) = self.given.remove(id) else {
                        continue;
                    };
                    if let Some(load) = self.loads.get_mut(index) {
                        load.in_flight -= 1;
                        load.metrics.cut += 1;
                    }
                }
                Event::Iterations { .. } | Event::Resumed { .. } | Event::Preempted { .. } => {}
            }
        }
    }
}

#[cfg(test)]
#[path = "world_tests.rs"]
mod tests;
