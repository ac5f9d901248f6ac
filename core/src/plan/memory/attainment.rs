//! The share of requests inside each target over the objective's window.

use crate::plan::bucket::{Attained, Bucket};
use crate::snapshot::Target;
use crate::units::{Ratio, Span};

/// A longer window is kept in coarser slots, so that it never takes more memory.
const SLOTS: usize = 40;

#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Slot {
    buckets: u32,
    ttft: [f32; 2],
    tpot: [f32; 2],
}

/// How many of the newest buckets tell how it goes now.
const RECENT: usize = 4;

/// Requests inside the targets over the last window, in at most 40 slots, and over the newest four buckets.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Attainment {
    slots: Vec<Slot>,
    recent: Vec<Slot>,
}

impl Attainment {
    /// Folds in one bucket.
    pub fn absorb(&mut self, bucket: &Bucket, window: Span, grid: Span) {
        let buckets = window.in_buckets(grid);
        let width = buckets.div_ceil(SLOTS) as u32;
        if self.slots.last().is_none_or(|slot| slot.buckets >= width) {
            self.slots.push(Slot::default());
        }
        if let Some(slot) = self.slots.last_mut() {
            slot.buckets += 1;
            add(&mut slot.ttft, bucket.time_to_first_token);
            add(&mut slot.tpot, bucket.time_per_output_token);
        }
        let mut newest = Slot {
            buckets: 1,
            ..Slot::default()
        };
        add(&mut newest.ttft, bucket.time_to_first_token);
        add(&mut newest.tpot, bucket.time_per_output_token);
        self.recent.push(newest);
        if self.recent.len() > RECENT {
            self.recent.remove(0);
        }
        let slots = buckets.div_ceil(width as usize).max(1);
        if self.slots.len() > slots {
            self.slots.drain(..self.slots.len() - slots);
        }
    }

    /// The counts of one target over the window.
    pub fn of(&self, target: Target) -> Attained {
        sum(&self.slots, target)
    }

    /// The counts of one target over the newest four buckets.
    pub fn recent(&self, target: Target) -> Attained {
        sum(&self.recent, target)
    }

    /// What it holds outside of itself.
    #[cfg(test)]
    pub fn heap_bytes(&self) -> usize {
        (self.slots.capacity() + self.recent.capacity()) * size_of::<Slot>()
    }
}

fn sum(slots: &[Slot], target: Target) -> Attained {
    let mut sum = Attained::default();
    for slot in slots {
        let [inside, total] = match target {
            Target::TimeToFirstToken => slot.ttft,
            Target::TimePerOutputToken => slot.tpot,
        };
        sum.inside += f64::from(inside);
        sum.total += f64::from(total);
    }
    sum
}

impl Attained {
    /// The share inside; `None` without a request.
    pub fn share(self) -> Option<Ratio> {
        Ratio::of(self.inside, self.total)
    }

    /// Requests outside of the target.
    pub fn missed(self) -> f64 {
        (self.total - self.inside).max(0.0)
    }
}

fn add(sum: &mut [f32; 2], attained: Option<Attained>) {
    if let Some(a) = attained {
        sum[0] += a.inside as f32;
        sum[1] += a.total as f32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::{Ratio, Time};

    fn bucket(inside: f64, total: f64) -> Bucket {
        Bucket {
            start: Time::from_millis(0),
            arrivals: total,
            completed: total,
            started: total,
            prompt_tokens: 0.0,
            generated_tokens: 0.0,
            time_to_first_token: Some(Attained { inside, total }),
            time_per_output_token: None,
            replicas: 1,
            coverage: Ratio::ONE,
        }
    }

    #[test]
    fn forgets_what_is_older_than_the_window() {
        let mut a = Attainment::default();
        let (window, grid) = (Span::from_secs(60), Span::from_secs(15));
        a.absorb(&bucket(0.0, 10.0), window, grid);
        for _ in 0..4 {
            a.absorb(&bucket(10.0, 10.0), window, grid);
        }
        assert_eq!(a.of(Target::TimeToFirstToken).share(), Some(Ratio::ONE));
    }

    #[test]
    fn a_long_window_takes_no_more_memory() {
        let mut a = Attainment::default();
        for _ in 0..10_000 {
            a.absorb(&bucket(9.0, 10.0), Span::from_secs(86_400), Span::from_secs(15));
        }
        assert!(a.slots.len() <= SLOTS, "{}", a.slots.len());
        assert!((a.of(Target::TimeToFirstToken).share().unwrap().get() - 0.9).abs() < 1e-6);
    }

    #[test]
    fn a_target_without_requests_has_no_share() {
        assert_eq!(Attainment::default().of(Target::TimePerOutputToken).share(), None);
    }
}
