//! The cheapest variant that carries the demand, and when it is worth a switch.

use rstest::rstest;

use super::*;
use crate::plan::size::Origin;
use crate::plan::tests::build;
use crate::snapshot::{Bounds, TargetState};

#[expect(
    clippy::unnecessary_wraps,
    reason = "one of the capacities of an object, which may be unknown"
)]
fn carries(rate: f64) -> Option<ReplicaCapacity> {
    Some(ReplicaCapacity {
        requests_per_second: rate,
        origin: Origin::Profile,
    })
}

/// Variants by (replicas that run, price of a replica in cents an hour or none).
fn object(variants: &[(u32, Option<u32>)]) -> ObjectSnapshot {
    let variants = variants.iter().enumerate().map(|(i, (n, cents))| {
        let mut variant = build::variant(&format!("v{i}"), *n, *n);
        variant.accelerator_price = cents.and_then(|c| UsdPerHour::new(f64::from(c) / 100.0));
        variant
    });
    build::object(variants.collect())
}

fn chosen(object: &ObjectSnapshot, capacities: &[Option<ReplicaCapacity>], rate: f64) -> Option<Candidate> {
    choose(object, &candidates(object, capacities, rate)).cloned()
}

#[test]
fn each_variant_with_a_known_capacity_is_a_candidate() {
    let object = object(&[(1, Some(200)), (0, Some(100)), (0, Some(50))]);
    let all = candidates(&object, &[carries(2.0), None, carries(1.0)], 7.0);
    let facts: Vec<_> = all.iter().map(|c| (c.active, c.replicas.clone(), c.enough)).collect();
    assert_eq!(facts, [(0, vec![4, 0, 0], true), (2, vec![0, 0, 7], true)]);
    assert!(
        (all[0].carries - 8.0).abs() < 1e-9 && all[0].cost == UsdPerHour::new(8.0),
        "{all:?}"
    );
    assert!(candidates(&object, &[None, None, None], 7.0).is_empty());
}

#[test]
fn a_candidate_stays_inside_its_variants_bounds() {
    let mut object = object(&[(1, Some(100))]);
    object.variants[0].replicas = Bounds { min: 2, max: 3 };
    let least = candidates(&object, &[carries(2.0)], 0.1).remove(0);
    assert_eq!((least.replicas, least.enough), (vec![2], true));
    let most = candidates(&object, &[carries(2.0)], 7.0).remove(0);
    assert_eq!((most.replicas, most.enough), (vec![3], false));
    assert!((most.carries - 6.0).abs() < 1e-9);
}

#[test]
fn in_a_mix_the_slowest_binds() {
    // v1 keeps two at its minimum, each as slow as one request/s: all five carry one each.
    let mut object = object(&[(3, Some(100)), (2, Some(100))]);
    object.variants[1].replicas.min = 2;
    let first = candidates(&object, &[carries(3.0), carries(1.0)], 5.0).remove(0);
    assert_eq!((first.active, first.replicas.clone()), (0, vec![3, 2]));
    assert!((first.carries - 5.0).abs() < 1e-9, "{first:?}");
    // One of unknown speed counts as the active one.
    let first = candidates(&object, &[carries(3.0), None], 14.0).remove(0);
    assert_eq!(first.replicas, [3, 2]);
}

#[rstest]
#[case::cheap_before_dear(&[(0, Some(400)), (0, Some(150))], &[2.0, 1.0], 4.0, &[0, 4])]
#[case::fast_and_dear_may_be_the_cheaper(&[(0, Some(400)), (0, Some(250))], &[2.0, 1.0], 4.0, &[2, 0])]
#[case::at_equal_cost_the_first_in_the_spec(&[(0, Some(200)), (0, Some(100))], &[2.0, 1.0], 4.0, &[2, 0])]
#[case::priced_before_unpriced(&[(0, None), (0, Some(900))], &[2.0, 2.0], 4.0, &[0, 2])]
#[case::without_any_price_the_first(&[(0, None), (0, None)], &[1.0, 2.0], 4.0, &[4, 0])]
#[case::enough_before_cheap(&[(0, Some(1)), (0, Some(900))], &[0.1, 5.0], 4.0, &[0, 1])]
#[case::when_none_is_enough_the_strongest(&[(0, Some(1)), (0, Some(900))], &[1.0, 2.0], 100.0, &[0, 20])]
#[case::what_runs_stays_for_a_small_saving(&[(0, Some(190)), (2, Some(200))], &[2.0, 2.0], 4.0, &[0, 2])]
#[case::what_runs_goes_for_a_large_one(&[(0, Some(170)), (2, Some(200))], &[2.0, 2.0], 4.0, &[2, 0])]
#[case::exactly_a_tenth_is_enough(&[(0, Some(180)), (2, Some(200))], &[2.0, 2.0], 4.0, &[2, 0])]
#[case::what_runs_without_a_price_stays(&[(0, Some(1)), (2, None)], &[2.0, 2.0], 4.0, &[0, 2])]
#[case::what_runs_and_is_not_enough_goes(&[(0, Some(900)), (2, Some(1))], &[9.0, 0.1], 4.0, &[1, 0])]
#[case::the_one_with_more_replicas_is_what_runs(&[(1, Some(195)), (2, Some(200))], &[2.0, 2.0], 4.0, &[0, 2])]
fn chooses(
    #[case] variants: &[(u32, Option<u32>)],
    #[case] capacities: &[f64],
    #[case] rate: f64,
    #[case] replicas: &[u32],
) {
    let capacities: Vec<_> = capacities.iter().map(|c| carries(*c)).collect();
    assert_eq!(chosen(&object(variants), &capacities, rate).unwrap().replicas, replicas);
}

#[test]
fn a_variant_that_runs_but_is_not_known_binds_nobody() {
    let object = object(&[(3, Some(200)), (0, Some(100))]);
    assert_eq!(chosen(&object, &[None, carries(2.0)], 4.0).unwrap().replicas, [0, 2]);
    assert_eq!(chosen(&object, &[None, None], 4.0), None);
}

#[rstest]
#[case::sum(&[(1, Some(150)), (1, Some(50))], &[2, 3], Some(4.5))]
#[case::what_does_not_run_needs_no_price(&[(1, Some(150)), (1, None)], &[2, 0], Some(3.0))]
#[case::what_runs_does(&[(1, Some(150)), (1, None)], &[2, 1], None)]
#[case::nothing_costs_nothing(&[(1, None)], &[0], Some(0.0))]
fn costs(#[case] variants: &[(u32, Option<u32>)], #[case] replicas: &[u32], #[case] usd: Option<f64>) {
    assert_eq!(cost(&object(variants), replicas).map(UsdPerHour::get), usd);
}

#[test]
fn a_replica_of_several_accelerators_costs_them_all() {
    let mut object = object(&[(1, Some(150))]);
    object.variants[0].accelerators = 8;
    assert_eq!(cost(&object, &[2]).map(UsdPerHour::get), Some(24.0));
}

#[test]
fn a_target_that_cannot_be_read_counts_as_not_running() {
    let mut object = object(&[(0, Some(190)), (2, Some(200))]);
    object.variants[1].target = TargetState::Missing;
    assert_eq!(
        chosen(&object, &[carries(2.0), carries(2.0)], 4.0).unwrap().replicas,
        [2, 0]
    );
}
