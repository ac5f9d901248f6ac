//! What a policy was worth: the share of requests inside the targets and what it cost, counted as requests end, in
//! memory that does not grow with the trace.

use super::Moment;

/// The figures of one object over the evaluated part.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Score {
    /// Requests that arrived in the evaluated part.
    pub requests: u64,
    /// Those that finished.
    pub finished: u64,
    /// Those that were turned away.
    pub rejected: u64,
    /// Those that were cut off at the end of a drain.
    pub aborted: u64,
    /// Those still on their way when the world was given up. All of the last three are misses.
    pub unfinished: u64,
    /// Share of the requests inside every target; 1 without requests.
    pub attainment: f64,
    /// Share inside the target for the time to first token.
    pub attainment_ttft: f64,
    /// Share inside the target for the time per output token.
    pub attainment_tpot: f64,
    /// Accelerator hours from order to the end of the drain.
    pub gpu_hours: f64,
    /// What they cost in US dollars; 0 without prices.
    pub cost_usd: f64,
    /// Replicas that were started.
    pub starts: u64,
    /// Orders that changed the number of replicas.
    pub replica_changes: u64,
    /// Half of the finished requests got their first token within this, in ms.
    pub ttft_p50_ms: f64,
    /// 95 % did.
    pub ttft_p95_ms: f64,
    /// 99 % did.
    pub ttft_p99_ms: f64,
    /// 99 % of the finished requests had at most this time per output token, in ms.
    pub tpot_p99_ms: f64,
    /// Of the finished requests that missed the target for the first token: the mean time to it, in ms; 0 = none.
    pub late_ttft_mean_ms: f64,
    /// 99 % of them got it within this, in ms.
    pub late_ttft_p99_ms: f64,
    /// Mean number of replicas that served.
    pub mean_ready: f64,
}

/// The limits in milliseconds that requests are held against.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Limits {
    /// For the time to first token; `None` = any is fine.
    pub ttft_ms: Option<f64>,
    /// For the time per output token; `None` = any is fine.
    pub tpot_ms: Option<f64>,
}

/// The times of one finished request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Served {
    /// From arrival at the router to the first token, in ms.
    pub ttft_ms: f64,
    /// Mean over the tokens after the first, in ms; `None` = there was only one.
    pub tpot_ms: Option<f64>,
}

/// Inside the target for the first token, and inside the one for the tokens after it.
pub type Inside = (bool, bool);

impl Limits {
    /// Which targets a request kept.
    pub fn kept(&self, served: &Served) -> Inside {
        let ttft = self.ttft_ms.is_none_or(|limit| served.ttft_ms <= limit);
        let tpot = self
            .tpot_ms
            .zip(served.tpot_ms)
            .is_none_or(|(limit, tpot)| tpot <= limit);
        (ttft, tpot)
    }
}

/// How a request ended without being served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Miss {
    /// Turned away.
    Rejected,
    /// Cut off.
    Aborted,
    /// Still on its way at the end.
    Unfinished,
}

/// The running sums behind a [`Score`].
#[derive(Debug, Clone)]
pub struct Tally {
    limits: Limits,
    score: Score,
    inside_ttft: u64,
    inside_tpot: u64,
    inside: u64,
    ttft: Sketch,
    tpot: Sketch,
    late: Sketch,
}

