use super::*;

fn leading(epoch: i32) -> (watch::Sender<Standing>, Leadership) {
    let (sender, receiver) = watch::channel(Standing::Leading(Claim {
        epoch,
        renewed: Instant::now(),
    }));
    (sender, Leadership::new(receiver))
}

const S: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn a_claim_ends_seven_seconds_after_its_renewal_was_sent_whatever_the_election_does() {
    let (_election, leadership) = leading(4);
    let warrant = leadership.warrant(4, Instant::now(), 30 * S).unwrap();
    tokio::time::advance(Duration::from_millis(6_999)).await;
    assert_eq!((leadership.epoch(), leadership.changes(&warrant)), (Some(4), Ok(())));
    tokio::time::advance(Duration::from_millis(1)).await;
    assert_eq!(leadership.epoch(), None);
    assert_eq!(leadership.changes(&warrant), Err(Refused::NotLeader));
    assert_eq!(leadership.reports(4), Err(Refused::NotLeader));
}

#[tokio::test(start_paused = true)]
async fn a_warrant_ends_with_two_ticks_or_with_the_claim_whatever_is_sooner() {
    let (election, leadership) = leading(4);
    let now = Instant::now();
    assert_eq!(leadership.warrant(4, now, 2 * S).unwrap().valid_until, now + 2 * S);
    let warrant = leadership.warrant(4, now, 30 * S).unwrap();
    assert_eq!(warrant.valid_until, now + 7 * S);
    // A renewal prolongs the claim, not what was decided before it.
    tokio::time::advance(6 * S).await;
    election.send_replace(Standing::Leading(Claim {
        epoch: 4,
        renewed: Instant::now(),
    }));
    tokio::time::advance(S).await;
    assert_eq!(leadership.changes(&warrant), Err(Refused::Expired));
    assert_eq!(leadership.reports(4), Ok(()), "what was done may still be told");
}

#[tokio::test(start_paused = true)]
async fn what_was_decided_in_another_epoch_is_not_written() {
    let (election, leadership) = leading(4);
    let warrant = leadership.warrant(4, Instant::now(), 30 * S).unwrap();
    election.send_replace(Standing::Leading(Claim {
        epoch: 6,
        renewed: Instant::now(),
    }));
    assert_eq!(leadership.changes(&warrant), Err(Refused::NotLeader));
    assert_eq!(leadership.reports(4), Err(Refused::NotLeader));
    assert_eq!(leadership.warrant(4, Instant::now(), S), Err(Refused::NotLeader));
}

#[tokio::test(start_paused = true)]
async fn a_standby_may_write_nothing() {
    let (election, leadership) = leading(4);
    let warrant = leadership.warrant(4, Instant::now(), 30 * S).unwrap();
    election.send_replace(Standing::Standby);
    assert_eq!(leadership.epoch(), None);
    assert_eq!(leadership.changes(&warrant), Err(Refused::NotLeader));
    assert_eq!(leadership.reports(4), Err(Refused::NotLeader));
}

#[tokio::test(start_paused = true)]
async fn who_is_alone_may_write_what_is_not_too_old() {
    let (_election, receiver) = watch::channel(Standing::Alone);
    let leadership = Leadership::new(receiver);
    let warrant = leadership.warrant(0, Instant::now(), 30 * S).unwrap();
    tokio::time::advance(29 * S).await;
    assert_eq!(leadership.changes(&warrant), Ok(()));
    tokio::time::advance(S).await;
    assert_eq!(leadership.changes(&warrant), Err(Refused::Expired));
    assert_eq!((leadership.epoch(), leadership.signature()), (Some(0), None));
}
