//! Each thing that can be seen of a Lease, and what is done about it when.

use std::time::Duration;

use inferscale_core::units::Time;
use rstest::rstest;

use super::super::record::Record;
use super::*;

const ME: &str = "me_1";
const OTHER: &str = "other_2";
const S: Duration = Duration::from_secs(1);

/// A Lease in a version, renewed for the n-th time by its holder.
#[expect(clippy::unnecessary_wraps, reason = "as it is observed: there may be none")]
fn lease(holder: Option<&str>, epoch: i32, renewal: i64) -> Option<Observed> {
    let record = holder.map_or_else(
        || Record::released(epoch, Time::from_millis(renewal)),
        |holder| Record::held(holder, epoch, None, Time::from_millis(renewal)),
    );
    Some(Observed {
        record,
        version: (100 + renewal).to_string(),
    })
}

fn seen(lease: Option<Observed>, now: Instant) -> State {
    let mut state = State::new(ME);
    state.observe(lease, now);
    state
}

fn take(epoch: i32, version: &str) -> Action {
    Action::Take {
        epoch,
        version: version.into(),
    }
}

fn renew(epoch: i32, version: &str) -> Action {
    Action::Renew {
        epoch,
        version: version.into(),
    }
}

#[test]
fn who_knows_nothing_looks() {
    assert_eq!(evaluate(&State::new(ME), Instant::now()), Action::Look);
}

#[rstest]
#[case::none(None, |_: Instant| Action::Create { epoch: 0 })]
#[case::given_back(lease(None, 3, 1), |_: Instant| take(4, "101"))]
#[case::held(lease(Some(OTHER), 3, 1), |now: Instant| Action::Wait(now + 10 * S))]
#[case::ours_though_the_answer_was_lost(lease(Some(ME), 3, 1), |_: Instant| renew(3, "101"))]
#[case::the_last_epoch_there_is(lease(None, i32::MAX, 1), |_: Instant| take(i32::MAX, "101"))]
fn what_is_seen_first_says_what_to_do(#[case] lease: Option<Observed>, #[case] action: fn(Instant) -> Action) {
    let now = Instant::now();
    assert_eq!(evaluate(&seen(lease, now), now), action(now));
}

#[test]
fn a_holder_that_renews_is_respected_for_ever_and_one_that_stops_for_ten_seconds_more() {
    let mut now = Instant::now();
    let mut state = seen(lease(Some(OTHER), 3, 0), now);
    for renewal in 1..100 {
        now += 9 * S;
        assert!(matches!(evaluate(&state, now), Action::Wait(_)));
        state.observe(lease(Some(OTHER), 3, renewal), now);
    }
    // Seen again and again, but never renewed.
    for _ in 0..5 {
        now += Duration::from_millis(1_999);
        state.observe(lease(Some(OTHER), 3, 99), now);
        assert!(matches!(evaluate(&state, now), Action::Wait(_)));
    }
    now += Duration::from_millis(5);
    assert_eq!(evaluate(&state, now), take(4, "199"));
}

#[rstest]
#[case::long_ago(-1_000_000_000_000)]
#[case::in_the_future(1_000_000_000_000)]
fn the_clock_of_the_holder_does_not_matter(#[case] renewed: i64) {
    let now = Instant::now();
    let mut held = lease(Some(OTHER), 3, 1);
    if let Some(lease) = &mut held {
        lease.record = Record::held(OTHER, 3, None, Time::from_millis(renewed));
    }
    let state = seen(held, now);
    assert_eq!(evaluate(&state, now + 9 * S), Action::Wait(now + 10 * S));
    assert_eq!(evaluate(&state, now + 10 * S), take(4, "101"));
}

#[test]
fn a_change_of_the_version_alone_is_no_renewal() {
    let now = Instant::now();
    let mut state = seen(lease(Some(OTHER), 3, 1), now);
    let mut labelled = lease(Some(OTHER), 3, 1);
    if let Some(lease) = &mut labelled {
        lease.version = "500".into();
    }
    state.observe(labelled, now + 9 * S);
    assert_eq!(evaluate(&state, now + 10 * S), take(4, "500"));
}

#[test]
fn a_lease_that_was_deleted_is_made_again_by_its_holder_at_once_and_by_others_after_its_claim() {
    let now = Instant::now();
    let mut other = seen(lease(Some(OTHER), 3, 1), now);
    let mut holder = State::new(ME);
    holder.trying(now);
    holder.wrote(lease(Some(ME), 3, 1).unwrap(), now, now);
    let later = now + 5 * S;
    holder.observe(None, later);
    other.observe(None, later);
    assert_eq!(evaluate(&holder, later), Action::Create { epoch: 4 });
    // It may have been renewed just before it was deleted.
    assert_eq!(evaluate(&other, later), Action::Wait(later + 10 * S));
    other.observe(None, later + 2 * S);
    assert_eq!(evaluate(&other, later + 10 * S), Action::Create { epoch: 4 });
    // Too late for the holder as well: it is one of the others now.
    assert_eq!(evaluate(&holder, now + 7 * S), Action::Wait(later + 10 * S));
}

#[test]
fn a_holder_renews_every_two_seconds_and_its_claim_counts_from_the_sending() {
    let now = Instant::now();
    let mut state = seen(None, now);
    state.trying(now);
    state.wrote(lease(Some(ME), 0, 1).unwrap(), now, now + S);
    let claim = state.claim().unwrap();
    assert_eq!((claim.epoch, claim.valid_until()), (0, now + 7 * S));
    assert_eq!(evaluate(&state, now + S), Action::Wait(now + 2 * S));
    assert_eq!(evaluate(&state, now + 2 * S), renew(0, "101"));
    // It fails: once more after two seconds, and the claim is not longer for it.
    state.trying(now + 2 * S);
    assert_eq!(evaluate(&state, now + 3 * S), Action::Wait(now + 4 * S));
    assert_eq!(evaluate(&state, now + 4 * S), renew(0, "101"));
    assert_eq!(state.claim().unwrap().valid_until(), now + 7 * S);
}

#[rstest]
#[case::taken(lease(Some(OTHER), 4, 9))]
#[case::given_back_by_hand(lease(None, 3, 9))]
fn a_holder_that_sees_it_is_none_has_no_claim(#[case] lease_now: Option<Observed>) {
    let now = Instant::now();
    let mut state = seen(None, now);
    state.wrote(lease(Some(ME), 3, 1).unwrap(), now, now);
    state.observe(lease_now, now + S);
    assert_eq!(state.claim(), None);
}

#[test]
fn who_lost_the_race_waits_for_the_winner() {
    let now = Instant::now();
    let mut state = seen(lease(None, 3, 1), now);
    assert_eq!(evaluate(&state, now), take(4, "101"));
    state.trying(now);
    // 409, and the look after it.
    state.observe(lease(Some(OTHER), 4, 2), now);
    assert_eq!(evaluate(&state, now + S), Action::Wait(now + 10 * S));
    assert_eq!(state.claim(), None);
}

#[test]
fn what_fails_is_not_tried_again_at_once() {
    let now = Instant::now();
    let mut state = seen(lease(None, 3, 1), now);
    state.trying(now);
    assert_eq!(evaluate(&state, now), Action::Wait(now + 2 * S));
    let mut blind = State::new(ME);
    blind.trying(now);
    assert_eq!(evaluate(&blind, now), Action::Wait(now + 2 * S));
}