impl Tally {
    /// Nothing counted yet.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            score: Score::default(),
            inside_ttft: 0,
            inside_tpot: 0,
            inside: 0,
            ttft: Sketch::new(),
            tpot: Sketch::new(),
            late: Sketch::new(),
        }
    }

    /// A request ran to its end.
    pub fn served(&mut self, served: &Served) {
        let (ttft, tpot) = self.limits.kept(served);
        self.score.requests += 1;
        self.score.finished += 1;
        self.inside_ttft += u64::from(ttft);
        self.inside_tpot += u64::from(tpot);
        self.inside += u64::from(ttft && tpot);
        self.ttft.add(served.ttft_ms);
        if let Some(tpot_ms) = served.tpot_ms {
            self.tpot.add(tpot_ms);
        }
        if !ttft {
            self.late.add(served.ttft_ms);
        }
    }

    /// A request was not served.
    pub fn missed(&mut self, miss: Miss) {
        self.score.requests += 1;
        match miss {
            Miss::Rejected => self.score.rejected += 1,
            Miss::Aborted => self.score.aborted += 1,
            Miss::Unfinished => self.score.unfinished += 1,
        }
    }

    /// A replica was started.
    pub fn started(&mut self) {
        self.score.starts += 1;
    }

    /// An order changed the number of replicas.
    pub fn changed(&mut self) {
        self.score.replica_changes += 1;
    }

    /// The figures, with what was billed.
    pub fn score(&self, bill: &Bill) -> Score {
        let share = |n: u64| {
            if self.score.requests == 0 {
                1.0
            } else {
                n as f64 / self.score.requests as f64
            }
        };
        Score {
            attainment: share(self.inside),
            attainment_ttft: share(self.inside_ttft),
            attainment_tpot: share(self.inside_tpot),
            gpu_hours: bill.gpu_hours,
            cost_usd: bill.cost_usd,
            mean_ready: bill.mean_ready(),
            ttft_p50_ms: self.ttft.quantile(0.5),
            ttft_p95_ms: self.ttft.quantile(0.95),
            ttft_p99_ms: self.ttft.quantile(0.99),
            tpot_p99_ms: self.tpot.quantile(0.99),
            late_ttft_mean_ms: self.late.mean(),
            late_ttft_p99_ms: self.late.quantile(0.99),
            ..self.score
        }
    }
}

/// What is paid for at one instant.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Rate {
    /// Accelerators of all replicas that exist.
    pub accelerators: f64,
    /// What they cost, in US dollars an hour.
    pub usd_per_hour: f64,
    /// Replicas that serve.
    pub ready: f64,
}

/// Integrals over the evaluated part.
#[derive(Debug, Clone, PartialEq)]
pub struct Bill {
    from: Moment,
    to: Moment,
    at: Moment,
    gpu_hours: f64,
    cost_usd: f64,
    ready_hours: f64,
}

/// Milliseconds of an hour.
const HOUR_MS: f64 = 3_600_000.0;

impl Bill {
    /// Counts from `from` to `to`.
    pub fn new(from: Moment, to: Moment) -> Self {
        Self {
            from,
            to,
            at: from,
            gpu_hours: 0.0,
            cost_usd: 0.0,
            ready_hours: 0.0,
        }
    }

    /// `rate` held since the last call and ends now.
    pub fn advance(&mut self, now: Moment, rate: Rate) {
        let now = now.min(self.to);
        if now > self.at {
            let hours = (now - self.at) / HOUR_MS;
            self.gpu_hours += rate.accelerators * hours;
            self.cost_usd += rate.usd_per_hour * hours;
            self.ready_hours += rate.ready * hours;
            self.at = now;
        }
    }

    fn mean_ready(&self) -> f64 {
        let hours = (self.at - self.from) / HOUR_MS;
        if hours > 0.0 { self.ready_hours / hours } else { 0.0 }
    }
}

/// A histogram on a logarithmic scale: quantiles to half a percent, whatever the number of values.
#[derive(Debug, Clone)]
struct Sketch {
    bins: Vec<u64>,
    total: u64,
    sum: f64,
}

/// The lowest edge in ms; everything below counts as it.
const LOWEST_MS: f64 = 0.01;
/// Width of a bin in ln; the middle of a bin is at most half of it away.
const WIDTH: f64 = 0.01;
/// Up to about five hours.
const BINS: usize = 2_150;

impl Sketch {
    fn new() -> Self {
        Self {
            bins: vec![0; BINS],
            total: 0,
            sum: 0.0,
        }
    }

    fn add(&mut self, ms: f64) {
        let bin = ((ms.max(LOWEST_MS) / LOWEST_MS).ln() / WIDTH) as usize;
        if let Some(count) = self.bins.get_mut(bin.min(BINS - 1)) {
            *count += 1;
        }
        self.total += 1;
        self.sum += ms;
    }

