//! What a candidate does next, from what it has seen of the Lease and when, by its own monotonic clock. Pure.

use tokio::time::Instant;

use super::claim::Claim;
use super::record::Observed;
use super::{DURATION, RETRY};

/// What to do next. Every write carries what it presumes, so that of two who try one fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Read the Lease: nothing is known of it.
    Look,
    /// Take the Lease that nobody holds, or whose holder was not seen renewing it.
    Take {
        /// The new epoch.
        epoch: i32,
        /// The resource version that it must still have.
        version: String,
    },
    /// Make the Lease, which must not exist.
    Create {
        /// The new epoch.
        epoch: i32,
    },
    /// Renew the Lease that we hold.
    Renew {
        /// The epoch it was taken in.
        epoch: i32,
        /// The resource version that it must still have.
        version: String,
    },
    /// Nothing before this moment, unless something is seen.
    Wait(Instant),
}

/// What a candidate knows.
#[derive(Debug, Clone)]
pub struct State {
    me: String,
    seen: Option<Seen>,
    claim: Option<Claim>,
    /// When something was last tried to be written.
    tried: Option<Instant>,
}

/// The Lease as it was seen last.
#[derive(Debug, Clone)]
struct Seen {
    /// `None` = there was none.
    lease: Option<Observed>,
    /// When what it says was new.
    since: Instant,
    /// Nobody but the holder may write before this.
    respected_until: Instant,
    /// The highest epoch that was ever seen; `None` = never a Lease.
    epoch: Option<i32>,
}

impl State {
    /// A candidate that has seen nothing. `me` must be unlike that of every other process that ever ran.
    pub fn new(me: impl Into<String>) -> Self {
        Self {
            me: me.into(),
            seen: None,
            claim: None,
            tried: None,
        }
    }

    /// The claim, valid or not.
    pub fn claim(&self) -> Option<Claim> {
        self.claim
    }

    /// The Lease as it was seen last.
    pub fn lease(&self) -> Option<&Observed> {
        self.seen.as_ref()?.lease.as_ref()
    }

    /// The Lease was read at `now`; `None` = there is none.
    pub fn observe(&mut self, lease: Option<Observed>, now: Instant) {
        let before = self.seen.take();
        let same = matches!((&before, &lease), (Some(before), Some(lease))
            if before.lease.as_ref().is_some_and(|old| old.record == lease.record));
        let since = before.as_ref().filter(|_| same).map_or(now, |before| before.since);
        let holder = lease.as_ref().and_then(|lease| lease.record.holder.as_deref());
        let respected_until = match (&lease, holder) {
            (Some(lease), Some(holder)) if holder != self.me => since + lease.record.duration(),
            // Given back by its holder, or ours.
            (Some(_), _) => since,
            // Deleted: its holder may have renewed it just before, and not noticed yet.
            (None, _) => match &before {
                Some(before) if before.lease.is_none() => before.respected_until,
                Some(_) => now + DURATION,
                None => now,
            },
        };
        // Not ours any more; or ours again, in an epoch whose beginning was never answered.
        if let Some(lease) = &lease
            && (holder != Some(self.me.as_str()) || self.claim.is_some_and(|claim| claim.epoch != lease.record.epoch))
        {
            self.claim = None;
        }
        let highest = lease.as_ref().map(|lease| lease.record.epoch);
        self.seen = Some(Seen {
            lease,
            since,
            respected_until,
            epoch: highest.max(before.and_then(|before| before.epoch)),
        });
    }

    /// A write is about to be sent.
    pub fn trying(&mut self, now: Instant) {
        self.tried = Some(now);
    }

    /// What was sent at `sent` came through as `written`.
    pub fn wrote(&mut self, written: Observed, sent: Instant, now: Instant) {
        let epoch = written.record.epoch;
        let ours = written.record.holder.as_deref() == Some(self.me.as_str());
        self.observe(Some(written), now);
        self.claim = ours.then_some(Claim { epoch, renewed: sent });
    }

    /// Gives the claim up, and tells the epoch and the version of the Lease that is to be given back, if it is ours.
    pub fn resign(&mut self) -> Option<(i32, String)> {
        self.claim = None;
        let lease = self.lease()?;
        let ours = lease.record.holder.as_deref() == Some(self.me.as_str());
        ours.then(|| (lease.record.epoch, lease.version.clone()))
    }
}

/// What to do at `now`.
pub fn evaluate(state: &State, now: Instant) -> Action {
    let Some(seen) = &state.seen else {
        return due(state, now, Action::Look);
    };
    let next = seen.epoch.map_or(0, |epoch| epoch.saturating_add(1));
    let Some(lease) = &seen.lease else {
        // Only who holds it may make it again at once.
        let ours = state.claim.is_some_and(|claim| now < claim.valid_until());
        if !ours && now < seen.respected_until {
            return Action::Wait(seen.respected_until);
        }
        return due(state, now, Action::Create { epoch: next });
    };
    let version = lease.version.clone();
    match lease.record.holder.as_deref() {
        // Ours even without a claim: the answer to what we wrote was lost.
        Some(holder) if holder == state.me => due(
            state,
            now,
            Action::Renew {
                epoch: lease.record.epoch,
                version,
            },
        ),
        _ if now < seen.respected_until => Action::Wait(seen.respected_until),
        _ => due(state, now, Action::Take { epoch: next, version }),
    }
}

/// `action`, unless something was tried just now.
fn due(state: &State, now: Instant, action: Action) -> Action {
    match state.tried.map(|tried| tried + RETRY) {
        Some(again) if now < again => Action::Wait(again),
        _ => action,
    }
}

#[cfg(test)]
#[path = "evaluate_properties.rs"]
mod properties;
#[cfg(test)]
#[path = "evaluate_tests.rs"]
mod tests;
