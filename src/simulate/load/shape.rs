//! What a trace holds in the part that is played: its rate and its lengths. I/O: reads a trace of requests.

use std::path::Path;

use super::tokens::Tokens;
use crate::trace::TraceError;
use crate::trace::clients::Clients;
use crate::trace::rates::Rates;
use crate::trace::requests::Requests;

/// The parts of a trace, in its seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Part {
    /// How long before the start is looked at.
    pub history_s: f64,
    /// Where the played part begins.
    pub start_s: f64,
    /// How long it is.
    pub duration_s: f64,
}

impl Part {
    /// Where the played part ends.
    pub fn end_s(&self) -> f64 {
        self.start_s + self.duration_s
    }
}

/// What the played part of a trace holds, as recorded.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Facts {
    /// Requests a second, on average.
    pub rate: f64,
    /// Tokens of a prompt, on average over the requests.
    pub prompt_tokens: f64,
    /// Tokens of an answer, on average over the requests.
    pub output_tokens: f64,
    /// Requests a second of its first ten minutes.
    pub first_rate: f64,
}

/// What counts as the beginning of the played part, in seconds.
const FIRST_S: f64 = 600.0;

impl Facts {
    /// Of a file of requests that was checked.
    ///
    /// # Errors
    /// The first thing that is wrong in the file.
    pub fn of_requests(file: &Path, tokens: &Tokens, part: Part) -> Result<Self, TraceError> {
        let (mut count, mut first, mut prompts, mut outputs) = (0_u64, 0_u64, 0_u64, 0_u64);
        for request in Requests::open(file)? {
            let request = request?;
            if (part.start_s..part.end_s()).contains(&request.arrival_s) {
                count += 1;
                first += u64::from(request.arrival_s < part.start_s + FIRST_S);
                prompts += u64::from(request.input_tokens);
                outputs += u64::from(request.output_tokens);
            }
        }
        let each = 1.0 / count.max(1) as f64;
        let (prompt_tokens, output_tokens) = match tokens {
            Tokens::Recorded => (prompts as f64 * each, outputs as f64 * each),
            tokens => tokens.mean(None, part.start_s),
        };
        Ok(Self {
            rate: count as f64 / part.duration_s.max(1e-3),
            first_rate: first as f64 / part.duration_s.clamp(1e-3, FIRST_S),
            prompt_tokens,
            output_tokens,
        })
    }

    /// Of rates without holes.
    pub fn of_rates(rates: &Rates, tokens: &Tokens, part: Part) -> Self {
        let windows = rates.windows.iter().map(|window| (window.t_s, window.rate, None));
        Self::of_windows(windows, rates.width_s, tokens, part)
    }

    /// Of clients without holes.
    pub fn of_clients(clients: &Clients, tokens: &Tokens, part: Part) -> Self {
        let windows = clients.clients.iter().enumerate().flat_map(|(index, client)| {
            let windows = client.windows.iter();
            windows.map(move |window| (window.t_s, window.rate, Some(index)))
        });
        Self::of_windows(windows, clients.width_s, tokens, part)
    }

    fn of_windows(
        windows: impl Iterator<Item = (f64, f64, Option<usize>)>,
        width_s: f64,
        tokens: &Tokens,
        part: Part,
    ) -> Self {
        let (mut requests, mut first, mut prompts, mut outputs) = (0.0, 0.0, 0.0, 0.0);
        let first_s = part.duration_s.min(FIRST_S);
        for (t_s, rate, client) in windows {
            let until = |end_s: f64| (t_s + width_s).min(end_s) - t_s.max(part.start_s);
            first += rate * until(part.start_s + first_s).max(0.0);
            let inside_s = until(part.end_s());
            if inside_s > 0.0 {
                let (prompt, output) = tokens.mean(client, t_s);
                requests += rate * inside_s;
                prompts += rate * inside_s * prompt;
                outputs += rate * inside_s * output;
            }
        }
        let each = 1.0 / f64::max(requests, f64::MIN_POSITIVE);
        Self {
            rate: requests / part.duration_s.max(1e-3),
            prompt_tokens: prompts * each,
            output_tokens: outputs * each,
            first_rate: first / first_s.max(1e-3),
        }
    }
}

/// When the last request of a file comes; every line is checked.
///
/// # Errors
/// The first thing that is wrong in the file.
pub fn last_arrival_s(file: &Path) -> Result<f64, TraceError> {
    let mut last_s = None;
    for request in Requests::open(file)? {
        last_s = Some(request?.arrival_s);
    }
    last_s.ok_or_else(|| TraceError::Empty {
        file: file.display().to_string(),
        what: "request",
    })
}
