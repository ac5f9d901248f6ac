//! One vLLM replica at the level of engine iterations: continuous batching, chunked prefill, a KV cache that fills.
//! Pure: the caller says what time it is and hands in a function that hears what happened.
//!
//! An iteration serves every decoding sequence (one token each) and gives the rest of its token budget to prompts,
//! first those already begun, then the queue in order of arrival. A request is admitted when a sequence slot is free
//! and its prompt fits into the KV cache; when decoding fills the cache, the sequence admitted last is preempted and
//! later computed again, as in vLLM V1.
//!
//! While one iteration runs, the next is already composed (vLLM calls it asynchronous scheduling), so a request that
//! arrives during an iteration joins the one after the next. It shows in measured runs: `core/tests/fidelity`.
//!
//! While nobody joins or leaves, each step is longer than the one before by the same amount (the caches grow by one
//! token a sequence), so any number of them is one [`run::Run`] in closed form. That is what makes a day of traffic
//! a matter of seconds; a test shows that skipping and stepping agree.
//!
//! Deliberately simple: the cache is counted in tokens, not blocks of 16; a prompt takes its whole room when it is
//! admitted; no prefix cache.

mod batch;
mod event;
mod run;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

pub use event::{Completion, Event, Refusal, Request};

use self::batch::{Batch, Sequence};
use self::run::Run;
use crate::performance::{EngineLimits, Profile, StepLaw};
use crate::simulate::Moment;

/// What has happened in an engine since it started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Iterations done.
    pub steps: u64,
    /// Requests that ran to their end.
    pub finished: u64,
    /// Requests cut off by [`Engine::abort_all`].
    pub aborted: u64,
    /// Times a sequence lost its cache to make room.
    pub preemptions: u64,
    /// Prompt tokens of requests whose prefill is complete, each counted once.
    pub prompt_tokens: u64,
    /// Output tokens.
    pub generated_tokens: u64,
}

/// An emulated engine. See the [module](self) for what it does.
#[derive(Debug, Clone)]
pub struct Engine {
    law: StepLaw,
    limits: EngineLimits,
    kv_capacity: u64,
    /// Steps that are composed before the one in progress is over.
    composed_ahead: u64,
    /// Steps in one run at most; 1 = step by step.
    longest_run: u64,
    now: Moment,
    waiting: VecDeque<Sequence>,
    batch: Batch,
    /// Prompt tokens that the step in progress processes, by slot.
    chunks: Vec<(usize, u32)>,
    run: Option<Run>,
    counters: Counters,
}

impl Engine {
    /// An idle engine with the step law and the KV cache of a profile.
    pub fn new(profile: &Profile, limits: EngineLimits) -> Self {
        Self {
            law: profile.step,
            limits: limits.sound(),
            kv_capacity: profile.kv_capacity_tokens,
            composed_ahead: 1,
            longest_run: u64::MAX,
            now: Moment::START,
            waiting: VecDeque::new(),
            batch: Batch::default(),
            chunks: Vec::new(),
            run: None,
            counters: Counters::default(),
        }
    }

    /// Computes every step for itself: slow, and the truth that skipping is tested against.
    #[must_use]
    pub fn step_by_step(mut self) -> Self {
        self.longest_run = 1;
        self
    }

    /// Composes a step when the one before is over, as vLLM did before its version 0.14 and does with
    /// `--no-async-scheduling`.
    #[must_use]
    pub fn synchronous(mut self) -> Self {
        self.composed_ahead = 0;
        self
    }

    /// Requests in the batch.
    pub fn running(&self) -> usize {
        self.batch.len()
    }

    /// Requests in the queue.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Whether nothing runs and nothing waits.
    pub fn is_idle(&self) -> bool {
        self.batch.is_empty() && self.waiting.is_empty()
    }

    /// Tokens in the KV cache.
    pub fn kv_tokens(&self) -> u64 {
        self.batch.kv_tokens()
    }

