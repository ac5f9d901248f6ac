//! The right to write: what the election found, and what everybody who writes asks. Pure, but for the clock.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::DEADLINE;

/// The right to write as the holder of the Lease, for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// How often the Lease had changed hands when it was taken.
    pub epoch: i32,
    /// When the last renewal that came through was sent.
    pub renewed: Instant,
}

impl Claim {
    /// No write after this, unless it is renewed.
    pub fn valid_until(&self) -> Instant {
        self.renewed + DEADLINE
    }
}

/// What the election found last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// There is no election: this operator is alone.
    Alone,
    /// Another one writes, or nobody.
    Standby,
    /// This one writes while its claim is valid.
    Leading(Claim),
}

/// Why something must not be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The decision is too old: the world has moved on.
    #[error("the decision is too old")]
    Expired,
    /// This operator does not hold the Lease, or not the way it did when it was decided.
    #[error("this operator is not the leader it was")]
    NotLeader,
}

/// What a decision may rely on when it is carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Warrant {
    /// The epoch it was decided in; 0 where there is no election.
    pub epoch: i32,
    /// When it was decided.
    pub decided: Instant,
    /// No write of it after this: the sooner of two ticks and the end of the claim as it was then.
    pub valid_until: Instant,
}

/// The question that comes before each write. Clones share the answer.
#[derive(Debug, Clone)]
pub struct Leadership(watch::Receiver<Standing>);

impl Leadership {
    /// What `standing` says, now and later.
    pub fn new(standing: watch::Receiver<Standing>) -> Self {
        Self(standing)
    }

    /// The epoch in which this operator may write now; `None` = it may not.
    pub fn epoch(&self) -> Option<i32> {
        match *self.0.borrow() {
            Standing::Alone => Some(0),
            Standing::Leading(claim) if Instant::now() < claim.valid_until() => Some(claim.epoch),
            Standing::Leading(_) | Standing::Standby => None,
        }
    }

    /// The epoch that this operator led in last as far as it knows, valid or not: what it signs its requests with.
    pub fn signature(&self) -> Option<i32> {
        match *self.0.borrow() {
            Standing::Leading(claim) => Some(claim.epoch),
            Standing::Alone | Standing::Standby => None,
        }
    }

    /// A warrant for what was decided at `decided` in `epoch`, good for `long` at most.
    ///
    /// # Errors
    /// When this operator may not write now.
    pub fn warrant(&self, epoch: i32, decided: Instant, long: Duration) -> Result<Warrant, Refused> {
        let until = decided + long;
        let valid_until = match *self.0.borrow() {
            Standing::Alone => until,
            Standing::Leading(claim) => until.min(claim.valid_until()),
            Standing::Standby => return Err(Refused::NotLeader),
        };
        let warrant = Warrant {
            epoch,
            decided,
            valid_until,
        };
        self.reports(epoch).map(|()| warrant)
    }

    /// Whether a change that was decided on may be written now.
    ///
    /// # Errors
    /// When it may not.
    pub fn changes(&self, warrant: &Warrant) -> Result<(), Refused> {
        self.reports(warrant.epoch)?;
        if Instant::now() < warrant.valid_until {
            Ok(())
        } else {
            Err(Refused::Expired)
        }
    }

    /// Whether what was done or found in `epoch` may be reported now. A report does not get too old by itself: what was
    /// scaled must be told, however long the API server took for it.
    ///
    /// # Errors
    /// When this operator does not lead in that epoch any more.
    pub fn reports(&self, epoch: i32) -> Result<(), Refused> {
        if self.epoch() == Some(epoch) {
            Ok(())
        } else {
            Err(Refused::NotLeader)
        }
    }
}

#[cfg(test)]
#[path = "claim_tests.rs"]
mod tests;
