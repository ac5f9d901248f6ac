//! The front desk of one object: every request that is on its way, and what is heard of it.

use super::outcome::Totals;
use super::record::Recorder;
use super::replica::Meters;
use crate::simulate::Moment;
use crate::simulate::engine::{Completion, Event, Request};
use crate::simulate::load::Arrival;
use crate::simulate::policy::{LatencyCounts, Live, RouterScrape, Second, TPOT_EDGES_S, TTFT_EDGES_S};
use crate::simulate::score::{Miss, Served, Tally};

/// The number of a request while it is on its way.
pub(super) type Ticket = u32;

/// What happened to the requests of one object.
#[derive(Debug)]
pub(super) struct Desk {
    tickets: Vec<Arrival>,
    free: Vec<Ticket>,
    pub tally: Tally,
    /// Only requests that arrive from then on are scored.
    evaluated_from: Moment,
    evaluated: u64,
    ended: u64,
    pub totals: Totals,
    in_flight: u32,
    /// Requests in flight times milliseconds, up to `since`.
    flight: f64,
    since: Moment,
    ttft: LatencyCounts,
    tpot: LatencyCounts,
    pub live: Live,
    second: (u64, f64),
    scraped: (Moment, f64),
    pub recorder: Option<Recorder>,
}

impl Desk {
    pub fn new(tally: Tally, evaluated_from: Moment, recorder: Option<Recorder>) -> Self {
        Self {
            tickets: Vec::new(),
            free: Vec::new(),
            tally,
            evaluated_from,
            evaluated: 0,
            ended: 0,
            totals: Totals::default(),
            in_flight: 0,
            flight: 0.0,
            since: Moment::START,
            ttft: LatencyCounts::default(),
            tpot: LatencyCounts::default(),
            live: Live::default(),
            second: (0, 0.0),
            scraped: (Moment::START, 0.0),
            recorder,
        }
    }

    /// A request came in.
    pub fn admit(&mut self, arrival: Arrival) -> Ticket {
        self.touch(arrival.at);
        self.in_flight += 1;
        self.totals.arrived += 1;
        self.evaluated += u64::from(arrival.at >= self.evaluated_from);
        if let Some(ticket) = self.free.pop() {
            if let Some(place) = self.tickets.get_mut(ticket as usize) {
                *place = arrival;
            }
            return ticket;
        }
        self.tickets.push(arrival);
        (self.tickets.len() - 1) as Ticket
    }

    /// Whether any request is on its way.
    pub fn is_idle(&self) -> bool {
        self.in_flight == 0
    }

    /// When a request arrived.
    pub fn arrived(&self, ticket: Ticket) -> Moment {
        self.tickets.get(ticket as usize).map_or(Moment::START, |a| a.at)
    }

    /// What an engine is to do for it.
    pub fn request(&self, ticket: Ticket) -> Request {
        let (prompt_tokens, output_tokens) = self
            .tickets
            .get(ticket as usize)
            .map_or((1, 1), |a| (a.prompt_tokens, a.output_tokens));
        Request {
            id: u64::from(ticket),
            prompt_tokens,
            output_tokens,
        }
    }

    /// Listens to the engine of the replica with these meters.
    pub fn hear(&mut self, event: Event, meters: &mut Meters) {
        match event {
            Event::FirstToken { id, at, ttft_ms, .. } => {
                meters.ttft.observe(&TTFT_EDGES_S, ttft_ms / 1000.0);
                let whole_ms = at - self.arrived(id as Ticket);
                self.ttft.observe(&TTFT_EDGES_S, whole_ms / 1000.0);
                if let Some(recorder) = &mut self.recorder {
                    recorder.first_token(whole_ms);
                }
            }
            Event::Finished(completion) => self.finished(&completion, meters),
            Event::Aborted { id, at, .. } => {
                meters.in_flight = meters.in_flight.saturating_sub(1);
                self.totals.aborted += 1;
                self.miss(at, id as Ticket, Miss::Aborted);
            }
            Event::Iterations { .. } | Event::Resumed { .. } | Event::Preempted { .. } => {}
        }
    }

    fn finished(&mut self, completion: &Completion, meters: &mut Meters) {
        let ticket = completion.id as Ticket;
        let arrived = self.arrived(ticket);
        let served = Served {
            ttft_ms: completion.ttft_ms + (completion.arrived - arrived),
            tpot_ms: completion.tpot_ms,
        };
        meters.in_flight = meters.in_flight.saturating_sub(1);
        if let Some(tpot_ms) = served.tpot_ms {
            meters.tpot.observe(&TPOT_EDGES_S, tpot_ms / 1000.0);
            self.tpot.observe(&TPOT_EDGES_S, tpot_ms / 1000.0);
        }
        self.totals.finished += 1;
        if arrived >= self.evaluated_from {
            self.ended += 1;
            self.tally.served(&served);
        }
        if let Some(recorder) = &mut self.recorder {
            recorder.ended(Some(&served));
        }
        self.leave(completion.at, ticket);
    }

    /// Turns a request away.
    pub fn reject(&mut self, at: Moment, ticket: Ticket) {
        self.totals.rejected += 1;
        self.miss(at, ticket, Miss::Rejected);
    }

    fn miss(&mut self, at: Moment, ticket: Ticket, miss: Miss) {
        if self.arrived(ticket) >= self.evaluated_from {
            self.ended += 1;
            self.tally.missed(miss);
        }
        if let Some(recorder) = &mut self.recorder {
            recorder.ended(None);
        }
        self.leave(at, ticket);
    }

    /// Whoever is still on the way missed.
    pub fn give_up(&mut self) {
        for _ in self.ended..self.evaluated {
            self.tally.missed(Miss::Unfinished);
        }
        self.ended = self.evaluated;
    }

    fn leave(&mut self, at: Moment, ticket: Ticket) {
        self.touch(at);
        self.in_flight = self.in_flight.saturating_sub(1);
        self.free.push(ticket);
    }

    fn touch(&mut self, now: Moment) {
        let ms = now - self.since;
        if ms > 0.0 {
            self.flight += ms * f64::from(self.in_flight);
            self.since = now;
        }
    }

    /// A second is over.
    pub fn second(&mut self, now: Moment) {
        self.touch(now);
        let (arrived, flight) = self.second;
        self.live.push(Second {
            in_flight: (self.flight - flight) / 1000.0,
            arrived: (self.totals.arrived - arrived) as u32,
        });
        self.second = (self.totals.arrived, self.flight);
    }

    /// What the router's metrics say.
    pub fn scrape(&mut self, now: Moment, queued: u32) -> RouterScrape {
        self.touch(now);
        let (at, flight) = self.scraped;
        self.scraped = (now, self.flight);
        RouterScrape {
            arrived: self.totals.arrived,
            queued,
            in_flight: self.in_flight.saturating_sub(queued),
            mean_in_flight: (self.flight - flight) / (now - at).max(1e-9),
            ttft: self.ttft,
            tpot: self.tpot,
        }
    }
}