    /// Tokens that fit into the KV cache.
    pub fn kv_capacity(&self) -> u64 {
        self.kv_capacity
    }

    /// Share of the KV cache in use, 0..=1.
    pub fn kv_use(&self) -> f64 {
        self.kv_tokens() as f64 / (self.kv_capacity.max(1)) as f64
    }

    /// What has happened so far, exact up to the last [`Engine::advance`].
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// When the batch changes next by itself: a prompt is done, a request ends, the cache is full. `None` = idle.
    pub fn next_event(&self) -> Option<Moment> {
        self.run.as_ref().map(Run::end)
    }

    /// Takes a request that arrives at `now`, after all that happened before.
    ///
    /// # Errors
    /// [`Refusal`] when the request could never fit into the KV cache; nothing has changed then.
    pub fn submit(&mut self, now: Moment, request: Request, hear: &mut impl FnMut(Event)) -> Result<(), Refusal> {
        self.advance(now, hear);
        // The step in progress is the one with the number `counters.steps`.
        let until_it_joins = 1 + self.composed_ahead;
        let joins_at = self.run.map_or(0, |_| self.counters.steps + until_it_joins);
        let sequence = Sequence::new(request, now, joins_at);
        if sequence.longest() > self.kv_capacity {
            return Err(Refusal {
                tokens: sequence.longest(),
                kv_capacity: self.kv_capacity,
            });
        }
        self.waiting.push_back(sequence);
        match &mut self.run {
            // Without this, the run would go on without looking whether it can join.
            Some(run) if self.waiting.len() == 1 => run.stop_after(until_it_joins),
            Some(_) => {}
            None => self.begin(now, hear),
        }
        Ok(())
    }

    /// Lets everything happen up to and including `to`. Earlier than the last call: nothing happens.
    pub fn advance(&mut self, to: Moment, hear: &mut impl FnMut(Event)) {
        while let Some(run) = self.run.take_if(|run| run.end() <= to) {
            self.account(&run, run.steps, hear);
            self.settle_chunks(run.end(), hear);
            self.finish_due(run.end(), hear);
            self.begin(run.end(), hear);
        }
        // The steps of an unfinished run that are over have happened too: counters and caches show them.
        if let Some(mut run) = self.run.take() {
            let done = run.steps_by(to);
            if done > 0 {
                self.account(&run, done, hear);
                run.skip(done);
            }
            self.run = Some(run);
        }
        self.now = self.now.max(to);
    }

    /// Cuts off every request, running or waiting: the process was killed.
    pub fn abort_all(&mut self, now: Moment, hear: &mut impl FnMut(Event)) {
        self.advance(now, hear);
        for sequence in self.batch.drain(now).into_iter().chain(self.waiting.drain(..)) {
            self.counters.aborted += 1;
            hear(Event::Aborted {
                id: sequence.request.id,
                at: now,
                generated: sequence.generated,
            });
        }
        self.chunks.clear();
        self.run = None;
    }

    /// Composes the next step, or a run of equal ones, from `at` on.
    fn begin(&mut self, at: Moment, hear: &mut impl FnMut(Event)) {
        self.now = self.now.max(at);
        let preempted = self.make_room(at, hear);
        self.chunks.clear();
        let mut budget = u64::from(self.limits.max_tokens_per_step).saturating_sub(self.batch.decoding());
        self.batch.continue_prefills(&mut budget, &mut self.chunks);
        if !preempted {
            self.admit(at, &mut budget);
        }
        let (tokens, weighted) = self.batch.prefill_work(&self.chunks);
        if self.batch.decoding() == 0 && tokens == 0 {
            self.run = None;
            return;
        }
        let sequences = self.batch.decoding() as f64;
        let context = if tokens == 0 { 0.0 } else { weighted / tokens as f64 };
        let kv = self.batch.decoding_kv() as f64;
        let unfloored = self.law.unfloored(sequences, kv, tokens as f64, context);
        let mut run = Run {
            started: at,
            steps: 1,
            first_ms: unfloored.max(self.law.floor_ms),
            growth_ms: 0.0,
            decoding: self.batch.decoding(),
            prefill_tokens: tokens,
        };
        if tokens == 0 && !preempted {
            let room = self.kv_capacity.saturating_sub(self.batch.kv_tokens()) / self.batch.decoding().max(1);
            let steps = self.batch.steps_to_next_finish().min(room).min(self.longest_run);
            let steps = steps.min(self.steps_to_next_join());
            run.extend(
                steps,
                unfloored,
                self.law.floor_ms,
                self.law.e_ms_per_kv_token * sequences,
            );
        }
        self.run = Some(run);
    }

