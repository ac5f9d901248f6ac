//! Replicas that come and go: orders, starts that may fail, drains, lost nodes.

use super::clock::{Clock, Due, Place};
use super::nodes::{Nodes, Placement};
use super::object::{Object, engine_limits};
use super::outcome::Mark;
use super::replica::{Meters, Replica};
use crate::simulate::Moment;
use crate::simulate::engine::Engine;
use crate::simulate::policy::Order;
use crate::simulate::random::Random;
use crate::simulate::score::Rate;
use crate::snapshot::{ObjectSnapshot, Phase};

/// How long the replicas of the start have served already, in seconds.
const SETTLED_S: f64 = 3600.0;

/// What an order becomes within the bounds of the spec: each variant's own first, then the total, where the last
/// variants give and the first ones take.
pub(super) fn clamp(spec: &ObjectSnapshot, current: &[u32], order: &[u32]) -> Vec<u32> {
    let mut replicas: Vec<u32> = spec
        .variants
        .iter()
        .enumerate()
        .map(|(i, variant)| {
            let wanted = order.get(i).or_else(|| current.get(i)).copied().unwrap_or(0);
            variant.replicas.clamp(wanted)
        })
        .collect();
    let total: u32 = replicas.iter().sum();
    let mut excess = total.saturating_sub(spec.replicas.clamp(total));
    for (n, variant) in replicas.iter_mut().zip(&spec.variants).rev() {
        let given = excess.min(n.saturating_sub(variant.replicas.min));
        *n -= given;
        excess -= given;
    }
    let mut lacking = spec.replicas.clamp(total).saturating_sub(total);
    for (n, variant) in replicas.iter_mut().zip(&spec.variants) {
        let taken = lacking.min(variant.replicas.max.saturating_sub(*n));
        *n += taken;
        lacking -= taken;
    }
    replicas
}

impl Object {
    /// The replicas that serve at the start.
    pub fn settle(&mut self, initial: &[u32], clock: &mut Clock, nodes: &mut Nodes) {
        for (variant, n) in clamp(&self.spec, &[], initial).into_iter().enumerate() {
            self.set_ordered(variant, n);
            for _ in 0..n {
                let Some(place) = self.create(Moment::START, variant) else {
                    continue;
                };
                let spec = self.spec.variants.get(variant);
                let pool = spec.and_then(|v| v.pool.as_deref());
                let accelerators = spec.map_or(0, |v| v.accelerators);
                let placed = nodes.place(Moment::START, pool, accelerators, self.index, place, true);
                let start_ms = 1000.0 * self.luck(place.id).spread(self.rules.pod_start);
                if let Some(replica) = self.at(place) {
                    if let Placement::At(lease, _) = placed {
                        replica.lease = Some(lease);
                    }
                    let since = Moment::from_secs(-SETTLED_S);
                    replica.created = since + -start_ms;
                    self.serve(Moment::START, since, place, clock);
                }
            }
        }
    }

    /// Does what a policy wants.
    pub fn obey(&mut self, now: Moment, order: Order, clock: &mut Clock, nodes: &mut Nodes) {
        let before = self.ordered();
        let after = clamp(&self.spec, &before, &order.replicas);
        if before == after {
            return;
        }
        if now >= self.rules.warmup {
            self.desk.tally.changed();
        }
        // First what is given back: it makes room on the nodes.
        for (variant, (from, to)) in before.iter().zip(&after).enumerate() {
            self.set_ordered(variant, *to);
            for _ in *to..*from {
                self.stop_one(now, variant, clock, nodes);
            }
        }
        for (variant, (from, to)) in before.iter().zip(&after).enumerate() {
            for _ in *from..*to {
                self.start_one(now, variant, clock, nodes);
            }
        }
        if let Some(recorder) = &mut self.desk.recorder {
            recorder.mark(Mark {
                at: now,
                before,
                after,
                why: order.why,
            });
        }
    }

    /// A pod that exists and is paid for; nothing has started in it.
    fn create(&mut self, now: Moment, variant: usize) -> Option<Place> {
        let spec = self.spec.variants.get(variant)?;
        let limits = engine_limits(spec.max_sequences, self.rules.engine);
        let engine = Engine::new(spec.profile.as_deref()?, limits);
        let id = self.next_id;
        self.next_id += 1;
        let replica = Replica {
            id,
            variant,
            phase: Phase::Starting,
            created: now,
            ready_since: None,
            lease: None,
            engine,
            meters: Meters::default(),
            wake: None,
            credit: 0.0,
            sequences: limits.max_sequences,
        };
        let slot = self.free.pop().unwrap_or_else(|| {
            self.replicas.push(None);
            (self.replicas.len() - 1) as u32
        });
        if let Some(empty) = self.replicas.get_mut(slot as usize) {
            *empty = Some(replica);
        }
        self.pay(now, self.rate_of(variant));
        Some(Place { slot, id })
    }

    /// The draws of one pod, by its own number: they do not depend on the others.
    fn luck(&self, id: u32) -> Random {
        Random::new(self.rules.seed, ((u64::from(self.index) + 1) << 32) | u64::from(id))
    }

    fn start_one(&mut self, now: Moment, variant: usize, clock: &mut Clock, nodes: &mut Nodes) {
        let Some(place) = self.create(now, variant) else {
            return;
        };
        if now >= self.rules.warmup {
            self.desk.tally.started();
        }
        let spec = self.spec.variants.get(variant);
        let pool = spec.and_then(|v| v.pool.as_deref());
        let accelerators = spec.map_or(0, |v| v.accelerators);
        let placed = nodes.place(now, pool, accelerators, self.index, place, false);
        self.placed(now, place, placed, clock);
    }

