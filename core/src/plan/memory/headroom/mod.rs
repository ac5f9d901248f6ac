//! What demand to be ready for by the time that a replica ordered now serves, learned from the object's own surprises.
//!
//! [`features`] say what the recent past looks like, [`heads`] turn them into eleven guesses from lax to strict,
//! [`shadow`] keeps score of what each guess would have bought and missed, and [`choice`] follows the laxest one that
//! keeps the objective; an integral controller makes it stricter when real requests are missed all the same. Streaming:
//! a few kilobytes an object, the same work for each bucket, no replay.

mod choice;
mod day;
mod features;
mod heads;
mod prior;
mod shadow;

use self::choice::{between, place};
use self::day::Day;
use self::features::{FEATURES, Features};
use self::heads::{HEADS, Heads};
use self::shadow::{Scene, Shadow, push};
use crate::units::{Ratio, Span, Time};

/// The longest lead time and hold that is learned from, in buckets: nine minutes of 15 s. A longer one is treated as that.
const LONGEST: usize = 36;
/// The budget of misses that the guesses may spend at first; the rest is for what the shadow does not see.
const FIRST_CORRECTION: f64 = 0.8;
/// At most this much above what arrives now, at first: whoever is young has shown no spikes, and a steep ramp looked like one
/// that goes on for ever: from 6 to 30 requests/s, 119 were expected.
const MOST_AT_FIRST: f64 = 1.6;
/// At most this much above what was lately reached, from a day on.
const MOST: f64 = 3.0;
/// A day, in buckets of 15 s.
const DAY: f64 = 5760.0;
/// Features are kept in steps of a hundredth until what they foretold has come.
const STEP: f64 = 100.0;

/// One closed bucket, as the headroom sees it.
#[derive(Debug, Clone, Copy)]
pub struct Seen {
    /// Start of the bucket.
    pub start: Time,
    /// Width of the bucket.
    pub grid: Span,
    /// Demand, in requests/s.
    pub rate: f64,
    /// From asking for a replica until it serves, in buckets.
    pub lead: usize,
    /// How long need must stay low before a replica is given back, in buckets.
    pub hold: usize,
    /// What one replica carries inside the objective, in requests/s; `None` = not known.
    pub capacity: Option<f64>,
    /// How long a request may wait.
    pub patience: Span,
    /// The share of the requests that must be inside the targets.
    pub attainment: Ratio,
}

/// What was guessed from, until it is known what came of it.
#[derive(Debug, Clone, PartialEq)]
struct Guessed {
    level: f32,
    numbers: [i16; FEATURES],
}

/// The headroom of one object.
#[derive(Debug, Clone, PartialEq)]
pub struct Headroom {
    features: Features,
    day: Day,
    heads: Heads,
    shadow: Shadow,
    /// The last guesses, newest last.
    guessed: Vec<Guessed>,
    /// What was to be ready for, in requests/s, newest last.
    expected: Vec<f32>,
    /// Mean demand over about a day, in requests/s.
    mean: f32,
    buckets: u32,
    /// Scales the budget of misses by what was really missed, 0.2..=2.5.
    correction: f32,
}

impl Default for Headroom {
    fn default() -> Self {
        Self {
            features: Features::default(),
            day: Day::default(),
            heads: Heads::default(),
            shadow: Shadow::default(),
            guessed: Vec::new(),
            expected: Vec::new(),
            mean: 0.0,
            buckets: 0,
            correction: FIRST_CORRECTION as f32,
        }
    }
}

