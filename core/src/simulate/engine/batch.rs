//! The sequences of a running batch, kept so that a step costs no work per sequence: what all decoding sequences
//! have in common (one token a step) is counted once, and each is looked at again only when it ends.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use super::event::{Completion, Event, Request};
use crate::simulate::Moment;

/// A request on its way through the engine.
#[derive(Debug, Clone)]
pub(super) struct Sequence {
    pub request: Request,
    arrived: Moment,
    /// Number of the first step that it may be part of.
    pub joins_at: u64,
    scheduled: Option<Moment>,
    first_token: Moment,
    /// When it got its last token before it lost its cache.
    last_token: Moment,
    /// Tokens out, exact while it does not decode; while it does, the batch knows.
    pub generated: u32,
    preemptions: u32,
    /// Tokens of its prefill that are computed.
    prefilled: u32,
    /// Order of admission; the highest is the youngest.
    serial: u64,
    /// The tick of the batch with which its last token comes; `None` = it does not decode yet.
    last_tick: Option<u64>,
}

impl Sequence {
    pub fn new(request: Request, arrived: Moment, joins_at: u64) -> Self {
        Self {
            request: Request {
                prompt_tokens: request.prompt_tokens.max(1),
                output_tokens: request.output_tokens.max(1),
                ..request
            },
            arrived,
            joins_at,
            scheduled: None,
            first_token: arrived,
            last_token: arrived,
            generated: 0,
            preemptions: 0,
            prefilled: 0,
            serial: 0,
            last_tick: None,
        }
    }

    /// Tokens in the cache when its last token comes, which itself needs no room any more.
    pub fn longest(&self) -> u64 {
        u64::from(self.request.prompt_tokens) + u64::from(self.request.output_tokens) - 1
    }

    /// Tokens to compute before it can decode: the prompt, after a preemption also what was generated.
    pub fn to_prefill(&self) -> u32 {
        self.request.prompt_tokens.saturating_add(self.generated)
    }

    /// What to tell when its prefill is over and a token came with it.
    pub fn token_after_prefill(&self, at: Moment) -> Event {
        if self.generated == 1 {
            Event::FirstToken {
                id: self.request.id,
                at,
                prompt_tokens: self.request.prompt_tokens,
                ttft_ms: at - self.arrived,
            }
        } else {
            Event::Resumed {
                id: self.request.id,
                at,
                gap_ms: at - self.last_token,
            }
        }
    }

    pub fn completion(&self, at: Moment) -> Completion {
        let scheduled = self.scheduled.unwrap_or(self.arrived);
        let decode_ms = at - self.first_token;
        let intervals = self.request.output_tokens - 1;
        Completion {
            id: self.request.id,
            arrived: self.arrived,
            at,
            prompt_tokens: self.request.prompt_tokens,
            output_tokens: self.request.output_tokens,
            ttft_ms: self.first_token - self.arrived,
            tpot_ms: (intervals > 0).then(|| decode_ms / f64::from(intervals)),
            e2e_ms: at - self.arrived,
            queue_ms: scheduled - self.arrived,
            prefill_ms: self.first_token - scheduled,
            decode_ms,
            preemptions: self.preemptions,
        }
    }
}

/// The running batch.
#[derive(Debug, Clone, Default)]
pub(super) struct Batch {
    slots: Vec<Option<Sequence>>,
    free: Vec<usize>,
    /// Slots with an unfinished prefill, in order of admission.
    prefilling: VecDeque<usize>,
    /// Tick of the last token, serial, slot of decoding sequences. An entry whose serial is not that of its slot is
    /// left over from a preemption.
    finishes: BinaryHeap<Reverse<(u64, u64, usize)>>,
    /// Decode steps since the start: every decoding sequence gets one token with each.
    tick: u64,
    next_serial: u64,
    decoding: u64,
    decoding_kv: u64,
    /// Room taken by prompts in prefill, in tokens.
    prefilling_kv: u64,
}

impl Batch {
    pub fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Sequences that decode.
    pub fn decoding(&self) -> u64 {
        self.decoding
    }

    /// Tokens in the caches of the decoding sequences.
    pub fn decoding_kv(&self) -> u64 {
        self.decoding_kv
    }

    /// Tokens in all caches, with the room that prompts in prefill have taken.
    pub fn kv_tokens(&self) -> u64 {
        self.decoding_kv + self.prefilling_kv
    }

    fn get(&self, slot: usize) -> Option<&Sequence> {
        self.slots.get(slot).and_then(Option::as_ref)
    }

