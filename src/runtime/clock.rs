//! The only place where the wall clock is read: the core gets the time as an argument.

use std::time::{SystemTime, UNIX_EPOCH};

use inferscale_core::units::Time;

/// Now, to the millisecond. A clock set before 1970 reads as 1970.
pub fn now() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_runs_forwards_from_this_century() {
        let first = now();
        assert!(first > Time::from_millis(946_684_800_000));
        assert!(now() >= first);
    }
}
