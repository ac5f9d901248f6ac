//! One object of a world: its desk, router, replicas and metrics, and who scales it.

use std::collections::VecDeque;

use super::clock::{Clock, Due, Place};
use super::desk::{Desk, Ticket};
use super::outcome::{Minute, ObjectOutcome, Totals};
use super::record::Recorder;
use super::replica::Replica;
use super::router::Router;
use super::setup::{ObjectSetup, Rules};
use crate::performance::{EngineLimits, Workload, capacity};
use crate::simulate::Moment;
use crate::simulate::load::{Arrival, Load, PastBucket};
use crate::simulate::policy::{Beginning, Order, PodState, Policy, Scrape, Scrapes, VariantState, View};
use crate::simulate::random::Random;
use crate::simulate::score::{Bill, Limits, Rate, Tally};
use crate::snapshot::{ObjectKey, ObjectSnapshot, Phase, Target, TargetState};

/// An object at work.
pub(super) struct Object {
    pub index: u32,
    pub key: ObjectKey,
    /// The manifest, with what is ordered in its targets.
    pub spec: ObjectSnapshot,
    pub rules: Rules,
    load: Load,
    next: Option<Arrival>,
    holes: Vec<(Moment, Moment)>,
    policy: Box<dyn Policy>,
    pub desk: Desk,
    pub router: Router,
    pub replicas: Vec<Option<Replica>>,
    pub free: Vec<u32>,
    /// Places of the replicas that take requests.
    pub ready: Vec<u32>,
    pub next_id: u32,
    bill: Bill,
    rate: Rate,
    scrapes: Scrapes,
    pending: VecDeque<Scrape>,
    spare: Vec<Scrape>,
    loss: Random,
    pods: Vec<PodState>,
    variants: Vec<VariantState>,
}

impl Object {
    pub fn new(index: u32, setup: ObjectSetup, rules: Rules) -> Self {
        let ttft_ms = limit_ms(&setup.spec, Target::TimeToFirstToken);
        let limits = Limits {
            ttft_ms,
            tpot_ms: limit_ms(&setup.spec, Target::TimePerOutputToken),
        };
        let weights = weights(&setup.spec, &setup.history, rules.engine);
        let recorder = rules.timeline.then(|| Recorder::new(limits));
        let mut policy = setup.policy;
        policy.begin(&Beginning {
            key: &setup.key,
            object: &setup.spec,
            timing: rules.timing,
            history: &setup.history,
            engine: rules.engine,
        });
        Self {
            index,
            key: setup.key,
            rules,
            load: setup.load,
            next: None,
            holes: setup.holes,
            policy,
            desk: Desk::new(Tally::new(limits), rules.warmup, recorder),
            router: Router::new(rules.balancing, rules.queue, ttft_ms, weights),
            replicas: Vec::new(),
            free: Vec::new(),
            ready: Vec::new(),
            next_id: 0,
            bill: Bill::new(rules.warmup, rules.end),
            rate: Rate::default(),
            scrapes: Scrapes::default(),
            pending: VecDeque::new(),
            spare: Vec::new(),
            loss: Random::new(rules.seed, 0x5C00_0000 + u64::from(index)),
            pods: Vec::new(),
            variants: vec![VariantState::default(); setup.spec.variants.len()],
            spec: setup.spec,
        }
    }

    /// Puts everything that comes by itself on the clock.
    pub fn begin(&mut self, clock: &mut Clock) {
        self.pull(clock);
        clock.schedule(Moment::START, self.index, Due::Scrape);
        clock.schedule(Moment::from_secs(self.period_s()), self.index, Due::Decide);
        clock.schedule(Moment::from_secs(1.0), self.index, Due::Second);
        if self.rules.timeline {
            clock.schedule(Moment::from_secs(60.0), self.index, Due::Minute);
        }
    }

    pub fn period_s(&self) -> f64 {
        self.policy.period_s().max(0.1)
    }

    fn pull(&mut self, clock: &mut Clock) {
        self.next = self.load.next().filter(|a| a.at < self.rules.end);
        if let Some(arrival) = &self.next {
            clock.schedule(arrival.at, self.index, Due::Arrival);
        }
    }

    /// The next request of the load comes in.
    pub fn arrive(&mut self, now: Moment, clock: &mut Clock) {
        let Some(arrival) = self.next.take() else {
            return;
        };
        let ticket = self.desk.admit(Arrival { at: now, ..arrival });
        self.pull(clock);
        if self.router.holds() || self.ready.is_empty() {
            self.router.push(ticket);
            self.dispatch(now, clock);
        } else if let Some(slot) = self.router.pick(&self.ready, &mut self.replicas) {
            self.hand(now, ticket, slot, clock);
        }
    }

