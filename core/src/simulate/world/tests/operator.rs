//! The operator's own plan in a world.

use super::build::*;
use crate::simulate::load::PastBucket;
use crate::simulate::policy::inferscale::InferScale;
use crate::simulate::world::*;

fn operator(initial: u32, history: Vec<PastBucket>, rate: f64, duration_s: f64) -> ObjectOutcome {
    let mut object = object(&[initial], even(rate, 0.0, duration_s), Box::new(InferScale::default()));
    object.history = history;
    live(WorldSetup {
        duration_s,
        timeline: true,
        ..world(object)
    })
}

fn past(rate: f64, buckets: usize) -> Vec<PastBucket> {
    vec![
        PastBucket {
            rate,
            prompt_tokens: 100.0,
            output_tokens: 101.0,
            coverage: 1.0,
        };
        buckets
    ]
}

#[test]
fn orders_what_a_steady_load_needs_and_then_rests() {
    // A replica runs eight requests of about a second each: 20 requests/s need three at least.
    let outcome = operator(1, Vec::new(), 20.0, 3600.0);
    let timeline = outcome.timeline.unwrap();
    let last = timeline.minutes.last().unwrap();
    assert!((3..=7).contains(&last.ready), "{last:?}");
    assert_eq!((last.queued, last.attained), (0, last.ended));
    assert!(timeline.marks.len() <= 6, "{:#?}", timeline.marks);
    assert!(timeline.marks.iter().all(|m| m.why.is_some()));
}

#[test]
fn what_it_remembers_of_the_past_it_need_not_learn() {
    let first = |history| {
        let timeline = operator(1, history, 20.0, 300.0).timeline.unwrap();
        timeline.marks[0].clone()
    };
    let (new, old) = (first(Vec::new()), first(past(20.0, 5760)));
    assert!(old.at < new.at, "{old:?} {new:?}");
    assert!(old.after[0] >= 3, "{old:?}");
}

#[test]
fn a_hole_in_the_past_is_no_zero_demand() {
    let mut history = past(20.0, 5760);
    for bucket in history.iter_mut().skip(4000) {
        *bucket = PastBucket::default();
    }
    let timeline = operator(1, history, 20.0, 300.0).timeline.unwrap();
    assert!(timeline.marks[0].after[0] >= 3, "{:?}", timeline.marks[0]);
}

#[test]
fn keeps_what_runs_while_nothing_is_measured() {
    let mut object = object(&[6], even(20.0, 0.0, 900.0), Box::new(InferScale::default()));
    object.history = past(20.0, 5760);
    let outcome = live(WorldSetup {
        duration_s: 900.0,
        scrape: ScrapeSetup {
            loss: 1.0,
            ..ScrapeSetup::default()
        },
        timeline: true,
        ..world(object)
    });
    assert!(outcome.timeline.unwrap().minutes.iter().all(|m| m.ready == 6));
}