    /// Takes a sequence in and gives it the first chunk of the budget, which must not be empty.
    pub fn admit(&mut self, mut sequence: Sequence, at: Moment, budget: &mut u64) -> (usize, u32) {
        sequence.serial = self.next_serial;
        self.next_serial += 1;
        sequence.scheduled.get_or_insert(at);
        let tokens = u64::from(sequence.to_prefill()).min(*budget);
        *budget -= tokens;
        self.prefilling_kv += u64::from(sequence.to_prefill());
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        });
        if let Some(place) = self.slots.get_mut(slot) {
            *place = Some(sequence);
        }
        self.prefilling.push_back(slot);
        (slot, tokens as u32)
    }

    /// Gives the budget to the prompts already begun, in order.
    pub fn continue_prefills(&self, budget: &mut u64, chunks: &mut Vec<(usize, u32)>) {
        for &slot in &self.prefilling {
            let left = self.get(slot).map_or(0, |s| u64::from(s.to_prefill() - s.prefilled));
            let tokens = left.min(*budget);
            if tokens == 0 {
                break;
            }
            *budget -= tokens;
            chunks.push((slot, tokens as u32));
        }
    }

    /// Prompt tokens of the chunks, and their sum weighted with the mean context of each chunk.
    pub fn prefill_work(&self, chunks: &[(usize, u32)]) -> (u64, f64) {
        chunks.iter().fold((0, 0.0), |(tokens, weighted), &(slot, n)| {
            let before = self.get(slot).map_or(0, |s| s.prefilled);
            let context = f64::from(before) + f64::from(n) / 2.0;
            (tokens + u64::from(n), weighted + f64::from(n) * context)
        })
    }

    /// Gives every decoding sequence `steps` tokens.
    pub fn decode(&mut self, steps: u64) {
        self.tick += steps;
        self.decoding_kv += self.decoding * steps;
    }

    /// Books a chunk; `Some` with the sequence when its prefill is complete: one token came with it, and it decodes
    /// from the next step on, if that was not its last.
    pub fn prefilled(&mut self, slot: usize, tokens: u32, at: Moment) -> Option<&Sequence> {
        let tick = self.tick;
        let sequence = self.slots.get_mut(slot).and_then(Option::as_mut)?;
        sequence.prefilled += tokens;
        let whole = sequence.to_prefill();
        if sequence.prefilled < whole {
            return None;
        }
        sequence.generated += 1;
        if sequence.generated == 1 {
            sequence.first_token = at;
        }
        let last_tick = tick + u64::from(sequence.request.output_tokens - sequence.generated);
        sequence.last_tick = Some(last_tick);
        self.finishes.push(Reverse((last_tick, sequence.serial, slot)));
        self.decoding += 1;
        self.decoding_kv += u64::from(whole);
        self.prefilling_kv -= u64::from(whole);
        self.prefilling.retain(|&s| s != slot);
        self.get(slot)
    }

    /// Decode steps until the first sequence ends; none decodes: no limit.
    pub fn steps_to_next_finish(&mut self) -> u64 {
        self.next_finish()
            .map_or(u64::MAX, |(last_tick, _)| last_tick.saturating_sub(self.tick))
    }

    /// Takes out one sequence that has got its last token.
    pub fn remove_finished(&mut self) -> Option<Sequence> {
        let (_, slot) = self.next_finish().filter(|&(last_tick, _)| last_tick <= self.tick)?;
        self.finishes.pop();
        let sequence = self.take(slot)?;
        self.decoding -= 1;
        self.decoding_kv -= sequence.longest();
        Some(sequence)
    }

    /// Takes out the sequence that was admitted last, with what it has generated. It looks at all of them:
    /// preemption is rare.
    pub fn remove_youngest(&mut self, at: Moment) -> Option<Sequence> {
        let youngest = self
            .slots
            .iter()
            .enumerate()
            .filter_map(|(slot, s)| Some((s.as_ref()?.serial, slot)));
        let (_, slot) = youngest.max()?;
        let mut sequence = self.take(slot)?;
        if let Some(last_tick) = sequence.last_tick.take() {
            let missing = last_tick.saturating_sub(self.tick) as u32;
            sequence.generated = sequence.request.output_tokens - missing;
            sequence.last_token = at;
            self.decoding -= 1;
            self.decoding_kv -= u64::from(sequence.to_prefill()) - 1;
        } else {
            self.prefilling.retain(|&s| s != slot);
            self.prefilling_kv -= u64::from(sequence.to_prefill());
        }
        sequence.preemptions += 1;
        sequence.prefilled = 0;
        Some(sequence)
    }

    /// Takes all out, the oldest first, each with what it has generated.
    pub fn drain(&mut self, at: Moment) -> Vec<Sequence> {
        let mut all: Vec<_> = std::iter::from_fn(|| self.remove_youngest(at)).collect();
        all.reverse();
        all
    }

    fn take(&mut self, slot: usize) -> Option<Sequence> {
        let sequence = self.slots.get_mut(slot).and_then(Option::take)?;
        self.free.push(slot);
        Some(sequence)
    }

    /// Tick and slot of the sequence that ends first.
    fn next_finish(&mut self) -> Option<(u64, usize)> {
        while let Some(&Reverse((last_tick, serial, slot))) = self.finishes.peek() {
            if self.get(slot).is_some_and(|s| s.serial == serial) {
                return Some((last_tick, slot));
            }
            self.finishes.pop();
        }
        None
    }
}