    /// Hands on what waits at the router, as far as there is somebody to take it.
    pub fn dispatch(&mut self, now: Moment, clock: &mut Clock) {
        self.router.sort_out(now, &mut self.desk);
        while self.router.queued() > 0 {
            let Some(slot) = self.router.pick(&self.ready, &mut self.replicas) else {
                return;
            };
            let Some(ticket) = self.router.pop(now, &mut self.desk) else {
                return;
            };
            self.hand(now, ticket, slot, clock);
        }
    }

    fn hand(&mut self, now: Moment, ticket: Ticket, slot: u32, clock: &mut Clock) {
        let Some(replica) = self.replicas.get_mut(slot as usize).and_then(Option::as_mut) else {
            return;
        };
        replica.touch(now);
        let Replica { engine, meters, .. } = replica;
        let taken = engine.submit(now, self.desk.request(ticket), &mut |event| {
            self.desk.hear(event, meters)
        });
        if taken.is_ok() {
            replica.meters.in_flight += 1;
            replica.meters.arrived += 1;
        } else {
            self.desk.reject(now, ticket);
        }
        self.sleep(slot, clock);
    }

    /// Tells the clock when the engine of `slot` is due next, where that has changed.
    fn sleep(&mut self, slot: u32, clock: &mut Clock) {
        if let Some(replica) = self.replicas.get_mut(slot as usize).and_then(Option::as_mut) {
            let next = replica.engine.next_event();
            if next != replica.wake {
                replica.wake = next;
                if let Some(at) = next {
                    clock.schedule(at, self.index, Due::Wake(replica.place(slot)));
                }
            }
        }
    }

    /// The replica of a place, if it still is the same one.
    pub fn at(&mut self, place: Place) -> Option<&mut Replica> {
        let replica = self.replicas.get_mut(place.slot as usize)?.as_mut()?;
        (replica.id == place.id).then_some(replica)
    }

    /// An engine's batch changes. Whether a draining replica has become empty with it.
    pub fn wake(&mut self, now: Moment, place: Place, clock: &mut Clock) -> bool {
        let Some(replica) = self.at(place).filter(|replica| replica.wake == Some(now)) else {
            return false;
        };
        let draining = replica.phase == Phase::Draining;
        self.advance(now, place.slot);
        self.sleep(place.slot, clock);
        if self.router.queued() > 0 {
            self.dispatch(now, clock);
        }
        draining && self.at(place).is_some_and(|replica| replica.meters.in_flight == 0)
    }

    /// Lets happen what has happened in an engine by now.
    pub fn advance(&mut self, now: Moment, slot: u32) {
        if let Some(replica) = self.replicas.get_mut(slot as usize).and_then(Option::as_mut) {
            replica.touch(now);
            let Replica { engine, meters, .. } = replica;
            engine.advance(now, &mut |event| self.desk.hear(event, meters));
        }
    }

    /// Books what was paid for up to now; from now on it is `change` more.
    pub fn pay(&mut self, now: Moment, change: Rate) {
        self.bill.advance(now, self.rate);
        self.rate.accelerators += change.accelerators;
        self.rate.usd_per_hour += change.usd_per_hour;
        self.rate.ready += change.ready;
    }

    /// What one replica of a variant costs while it exists.
    pub fn rate_of(&self, variant: usize) -> Rate {
        let Some(variant) = self.spec.variants.get(variant) else {
            return Rate::default();
        };
        Rate {
            accelerators: f64::from(variant.accelerators),
            usd_per_hour: variant.replica_price().map_or(0.0, |price| price.get()),
            ready: 0.0,
        }
    }

    /// Reads the metrics of everybody, unless they are lost.
    pub fn scrape(&mut self, now: Moment, clock: &mut Clock) {
        let setup = self.rules.scrape;
        // Once at the start, then half an interval before the grid: on average that is how old the newest sample is.
        let intervals = if now == Moment::START { 0.5 } else { 1.0 };
        let next = now + 1000.0 * intervals * setup.interval_s.max(0.1);
        clock.schedule(next, self.index, Due::Scrape);
        self.router.sort_out(now, &mut self.desk);
        if self.holes.iter().any(|(from, to)| *from <= now && now < *to) {
            return;
        }
        let mut round = self.spare.pop().unwrap_or_default();
        round.pods.clear();
        round.at = now;
        let queued = self.router.queued() as u32;
        round.router = (!self.loss.chance(setup.loss)).then(|| self.desk.scrape(now, queued));
        for slot in 0..self.replicas.len() as u32 {
            let serves = |r: &Replica| matches!(r.phase, Phase::Ready | Phase::Draining);
            let replica = self.replicas.get(slot as usize).and_then(Option::as_ref);
            if !replica.is_some_and(serves) || self.loss.chance(setup.loss) {
                continue;
            }
            self.advance(now, slot);
            if let Some(replica) = self.replicas.get_mut(slot as usize).and_then(Option::as_mut) {
                round.pods.push(replica.scrape(now));
            }
        }
        round.pods.sort_unstable_by_key(|pod| pod.id);
        self.pending.push_back(round);
        clock.schedule(now + 1000.0 * setup.delay_s.max(0.0), self.index, Due::Visible);
    }

