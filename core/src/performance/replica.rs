//! One replica under steady load: what a step lasts, and which share of the requests misses a target. Pure.
//!
//! Everything is a closed function of `q`, the requests that join the batch with each step. `B = q * (output - 1)`
//! sequences decode (Little's law, one token a step), a step lasts `s(q)`, the arrival rate is `q / s(q)`.
//!
//! The shares are of requests, not of steps. A request's time per output token is a mean over its own life, so it
//! varies for two reasons: how many others decode beside it (which a long life averages), and how many prompts happen
//! to be processed meanwhile (few and long for a short answer). Its time to first token is the rest of the step that
//! it arrives in, the prompts that arrive in the same step, and its own prompt.

use super::limits::EngineLimits;
use super::profile::Profile;
use super::spread::{Excess, Spread, normal_cdf};

/// Mean work of one request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Workload {
    /// Tokens of the prompt that must be computed (without what the prefix cache holds).
    pub prompt_tokens: f64,
    /// Tokens generated.
    pub output_tokens: f64,
}

/// The state of a replica at some load, on average.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OperatingPoint {
    /// Requests that arrive in a second.
    pub requests_per_second: f64,
    /// Sequences that decode at once.
    pub sequences: f64,
    /// How long a step takes: also the mean time per output token.
    pub step_ms: f64,
    /// Share of the time spent on prompts, 0..=1.
    pub prefill_share: f64,
    /// Share of the KV cache in use, 0..=1.
    pub kv_use: f64,
}

/// One replica under one kind of work, in the letters of the formulas.
#[derive(Debug, Clone, Copy)]
pub(super) struct Replica {
    floor: f64,
    /// A step of nobody.
    c: f64,
    /// What each decoding sequence adds to a step, with its cache.
    beta: f64,
    /// Prompt work: per token, and per token and half a token of context.
    g: f64,
    h: f64,
    prompt: f64,
    /// Mean prompt work of one request in ms, and the mean of its square.
    w: f64,
    w_square: f64,
    /// Decode steps of a request.
    steps: f64,
    /// Tokens in the cache of a decoding sequence, on average over the time.
    pub kv_per_sequence: f64,
    kv_capacity: f64,
    max_tokens: f64,
    max_sequences: f64,
}

/// The average step at some `q`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    q: f64,
    /// Sequences that decode.
    pub b: f64,
    /// Mean duration.
    pub s: f64,
    /// Duration without prompts, before the floor.
    bare: f64,
    /// Mean prompt work of one request, in ms.
    w: f64,
    /// How strongly a crowd dissolves by itself: 1 = independent of its size, towards 0 = a crowd slows itself down
    /// so much that it stays.
    pub relaxation: f64,
}

impl Replica {
    pub fn new(profile: &Profile, workload: Workload, limits: EngineLimits) -> Self {
        let law = profile.step;
        let at_least_one = |tokens: f64| if tokens.is_finite() { tokens.max(1.0) } else { 1.0 };
        let prompt = at_least_one(workload.prompt_tokens);
        let steps = at_least_one(workload.output_tokens) - 1.0;
        // Long answers are met more often than they arrive.
        let kv_per_sequence = prompt + steps * Spread::OUTPUTS.second / 2.0;
        let mut replica = Self {
            w: 0.0,
            w_square: 0.0,
            floor: law.floor_ms,
            c: law.c_ms,
            beta: law.d_ms_per_sequence + law.e_ms_per_kv_token * kv_per_sequence,
            g: law.g_ms_per_prefill_token,
            h: law.h_ms_per_prefill_token_context,
            prompt,
            steps,
            kv_per_sequence,
            kv_capacity: profile.kv_capacity_tokens as f64,
            max_tokens: f64::from(limits.max_tokens_per_step),
            max_sequences: f64::from(limits.max_sequences),
        };
        (replica.w, replica.w_square) = replica.over_prompts(|tokens| replica.prompt_work(tokens));
        replica
    }

    /// The same replica with a larger batch.
    pub fn with_twice_the_sequences(self) -> Self {
        Self {
            max_sequences: 2.0 * self.max_sequences,
            ..self
        }
    }

    /// No more than this can join with each step: the token budget would be too small.
    pub fn most_per_step(&self) -> f64 {
        self.max_tokens / (self.prompt + self.steps)
    }

    fn prompt_work(&self, tokens: f64) -> f64 {
        tokens * (self.g + self.h * tokens / 2.0)
    }

    /// The average step while `q` requests join with each.
    pub fn step(&self, q: f64) -> Step {
        let b = q * self.steps;
        let bare = self.c + self.beta * b;
        let w = self.w;
        // Steps with no, one and more prompts, because the floor hides short work, but not equally.
        let (none, one) = ((-q).exp(), q * (-q).exp());
        let more = 1.0 - none - one;
        let in_more = if more > 1e-9 { (q - one) / more } else { 2.0 };
        let with = |prompts: f64| (bare + prompts * w).max(self.floor);
        let s = none * with(0.0) + one * with(1.0) + more * with(in_more);
        let relaxation = if bare > self.floor {
            (self.c / bare).max(1e-3)
        } else {
            1.0
        };
        Step {
            q,
            b,
            s,
            bare,
            w,
            relaxation,
        }
    }

