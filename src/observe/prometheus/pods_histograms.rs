//! Histograms: edges, their spellings, and from where they come.

use super::*;

fn histogram(series: &[Value]) -> (Vec<(f64, Values)>, DroppedSamples) {
    let (pods, dropped) = run(Signal::TimeToFirstToken, series);
    let buckets = match pods.get(&key("prod", "chat-1")) {
        Some(Measured::Histogram(histogram)) => histogram
            .buckets
            .iter()
            .map(|(edge, series)| (*edge, values(series)))
            .collect(),
        Some(Measured::Series(_)) => panic!("no histogram"),
        None => Vec::new(),
    };
    (buckets, dropped)
}

#[rstest]
#[case("1")]
#[case("1.0")]
fn a_histogram_comes_by_rising_edge_in_either_spelling(#[case] one: &str) {
    let (buckets, dropped) = histogram(&[
        of_pod(TTFT, &[("le", "+Inf")], &[(990.0, "9")]),
        of_pod(TTFT, &[("le", one)], &[(990.0, "7")]),
    ]);
    assert_eq!(
        buckets,
        [(1.0, vec![(990.0, 7.0)]), (f64::INFINITY, vec![(990.0, 9.0)])]
    );
    assert!(dropped.is_empty());
}

#[test]
fn an_edge_whose_spelling_changed_is_one_series() {
    let (buckets, _) = histogram(&[
        of_pod(TTFT, &[("le", "1")], &[(980.0, "7")]),
        of_pod(TTFT, &[("le", "1.0")], &[(990.0, "8")]),
    ]);
    assert_eq!(buckets, [(1.0, vec![(980.0, 7.0), (990.0, 8.0)])]);
}

#[test]
fn the_edges_of_a_histogram_come_from_one_scrape() {
    let (buckets, _) = histogram(&[
        of_pod(TTFT, &[("le", "1"), ("job", "a")], &[(990.0, "7")]),
        of_pod(TTFT, &[("le", "+Inf"), ("job", "a")], &[(990.0, "9")]),
        of_pod(TTFT, &[("le", "1"), ("job", "b")], &[(995.0, "8")]),
    ]);
    assert_eq!(buckets, [(1.0, vec![(995.0, 8.0)])]);
}

#[test]
fn an_edge_that_was_not_asked_for_is_ignored() {
    let (buckets, dropped) = histogram(&[
        of_pod(TTFT, &[("le", "0.5")], &[(990.0, "7")]),
        of_pod(TTFT, &[("le", "often")], &[(990.0, "7")]),
        of_pod(TTFT, &[], &[(990.0, "7")]),
    ]);
    assert_eq!(buckets, []);
    assert_eq!(dropped.get(DropCause::NotAsked), 3);
}