    /// What was scraped first of what is under way can be queried from now on.
    pub fn see(&mut self) {
        if let Some(round) = self.pending.pop_front() {
            self.spare.extend(self.scrapes.push(round));
        }
    }

    /// Asks the policy.
    pub fn decide(&mut self, now: Moment) -> Order {
        self.pods.clear();
        self.pods.extend(self.replicas.iter().flatten().map(Replica::state));
        self.pods.sort_unstable_by_key(|pod| pod.id);
        for (i, state) in self.variants.iter_mut().enumerate() {
            let count = |phases: &[Phase]| {
                let pods = self.pods.iter().filter(|p| p.variant == i);
                pods.filter(|p| phases.contains(&p.phase)).count() as u32
            };
            *state = VariantState {
                ordered: self.spec.variants.get(i).and_then(|v| v.ordered()).unwrap_or(0),
                ready: count(&[Phase::Ready]),
                starting: count(&[Phase::Starting, Phase::Unschedulable]),
                draining: count(&[Phase::Draining]),
            };
        }
        self.policy.decide(&View {
            now,
            key: &self.key,
            object: &self.spec,
            timing: self.rules.timing,
            variants: &self.variants,
            pods: &self.pods,
            scrapes: &self.scrapes,
            live: &self.desk.live,
        })
    }

    /// Replicas by variant that are ordered.
    pub fn ordered(&self) -> Vec<u32> {
        self.spec.variants.iter().map(|v| v.ordered().unwrap_or(0)).collect()
    }

    /// Writes what is ordered.
    pub fn set_ordered(&mut self, variant: usize, replicas: u32) {
        if let Some(variant) = self.spec.variants.get_mut(variant) {
            variant.target = TargetState::Found { replicas };
        }
    }

    pub fn minute(&mut self, now: Moment) {
        let count = |phases: &[Phase]| {
            let replicas = self.replicas.iter().flatten();
            replicas.filter(|r| phases.contains(&r.phase)).count() as u32
        };
        let phases = [
            count(&[Phase::Ready]),
            count(&[Phase::Starting, Phase::Unschedulable]),
            count(&[Phase::Draining]),
        ];
        let state = Minute::ending(now, phases, self.router.queued() as u32);
        let arrived = self.desk.totals.arrived;
        if let Some(recorder) = &mut self.desk.recorder {
            recorder.minute(state, arrived);
        }
    }

    /// Closes the books.
    pub fn into_outcome(mut self) -> ObjectOutcome {
        self.pay(self.rules.end, Rate::default());
        self.desk.give_up();
        let engines = self.replicas.iter().flatten().map(|r| &r.engine);
        let running: usize = engines.map(|e| e.running() + e.waiting()).sum();
        ObjectOutcome {
            key: self.key,
            score: self.desk.tally.score(&self.bill),
            totals: Totals {
                in_flight: (running + self.router.queued()) as u64,
                ..self.desk.totals
            },
            timeline: self.desk.recorder.map(Recorder::into_timeline),
        }
    }
}

fn limit_ms(spec: &ObjectSnapshot, target: Target) -> Option<f64> {
    spec.objectives.limit(target).map(|limit| limit.as_millis() as f64)
}

/// The limits of the engines of a variant.
pub(super) fn engine_limits(max_sequences: Option<u32>, engine: EngineLimits) -> EngineLimits {
    EngineLimits {
        max_sequences: max_sequences.unwrap_or(engine.max_sequences),
        ..engine
    }
    .sound()
}

/// What one replica of each variant carries at the mean request of the history (of a chat, without one).
fn weights(spec: &ObjectSnapshot, history: &[PastBucket], engine: EngineLimits) -> Vec<f64> {
    let requests: f64 = history.iter().map(|b| b.rate * b.coverage).sum();
    let mean = |tokens: fn(&PastBucket) -> f64, otherwise: f64| {
        let sum: f64 = history.iter().map(|b| b.rate * b.coverage * tokens(b)).sum();
        if requests > 0.0 { sum / requests } else { otherwise }
    };
    let workload = Workload {
        prompt_tokens: mean(|b| b.prompt_tokens, 1000.0),
        output_tokens: mean(|b| b.output_tokens, 200.0),
    };
    let carried = spec.variants.iter().map(|variant| {
        let limits = engine_limits(variant.max_sequences, engine);
        variant.profile.as_ref().map_or(1.0, |profile| {
            capacity(profile, workload, &spec.objectives, limits).requests_per_second
        })
    });
    carried.collect()
}