    /// Preempts the youngest sequences until every decoding one can grow by a token. Whether it had to.
    fn make_room(&mut self, at: Moment, hear: &mut impl FnMut(Event)) -> bool {
        let mut preempted = false;
        while self.batch.kv_tokens() + self.batch.decoding() > self.kv_capacity {
            let Some(sequence) = self.batch.remove_youngest(at) else {
                break;
            };
            self.counters.preemptions += 1;
            hear(Event::Preempted {
                id: sequence.request.id,
                at,
            });
            self.waiting.push_front(sequence);
            preempted = true;
        }
        preempted
    }

    /// Steps until the first of the queue may join; it may already: no limit, it waits for room.
    fn steps_to_next_join(&self) -> u64 {
        let first = self.waiting.front().map_or(0, |s| s.joins_at);
        match first.saturating_sub(self.counters.steps) {
            0 => u64::MAX,
            steps => steps,
        }
    }

    /// Moves requests from the queue into the batch while slots, cache and token budget last.
    fn admit(&mut self, at: Moment, budget: &mut u64) {
        // With nothing to run, no step was composed ahead.
        let idle = self.batch.is_empty();
        while *budget > 0 && self.batch.len() < self.limits.max_sequences as usize {
            let growth = self.batch.decoding();
            let free = self.kv_capacity.saturating_sub(self.batch.kv_tokens() + growth);
            let step = self.counters.steps;
            let stays = |s: &Sequence| (s.joins_at > step && !idle) || u64::from(s.to_prefill()) > free;
            if self.waiting.front().is_none_or(stays) {
                break;
            }
            let Some(sequence) = self.waiting.pop_front() else {
                break;
            };
            let chunk = self.batch.admit(sequence, at, budget);
            self.chunks.push(chunk);
        }
    }

    /// Books `steps` of a run: tokens, caches, counters.
    fn account(&mut self, run: &Run, steps: u64, hear: &mut impl FnMut(Event)) {
        self.batch.decode(steps);
        self.counters.steps += steps;
        self.counters.generated_tokens += run.decoding * steps;
        hear(Event::Iterations {
            ended: run.end_of(steps),
            steps,
            first_ms: run.first_ms,
            growth_ms: run.growth_ms,
            decoding: run.decoding,
            prefill_tokens: run.prefill_tokens,
        });
    }

    /// Gives the prompt tokens of the step that ended to their sequences; complete prompts yield a token.
    fn settle_chunks(&mut self, at: Moment, hear: &mut impl FnMut(Event)) {
        let mut chunks = std::mem::take(&mut self.chunks);
        for (slot, tokens) in chunks.drain(..) {
            let Some(sequence) = self.batch.prefilled(slot, tokens, at) else {
                continue;
            };
            self.counters.generated_tokens += 1;
            if sequence.generated == 1 {
                self.counters.prompt_tokens += u64::from(sequence.request.prompt_tokens);
            }
            hear(sequence.token_after_prefill(at));
        }
        self.chunks = chunks;
    }

    /// Lets every sequence go whose last token came with the step that ended at `at`.
    fn finish_due(&mut self, at: Moment, hear: &mut impl FnMut(Event)) {
        while let Some(sequence) = self.batch.remove_finished() {
            self.counters.finished += 1;
            hear(Event::Finished(sequence.completion(at)));
        }
    }
}
