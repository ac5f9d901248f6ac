//! Steps of one batch in a row: each longer than the one before by the same amount.

use crate::simulate::Moment;

/// `steps` iterations from `started` on; step `i` (from 0) lasts `first_ms + i * growth_ms`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Run {
    pub started: Moment,
    /// At least 1.
    pub steps: u64,
    pub first_ms: f64,
    pub growth_ms: f64,
    /// Sequences that get a token with every step.
    pub decoding: u64,
    /// Prompt tokens of the step; a run with any has one step.
    pub prefill_tokens: u64,
}

impl Run {
    /// When the last step ends.
    pub fn end(&self) -> Moment {
        self.end_of(self.steps)
    }

    /// When the first `steps` steps are over: an arithmetic series.
    pub fn end_of(&self, steps: u64) -> Moment {
        let n = steps as f64;
        self.started + (n * self.first_ms + self.growth_ms * n * (n - 1.0) / 2.0)
    }

    /// Lengthens the run to `steps`, but not over the point where the law leaves its floor: `unfloored` is its
    /// value now, `growth_ms` what each step adds to it.
    pub fn extend(&mut self, steps: u64, unfloored: f64, floor_ms: f64, growth_ms: f64) {
        self.steps = steps.max(1);
        if unfloored >= floor_ms {
            self.growth_ms = growth_ms;
        } else if growth_ms > 0.0 {
            let on_floor = ((floor_ms - unfloored) / growth_ms).ceil().max(1.0);
            self.steps = self.steps.min(on_floor as u64).max(1);
        }
    }

    /// Steps that are over at `now`, at most all but the last.
    pub fn steps_by(&self, now: Moment) -> u64 {
        let elapsed = now - self.started;
        if elapsed < self.first_ms || self.steps == 1 {
            return 0;
        }
        // The positive root of  n*first + growth*n*(n-1)/2 = elapsed,  then set right for rounding.
        let (a, b) = (self.growth_ms / 2.0, self.first_ms - self.growth_ms / 2.0);
        let root = 2.0 * elapsed / (b + (b * b + 4.0 * a * elapsed).sqrt());
        let mut n = (root as u64).min(self.steps - 1);
        while n > 0 && self.end_of(n) > now {
            n -= 1;
        }
        while n + 1 < self.steps && self.end_of(n + 1) <= now {
            n += 1;
        }
        n
    }

    /// Takes the first `steps` steps off, which are over.
    pub fn skip(&mut self, steps: u64) {
        self.started = self.end_of(steps);
        self.first_ms += self.growth_ms * steps as f64;
        self.steps -= steps.min(self.steps - 1);
    }

    /// Ends the run after so many steps from the one in progress on, if it does not end before.
    pub fn stop_after(&mut self, steps: u64) {
        self.steps = self.steps.min(steps);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(steps: u64, first_ms: f64, growth_ms: f64) -> Run {
        Run {
            started: Moment::from_millis(100.0),
            steps,
            first_ms,
            growth_ms,
            decoding: 1,
            prefill_tokens: 0,
        }
    }

    #[test]
    fn the_sum_in_closed_form_is_the_sum() {
        let r = run(1000, 10.0, 0.25);
        let mut t = 100.0;
        for i in 0..1000_u64 {
            assert_eq!(r.steps_by(Moment::from_millis(t + 1e-6)), i.min(999));
            t += 10.0 + 0.25 * i as f64;
            assert!((r.end_of(i + 1).as_millis() - t).abs() < 1e-6);
        }
    }

    #[test]
    fn what_is_left_after_skipping_ends_at_the_same_time() {
        let whole = run(50, 7.0, 0.1);
        let mut rest = whole;
        rest.skip(20);
        assert_eq!(rest.steps, 30);
        assert!((rest.end() - whole.end()).abs() < 1e-9);
    }

    #[test]
    fn a_run_on_the_floor_stops_where_the_law_leaves_it() {
        let mut r = run(1, 10.0, 0.0);
        r.extend(100, 9.0, 10.0, 0.3);
        // 9.0, 9.3, 9.6, 9.9 are below the floor of 10, 10.2 is not.
        assert_eq!((r.steps, r.growth_ms), (4, 0.0));
    }
}
