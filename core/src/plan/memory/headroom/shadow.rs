//! What each guess would have bought and missed, had it been in charge: the object's own history, replayed as it comes,
//! through its real lead time and hold. No replica is moved; it is arithmetic.

use super::super::fluid::Fluid;
use super::heads::HEADS;
use super::prior::{COST, MISSED};

/// Half of what was seen is forgotten in this many buckets (two days of 15 s).
const HALF_LIFE: f64 = 11_520.0;
/// The prior weighs as much as this many buckets of average traffic (four hours of 15 s).
const PRIOR_BUCKETS: f64 = 1000.0;
/// Sums of one object, each in units of requests/s times buckets.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Shadow {
    /// Replicas that each guess would want, newest last, over the hold.
    wanted: Vec<[u16; HEADS]>,
    /// Replicas that each guess would have ordered, newest last, over the lead time.
    ordered: Vec<[u16; HEADS]>,
    fluids: [Fluid; HEADS],
    missed: [f32; HEADS],
    bought: [f32; HEADS],
    demand: f32,
}

/// The object at one closed bucket.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scene {
    /// Demand, in requests/s.
    pub rate: f64,
    /// What one replica carries, in requests/s.
    pub capacity: f64,
    /// Width of the bucket in seconds.
    pub grid_s: f64,
    /// How long a request may wait, in seconds.
    pub patience_s: f64,
    /// Buckets from an order until it serves.
    pub lead: usize,
    /// Buckets that need must stay low before a replica is given back.
    pub hold: usize,
}

impl Shadow {
    /// Lets every guess live through one bucket, and order by `guesses` at its end.
    pub fn absorb(&mut self, scene: Scene, guesses: &[f64; HEADS]) {
        let Scene { rate, capacity, .. } = scene;
        let keep = 0.5_f64.powf(1.0 / HALF_LIFE);
        self.demand = (f64::from(self.demand) * keep + rate) as f32;
        let carried = self.carried(scene);
        let paid = self.ordered.last().copied();
        for head in 0..HEADS {
            let carried = carried.get(head).copied().unwrap_or(f64::INFINITY);
            let missed = self
                .fluids
                .get_mut(head)
                .map_or(0.0, |fluid| fluid.miss(rate, carried, scene.grid_s, scene.patience_s));
            let replicas = paid.and_then(|orders| orders.get(head).copied());
            if let (Some(sum), Some(bought)) = (self.missed.get_mut(head), self.bought.get_mut(head)) {
                *sum = (f64::from(*sum) * keep + missed) as f32;
                *bought = (f64::from(*bought) * keep + replicas.map_or(rate, |n| f64::from(n) * capacity)) as f32;
            }
        }
        let wanted = guesses.map(|guess| (guess / capacity - 1e-9).ceil().clamp(1.0, f64::from(u16::MAX)) as u16);
        push(&mut self.wanted, wanted, scene.hold.max(1));
        let mut ordered = wanted;
        for past in &self.wanted {
            for (most, one) in ordered.iter_mut().zip(past) {
                *most = (*most).max(*one);
            }
        }
        push(&mut self.ordered, ordered, scene.lead + 1);
    }

    /// What each guess has ready now, in requests/s: an order serves after the lead time, a replica that was given back
    /// serves no more. Endless as long as nothing was ordered.
    fn carried(&self, scene: Scene) -> [f64; HEADS] {
        let since = self.ordered.len().saturating_sub(scene.lead + 1);
        let mut carried = [f64::INFINITY; HEADS];
        for orders in self.ordered.get(since..).unwrap_or_default() {
            for (carried, n) in carried.iter_mut().zip(orders) {
                *carried = carried.min(f64::from(*n) * scene.capacity);
            }
        }
        carried
    }

    /// The share of the requests that each guess misses; `mean` is the object's mean demand in requests/s.
    pub fn missed(&self, mean: f64) -> [f64; HEADS] {
        let mut least = f64::INFINITY;
        let mut shares = MISSED;
        for (share, missed) in shares.iter_mut().zip(self.missed) {
            *share = self.mixed(f64::from(missed), *share, mean);
            least = least.min(*share);
            *share = least;
        }
        shares
    }

    /// What each guess costs: bought capacity over demand.
    pub fn cost(&self, mean: f64) -> [f64; HEADS] {
        let mut costs = COST;
        for (cost, bought) in costs.iter_mut().zip(self.bought) {
            *cost = self.mixed(f64::from(bought), *cost, mean);
        }
        costs
    }

    /// What was seen and the prior, each by its weight.
    fn mixed(&self, seen: f64, prior: f64, mean: f64) -> f64 {
        let weight = PRIOR_BUCKETS * mean;
        (seen + weight * prior) / (f64::from(self.demand) + weight)
    }

    /// What it holds outside of itself.
    #[cfg(test)]
    pub fn heap_bytes(&self) -> usize {
        (self.wanted.capacity() + self.ordered.capacity()) * size_of::<[u16; HEADS]>()
    }
}

/// Appends `item` and keeps the newest `most`.
pub(super) fn push<T>(ring: &mut Vec<T>, item: T, most: usize) {
    if ring.len() >= most {
        ring.drain(..=ring.len() - most);
    }
    ring.reserve_exact(1);
    ring.push(item);
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALM: Scene = Scene {
        rate: 10.0,
        capacity: 2.0,
        grid_s: 15.0,
        patience_s: 2.0,
        lead: 2,
        hold: 3,
    };

    /// Guesses that rise from 10 by 1.
    fn guesses() -> [f64; HEADS] {
        std::array::from_fn(|head| 10.0 + head as f64)
    }

    fn shadow(rates: &[f64]) -> Shadow {
        let mut shadow = Shadow::default();
        for rate in rates {
            shadow.absorb(Scene { rate: *rate, ..CALM }, &guesses());
        }
        shadow
    }

    #[test]
    fn who_buys_enough_misses_nothing_and_pays_for_it() {
        let shadow = shadow(&vec![10.0; 6000]);
        let (missed, cost) = (shadow.missed(10.0), shadow.cost(10.0));
        // Ten requests/s need five replicas of two: 1 % misses there. Twenty are the strictest guess: ten replicas.
        assert!(missed[10] < 0.001 && missed[0] > 0.01, "{missed:?}");
        assert!((cost[10] - 2.0).abs() < 0.05 && cost[0] < 1.01, "{cost:?}");
    }

    #[test]
    fn an_order_serves_only_after_the_lead_time() {
        let mut shadow = Shadow::default();
        for _ in 0..5 {
            shadow.absorb(CALM, &[10.0; HEADS]);
        }
        let missed: Vec<f32> = (0..8)
            .map(|_| {
                let before = shadow.missed[0];
                shadow.absorb(Scene { rate: 12.0, ..CALM }, &[20.0; HEADS]);
                shadow.missed[0] - before
            })
            .collect();
        // Twelve at a fleet for ten: a third misses, until the order of the first of these buckets serves.
        assert!(
            missed[..3].iter().all(|m| *m > 3.0) && missed[3..].iter().all(|m| *m < 0.1),
            "{missed:?}"
        );
    }

    #[test]
    fn a_ring_keeps_the_newest() {
        let mut ring = Vec::new();
        for i in 0..10 {
            push(&mut ring, i, 3);
        }
        assert_eq!((ring.as_slice(), ring.capacity()), (&[7, 8, 9][..], 3));
    }
}
