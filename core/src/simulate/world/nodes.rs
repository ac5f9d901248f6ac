//! Nodes of the simulated pools: a pod takes free accelerators, or waits for a new node, or for one that gives some back.

use std::collections::VecDeque;

use super::clock::Place;
use super::setup::{PoolSetup, Spread};
use crate::simulate::Moment;
use crate::simulate::random::Random;

/// An empty node is given back after this many seconds.
const IDLE_S: f64 = 60.0;

/// A pod's accelerators on a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lease {
    pool: usize,
    node: u64,
    accelerators: u32,
}

/// Where a pod got its accelerators.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Placement {
    /// Its pool is not simulated: a node is always free.
    Free,
    /// On this node, which can take it from then on.
    At(Lease, Moment),
    /// No room: it waits.
    Unschedulable,
}

/// A pod that waits for accelerators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Waiting {
    pub object: u32,
    pub place: Place,
    pool: usize,
    accelerators: u32,
}

#[derive(Debug)]
struct Node {
    id: u64,
    ready: Moment,
    used: u32,
    /// Since when nothing ran on it.
    empty_since: Moment,
}

#[derive(Debug)]
struct Pool {
    setup: PoolSetup,
    nodes: Vec<Node>,
    next_id: u64,
}

/// All simulated nodes.
#[derive(Debug)]
pub(super) struct Nodes {
    pools: Vec<Pool>,
    waiting: VecDeque<Waiting>,
    start: Spread,
    random: Random,
}

impl Nodes {
    pub fn new(pools: Vec<PoolSetup>, start: Spread, random: Random) -> Self {
        let pool = |setup: PoolSetup| Pool {
            nodes: (0..u64::from(setup.min_nodes))
                .map(|id| Node {
                    id,
                    ready: Moment::START,
                    used: 0,
                    empty_since: Moment::START,
                })
                .collect(),
            next_id: u64::from(setup.min_nodes),
            setup,
        };
        Self {
            pools: pools.into_iter().map(pool).collect(),
            waiting: VecDeque::new(),
            start,
            random,
        }
    }

    /// Finds accelerators in a pool for a pod. `warm` = what is there at the start needs no node start.
    pub fn place(
        &mut self,
        now: Moment,
        pool: Option<&str>,
        accelerators: u32,
        object: u32,
        place: Place,
        warm: bool,
    ) -> Placement {
        let Some(index) = pool.and_then(|name| self.pools.iter().position(|p| p.setup.name == name)) else {
            return Placement::Free;
        };
        let placed = self.find(now, index, accelerators, warm);
        if placed == Placement::Unschedulable {
            self.waiting.push_back(Waiting {
                object,
                place,
                pool: index,
                accelerators,
            });
        }
        placed
    }

    /// Gives accelerators back.
    pub fn release(&mut self, now: Moment, lease: Lease) {
        let node = self
            .pools
            .get_mut(lease.pool)
            .and_then(|pool| pool.nodes.iter_mut().find(|node| node.id == lease.node));
        if let Some(node) = node {
            node.used = node.used.saturating_sub(lease.accelerators);
            node.empty_since = now;
        }
    }

    /// Forgets a pod that waited.
    pub fn forget(&mut self, object: u32, place: Place) {
        self.waiting.retain(|w| w.object != object || w.place != place);
    }

    /// The next waiting pod that has got room.
    pub fn unblock(&mut self, now: Moment) -> Option<(Waiting, Placement)> {
        for i in 0..self.waiting.len() {
            let waiting = *self.waiting.get(i)?;
            let placed = self.find(now, waiting.pool, waiting.accelerators, false);
            if placed != Placement::Unschedulable {
                self.waiting.remove(i);
                return Some((waiting, placed));
            }
        }
        None
    }

