//! A total over the variants: whose replicas come first, whose go first.

use crate::snapshot::{ObjectSnapshot, VariantSnapshot};

/// Takes replicas away until `total` is left: those first that are above their variant's own maximum, then those that
/// do not serve yet, then those of the variants that are last in the spec. The replicas of variant `keep` go last.
pub fn lower_to(object: &ObjectSnapshot, replicas: &[u32], total: u32, keep: Option<usize>) -> Vec<u32> {
    let mut result = replicas.to_vec();
    let mut excess = result.iter().sum::<u32>().saturating_sub(total);
    let mut order: Vec<usize> = (0..result.len()).rev().collect();
    order.sort_by_key(|i| Some(*i) == keep);
    let spare: [fn(&VariantSnapshot) -> u32; 3] = [|v| v.replicas.max, VariantSnapshot::ready, |_| 0];
    for spared in spare {
        for i in &order {
            let (Some(n), Some(variant)) = (result.get_mut(*i), object.variants.get(*i)) else {
                continue;
            };
            let take = excess.min(n.saturating_sub(spared(variant)));
            *n -= take;
            excess -= take;
        }
    }
    result
}

/// Takes back what `replicas` adds to `current` until `total` is left, from the variants that are last in the spec
/// first. What runs is not touched.
pub fn grow_to(current: &[u32], replicas: &[u32], total: u32) -> Vec<u32> {
    let mut result = replicas.to_vec();
    let mut excess = result.iter().sum::<u32>().saturating_sub(total);
    for (n, current) in result.iter_mut().zip(current).rev() {
        let take = excess.min(n.saturating_sub(*current));
        *n -= take;
        excess -= take;
    }
    result
}

/// Adds replicas until there are `total`, within the variants' maxima: to variant `first`, then to the one that has
/// the most.
pub fn raise_to(object: &ObjectSnapshot, replicas: &[u32], total: u32, first: Option<usize>) -> Vec<u32> {
    let mut result = replicas.to_vec();
    let mut order: Vec<usize> = (0..result.len()).collect();
    order.sort_by_key(|i| {
        (
            Some(*i) != first,
            std::cmp::Reverse(replicas.get(*i).copied().unwrap_or(0)),
        )
    });
    let mut lacking = total.saturating_sub(result.iter().sum());
    for i in order {
        let (Some(n), Some(variant)) = (result.get_mut(i), object.variants.get(i)) else {
            continue;
        };
        let room = variant.replicas.max.saturating_sub(*n).min(lacking);
        *n += room;
        lacking -= room;
    }
    result
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;
    use crate::plan::tests::build;

    fn object(variants: &[(u32, u32)]) -> ObjectSnapshot {
        build::object(
            variants
                .iter()
                .map(|(n, ready)| build::variant("v", *n, *ready))
                .collect(),
        )
    }

    #[rstest]
    #[case::nothing_to_take(&[(3, 3), (2, 2)], 5, None, &[3, 2])]
    #[case::the_last_goes_first(&[(3, 3), (2, 2)], 4, None, &[3, 1])]
    #[case::then_the_one_before(&[(3, 3), (2, 2)], 2, None, &[2, 0])]
    #[case::what_does_not_serve_goes_before(&[(3, 1), (2, 2)], 3, None, &[1, 2])]
    #[case::the_kept_goes_last(&[(3, 3), (2, 2)], 2, Some(1), &[0, 2])]
    #[case::kept_or_not_what_serves_stays(&[(3, 3), (2, 0)], 3, Some(1), &[3, 0])]
    #[case::all(&[(3, 3), (2, 2)], 0, Some(0), &[0, 0])]
    #[case::above_its_own_maximum_goes_before_all(&[(25, 25), (2, 0)], 22, None, &[20, 2])]
    fn lowers(#[case] variants: &[(u32, u32)], #[case] total: u32, #[case] keep: Option<usize>, #[case] left: &[u32]) {
        let current: Vec<u32> = variants.iter().map(|v| v.0).collect();
        assert_eq!(lower_to(&object(variants), &current, total, keep), left);
    }

    #[rstest]
    #[case::fits(&[1, 1], &[3, 1], 4, &[3, 1])]
    #[case::cuts_what_is_new(&[1, 1], &[3, 3], 4, &[3, 1])]
    #[case::never_what_runs(&[2, 4], &[5, 4], 3, &[2, 4])]
    #[case::less_stays_less(&[2, 4], &[5, 1], 4, &[3, 1])]
    fn grows_into_what_room_there_is(
        #[case] current: &[u32],
        #[case] wanted: &[u32],
        #[case] total: u32,
        #[case] left: &[u32],
    ) {
        assert_eq!(grow_to(current, wanted, total), left);
    }

    #[rstest]
    #[case::to_the_most(&[1, 3], 6, None, &[1, 5])]
    #[case::to_the_first_named(&[1, 3], 6, Some(0), &[3, 3])]
    #[case::over_its_maximum_to_the_next(&[1, 18], 25, None, &[5, 20])]
    #[case::no_more_than_all_maxima(&[1, 18], 99, None, &[20, 20])]
    #[case::enough_already(&[1, 3], 2, None, &[1, 3])]
    #[case::from_nothing_to_the_first_in_the_spec(&[0, 0], 2, None, &[2, 0])]
    fn raises(#[case] current: &[u32], #[case] total: u32, #[case] first: Option<usize>, #[case] raised: &[u32]) {
        assert_eq!(raise_to(&object(&[(0, 0), (0, 0)]), current, total, first), raised);
    }

    proptest! {
        #[test]
        fn lowering_meets_the_total_and_only_takes(
            variants in prop::collection::vec((0..9_u32, 0..9_u32), 1..5), total in 0..30_u32, keep in prop::option::of(0..5_usize),
        ) {
            let current: Vec<u32> = variants.iter().map(|v| v.0).collect();
            let left = lower_to(&object(&variants), &current, total, keep);
            prop_assert_eq!(left.iter().sum::<u32>(), total.min(current.iter().sum()));
            prop_assert!(left.iter().zip(&current).all(|(l, c)| l <= c));
        }

        #[test]
        fn raising_only_adds_and_stays_inside_the_maxima(
            current in prop::collection::vec(0..25_u32, 1..5), total in 0..90_u32, first in prop::option::of(0..5_usize),
        ) {
            let variants = vec![(0, 0); current.len()];
            let raised = raise_to(&object(&variants), &current, total, first);
            prop_assert!(raised.iter().sum::<u32>() <= total.max(current.iter().sum()));
            prop_assert!(raised.iter().zip(&current).all(|(r, c)| r >= c && *r <= 20.max(*c)));
        }
    }
}