    fn mean(&self) -> f64 {
        if self.total == 0 {
            0.0
        } else {
            self.sum / self.total as f64
        }
    }

    /// The value that the share `q` is at or below; 0 of nothing.
    fn quantile(&self, q: f64) -> f64 {
        let rank = (q * self.total as f64).ceil().max(1.0) as u64;
        let mut below = 0;
        for (bin, count) in self.bins.iter().enumerate() {
            below += count;
            if below >= rank {
                return LOWEST_MS * ((bin as f64 + 0.5) * WIDTH).exp();
            }
        }
        0.0
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const LIMITS: Limits = Limits {
        ttft_ms: Some(2000.0),
        tpot_ms: Some(50.0),
    };

    #[rstest]
    #[case::both(1999.0, Some(49.0), (true, true))]
    #[case::on_the_limit_is_inside(2000.0, Some(50.0), (true, true))]
    #[case::late(2001.0, Some(49.0), (false, true))]
    #[case::slow(10.0, Some(50.1), (true, false))]
    #[case::one_token_cannot_be_slow(10.0, None, (true, true))]
    fn a_request_is_held_against_each_target(
        #[case] ttft_ms: f64,
        #[case] tpot_ms: Option<f64>,
        #[case] inside: Inside,
    ) {
        assert_eq!(LIMITS.kept(&Served { ttft_ms, tpot_ms }), inside);
    }

    #[test]
    fn attainment_is_joint_and_what_was_not_served_is_a_miss() {
        let mut tally = Tally::new(LIMITS);
        for (ttft_ms, tpot) in [(100.0, 20.0), (100.0, 60.0), (3000.0, 20.0), (100.0, 20.0)] {
            tally.served(&Served {
                ttft_ms,
                tpot_ms: Some(tpot),
            });
        }
        for miss in [Miss::Rejected, Miss::Aborted, Miss::Unfinished, Miss::Unfinished] {
            tally.missed(miss);
        }
        let score = tally.score(&Bill::new(Moment::START, Moment::from_secs(1.0)));
        assert_eq!((score.requests, score.finished, score.unfinished), (8, 4, 2));
        assert_eq!(
            (score.attainment, score.attainment_ttft, score.attainment_tpot),
            (2.0 / 8.0, 3.0 / 8.0, 3.0 / 8.0)
        );
        assert!((score.late_ttft_mean_ms - 3000.0).abs() < 1e-9);
    }

    #[test]
    fn no_requests_miss_nothing() {
        let score = Tally::new(LIMITS).score(&Bill::new(Moment::START, Moment::START));
        assert!((score.attainment - 1.0).abs() < 1e-12);
        assert!(score.ttft_p99_ms.abs() < 1e-12 && score.mean_ready.abs() < 1e-12);
    }

    #[test]
    fn the_bill_counts_the_evaluated_part_alone() {
        let mut bill = Bill::new(Moment::from_secs(900.0), Moment::from_secs(4500.0));
        let rate = |n: f64| Rate {
            accelerators: 2.0 * n,
            usd_per_hour: 6.0 * n,
            ready: n,
        };
        bill.advance(Moment::from_secs(800.0), rate(100.0));
        bill.advance(Moment::from_secs(2700.0), rate(1.0));
        bill.advance(Moment::from_secs(9000.0), rate(3.0));
        assert!((bill.gpu_hours - (0.5 * 2.0 + 0.5 * 6.0)).abs() < 1e-9);
        assert!((bill.cost_usd - (0.5 * 6.0 + 0.5 * 18.0)).abs() < 1e-9);
        assert!((bill.mean_ready() - 2.0).abs() < 1e-9);
    }

    #[test]
    fn quantiles_are_exact_to_half_a_percent() {
        let mut sketch = Sketch::new();
        (1..=10_000).for_each(|ms| sketch.add(f64::from(ms)));
        for (q, exact) in [(0.5, 5000.0), (0.95, 9500.0), (0.99, 9900.0)] {
            assert!(
                (sketch.quantile(q) / exact - 1.0).abs() < 0.006,
                "{}",
                sketch.quantile(q)
            );
        }
        sketch.add(1e300);
        sketch.add(0.0);
    }
}
