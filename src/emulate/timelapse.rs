//! A trace in time-lapse: its rate compressed in time and rescaled, its requests as heavy as they were. Pure.
//!
//! Playing a trace 15 times faster must not mean 15 times the load, or bursts 15 times as steep as a replica's life.
//! So the rate of the trace is measured in its own 15 s buckets, the buckets are shortened, the rate is scaled, and
//! the requests are drawn from it as a Poisson process: bursts keep their height against the mean and their length
//! against the day. Each draw takes the tokens of a request of its own bucket, in order.

use super::draw::Draw;
use crate::trace::requests::TraceRequest;

/// The trace's own time that one measured rate holds for.
const BUCKET_S: f64 = 15.0;
/// The peak of a rate is that of its busiest minute: a single bucket is as much chance as load.
const PEAK_BUCKETS: usize = 4;

/// How the rate of a trace is changed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rescale {
    /// Multiplied.
    Factor(f64),
    /// Multiplied so that the busiest minute of the trace has this many requests a second.
    Peak(f64),
}

/// One request to play.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Arrival {
    /// Milliseconds after the start of the play.
    pub at_ms: f64,
    /// Tokens of the prompt.
    pub input_tokens: u32,
    /// Tokens of the answer.
    pub output_tokens: u32,
}

/// The requests to play, in order. At speed 1 and unscaled they are the trace itself. `random` seeds the draws.
pub fn arrivals(trace: &[TraceRequest], speed: f64, rescale: Rescale, random: u64) -> Vec<Arrival> {
    let buckets = buckets(trace);
    let factor = match rescale {
        Rescale::Factor(factor) => factor,
        Rescale::Peak(peak) => peak / busiest(&buckets).max(f64::MIN_POSITIVE),
    };
    // Exactly these two numbers mean "as it was"; they come from a file, not from a computation.
    if (speed - 1.0).abs() < f64::EPSILON && (factor - 1.0).abs() < f64::EPSILON {
        return trace.iter().map(|r| arrival(r.arrival_s, r)).collect();
    }
    let mut draw = Draw::new(random);
    let mut out = Vec::new();
    // What is left of the current exponential gap, in expected requests.
    let mut gap = draw.exponential();
    for bucket in &buckets {
        let (start, width) = (bucket.start_s / speed, bucket.width_s / speed);
        let rate = bucket.rate() * factor;
        let mut times = Vec::new();
        let mut expected = rate * width;
        let mut spent = 0.0;
        while gap <= expected {
            spent += gap;
            expected -= gap;
            times.push(start + spent / rate);
            gap = draw.exponential();
        }
        gap -= expected;
        for (i, at) in times.iter().enumerate() {
            if let Some(request) = bucket.requests.get(i * bucket.requests.len() / times.len()) {
                out.push(arrival(*at, request));
            }
        }
    }
    out
}

fn arrival(at_s: f64, request: &TraceRequest) -> Arrival {
    Arrival {
        at_ms: at_s * 1000.0,
        input_tokens: request.input_tokens,
        output_tokens: request.output_tokens,
    }
}

struct Bucket<'a> {
    start_s: f64,
    width_s: f64,
    requests: &'a [TraceRequest],
}

impl Bucket<'_> {
    fn rate(&self) -> f64 {
        self.requests.len() as f64 / self.width_s
    }
}

fn buckets(trace: &[TraceRequest]) -> Vec<Bucket<'_>> {
    let end = trace.last().map_or(0.0, |r| r.arrival_s);
    let mut out = Vec::new();
    let (mut rest, mut start_s) = (trace, 0.0);
    while !rest.is_empty() {
        let upper = start_s + BUCKET_S;
        let (inside, later) = rest.split_at(rest.partition_point(|r| r.arrival_s < upper));
        // The trace ends inside its last bucket; a rate over less than a second would be chance.
        let width_s = if later.is_empty() {
            (end - start_s).clamp(1.0, BUCKET_S)
        } else {
            BUCKET_S
        };
        out.push(Bucket {
            start_s,
            width_s,
            requests: inside,
        });
        rest = later;
        start_s = upper;
    }
    out
}

