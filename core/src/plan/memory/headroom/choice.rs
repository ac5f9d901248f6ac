//! Which of the guesses to follow: the laxest that keeps the budget of misses, unless the last few requests would cost
//! out of proportion.

use super::heads::HEADS;

/// What a missed request above the budget is worth, in units of the cost of what the demand itself needs: one point more
/// of misses outweighs 1.2 of the base cost, so that one freak spike does not buy a fivefold fleet for days.
const PENALTY: f64 = 120.0;

/// A place on the ladder of the guesses, 0 to `HEADS - 1`, with fractions: between two guesses their logarithms mix.
///
/// `missed` (falling) and `cost` are those of each guess; `budget` is the share that may miss.
pub(super) fn place(missed: &[f64; HEADS], cost: &[f64; HEADS], budget: f64) -> f64 {
    let kept = kept(missed, budget);
    let price = |k: usize, missed: &f64| -> Option<(f64, f64)> {
        Some((k as f64, cost.get(k)? + PENALTY * (missed - budget).max(0.0)))
    };
    let (cheapest, least) =
        missed
            .iter()
            .enumerate()
            .filter_map(|(k, m)| price(k, m))
            .fold(
                (kept, f64::INFINITY),
                |best, one| if one.1 < best.1 { one } else { best },
            );
    let price_kept = between(cost, kept) + PENALTY * (between(missed, kept) - budget).max(0.0);
    if cheapest < kept && least < price_kept {
        cheapest
    } else {
        kept
    }
}

/// The laxest place at which the budget is kept; the strictest when none does.
fn kept(missed: &[f64; HEADS], budget: f64) -> f64 {
    let Some(k) = missed.iter().position(|share| *share <= budget) else {
        return (HEADS - 1) as f64;
    };
    let Some((over, under)) = k
        .checked_sub(1)
        .and_then(|before| missed.get(before).zip(missed.get(k)))
    else {
        return 0.0;
    };
    let ln = |share: f64| share.max(1e-9).ln();
    let span = ln(*over) - ln(*under);
    let share = if span > 0.0 {
        (ln(*over) - ln(budget)) / span
    } else {
        1.0
    };
    (k - 1) as f64 + share.clamp(0.0, 1.0)
}

/// The value at a place of the ladder, on the line between its neighbours.
pub(super) fn between(values: &[f64; HEADS], place: f64) -> f64 {
    let lower = (place.max(0.0) as usize).min(HEADS - 1);
    let at = |i: usize| values.get(i.min(HEADS - 1)).copied().unwrap_or(0.0);
    let (low, high) = (at(lower), at(lower + 1));
    low + (high - low) * (place - lower as f64).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FALLING: [f64; HEADS] = [0.4, 0.2, 0.1, 0.05, 0.04, 0.02, 0.01, 0.005, 0.004, 0.002, 0.001];
    const GENTLE: [f64; HEADS] = [1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.8, 1.9, 2.0];

    #[test]
    fn takes_the_laxest_that_keeps_the_budget() {
        assert!((place(&FALLING, &GENTLE, 0.01) - 6.0).abs() < 1e-9);
        let half = place(&FALLING, &GENTLE, (0.02_f64 * 0.01).sqrt());
        assert!((half - 5.5).abs() < 1e-6, "{half}");
        assert!(place(&FALLING, &GENTLE, 0.5).abs() < 1e-9);
    }

    #[test]
    fn takes_the_strictest_when_none_keeps_it() {
        assert!((place(&[0.5; HEADS], &[1.0; HEADS], 0.01) - 10.0).abs() < 1e-9);
    }

    #[test]
    fn a_stricter_budget_is_never_a_laxer_place() {
        let places: Vec<f64> = [0.1, 0.05, 0.01, 0.004, 0.001, 0.0001]
            .map(|b| place(&FALLING, &GENTLE, b))
            .into();
        assert!(places.is_sorted(), "{places:?}");
    }

    #[test]
    fn the_last_misses_may_cost_too_much() {
        // From 1.5 % to 1 % of misses, and from a cost of 2 to one of 9.
        let missed = [0.4, 0.2, 0.1, 0.05, 0.04, 0.015, 0.01, 0.005, 0.004, 0.002, 0.001];
        let cost = [1.0, 1.1, 1.2, 1.3, 1.4, 2.0, 9.0, 9.0, 9.0, 9.0, 9.0];
        assert!((place(&missed, &cost, 0.01) - 5.0).abs() < 1e-9);
    }
}
