//! The bounds: what they cut, what they add, and what they never touch.

use super::*;

fn bounded(min: u32, max: u32, variants: &[(u32, u32)]) -> impl FnOnce(&mut Case) {
    let own: Vec<Bounds> = variants
        .iter()
        .map(|(min, max)| Bounds { min: *min, max: *max })
        .collect();
    move |c: &mut Case| {
        c.object.replicas = Bounds { min, max };
        for (variant, own) in c.object.variants.iter_mut().zip(own) {
            variant.replicas = own;
        }
    }
}

#[rstest]
#[case::inside((1, 10), (0, 10), &[6], &[9], &[9], None)]
#[case::total_max((1, 8), (0, 10), &[6], &[9], &[8], Some(Reason::AtMaximum))]
#[case::variant_max((1, 20), (0, 8), &[6], &[9], &[8], Some(Reason::AtMaximum))]
#[case::total_min((3, 10), (0, 10), &[6], &[2], &[3], Some(Reason::AtMinimum))]
#[case::variant_min((1, 10), (4, 10), &[6], &[2], &[4], Some(Reason::AtMinimum))]
#[case::a_cap_beats_a_minimum((9, 5), (0, 20), &[2], &[2], &[5], Some(Reason::AtMinimum))]
#[case::what_runs_above_the_max_is_not_cut((1, 4), (0, 4), &[6], &[6], &[6], None)]
#[case::above_the_max_nothing_is_added((1, 4), (0, 4), &[6], &[9], &[6], Some(Reason::AtMaximum))]
#[case::above_the_max_it_may_fall((1, 4), (0, 4), &[6], &[5], &[5], None)]
fn bounds(
    #[case] total: (u32, u32),
    #[case] own: (u32, u32),
    #[case] current: &[u32],
    #[case] proposal: &[u32],
    #[case] left: &[u32],
    #[case] why: Option<Reason>,
) {
    let case = Case::of(&[(current[0], current[0])]).with(bounded(total.0, total.1, &[own]));
    assert_eq!(case.ask("bounds", proposal), (left.to_vec(), why));
}

#[rstest]
#[case::the_total_is_what_was_ordered((1, 4), (0, 20), &[4])]
#[case::the_variants_own_is_not((1, 20), (0, 5), &[6])]
fn a_persons_order_is_about_the_total(#[case] total: (u32, u32), #[case] own: (u32, u32), #[case] left: &[u32]) {
    let case = Case::of(&[(6, 6)])
        .with(bounded(total.0, total.1, &[own]))
        .with(|c| c.user_ordered = true);
    assert_eq!(case.ask("bounds", &[6]).0, left);
}

#[rstest]
#[case::kept_by_the_evidence(&[(2, 2), (3, 3)], 5, &[5, 3], &[2, 3])]
#[case::room_for_one(&[(2, 2), (3, 3)], 6, &[5, 3], &[3, 3])]
#[case::what_is_given_back_makes_room(&[(2, 2), (3, 3)], 5, &[5, 2], &[3, 2])]
#[case::the_last_in_the_spec_waits(&[(2, 2), (2, 2)], 6, &[4, 4], &[4, 2])]
fn the_maximum_never_takes_what_runs_to_make_room_for_more(
    #[case] variants: &[(u32, u32)],
    #[case] max: u32,
    #[case] proposal: &[u32],
    #[case] left: &[u32],
) {
    let case = Case::of(variants).with(|c| c.object.replicas.max = max);
    assert_eq!(case.ask("bounds", proposal), (left.to_vec(), Some(Reason::AtMaximum)));
}

#[test]
fn an_ordered_cut_takes_what_does_not_serve_yet_first() {
    let case = Case::of(&[(3, 0), (5, 5)]).with(|c| {
        c.object.replicas.max = 5;
        c.user_ordered = true;
    });
    assert_eq!(case.ask("bounds", &[3, 5]).0, [0, 5]);
}

#[rstest]
#[case::by_the_active_one(&[(0, 0), (2, 2)], 4, 20, Some(1), &[0, 2], &[0, 4])]
#[case::by_the_one_that_runs_while_none_is_known(&[(0, 0), (2, 2)], 4, 20, None, &[0, 2], &[0, 4])]
#[case::moving_it_keeps_what_serves(&[(1, 1), (2, 2)], 3, 20, Some(0), &[1, 1], &[2, 2])]
#[case::then_it_goes(&[(2, 2), (2, 2)], 3, 20, Some(0), &[2, 1], &[2, 1])]
#[case::without_room_one_for_one(&[(1, 1), (2, 2)], 3, 3, Some(0), &[1, 1], &[2, 1])]
fn the_minimum_is_met(
    #[case] variants: &[(u32, u32)],
    #[case] min: u32,
    #[case] max: u32,
    #[case] active: Option<usize>,
    #[case] proposal: &[u32],
    #[case] left: &[u32],
) {
    let case = Case::of(variants).with(|c| {
        c.object.replicas = Bounds { min, max };
        c.active = active;
    });
    let why = (left != proposal).then_some(Reason::AtMinimum);
    assert_eq!(case.ask("bounds", proposal), (left.to_vec(), why));
}
