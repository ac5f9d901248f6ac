use rstest::rstest;

use super::super::fixture;
use super::*;

#[rstest]
#[case(60)]
#[case(80)]
#[case(100)]
#[case(120)]
#[case(160)]
fn a_table_fits_and_every_line_is_as_long(#[case] width: usize) {
    let grid = objects(&fixture::view(), Some(width));
    let total = |cells: &[String]| cells.iter().map(|c| c.chars().count()).sum::<usize>() + GAP * (cells.len() - 1);
    assert!(total(&grid.head) <= width);
    for row in &grid.rows {
        assert_eq!(total(row), total(&grid.head));
    }
}

#[test]
fn what_matters_most_is_dropped_last() {
    let titles = |width| objects(&fixture::view(), width).titles;
    let all = titles(None);
    assert_eq!(all.len(), 15);
    let mut before = all.len();
    for width in (0..200).rev() {
        let left = titles(Some(width));
        assert!(
            left.len() <= before,
            "a narrower terminal shows more columns at {width}"
        );
        before = left.len();
    }
    assert_eq!(titles(Some(0)), ["NAME"]);
    assert_eq!(titles(Some(50)), ["NAMESPACE", "NAME", "READY", SLO]);
}

#[test]
fn the_namespace_that_was_asked_for_is_not_repeated() {
    assert!(!objects(&fixture::empty(), None).titles.contains(&"NAMESPACE"));
}

#[test]
fn a_long_name_is_cut_only_where_the_width_is_limited() {
    let long = |width| {
        objects(&fixture::view(), width)
            .rows
            .iter()
            .any(|row| row.iter().any(|c| c.contains('…')))
    };
    assert!(long(Some(100)));
    assert!(!long(None));
}

#[test]
fn a_sum_without_those_of_unknown_price_is_a_lower_bound() {
    assert_eq!(totals(&fixture::view()), "4 objects, 1 missed, 12 GPUs, >=$13.72/h");
    assert_eq!(totals(&fixture::empty()), "0 objects, 0 missed, 0 GPUs, $0.00/h");
}