impl Headroom {
    /// Folds in one closed bucket: learns from it, then guesses anew.
    pub fn absorb(&mut self, seen: Seen) {
        let lead = seen.lead.min(LONGEST);
        self.buckets = self.buckets.saturating_add(1);
        let weight = (1.0 - (-1.0 / DAY).exp()).max(1.0 / f64::from(self.buckets));
        self.mean += (weight * (seen.rate - f64::from(self.mean))) as f32;
        self.learn(seen.rate, lead);
        self.features.absorb(seen.rate);
        let slot = Day::slot(seen.start, seen.grid);
        self.day.absorb(slot, seen.rate);
        let numbers = self.features.numbers(&self.day, slot);
        let level = self.features.fast();
        let guesses = self.heads.guesses(level, &numbers);
        if let Some(capacity) = seen.capacity {
            let scene = Scene {
                rate: seen.rate,
                capacity,
                grid_s: seen.grid.as_secs_f64(),
                patience_s: seen.patience.as_secs_f64(),
                lead,
                hold: seen.hold.clamp(1, LONGEST),
            };
            self.shadow.absorb(scene, &guesses);
        }
        let basis = Guessed {
            level: level as f32,
            numbers: numbers.map(|number| (number * STEP) as i16),
        };
        push(&mut self.guessed, basis, lead + 1);
        // Whatever a ramp looks like: nothing is bought for a demand that was never near.
        let expected = self.follow(&guesses, seen.attainment).min(self.bound(slot));
        push(&mut self.expected, expected as f32, LONGEST);
    }

    /// Tells how many requests of one bucket missed, of how many.
    ///
    /// An integral controller on ln(budget): a day that burns its budget twice over halves what may be spent.
    pub fn correct(&mut self, missed: f64, total: f64, attainment: Ratio, grid: Span) {
        if total <= 0.0 || self.mean <= 0.0 {
            return;
        }
        let allowed = (1.0 - attainment.get()).max(1e-4);
        let day = DAY * grid.as_secs_f64() * f64::from(self.mean).max(1e-3);
        let step = 0.75 * (missed / allowed - total) / day;
        let ln = f64::from(self.correction).ln() - step.clamp(-0.5, 0.5);
        self.correction = ln.exp().clamp(0.2, 2.5) as f32;
    }

    /// Mean demand over about a day, in requests/s.
    pub fn mean(&self) -> f64 {
        f64::from(self.mean)
    }

    /// What must be carried by the time that a replica ordered now could serve, in requests/s.
    pub fn expected(&self) -> Option<f64> {
        self.expected.last().copied().map(f64::from)
    }

    /// The highest expectation of the last `hold` buckets (the newest included), in requests/s.
    pub fn held(&self, hold: usize) -> Option<f64> {
        let start = self.expected.len().saturating_sub(hold.max(1));
        let window = self.expected.get(start..).unwrap_or_default();
        window.iter().copied().map(f64::from).reduce(f64::max)
    }

    /// What it holds outside of itself.
    #[cfg(test)]
    pub fn heap_bytes(&self) -> usize {
        self.shadow.heap_bytes()
            + self.guessed.capacity() * size_of::<Guessed>()
            + self.expected.capacity() * size_of::<f32>()
    }

    /// What may be bought for at most, in requests/s: nothing that was never near.
    fn bound(&self, slot: usize) -> f64 {
        let young = MOST_AT_FIRST * self.features.now();
        let old = MOST * self.features.reached(&self.day, slot);
        young + (old - young) * (f64::from(self.buckets) / DAY).min(1.0)
    }

    /// Compares what came with what was known when it had to be ordered.
    fn learn(&mut self, rate: f64, lead: usize) {
        let Some(guessed) = self.guessed.len().checked_sub(lead).and_then(|i| self.guessed.get(i)) else {
            return;
        };
        let numbers = guessed.numbers.map(|number| f64::from(number) / STEP);
        let error = (rate.max(0.02) / f64::from(guessed.level).max(0.02)).ln();
        let weight = (rate / f64::from(self.mean).max(1e-9)).min(3.0);
        self.heads.learn(&numbers, error, weight);
    }

    /// The guess that is followed, in requests/s.
    fn follow(&self, guesses: &[f64; HEADS], attainment: Ratio) -> f64 {
        let mean = f64::from(self.mean).max(1e-9);
        let missed = self.shadow.missed(mean);
        let cost = self.shadow.cost(mean);
        let budget = (1.0 - attainment.get()) * f64::from(self.correction);
        let place = place(&missed, &cost, budget);
        between(&guesses.map(|guess| guess.max(1e-9).ln()), place).exp()
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
