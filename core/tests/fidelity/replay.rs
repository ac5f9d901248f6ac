//! One measured run, played again: the same requests into the engine, the same means out.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use inferscale_core::performance::{EngineLimits, Profile};
use inferscale_core::simulate::Moment;
use inferscale_core::simulate::engine::{Completion, Engine, Event, Request};

use crate::data::Draw;

/// The means that a benchmark client reports.
#[derive(Debug, Clone, Copy)]
pub struct Means {
    pub ttft_ms: f64,
    pub tpot_ms: f64,
    /// Output tokens in a second.
    pub throughput: f64,
}

/// How the requests come.
#[derive(Debug, Clone)]
pub enum Load {
    /// So many at once, each client sending the next request when it has its answer.
    Closed { concurrency: usize, requests: Vec<Request> },
    /// At these times, in seconds.
    Open(Vec<(f64, Request)>),
}

/// What a run was made with.
#[derive(Debug, Clone)]
pub struct Run {
    pub load: Load,
    pub limits: EngineLimits,
    /// Whether the server composed a step while the one before ran.
    pub ahead: bool,
    pub measured: Means,
}

/// Over HTTP a request needs about this long from the client to the engine (connection, tokeniser, queues); assumed, not
/// fitted. It counts in the client's time to first token, and chance in it keeps clients from marching in step.
const FRONT_END_MS: f64 = 5.0;

/// What the engine makes of the load.
pub fn play(profile: &Profile, run: &Run) -> Means {
    let engine = Engine::new(profile, run.limits);
    let engine = if run.ahead { engine } else { engine.synchronous() };
    match &run.load {
        Load::Closed { concurrency, requests } => means(&closed(engine, *concurrency, requests), FRONT_END_MS),
        Load::Open(arrivals) => means(&open(engine, arrivals), 0.0),
    }
}

fn open(mut engine: Engine, arrivals: &[(f64, Request)]) -> Vec<Completion> {
    let mut done = Vec::new();
    let mut hear = |event: Event| {
        if let Event::Finished(completion) = event {
            done.push(completion);
        }
    };
    for (at, request) in arrivals {
        engine.submit(Moment::from_secs(*at), *request, &mut hear).unwrap();
    }
    while let Some(at) = engine.next_event() {
        engine.advance(at, &mut hear);
    }
    done
}

fn closed(mut engine: Engine, concurrency: usize, requests: &[Request]) -> Vec<Completion> {
    let mut draw = Draw::new(3);
    let mut done: Vec<Completion> = Vec::new();
    // When the next request of each client reaches the engine, the earliest first.
    let mut on_the_way = BinaryHeap::new();
    let mut send = |at: Moment| Reverse(at + draw.exponential(FRONT_END_MS));
    on_the_way.extend((0..concurrency).map(|_| send(Moment::START)));
    let mut left = requests.iter().peekable();
    loop {
        let arrival = left.peek().and(on_the_way.peek()).map(|at| at.0);
        let before = done.len();
        let mut hear = |event: Event| {
            if let Event::Finished(completion) = event {
                done.push(completion);
            }
        };
        match (arrival, engine.next_event()) {
            (Some(at), event) if event.is_none_or(|event| at <= event) => {
                on_the_way.pop();
                if let Some(request) = left.next() {
                    engine.submit(at, *request, &mut hear).unwrap();
                }
            }
            (_, Some(event)) => engine.advance(event, &mut hear),
            (_, None) => break,
        }
        on_the_way.extend(done.iter().skip(before).map(|c| send(c.at)));
    }
    done
}

fn means(done: &[Completion], front_end_ms: f64) -> Means {
    let n = done.len() as f64;
    let tpot: Vec<f64> = done.iter().filter_map(|c| c.tpot_ms).collect();
    let first = done.iter().map(|c| c.arrived).min().unwrap();
    let last = done.iter().map(|c| c.at).max().unwrap();
    let tokens: u64 = done.iter().map(|c| u64::from(c.output_tokens)).sum();
    Means {
        ttft_ms: front_end_ms + done.iter().map(|c| c.ttft_ms).sum::<f64>() / n,
        tpot_ms: tpot.iter().sum::<f64>() / tpot.len() as f64,
        throughput: tokens as f64 / (last - first) * 1000.0,
    }
}