    pub fn point(&self, step: &Step) -> OperatingPoint {
        OperatingPoint {
            requests_per_second: step.q / step.s * 1000.0,
            sequences: step.b,
            step_ms: step.s,
            prefill_share: (step.q * step.w / step.s).min(1.0),
            kv_use: step.b * self.kv_per_sequence / self.kv_capacity.max(1.0),
        }
    }

    /// How much the use of the KV cache varies (share of its capacity) when the sequences vary by `sequences`:
    /// caches differ in size about as an exponential law.
    pub fn kv_deviation(&self, sequences: f64) -> f64 {
        sequences * self.kv_per_sequence * std::f64::consts::SQRT_2 / self.kv_capacity.max(1.0)
    }

    /// The share of the requests whose mean time per output token is above `limit` ms.
    pub fn misses_per_token(&self, step: &Step, limit: f64) -> f64 {
        let Step {
            q,
            b,
            s,
            bare,
            w,
            relaxation,
        } = *step;
        let least = self.c.max(self.floor);
        // A request also meets itself.
        let slope = if bare > self.floor {
            self.beta
        } else {
            self.beta * (1.0 - (-q).exp())
        };
        let extra = s - least + slope;
        // Prompts make a life longer, and more prompts arrive during a longer life.
        let idle = (1.0 - q * w / s).max(0.05);
        let crowd = (slope / idle).powi(2) * b / relaxation;
        let work = q * self.w_square / (idle * idle);
        let excess = Excess::over(limit - least, extra);
        let classes = Spread::OUTPUTS.classes.iter();
        classes
            .map(|&(size, share)| {
                let life = (size * (self.steps + 1.0) - 1.0).max(1.0);
                let lives = life / self.steps.max(1.0) * relaxation;
                let variance = BURSTS * (crowd * averaged(lives) + work / life);
                share * excess.share(variance)
            })
            .sum()
    }

    /// The share of the requests that wait longer than `slack` ms for one of the batch's sequences (the many-server
    /// queue in the limit of Halfin and Whitt, at the speed of a full batch); `None` when even a full batch is too slow.
    pub fn misses_sequence(&self, step: &Step, slack: f64) -> Option<f64> {
        let idle = (1.0 - step.q * step.w / step.s).max(0.05);
        let full = (self.c + self.beta * self.max_sequences).max(self.floor) / idle;
        let life = self.steps * full;
        let wanted = step.q / step.s * life;
        if wanted >= self.max_sequences {
            return None;
        }
        if wanted <= 0.0 {
            return Some(0.0);
        }
        let spare = (self.max_sequences - wanted) / wanted.sqrt();
        let density = (-spare * spare / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
        let waits = 1.0 / (1.0 + spare * normal_cdf(spare) / density.max(1e-300));
        // Prompts come in bursts, and the more of the time they take, the longer such a queue stays.
        let patience =
            idle * idle * (self.max_sequences - wanted) * slack.max(0.0) / (life * Spread::OUTPUTS.second / 2.0);
        Some(waits * (-patience).exp())
    }

    /// The share of the requests whose first token comes later than `limit` ms, sequences free.
    ///
    /// Prompts are a queue with one server, the steps at a full token budget: most find nobody before them, and the
    /// wait of the others falls off exponentially (Pollaczek and Khinchine for its mean).
    pub fn misses_first_token(&self, step: &Step, limit: f64) -> f64 {
        let Step { q, b, s, bare, .. } = *step;
        let budget = (self.max_tokens - b).max(1.0);
        let work = |tokens: f64| self.prompt_work(tokens) + bare * tokens / budget;
        let (mean, square) = self.over_prompts(work);
        let load = q / s * mean;
        if load >= 1.0 {
            return 1.0;
        }
        let decay = TOGETHER * square / (2.0 * mean * (1.0 - load));
        // The step that it arrives in must end first.
        let patience = limit - bare.max(self.floor);
        let classes = Spread::PROMPTS.classes.iter();
        classes
            .map(|&(size, share)| {
                let tokens = size * self.prompt;
                let own = (bare * (tokens / budget).max(1.0) + self.prompt_work(tokens)).max(self.floor);
                let slack = patience - own;
                share
                    * if slack < 0.0 {
                        1.0
                    } else {
                        load * (-slack / decay).exp()
                    }
            })
            .sum()
    }

    /// Mean and mean square of what prompts cost.
    fn over_prompts(&self, cost: impl Fn(f64) -> f64) -> (f64, f64) {
        Spread::PROMPTS
            .classes
            .iter()
            .fold((0.0, 0.0), |(mean, square), &(size, share)| {
                let c = cost(size * self.prompt);
                (mean + share * c, square + share * c * c)
            })
    }
}

/// A crowd and the prompts of those who join it come together; the two are counted as if they did not. Measured on the
/// engine, the variance is larger by this.
const BURSTS: f64 = 1.6;

/// Prompts that are processed in one step get their first token together, at its end: those in front wait for those
/// behind. Measured on the engine, it stretches the tail by a fifth.
const TOGETHER: f64 = 1.2;

/// The variance of the mean of a signal over `lives` of its own correlation times, relative to its variance.
fn averaged(lives: f64) -> f64 {
    if lives < 1e-3 {
        return 1.0;
    }
    2.0 * (lives - 1.0 + (-lives).exp()) / (lives * lives)
}
