//! The requests of a trace of requests, thinned or multiplied. Reads the file as it goes. I/O.
//!
//! Fewer: each request is kept with the same chance (thinning). More: each stands for so many, the copies moved by an
//! even draw of up to a quarter of a minute, so that the rate keeps its shape and copies do not come as one.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::path::Path;

use super::Timed;
use super::draw::Stream;
use super::tokens::Tokens;
use crate::trace::TraceError;
use crate::trace::requests::{Requests, TraceRequest};

/// How far a copy is moved at most, in seconds: half a demand bucket either way.
const MOVED_S: f64 = 7.5;

/// A request in the order of its instant, then of the file.
#[derive(Debug, Clone, Copy)]
struct Queued(Timed, u64);

impl PartialEq for Queued {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Queued {}

impl PartialOrd for Queued {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Queued {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.t_s.total_cmp(&other.0.t_s).then(self.1.cmp(&other.1))
    }
}

/// Reads and draws one request after the other.
pub(super) struct Played {
    file: Requests,
    jitter_s: f64,
    factor: f64,
    tokens: Tokens,
    from_s: f64,
    to_s: f64,
    draw: Stream,
    /// Those that were moved and are not due yet: as many as arrive within the longest move.
    queue: BinaryHeap<Reverse<Queued>>,
    number: u64,
    /// Nothing before this can still come out of the file.
    read_to_s: f64,
}

impl Played {
    pub fn new(
        file: &Path,
        jitter_s: f64,
        factor: f64,
        tokens: Tokens,
        from_s: f64,
        to_s: f64,
        draw: Stream,
    ) -> Result<Self, TraceError> {
        Ok(Self {
            file: Requests::open(file)?,
            jitter_s,
            factor,
            tokens,
            from_s,
            to_s,
            draw,
            queue: BinaryHeap::new(),
            number: 0,
            read_to_s: f64::NEG_INFINITY,
        })
    }

    fn earliest_move_s(&self) -> f64 {
        if self.factor > 1.0 { -MOVED_S } else { 0.0 }
    }

    fn latest_move_s(&self) -> f64 {
        self.jitter_s + if self.factor > 1.0 { MOVED_S } else { 0.0 }
    }

    fn take(&mut self, request: &TraceRequest) {
        let copies = self.factor.floor() as u64 + u64::from(self.draw.uniform() < self.factor.fract());
        for copy in 0..copies {
            let mut t_s = request.arrival_s;
            if self.jitter_s > 0.0 {
                t_s += self.draw.uniform() * self.jitter_s;
            }
            if copy > 0 {
                t_s += (2.0 * self.draw.uniform() - 1.0) * MOVED_S;
            }
            let (prompt_tokens, output_tokens) = match &self.tokens {
                Tokens::Recorded => (request.input_tokens, request.output_tokens),
                tokens => tokens.draw(&mut self.draw, None, t_s),
            };
            if (self.from_s..self.to_s).contains(&t_s) {
                self.number += 1;
                let timed = Timed {
                    t_s,
                    prompt_tokens,
                    output_tokens,
                };
                self.queue.push(Reverse(Queued(timed, self.number)));
            }
        }
    }
}

impl Iterator for Played {
    type Item = Timed;

    fn next(&mut self) -> Option<Timed> {
        loop {
            let due = self.queue.peek().map(|Reverse(first)| first.0.t_s);
            if due.is_some_and(|t_s| t_s <= self.read_to_s) {
                return self.queue.pop().map(|Reverse(first)| first.0);
            }
            // The file was checked as a whole before: an error now means that somebody has changed it, and ends it.
            match self.file.next().and_then(Result::ok) {
                Some(request) if request.arrival_s + self.earliest_move_s() < self.to_s => {
                    self.read_to_s = request.arrival_s + self.earliest_move_s();
                    if request.arrival_s + self.latest_move_s() >= self.from_s {
                        self.take(&request);
                    }
                }
                _ if due.is_some() => self.read_to_s = f64::INFINITY,
                _ => return None,
            }
        }
    }
}
