//! What holds for every mixture of series, and for bytes that are none.

use proptest::prelude::*;

use super::*;

/// A label set of one pod: rank, scrape and unknown labels in every mixture.
fn any_series() -> impl Strategy<Value = Value> {
    let value = prop_oneof![
        Just("NaN".to_owned()),
        (0..1000_u32).prop_map(|v| v.to_string()),
        Just("-1".to_owned())
    ];
    (
        0..3_u8,
        0..2_u8,
        0..2_u8,
        prop::collection::vec((900..1000_i32, value), 0..8),
    )
        .prop_map(|(engine, job, other, samples)| {
            let (engine, job, other) = (engine.to_string(), job.to_string(), other.to_string());
            let samples: Vec<(f64, &str)> = samples.iter().map(|(t, v)| (f64::from(*t), v.as_str())).collect();
            of_pod(
                RUNNING,
                &[("engine", &engine), ("job", &job), ("other", &other)],
                &samples,
            )
        })
}

proptest! {
    #[test]
    fn a_pod_never_has_more_than_all_its_ranks_at_their_highest(series in prop::collection::vec(any_series(), 0..10)) {
        let (found, _) = one(Signal::Running, &series);
        for (_, value) in found {
            prop_assert!((0.0..=3.0 * 999.0).contains(&value));
        }
    }

    #[test]
    fn the_order_of_series_does_not_matter(series in prop::collection::vec(any_series(), 0..6)) {
        // Two series with all labels equal cannot come from a server.
        let mut unique: Vec<Value> = Vec::new();
        for s in series {
            if unique.iter().all(|u| u["metric"] != s["metric"]) {
                unique.push(s);
            }
        }
        let forwards = one(Signal::Running, &unique);
        unique.reverse();
        prop_assert_eq!(forwards, one(Signal::Running, &unique));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = reply::read(&bytes, &mut |_| {});
    }

    #[test]
    fn no_damage_to_an_answer_makes_it_panic(
        series in prop::collection::vec(any_series(), 1..4),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let body = json!({"status": "success", "data": {"resultType": "matrix", "result": series}}).to_string();
        let mut bytes = body.into_bytes();
        for (index, byte) in damage {
            let index = index.index(bytes.len());
            bytes[index] = byte;
        }
        bytes.truncate(cut.index(bytes.len()) + 1);
        let presets = Presets::embedded().unwrap();
        let query = Query::all(presets.engine("vLLM").unwrap(), &Limits::default(), Span::from_secs(1)).remove(0);
        let mut join = Join::new(&query, NOW);
        let _ = reply::read(&bytes, &mut |series| join.add(&series));
        let _ = join.finish();
    }
}
