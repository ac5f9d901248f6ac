//! How long prompts and answers are. Pure.

use std::sync::Arc;

use super::draw::Stream;
use crate::trace::quantiles::{Field, Quantiles, Spread};

/// Where the lengths of a request come from.
#[derive(Debug, Clone)]
pub enum Tokens {
    /// From the trace itself.
    Recorded,
    /// Always the same: prompt and answer.
    Fixed(u32, u32),
    /// Prompt and answer of a request that is drawn from another trace: long prompts keep their answers.
    Drawn(Arc<[(u32, u32)]>),
    /// Prompt and answer drawn independently from the spreads of a client.
    Spreads(Arc<Spreads>),
}

/// The spreads of one client, by window.
#[derive(Debug, Clone, Default)]
struct OfClient {
    /// The parts of a prompt, which add up.
    prompt: Vec<Vec<(f64, Spread)>>,
    output: Vec<(f64, Spread)>,
}

/// Spreads of lengths, by client.
#[derive(Debug, Clone)]
pub struct Spreads {
    quantiles: Quantiles,
    /// In the order of the trace's clients; `None` = nothing is known of it, the pool stands for it.
    by_client: Vec<Option<usize>>,
    pool: Vec<OfClient>,
}

impl Spreads {
    /// Joins spreads with the clients of a trace, by name. `None` = no client has both a prompt and an answer.
    pub fn new(quantiles: Quantiles, clients: &[&str]) -> Option<Self> {
        let mut names = Vec::new();
        let mut pool = Vec::new();
        for (name, fields) in &quantiles.clients {
            let prompt: Vec<_> = fields
                .iter()
                .filter(|(f, _)| **f != Field::Output)
                .map(|(_, w)| w.clone())
                .collect();
            let Some(output) = fields.get(&Field::Output).filter(|_| !prompt.is_empty()) else {
                continue;
            };
            names.push(name.clone());
            pool.push(OfClient {
                prompt,
                output: output.clone(),
            });
        }
        let place = |client: &&str| names.iter().position(|name| name == client);
        let by_client = clients.iter().map(place).collect();
        (!pool.is_empty()).then_some(Self {
            quantiles,
            by_client,
            pool,
        })
    }

    fn of(&self, client: Option<usize>) -> Option<&OfClient> {
        let place = client.and_then(|client| self.by_client.get(client).copied().flatten())?;
        self.pool.get(place)
    }

    /// The mean lengths of a client's requests at an instant, or of the whole pool's.
    fn mean(&self, client: Option<usize>, t_s: f64) -> (f64, f64) {
        let one = |of: &OfClient| {
            let prompt: f64 = of.prompt.iter().map(|windows| self.mean_of(windows, t_s)).sum();
            (prompt, self.mean_of(&of.output, t_s))
        };
        if let Some(of) = self.of(client) {
            return one(of);
        }
        let sum = self
            .pool
            .iter()
            .map(one)
            .fold((0.0, 0.0), |a, b| (a.0 + b.0, a.1 + b.1));
        let count = self.pool.len().max(1) as f64;
        (sum.0 / count, sum.1 / count)
    }

    /// The integral over all levels, on the straight lines that draws lie on.
    fn mean_of(&self, windows: &[(f64, Spread)], t_s: f64) -> f64 {
        let Some(spread) = window_at(windows, t_s) else {
            return 0.0;
        };
        let points: Vec<(f64, f64)> = self
            .quantiles
            .levels
            .iter()
            .copied()
            .zip(spread.iter().map(|v| f64::from(*v)))
            .collect();
        let area = |pair: &[(f64, f64)]| match pair {
            [(l0, v0), (l1, v1)] => (l1 - l0) * (v0 + v1) / 2.0,
            _ => 0.0,
        };
        points.windows(2).map(area).sum()
    }
}

/// The spread of the window that an instant is in; before the first window the first.
fn window_at(windows: &[(f64, Spread)], t_s: f64) -> Option<&Spread> {
    let after = windows.partition_point(|(begin_s, _)| *begin_s <= t_s);
    windows.get(after.saturating_sub(1)).map(|(_, spread)| spread)
}

impl Tokens {
    /// Prompt and answer of a request of a client at an instant of the trace.
    pub(super) fn draw(&self, draw: &mut Stream, client: Option<usize>, t_s: f64) -> (u32, u32) {
        match self {
            Self::Recorded => (0, 0),
            Self::Fixed(prompt, output) => (*prompt, *output),
            Self::Drawn(pairs) => pairs.get(draw.below(pairs.len())).copied().unwrap_or((0, 0)),
            Self::Spreads(spreads) => {
                let chosen = spreads.of(client);
                let Some(of) = chosen.or_else(|| spreads.pool.get(draw.below(spreads.pool.len()))) else {
                    return (0, 0);
                };
                let mut one = |windows: &[(f64, Spread)]| {
                    let level = draw.uniform();
                    window_at(windows, t_s).map_or(0.0, |spread| spreads.quantiles.at(spread, level))
                };
                let prompt: f64 = of.prompt.iter().map(|windows| one(windows)).sum();
                (prompt.round() as u32, one(&of.output).round() as u32)
            }
        }
    }

    /// The mean lengths of requests of a client at an instant.
    pub fn mean(&self, client: Option<usize>, t_s: f64) -> (f64, f64) {
        match self {
            Self::Recorded => (0.0, 0.0),
            Self::Fixed(prompt, output) => (f64::from(*prompt), f64::from(*output)),
            Self::Drawn(pairs) => {
                let sum = pairs
                    .iter()
                    .fold((0.0, 0.0), |a, b| (a.0 + f64::from(b.0), a.1 + f64::from(b.1)));
                let count = pairs.len().max(1) as f64;
                (sum.0 / count, sum.1 / count)
            }
            Self::Spreads(spreads) => spreads.mean(client, t_s),
        }
    }
}
