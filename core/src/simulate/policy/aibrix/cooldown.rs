//! The cool-down windows, as they are coded: `stabilizeRecommendation` in `podautoscaler_controller.go`.
//!
//! Upwards the most within 0 s, downwards the *least* within 300 s (a HorizontalPodAutoscaler takes the most there): the
//! window makes a decrease larger, not later.

use std::collections::VecDeque;

const DOWN_S: f64 = 300.0;

/// What was recommended.
#[derive(Debug, Clone, Default)]
pub struct Cooldown {
    recommended: VecDeque<(f64, u32)>,
}

impl Cooldown {
    /// What becomes of a recommendation at `now` (in seconds).
    pub fn apply(&mut self, now: f64, current: u32, recommended: u32) -> u32 {
        self.recommended.push_back((now, recommended));
        while self.recommended.front().is_some_and(|(at, _)| *at <= now - DOWN_S) {
            self.recommended.pop_front();
        }
        if recommended >= current {
            return recommended;
        }
        let least = self.recommended.iter().map(|(_, n)| *n).min();
        least.unwrap_or(recommended)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_down_to_the_least_of_five_minutes_and_up_at_once() {
        let mut cooldown = Cooldown::default();
        assert_eq!(cooldown.apply(0.0, 8, 4), 4);
        assert_eq!(cooldown.apply(10.0, 4, 7), 7);
        assert_eq!(cooldown.apply(20.0, 7, 6), 4);
        assert_eq!(cooldown.apply(310.0, 7, 6), 6);
        assert_eq!(cooldown.apply(320.0, 6, 6), 6);
    }
}
