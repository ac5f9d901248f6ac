//! The time line of one object, a minute at a time.

use super::outcome::{Mark, Minute, Timeline};
use crate::simulate::Moment;
use crate::simulate::score::{Limits, Served};

/// What is gathered of the minute in progress, and the minutes before.
#[derive(Debug)]
pub(super) struct Recorder {
    limits: Limits,
    ttft_ms: Vec<f64>,
    tpot_ms: Vec<f64>,
    ended: u32,
    attained: u32,
    arrived: u64,
    timeline: Timeline,
}

impl Recorder {
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            ttft_ms: Vec::new(),
            tpot_ms: Vec::new(),
            ended: 0,
            attained: 0,
            arrived: 0,
            timeline: Timeline::default(),
        }
    }

    pub fn first_token(&mut self, ttft_ms: f64) {
        self.ttft_ms.push(ttft_ms);
    }

    /// A request ended; `None` = without being served.
    pub fn ended(&mut self, served: Option<&Served>) {
        self.ended += 1;
        if let Some(served) = served {
            self.tpot_ms.extend(served.tpot_ms);
            self.attained += u32::from(self.limits.kept(served) == (true, true));
        }
    }

    pub fn mark(&mut self, mark: Mark) {
        self.timeline.marks.push(mark);
    }

    /// A minute is over; `state` has the replicas and the queue at its end, `arrived` counts from the start.
    pub fn minute(&mut self, state: Minute, arrived: u64) {
        self.timeline.minutes.push(Minute {
            rate: (arrived - self.arrived) as f64 / 60.0,
            ttft_p99_ms: p99(&mut self.ttft_ms),
            tpot_p99_ms: p99(&mut self.tpot_ms),
            ended: std::mem::take(&mut self.ended),
            attained: std::mem::take(&mut self.attained),
            ..state
        });
        self.arrived = arrived;
    }

    pub fn into_timeline(self) -> Timeline {
        self.timeline
    }
}

/// The exact 99th percentile, and the values are gone.
fn p99(values: &mut Vec<f64>) -> Option<f64> {
    let rank = (values.len() * 99).div_ceil(100).checked_sub(1)?;
    let (_, value, _) = values.select_nth_unstable_by(rank, f64::total_cmp);
    let value = *value;
    values.clear();
    Some(value)
}

impl Minute {
    /// A minute of which only its end is known yet.
    pub(super) fn ending(at: Moment, [ready, starting, draining]: [u32; 3], queued: u32) -> Self {
        Self {
            at,
            ready,
            starting,
            draining,
            queued,
            ..Self::default()
        }
    }
}
