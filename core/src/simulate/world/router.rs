//! Which request goes on next, and to which replica.

use std::collections::VecDeque;

use super::desk::{Desk, Ticket};
use super::replica::Replica;
use super::setup::{Balancing, Queue};
use crate::simulate::Moment;

/// A request that has waited for this share of its target is late: what is left is not enough for its prompt.
const LATE_SHARE: f64 = 0.8;

/// The router of one object.
#[derive(Debug)]
pub(super) struct Router {
    balancing: Balancing,
    queue: Queue,
    /// After how many milliseconds a request is late; `None` = never.
    late_after: Option<f64>,
    /// What one replica of each variant carries, for weighted turns.
    weights: Vec<f64>,
    waiting: VecDeque<Ticket>,
    late: VecDeque<Ticket>,
    turn: usize,
}

impl Router {
    pub fn new(balancing: Balancing, queue: Queue, ttft_limit_ms: Option<f64>, weights: Vec<f64>) -> Self {
        Self {
            balancing,
            queue,
            late_after: ttft_limit_ms.map(|ms| ms * LATE_SHARE),
            weights,
            waiting: VecDeque::new(),
            late: VecDeque::new(),
            turn: 0,
        }
    }

    /// Requests that wait here.
    pub fn queued(&self) -> usize {
        self.waiting.len() + self.late.len()
    }

    /// Whether requests wait here until an engine has room, rather than in the engines.
    pub fn holds(&self) -> bool {
        self.queue != Queue::Fifo
    }

    pub fn push(&mut self, ticket: Ticket) {
        self.waiting.push_back(ticket);
    }

    /// The request that goes on next: of those that can still be in time the oldest, then the late ones.
    pub fn pop(&mut self, now: Moment, desk: &mut Desk) -> Option<Ticket> {
        self.sort_out(now, desk);
        self.waiting.pop_front().or_else(|| self.late.pop_front())
    }

    /// Puts those that have become late aside, or turns them away.
    pub fn sort_out(&mut self, now: Moment, desk: &mut Desk) {
        let Some(limit) = self.late_after.filter(|_| self.holds()) else {
            return;
        };
        while let Some(&oldest) = self.waiting.front() {
            if now - desk.arrived(oldest) <= limit {
                break;
            }
            self.waiting.pop_front();
            if self.queue == Queue::Reject {
                desk.reject(now, oldest);
            } else {
                self.late.push_back(oldest);
            }
        }
    }

    /// The replica whose turn it is, among the ready ones (with room, where the router holds requests back).
    pub fn pick(&mut self, ready: &[u32], replicas: &mut [Option<Replica>]) -> Option<u32> {
        let n = ready.len();
        if n == 0 {
            return None;
        }
        let holds = self.holds();
        let open = |slot: u32, replicas: &[Option<Replica>]| {
            let replica = replicas.get(slot as usize).and_then(Option::as_ref)?;
            (!holds || replica.has_room()).then_some(replica.meters.in_flight)
        };
        let from = self.turn % n;
        let order = (from..n).chain(0..from);
        let mut slots = order.filter_map(|i| Some((i, *ready.get(i)?)));
        let chosen = match self.balancing {
            Balancing::Equal => slots.find(|&(_, slot)| open(slot, replicas).is_some()),
            Balancing::LeastLoaded => {
                let loads = slots.filter_map(|(i, slot)| Some((open(slot, replicas)?, i, slot)));
                loads
                    .min_by_key(|(in_flight, ..)| *in_flight)
                    .map(|(_, i, slot)| (i, slot))
            }
            Balancing::Weighted => {
                let open: Vec<(usize, u32)> = slots.filter(|&(_, slot)| open(slot, replicas).is_some()).collect();
                return self.weighted(&open, replicas);
            }
        };
        let (i, slot) = chosen?;
        self.turn = (i + 1) % n;
        Some(slot)
    }

    /// Smooth weighted turns: everybody earns its weight, the richest serves and pays for all.
    fn weighted(&self, open: &[(usize, u32)], replicas: &mut [Option<Replica>]) -> Option<u32> {
        let mut sum = 0.0;
        let mut richest: Option<(f64, u32)> = None;
        for &(_, slot) in open {
            let Some(replica) = replicas.get_mut(slot as usize).and_then(Option::as_mut) else {
                continue;
            };
            let weight = self.weights.get(replica.variant).copied().unwrap_or(1.0).max(1e-6);
            replica.credit += weight;
            sum += weight;
            if richest.is_none_or(|(credit, _)| replica.credit > credit) {
                richest = Some((replica.credit, slot));
            }
        }
        let (_, slot) = richest?;
        replicas.get_mut(slot as usize)?.as_mut()?.credit -= sum;
        Some(slot)
    }
}