fn busiest(buckets: &[Bucket<'_>]) -> f64 {
    let mean = |window: &[Bucket<'_>]| {
        let requests: usize = window.iter().map(|b| b.requests.len()).sum();
        requests as f64 / window.iter().map(|b| b.width_s).sum::<f64>()
    };
    let minutes = buckets.windows(PEAK_BUCKETS.min(buckets.len()).max(1)).map(mean);
    minutes.fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Steady at 2 requests/s, one minute in the middle at 10.
    fn spiky() -> Vec<TraceRequest> {
        let mut requests = Vec::new();
        let mut at = 0.0;
        while at < 1800.0 {
            let i = requests.len() as u32;
            requests.push(TraceRequest {
                arrival_s: at,
                input_tokens: 100 + i,
                output_tokens: 10,
            });
            at += if (900.0..960.0).contains(&at) { 0.1 } else { 0.5 };
        }
        requests
    }

    fn per_second(arrivals: &[Arrival], from_s: f64, to_s: f64) -> f64 {
        let inside = |a: &&Arrival| (from_s * 1000.0..to_s * 1000.0).contains(&a.at_ms);
        arrivals.iter().filter(inside).count() as f64 / (to_s - from_s)
    }

    #[test]
    fn at_its_own_speed_the_trace_is_itself() {
        let trace = spiky();
        let played = arrivals(&trace, 1.0, Rescale::Factor(1.0), 7);
        assert_eq!(played.len(), trace.len());
        assert!(
            trace
                .iter()
                .zip(&played)
                .all(|(t, p)| (t.arrival_s * 1000.0 - p.at_ms).abs() < 1e-9)
        );
    }

    #[test]
    fn a_burst_keeps_its_height_and_its_share_of_the_day() {
        let played = arrivals(&spiky(), 15.0, Rescale::Peak(200.0), 7);
        // The minute from 900 s on is the 4 s from 60 s on.
        let (burst, calm) = (per_second(&played, 60.0, 64.0), per_second(&played, 10.0, 59.0));
        assert!((burst - 200.0).abs() < 25.0, "{burst}");
        assert!((calm - 40.0).abs() < 4.0, "{calm}");
        assert!(per_second(&played, 120.5, 130.0) < 1e-9, "it ends after 1800 / 15 s");
    }

    #[test]
    fn the_tokens_are_those_of_the_same_part_of_the_day_in_order() {
        let trace = spiky();
        let played = arrivals(&trace, 15.0, Rescale::Factor(3.0), 7);
        for arrival in &played {
            let original_s = arrival.at_ms / 1000.0 * 15.0;
            let taken_s = trace[(arrival.input_tokens - 100) as usize].arrival_s;
            assert!((original_s - taken_s).abs() <= 15.1, "{original_s} took {taken_s}");
        }
        assert!(played.windows(2).all(|w| w[0].input_tokens <= w[1].input_tokens));
    }

    #[test]
    fn a_seed_plays_the_same_twice_and_another_differently() {
        let play = |seed| arrivals(&spiky(), 10.0, Rescale::Factor(1.0), seed);
        assert_eq!(play(1), play(1));
        assert_ne!(play(1), play(2));
    }

    #[test]
    fn a_trace_of_one_request_has_a_rate() {
        let one = [TraceRequest {
            arrival_s: 3.0,
            input_tokens: 1,
            output_tokens: 1,
        }];
        assert!(arrivals(&one, 2.0, Rescale::Peak(50.0), 1).len() < 300);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn as_many_as_the_rate_promises_in_order_and_in_time(speed in 2.0..60.0_f64, factor in 5.0..20.0_f64, seed in any::<u64>()) {
            let trace = spiky();
            let played = arrivals(&trace, speed, Rescale::Factor(factor), seed);
            let expected = trace.len() as f64 * factor / speed;
            prop_assert!((played.len() as f64 - expected).abs() < 6.0 * expected.sqrt() + 1.0);
            prop_assert!(played.windows(2).all(|w| w[0].at_ms <= w[1].at_ms));
            prop_assert!(played.iter().all(|a| a.at_ms <= 1_801_000.0 / speed));
        }
    }
}
