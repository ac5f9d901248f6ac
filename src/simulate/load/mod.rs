//! The requests of one object: from a trace, rescaled, drawn again by seed. Lazy: memory does not grow with the
//! length of the trace. I/O: the trace's file.
//!
//! ```text
//!  trace ─► holes filled ─► rescaled ─► arrivals ──┬─► [start - history, start): counted into buckets for Memory
//!                                       (by seed)  └─► [start, start + duration): played
//! ```
//!
//! Every kind of trace is a [`Source`] of timed requests; [`Load`] cuts the two parts out of it.

mod bursts;
mod clients;
mod draw;
mod history;
mod holes;
mod rates;
mod requests;
mod shape;
mod tokens;

use std::path::PathBuf;
use std::sync::Arc;

use inferscale_core::simulate::Moment;
use inferscale_core::simulate::load::{Arrival, PastBucket};

pub use bursts::Bursts;
pub use holes::{Hole, fill_clients, fill_rates};
pub use shape::{Facts, Part, last_arrival_s};
pub use tokens::{Spreads, Tokens};

use self::draw::Stream;
use crate::trace::TraceError;
use crate::trace::clients::Clients;
use crate::trace::rates::Rates;

/// Where the requests come from.
#[derive(Debug, Clone)]
pub enum Source {
    /// Each request of a file, spread evenly over so many seconds after its instant.
    Requests {
        /// The file.
        file: PathBuf,
        /// Seconds; 0 = exactly as recorded.
        jitter_s: f64,
    },
    /// A Poisson process of a file's rates, perhaps with bursts.
    Rates {
        /// The rates, without holes.
        rates: Arc<Rates>,
        /// What makes the traffic of a window uneven.
        bursts: Option<Bursts>,
    },
    /// A renewal process a client.
    Clients(Arc<Clients>),
}

/// A request, in the seconds of its trace.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Timed {
    pub t_s: f64,
    pub prompt_tokens: u32,
    pub output_tokens: u32,
}

/// The requests of one object.
#[derive(Debug, Clone)]
pub struct Load {
    /// The object's name: loads of one scenario draw different numbers.
    pub name: String,
    /// Where the requests come from.
    pub source: Source,
    /// How long they are.
    pub tokens: Tokens,
    /// How many times as many requests come as in the trace.
    pub factor: f64,
    /// The part of the trace that is played.
    pub part: Part,
    /// Times in which nothing is measured, in the seconds of the trace.
    pub holes: Vec<Hole>,
    /// What the trace holds in the part that is played, before rescaling.
    pub facts: Facts,
}

impl Load {
    /// The requests of the played part, counted from its start.
    ///
    /// # Errors
    /// The file cannot be opened any more.
    pub fn arrivals(&self, seed: u64) -> Result<Box<dyn Iterator<Item = Arrival> + Send>, TraceError> {
        let start_s = self.part.start_s;
        let stream = self.stream(seed, start_s, self.part.end_s())?;
        Ok(Box::new(stream.map(move |request| Arrival {
            at: Moment::from_secs(request.t_s - start_s),
            prompt_tokens: request.prompt_tokens,
            output_tokens: request.output_tokens,
        })))
    }

    /// What was measured before the start, in buckets of `grid_s` seconds, the last of which ends at the start.
    ///
    /// # Errors
    /// The file cannot be opened any more.
    pub fn history(&self, seed: u64, grid_s: f64) -> Result<Vec<PastBucket>, TraceError> {
        let from_s = self.part.start_s - self.part.history_s;
        let stream = self.stream(seed, from_s, self.part.start_s)?;
        Ok(history::buckets(stream, from_s, self.part.start_s, grid_s, &self.holes))
    }

    /// The times of the played part in which nothing is measured, counted from its start.
    pub fn blind(&self) -> Vec<(Moment, Moment)> {
        let (start_s, end_s) = (self.part.start_s, self.part.end_s());
        let inside = self
            .holes
            .iter()
            .filter(|hole| hole.from_s < end_s && hole.to_s > start_s);
        let moment = |t_s: f64| Moment::from_secs(t_s.clamp(start_s, end_s) - start_s);
        inside.map(|hole| (moment(hole.from_s), moment(hole.to_s))).collect()
    }

    /// Requests a second of the played part, on average.
    pub fn mean_rate(&self) -> f64 {
        self.facts.rate * self.factor
    }

    /// Requests a second of the first ten minutes of the played part.
    pub fn first_rate(&self) -> f64 {
        self.facts.first_rate * self.factor
    }

    fn stream(&self, seed: u64, from_s: f64, to_s: f64) -> Result<Box<dyn Iterator<Item = Timed> + Send>, TraceError> {
        // The history and the played part draw different numbers, but each the same ones whatever the other is.
        let draw = Stream::new(seed, &self.name).fork(from_s.to_bits());
        let tokens = self.tokens.clone();
        Ok(match &self.source {
            Source::Requests { file, jitter_s } => Box::new(requests::Played::new(
                file,
                *jitter_s,
                self.factor,
                tokens,
                from_s,
                to_s,
                draw,
            )?),
            Source::Rates { rates, bursts } => {
                let bursts = bursts.map(|bursts| bursts.seeded(seed, &self.name));
                Box::new(rates::Played::new(
                    rates.clone(),
                    bursts,
                    self.factor,
                    tokens,
                    from_s,
                    to_s,
                    draw,
                ))
            }
            Source::Clients(clients) => Box::new(clients::Played::new(
                clients.clone(),
                self.factor,
                tokens,
                from_s,
                to_s,
                draw,
            )),
        })
    }
}

#[cfg(test)]
mod tests;
