//! The last replica is given back only when the others carry the demand with some air: else it comes back at once.

use super::{Context, Verdict, decreases, no_decrease};
use crate::plan::reason::Reason;

/// The share of what is left that must stay free.
const AIR: f64 = 0.05;

pub(super) fn check(context: &Context<'_>, proposal: &[u32]) -> Verdict {
    if context.user_ordered || !decreases(context.current, proposal) {
        return Verdict::Pass;
    }
    let Some(forecast) = context.forecast else {
        return Verdict::Pass;
    };
    let slowest = context
        .capacities
        .iter()
        .zip(proposal)
        .filter(|(_, n)| **n > 0)
        .filter_map(|(capacity, _)| *capacity)
        .reduce(f64::min);
    let Some(slowest) = slowest else { return Verdict::Pass };
    let left: u32 = proposal.iter().sum();
    if left >= context.current.iter().sum() {
        // One variant for another: nothing is given back, and one more could break the maximum.
        return Verdict::Pass;
    }
    if forecast.held <= slowest * f64::from(left) * (1.0 - AIR) {
        return Verdict::Pass;
    }
    // One more than proposed is enough air; more would be a second opinion on size.
    let kept = no_decrease(context.current, proposal);
    let mut replicas = proposal.to_vec();
    if let Some((mine, _)) = replicas.iter_mut().zip(&kept).find(|(mine, kept)| **mine < **kept) {
        *mine += 1;
    }
    Verdict::Instead {
        replicas,
        reason: Reason::WithinTolerance,
        message: "one replica fewer would leave less than 5% of air".to_owned(),
    }
}