    /// A pod has got its node, or not.
    pub fn placed(&mut self, now: Moment, place: Place, placement: Placement, clock: &mut Clock) {
        let Some(replica) = self.at(place) else {
            return;
        };
        let from = match placement {
            Placement::Free => now,
            Placement::At(lease, from) => {
                replica.lease = Some(lease);
                from
            }
            Placement::Unschedulable => {
                replica.phase = Phase::Unschedulable;
                return;
            }
        };
        replica.phase = Phase::Starting;
        self.schedule_start(from, place, clock);
    }

    /// Draws when the pod will be ready that can start from an instant on.
    fn schedule_start(&mut self, from: Moment, place: Place, clock: &mut Clock) {
        let mut random = self.luck(place.id);
        let mut at = from;
        // A failed start lasts as long as one that succeeds: it is the end that fails.
        for _ in 0..ATTEMPTS {
            at = at + 1000.0 * random.spread(self.rules.pod_start);
            if !random.chance(self.rules.start_failure) {
                break;
            }
        }
        clock.schedule(at, self.index, Due::Started(place));
    }

    /// A start is over.
    pub fn started(&mut self, now: Moment, place: Place, clock: &mut Clock) {
        if self.at(place).is_some_and(|r| r.phase == Phase::Starting) {
            self.serve(now, now, place, clock);
            self.dispatch(now, clock);
        }
    }

    fn serve(&mut self, now: Moment, since: Moment, place: Place, clock: &mut Clock) {
        if let Some(replica) = self.at(place) {
            replica.phase = Phase::Ready;
            replica.ready_since = Some(since);
            replica.count_from(now);
            self.ready.push(place.slot);
            self.pay(now, READY);
            if self.rules.reclaims_per_hour > 0.0 {
                let stream = 0x7EC1_0000_0000_0000 | (u64::from(self.index) << 32) | u64::from(place.id);
                let hours = Random::new(self.rules.seed, stream).exponential() / self.rules.reclaims_per_hour;
                clock.schedule(now + hours * 3_600_000.0, self.index, Due::Reclaimed(place));
            }
        }
    }

    /// Takes one replica of a variant away: the youngest that has not started, else the one with the least to do.
    fn stop_one(&mut self, now: Moment, variant: usize, clock: &mut Clock, nodes: &mut Nodes) {
        let candidates = self.replicas.iter().enumerate().filter_map(|(slot, replica)| {
            let replica = replica.as_ref().filter(|r| r.variant == variant)?;
            let rank = match replica.phase {
                Phase::Unschedulable => 0,
                Phase::Starting => 1,
                Phase::Ready => 2 + u64::from(replica.meters.in_flight),
                Phase::Draining => return None,
            };
            Some((rank, u32::MAX - replica.id, replica.place(slot as u32)))
        });
        let Some((_, _, place)) = candidates.min_by_key(|&(rank, youth, _)| (rank, youth)) else {
            return;
        };
        if self.ready.contains(&place.slot) {
            self.drain(now, place, clock, nodes);
        } else {
            nodes.forget(self.index, place);
            self.remove(now, place, nodes);
        }
    }

    fn drain(&mut self, now: Moment, place: Place, clock: &mut Clock, nodes: &mut Nodes) {
        self.ready.retain(|slot| *slot != place.slot);
        self.pay(
            now,
            Rate {
                ready: -READY.ready,
                ..READY
            },
        );
        let Some(replica) = self.at(place) else {
            return;
        };
        replica.phase = Phase::Draining;
        if replica.meters.in_flight == 0 {
            self.remove(now, place, nodes);
        } else {
            clock.schedule(now + 1000.0 * self.rules.drain_s, self.index, Due::DrainOver(place));
        }
    }

    /// A drain has taken as long as it may: what is left is cut off.
    pub fn kill(&mut self, now: Moment, place: Place, nodes: &mut Nodes) {
        if let Some(replica) = self.at(place) {
            replica.touch(now);
        }
        if let Some(Replica { engine, meters, id, .. }) =
            self.replicas.get_mut(place.slot as usize).and_then(Option::as_mut)
            && *id == place.id
        {
            engine.abort_all(now, &mut |event| self.desk.hear(event, meters));
            self.remove(now, place, nodes);
        }
    }

    /// A serving replica loses its node: it drains, and the Deployment makes another one.
    pub fn reclaimed(&mut self, now: Moment, place: Place, clock: &mut Clock, nodes: &mut Nodes) {
        let ready = self.at(place).filter(|r| r.phase == Phase::Ready);
        if let Some(variant) = ready.map(|r| r.variant) {
            self.drain(now, place, clock, nodes);
            self.start_one(now, variant, clock, nodes);
        }
    }

    /// The replica is gone, and paid for up to now.
    pub fn remove(&mut self, now: Moment, place: Place, nodes: &mut Nodes) {
        if self.at(place).is_none() {
            return;
        }
        let gone = self.replicas.get_mut(place.slot as usize).and_then(Option::take);
        if let Some(replica) = gone {
            self.free.push(place.slot);
            let rate = self.rate_of(replica.variant);
            self.pay(
                now,
                Rate {
                    accelerators: -rate.accelerators,
                    usd_per_hour: -rate.usd_per_hour,
                    ready: 0.0,
                },
            );
            if let Some(lease) = replica.lease {
                nodes.release(now, lease);
            }
        }
    }
}

/// More failed starts in a row than this do not happen.
const ATTEMPTS: u64 = 100;

/// One replica that serves, on the bill.
const READY: Rate = Rate {
    accelerators: 0.0,
    usd_per_hour: 0.0,
    ready: 1.0,
};
