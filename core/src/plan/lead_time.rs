//! How long it takes from asking for a replica until it serves: measured on the object's own pods.

use crate::snapshot::{ObjectSnapshot, Timing};
use crate::units::Span;

/// A pod's readiness may flip long after its start; a longer "start" than this is not one.
const LONGEST_GRIDS: i64 = 120;

/// A replica that has served this many grids is to blame for what it serves late; a younger one inherited a queue.
pub const SETTLED_GRIDS: i64 = 8;

/// The p90 of (ready - created) over the ready pods; two minutes (eight grids) until one was seen. Never below a grid.
pub fn of(object: &ObjectSnapshot, timing: Timing) -> Span {
    let mut starts: Vec<Span> = object
        .variants
        .iter()
        .flat_map(|v| &v.pods)
        .filter_map(|pod| pod.ready_since.map(|ready| ready.since(pod.created)))
        .filter(|span| *span <= timing.grid * LONGEST_GRIDS)
        .collect();
    starts.sort_unstable();
    let rank = (starts.len() * 9).div_ceil(10).saturating_sub(1);
    starts
        .get(rank)
        .copied()
        .unwrap_or(timing.assumed_lead_time())
        .max(timing.grid)
}

/// How long need must stay low before a replica is given back, in buckets: about the lead time, at least eight grids.
/// Shorter pays the same cold start twice; longer only idles (flat between one and five minutes in the prototype).
pub fn hold(lead: Span, timing: Timing) -> usize {
    lead.in_buckets(timing.grid).max(8)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::plan::tests::build::{self, NOW, TIMING};

    fn started_within(seconds: &[i64]) -> ObjectSnapshot {
        let mut variant = build::variant("a", seconds.len() as u32, seconds.len() as u32);
        for (pod, s) in variant.pods.iter_mut().zip(seconds) {
            pod.created = NOW - Span::from_secs(100_000);
            pod.ready_since = Some(pod.created + Span::from_secs(*s));
        }
        build::object(vec![variant])
    }

    #[rstest]
    #[case::nothing_seen_yet(&[], 120)]
    #[case::one(&[70], 70)]
    #[case::two_the_slower(&[70, 90], 90)]
    #[case::the_ninth_of_ten(&[10, 20, 30, 40, 50, 60, 70, 80, 90, 1000], 90)]
    #[case::never_below_a_grid(&[3, 4], 15)]
    #[case::ready_again_after_hours_is_no_start(&[70, 80, 40_000], 80)]
    #[case::only_flaps(&[40_000], 120)]
    fn is_the_ninth_tenth_of_the_measured_starts(#[case] starts: &[i64], #[case] seconds: i64) {
        assert_eq!(of(&started_within(starts), TIMING), Span::from_secs(seconds));
    }

    #[test]
    fn pods_that_start_say_nothing_yet_and_all_variants_count() {
        let mut object = started_within(&[70]);
        object.variants.push(started_within(&[200]).variants.remove(0));
        object.variants[0].pods.push(build::starting_pod("new"));
        assert_eq!(of(&object, TIMING), Span::from_secs(200));
    }

    #[test]
    fn a_clock_that_runs_ahead_makes_no_negative_start() {
        assert_eq!(of(&started_within(&[-50]), TIMING), TIMING.grid);
    }

    #[rstest]
    #[case::short(10, 8)]
    #[case::two_minutes(120, 8)]
    #[case::rounded_up(121, 9)]
    #[case::five_minutes(300, 20)]
    fn holds_about_the_lead_time_and_eight_grids_at_least(#[case] seconds: i64, #[case] buckets: usize) {
        assert_eq!(hold(Span::from_secs(seconds), TIMING), buckets);
    }
}
