//! Requests drawn from rates: a Poisson process, perhaps with bursts. Pure.

use std::sync::Arc;

use super::Timed;
use super::bursts::SeededBursts;
use super::draw::Stream;
use super::tokens::Tokens;
use crate::trace::rates::Rates;

/// Draws one request after the other. Time passes in stretches of one rate each; what is left of an exponential gap
/// at the end of one goes over into the next, which makes it one Poisson process.
pub(super) struct Played {
    rates: Arc<Rates>,
    bursts: Option<SeededBursts>,
    factor: f64,
    tokens: Tokens,
    draw: Stream,
    /// What is left of the gap to the next request, in expected requests.
    gap: f64,
    now_s: f64,
    /// The end and the rate of the stretch that `now_s` is in.
    stretch_end_s: f64,
    rate: f64,
    to_s: f64,
}

impl Played {
    pub fn new(
        rates: Arc<Rates>,
        bursts: Option<SeededBursts>,
        factor: f64,
        tokens: Tokens,
        from_s: f64,
        to_s: f64,
        mut draw: Stream,
    ) -> Self {
        Self {
            gap: draw.exponential(),
            rates,
            bursts,
            factor,
            tokens,
            draw,
            now_s: from_s,
            stretch_end_s: from_s,
            rate: 0.0,
            to_s,
        }
    }

    /// Goes on to the stretch that begins at `now_s`: it ends with the window or with the burst.
    fn stretch(&mut self) {
        let first_s = self.rates.windows.first().map_or(0.0, |window| window.t_s);
        let index = ((self.now_s - first_s) / self.rates.width_s + 1e-9).floor().max(0.0);
        let window = self.rates.windows.get(index as usize);
        self.rate = window.map_or(0.0, |window| window.rate) * self.factor;
        self.stretch_end_s = first_s + (index + 1.0) * self.rates.width_s;
        if let Some(bursts) = &self.bursts {
            let number = (self.now_s / bursts.stretch_s() + 1e-9).floor().max(0.0);
            self.rate *= bursts.multiplier(number as u64);
            self.stretch_end_s = self.stretch_end_s.min((number + 1.0) * bursts.stretch_s());
        }
        // A stretch has a length whatever was rounded.
        self.stretch_end_s = self.stretch_end_s.max(self.now_s + 1e-6).min(self.to_s);
    }
}

impl Iterator for Played {
    type Item = Timed;

    fn next(&mut self) -> Option<Timed> {
        loop {
            let expected = self.rate * (self.stretch_end_s - self.now_s);
            if self.gap < expected {
                self.now_s += self.gap / self.rate;
                self.gap = self.draw.exponential();
                let (prompt_tokens, output_tokens) = self.tokens.draw(&mut self.draw, None, self.now_s);
                return Some(Timed {
                    t_s: self.now_s,
                    prompt_tokens,
                    output_tokens,
                });
            }
            self.gap -= expected;
            self.now_s = self.stretch_end_s;
            if self.now_s >= self.to_s {
                return None;
            }
            self.stretch();
        }
    }
}