    fn find(&mut self, now: Moment, index: usize, accelerators: u32, warm: bool) -> Placement {
        let Some(pool) = self.pools.get_mut(index) else {
            return Placement::Free;
        };
        let per_node = pool.setup.accelerators_per_node;
        let (min, max) = (pool.setup.min_nodes as usize, pool.setup.max_nodes as usize);
        while pool.nodes.len() > min {
            let idle = |n: &Node| n.used == 0 && n.ready <= now && now - n.empty_since > IDLE_S * 1000.0;
            let Some(gone) = pool.nodes.iter().position(idle) else {
                break;
            };
            pool.nodes.remove(gone);
        }
        // The fullest first, so that others become empty; of equals the one that is ready first.
        let room = pool.nodes.iter_mut().filter(|n| n.used + accelerators <= per_node);
        if let Some(node) = room.min_by_key(|n| (n.ready.max(now), u32::MAX - n.used)) {
            node.used += accelerators;
            let lease = Lease {
                pool: index,
                node: node.id,
                accelerators,
            };
            return Placement::At(lease, node.ready.max(now));
        }
        if pool.nodes.len() >= max || accelerators > per_node {
            return Placement::Unschedulable;
        }
        let delay_s = if warm { 0.0 } else { self.random.spread(self.start) };
        let ready = now + delay_s * 1000.0;
        let id = pool.next_id;
        pool.next_id += 1;
        pool.nodes.push(Node {
            id,
            ready,
            used: accelerators,
            empty_since: ready,
        });
        let lease = Lease {
            pool: index,
            node: id,
            accelerators,
        };
        Placement::At(lease, ready)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Place = Place { slot: 0, id: 0 };

    fn nodes(max_nodes: u32) -> Nodes {
        let pool = PoolSetup {
            name: "a100".into(),
            accelerators_per_node: 2,
            min_nodes: 1,
            max_nodes,
        };
        Nodes::new(vec![pool], Spread::constant(100.0), Random::new(1, 1))
    }

    fn ready(placement: Placement) -> f64 {
        match placement {
            Placement::At(_, at) => at.as_secs(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_pod_waits_for_a_node_only_when_none_has_room() {
        let mut nodes = nodes(2);
        let mut place = |s: f64| ready(nodes.place(Moment::from_secs(s), Some("a100"), 1, 0, A, false));
        assert_eq!(
            [place(0.0), place(1.0), place(2.0), place(3.0)],
            [0.0, 1.0, 102.0, 102.0]
        );
        assert_eq!(
            nodes.place(Moment::from_secs(4.0), Some("a100"), 1, 0, A, false),
            Placement::Unschedulable
        );
    }

    #[test]
    fn a_waiting_pod_gets_what_another_gives_back() {
        let mut nodes = nodes(1);
        let Placement::At(lease, _) = nodes.place(Moment::START, Some("a100"), 2, 0, A, false) else {
            panic!("no room on an empty node");
        };
        let b = Place { slot: 1, id: 1 };
        nodes.place(Moment::START, Some("a100"), 1, 0, b, false);
        assert_eq!(nodes.unblock(Moment::from_secs(5.0)), None);
        nodes.release(Moment::from_secs(9.0), lease);
        let (waiting, placed) = nodes.unblock(Moment::from_secs(9.0)).unwrap();
        assert_eq!((waiting.place, ready(placed)), (b, 9.0));
        assert_eq!(nodes.unblock(Moment::from_secs(9.0)), None);
    }

    #[test]
    fn a_node_that_stayed_empty_is_gone_and_must_start_again() {
        let mut nodes = nodes(2);
        let at = Moment::from_secs;
        nodes.place(at(0.0), Some("a100"), 2, 0, A, false);
        let Placement::At(second, _) = nodes.place(at(0.0), Some("a100"), 2, 0, A, false) else {
            panic!("no node was added");
        };
        nodes.release(at(200.0), second);
        assert!((ready(nodes.place(at(230.0), Some("a100"), 2, 0, A, false)) - 230.0).abs() < 1e-9);
        nodes.release(at(240.0), second);
        assert!((ready(nodes.place(at(301.0), Some("a100"), 2, 0, A, false)) - 401.0).abs() < 1e-9);
    }

    #[test]
    fn a_pool_that_is_not_simulated_has_room_at_once() {
        assert_eq!(
            nodes(0).place(Moment::START, Some("h100"), 9, 0, A, false),
            Placement::Free
        );
        assert_eq!(nodes(0).place(Moment::START, None, 9, 0, A, false), Placement::Free);
    }
}
