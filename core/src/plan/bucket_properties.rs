//! What holds for any scrapes: arrivals are conserved, however scrapes and ticks fall.

use proptest::prelude::*;

use super::*;

/// A pod's life for the properties: scrape phase and interval, requests per scrape, a queue that comes and goes.
#[derive(Debug, Clone)]
struct Life {
    phase_ms: i64,
    interval_ms: i64,
    arrivals: Vec<u8>,
    restart: Option<usize>,
}

fn life() -> impl Strategy<Value = Life> {
    (
        0..15_000_i64,
        prop_oneof![Just(1_000), Just(5_000), Just(15_000), 2_000..15_000_i64],
        prop::collection::vec(0..40_u8, 8..40),
        prop::option::of(0..30_usize),
    )
        .prop_map(|(phase_ms, interval_ms, arrivals, restart)| Life {
            phase_ms,
            interval_ms,
            arrivals,
            restart,
        })
}

/// The signals of a life, and what had arrived at an instant on the line between its scrapes.
fn lived(life: &Life, restarts: bool) -> PodSignals {
    let start = NOW - GRID * 30 + Span::from_millis(life.phase_ms);
    let (mut arrived, mut done, mut lost) = (0.0, 0.0, 0.0);
    let mut samples: Vec<(Time, f64, f64)> = Vec::new();
    let mut at = start;
    for i in 0.. {
        if at > NOW + GRID {
            break;
        }
        arrived += f64::from(life.arrivals[i % life.arrivals.len()]);
        if restarts && life.restart == Some(i) {
            // All that ran is counted as done at the restart: nothing is lost, the counter begins anew.
            (lost, done) = (arrived, arrived);
        }
        // Two thirds of what waits is finished by the next scrape.
        done += ((arrived - done) * 2.0 / 3.0).floor();
        samples.push((at, done - lost, arrived - done));
        at = at + Span::from_millis(life.interval_ms);
    }
    let series = |of: &dyn Fn(&(Time, f64, f64)) -> f64| {
        Series::new(samples.iter().map(|s| Sample { at: s.0, value: of(s) }).collect())
    };
    PodSignals {
        running: series(&|s| (s.2 / 2.0).floor()),
        waiting: series(&|s| s.2 - (s.2 / 2.0).floor()),
        completed: series(&|s| s.1),
        // Tokens flow all the time, so that nothing looks frozen.
        generated_tokens: series(&|s| s.0.as_secs_f64()),
        ..PodSignals::default()
    }
}

/// An age in milliseconds and three values.
type Raw = (i64, f64, f64, f64);

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Whatever the phase and interval of each pod's scrapes: what arrived in all buckets together is what the pods'
    /// counters grew by between the first and the last edge.
    #[test]
    fn scrapes_out_of_phase_conserve_arrivals(lives in prop::collection::vec(life(), 1..5), n in 2..12_i64) {
        let object = object(lives.iter().map(|l| lived(l, false)).collect());
        let buckets = last(&object, n);
        prop_assert_eq!(buckets.len(), n as usize);
        let pods = &object.variants[0].pods;
        let grown: f64 = pods.iter().map(|p| {
            let counter = arrived(&p.signals);
            counter.at(NOW).unwrap() - counter.at(NOW - GRID * n).unwrap()
        }).sum();
        // A request may leave the count before its time only where the sum of all pods falls, which is clipped at zero.
        prop_assert!(sum(&buckets) + 1e-6 >= grown, "{} < {}", sum(&buckets), grown);
        if buckets.iter().all(|b| b.arrivals > 0.0) {
            prop_assert!(close_to(sum(&buckets), grown), "{} != {}", sum(&buckets), grown);
        }
        prop_assert!(buckets.iter().all(|b| b.coverage == Ratio::ONE));
    }

    /// A counter that begins anew after a restart changes nothing of what had arrived.
    #[test]
    fn a_restart_conserves_arrivals(life in life(), n in 2..12_i64) {
        let with = sum(&last(&object(vec![lived(&life, true)]), n));
        let without = sum(&last(&object(vec![lived(&life, false)]), n));
        // Scrapes see the queue at the restart as gone: at most what it held differs.
        let queue = 3.0 * 40.0;
        prop_assert!((with - without).abs() <= queue, "{} and {}", with, without);
    }

    /// How ticks cut the time does not change the buckets.
    #[test]
    fn buckets_are_the_same_however_ticks_fall(
        lives in prop::collection::vec(life(), 1..4),
        ticks in prop::collection::vec(0..180_000_i64, 0..10),
    ) {
        let whole: Vec<PodSignals> = lives.iter().map(|l| lived(l, true)).collect();
        let from = NOW - GRID * 12;
        let run = |ticks: &[i64]| {
            let mut all = Vec::new();
            let mut since = from;
            for ms in ticks {
                let now = from + Span::from_millis(*ms);
                // Only what was scraped by then is there.
                let seen = whole.iter().map(|s| until(s, now)).collect();
                let new = closed(&object(seen), TIMING, since, now);
                since = new.last().map_or(since, |b| b.start + GRID);
                all.extend(new);
            }
            all
        };
        let regular: Vec<i64> = (0..=12).map(|i| i * 15_000).collect();
        let mut mixed = [regular.clone(), ticks].concat();
        mixed.sort_unstable();
        prop_assert_eq!(run(&regular), run(&mixed));
    }

    /// Any samples whatever: no panic, and only finite numbers that are not negative.
    #[test]
    fn any_samples_give_sound_buckets(
        values in prop::collection::vec((0..300_000_i64, any::<f64>(), any::<f64>(), any::<f64>()), 0..60),
    ) {
        let at = |ms: i64| NOW - Span::from_millis(ms);
        let series = |of: &dyn Fn(&Raw) -> f64| {
            Series::new(values.iter().map(|v| Sample { at: at(v.0), value: of(v) }).collect())
        };
        let signals = PodSignals {
            running: series(&|v| v.1),
            waiting: series(&|v| v.2),
            completed: series(&|v| v.3),
            prompt_tokens: series(&|v| v.2),
            generated_tokens: series(&|v| v.1),
            kv_use: series(&|v| v.1),
            time_to_first_token: Histogram { buckets: vec![(0.5, series(&|v| v.1)), (f64::INFINITY, series(&|v| v.2))] },
            time_per_output_token: Histogram { buckets: vec![(0.05, series(&|v| v.3)), (f64::INFINITY, series(&|v| v.1))] },
        };
        for b in last(&object(vec![signals, steady(2.0)]), 8) {
            for x in [b.arrivals, b.completed, b.started, b.prompt_tokens, b.generated_tokens] {
                prop_assert!(x.is_finite() && x >= 0.0, "{:?}", b);
            }
            let a = b.time_per_output_token.unwrap();
            prop_assert!(a.inside.is_finite() && a.total.is_finite() && a.inside <= a.total, "{:?}", b);
        }
    }
}

/// What of the signals had been scraped by `now`.
fn until(signals: &PodSignals, now: Time) -> PodSignals {
    let cut = |series: &Series| Series::new(series.samples().iter().filter(|s| s.at <= now).copied().collect());
    PodSignals {
        running: cut(&signals.running),
        waiting: cut(&signals.waiting),
        completed: cut(&signals.completed),
        generated_tokens: cut(&signals.generated_tokens),
        ..PodSignals::default()
    }
}
