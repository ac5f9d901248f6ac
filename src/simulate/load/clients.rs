//! Requests of clients: a renewal process each, merged by time. Pure.
//!
//! A client's own clock runs as fast as it sends: gaps of mean 1 on that clock, spread by the law of the window,
//! become instants by the integral of its rate. So rescaling changes the clock and keeps each client's burstiness.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::sync::Arc;

use super::Timed;
use super::draw::{Stream, weibull_mean};
use super::tokens::Tokens;
use crate::trace::clients::{Clients, Law};

/// The next request of a client.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Next {
    t_s: f64,
    client: usize,
}

impl Eq for Next {}

impl PartialOrd for Next {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Next {
    fn cmp(&self, other: &Self) -> Ordering {
        self.t_s.total_cmp(&other.t_s).then(self.client.cmp(&other.client))
    }
}

/// One client's clock.
struct Clock {
    draw: Stream,
    /// The window that it is in or that comes next.
    window: usize,
    now_s: f64,
    /// The mean of the window's law at scale 1, where that takes a gamma function to know.
    mean: f64,
}

/// Draws one request after the other.
pub(super) struct Played {
    clients: Arc<Clients>,
    clocks: Vec<Clock>,
    next: BinaryHeap<Reverse<Next>>,
    factor: f64,
    tokens: Tokens,
    to_s: f64,
}

impl Played {
    pub fn new(clients: Arc<Clients>, factor: f64, tokens: Tokens, from_s: f64, to_s: f64, draw: Stream) -> Self {
        let mut played = Self {
            clocks: Vec::with_capacity(clients.clients.len()),
            next: BinaryHeap::with_capacity(clients.clients.len()),
            clients,
            factor,
            tokens,
            to_s,
        };
        for (index, client) in played.clients.clone().clients.iter().enumerate() {
            let width_s = played.clients.width_s;
            let mut clock = Clock {
                draw: draw.fork(index as u64),
                window: client.windows.partition_point(|window| window.t_s + width_s <= from_s),
                now_s: from_s,
                mean: 0.0,
            };
            clock.enter(&client.windows);
            // The part begins somewhere inside a gap.
            let gap = clock.gap(&client.windows) * clock.draw.uniform();
            played.clocks.push(clock);
            played.schedule(index, gap);
        }
        played
    }

    /// Lets a client's clock run for `gap`, and notes when that is over.
    fn schedule(&mut self, client: usize, gap: f64) {
        let width_s = self.clients.width_s;
        let (Some(clock), Some(of)) = (self.clocks.get_mut(client), self.clients.clients.get(client)) else {
            return;
        };
        let mut gap = gap;
        while let Some(window) = of.windows.get(clock.window) {
            clock.now_s = clock.now_s.max(window.t_s);
            if clock.now_s >= self.to_s {
                return;
            }
            let rate = window.rate * self.factor;
            let expected = rate * (window.t_s + width_s - clock.now_s);
            if gap < expected {
                clock.now_s += gap / rate;
                if clock.now_s < self.to_s {
                    self.next.push(Reverse(Next {
                        t_s: clock.now_s,
                        client,
                    }));
                }
                return;
            }
            gap -= expected.max(0.0);
            clock.now_s = window.t_s + width_s;
            clock.window += 1;
            clock.enter(&of.windows);
        }
    }
}

impl Clock {
    fn enter(&mut self, windows: &[crate::trace::clients::ClientWindow]) {
        self.mean = match windows.get(self.window).map(|window| window.law) {
            Some(Law::Weibull(shape)) => weibull_mean(shape),
            _ => 0.0,
        };
    }

    /// A gap of mean 1 by the law of the window.
    fn gap(&mut self, windows: &[crate::trace::clients::ClientWindow]) -> f64 {
        match windows.get(self.window).map(|window| window.law) {
            Some(Law::Gamma(shape)) => self.draw.gamma(shape),
            Some(Law::Weibull(shape)) => self.draw.weibull(shape, self.mean),
            None => 0.0,
        }
    }
}

impl Iterator for Played {
    type Item = Timed;

    fn next(&mut self) -> Option<Timed> {
        let Reverse(Next { t_s, client }) = self.next.pop()?;
        let clock = self.clocks.get_mut(client)?;
        let (prompt_tokens, output_tokens) = self.tokens.draw(&mut clock.draw, Some(client), t_s);
        let gap = clock.gap(self.clients.clients.get(client).map_or(&[], |c| &c.windows));
        self.schedule(client, gap);
        Some(Timed {
            t_s,
            prompt_tokens,
            output_tokens,
        })
    }
}
