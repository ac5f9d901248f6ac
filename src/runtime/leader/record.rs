//! What a Lease says, as far as an election reads it. Pure.

use std::time::Duration;

use inferscale_core::units::Time;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};

use super::{DURATION, LEASE};

/// The longest duration that a holder can ask for: a broken record must not lock everybody out for ever.
const LONGEST: Duration = Duration::from_secs(60);

/// The content of a Lease. Its times are by its writer's clock: compared for being different, never with ours.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Record {
    /// Who holds it; `None` = nobody, it was given back.
    pub holder: Option<String>,
    /// How often it has changed hands: the epoch of its holder.
    pub epoch: i32,
    /// How long its holder asks to be respected after a renewal, in seconds.
    pub seconds: Option<i32>,
    /// When it was taken, by the holder's clock.
    pub acquired: Option<Timestamp>,
    /// When it was renewed, by the holder's clock.
    pub renewed: Option<Timestamp>,
}

/// A Lease as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    /// What it says.
    pub record: Record,
    /// Its resource version, the precondition of the next write.
    pub version: String,
}

impl Record {
    /// How long after a renewal was seen the holder is respected: never less than our own duration.
    pub fn duration(&self) -> Duration {
        let asked = Duration::from_secs(u64::try_from(self.seconds.unwrap_or(0)).unwrap_or(0));
        asked.clamp(DURATION, LONGEST)
    }

    /// The record of `holder` that takes or renews, at `now` by its clock, what stood there before.
    pub fn held(holder: &str, epoch: i32, before: Option<&Self>, now: Time) -> Self {
        let now = Timestamp::from_millisecond(now.as_millis()).ok();
        let ours = before.filter(|before| before.holder.as_deref() == Some(holder));
        // A clock that was set back must not make a renewal that looks like the one before: nobody would see it.
        let after = before.and_then(|before| before.renewed?.checked_add(SignedDuration::from_micros(1)).ok());
        Self {
            holder: Some(holder.to_owned()),
            epoch,
            seconds: i32::try_from(DURATION.as_secs()).ok(),
            acquired: ours.map_or(now, |ours| ours.acquired),
            renewed: now.max(after),
        }
    }

    /// The record of a Lease that was given back: whoever comes next need not wait.
    pub fn released(epoch: i32, now: Time) -> Self {
        let now = Timestamp::from_millisecond(now.as_millis()).ok();
        Self {
            holder: None,
            epoch,
            seconds: Some(1),
            acquired: now,
            renewed: now,
        }
    }

    /// The Lease to be written; without a version it must not exist yet.
    pub fn lease(&self, version: Option<&str>) -> Lease {
        Lease {
            metadata: ObjectMeta {
                name: Some(LEASE.to_owned()),
                resource_version: version.map(str::to_owned),
                ..ObjectMeta::default()
            },
            spec: Some(LeaseSpec {
                holder_identity: self.holder.clone(),
                lease_transitions: Some(self.epoch),
                lease_duration_seconds: self.seconds,
                acquire_time: self.acquired.map(MicroTime),
                renew_time: self.renewed.map(MicroTime),
                ..LeaseSpec::default()
            }),
        }
    }
}

impl Observed {
    /// What was read. A Lease of somebody else's making may lack anything.
    pub fn of(lease: Lease) -> Self {
        let spec = lease.spec.unwrap_or_default();
        Self {
            record: Record {
                holder: spec.holder_identity.filter(|holder| !holder.is_empty()),
                epoch: spec.lease_transitions.unwrap_or(0),
                seconds: spec.lease_duration_seconds,
                acquired: spec.acquire_time.map(|time| time.0),
                renewed: spec.renew_time.map(|time| time.0),
            },
            version: lease.metadata.resource_version.unwrap_or_default(),
        }
    }

    /// Whether this was read of an earlier state than `other`. Versions that are no numbers tell nothing.
    pub fn is_older_than(&self, other: &Self) -> bool {
        let number = |observed: &Self| observed.version.parse::<u64>().ok();
        matches!((number(self), number(other)), (Some(ours), Some(theirs)) if ours < theirs)
    }
}

#[cfg(test)]
mod tests {
    use inferscale_core::units::Span;
    use rstest::rstest;

    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let record = Record::held("a", 3, None, Time::from_millis(1_795_514_400_123));
        let text = serde_json::to_string(&record.lease(Some("17"))).unwrap();
        let read = Observed::of(serde_json::from_str(&text).unwrap());
        assert_eq!((read.record, read.version.as_str()), (record, "17"));
        let released = Record::released(3, Time::from_millis(0));
        assert_eq!(Observed::of(released.lease(None)).record, released);
    }

    #[test]
    fn a_lease_with_nothing_in_it_is_held_by_nobody() {
        for text in ["{}", r#"{"spec": {"holderIdentity": ""}}"#] {
            let read = Observed::of(serde_json::from_str(text).unwrap());
            assert_eq!((read.record.holder, read.record.epoch), (None, 0));
        }
    }

    #[test]
    fn every_renewal_differs_from_the_one_before_even_when_the_clock_is_set_back() {
        let noon = Time::from_millis(1_795_514_400_000);
        let first = Record::held("a", 3, None, noon);
        for later in [noon, noon - Span::from_secs(3600), noon + Span::from_secs(2)] {
            let next = Record::held("a", 3, Some(&first), later);
            assert!(next.renewed > first.renewed, "{next:?}");
            assert_eq!(next.acquired, first.acquired);
        }
        assert_ne!(
            Record::held("b", 4, Some(&first), noon + Span::from_secs(9)).acquired,
            first.acquired
        );
    }

    #[rstest]
    #[case::missing(None, 10)]
    #[case::shorter(Some(1), 10)]
    #[case::negative(Some(-5), 10)]
    #[case::longer(Some(15), 15)]
    #[case::absurd(Some(i32::MAX), 60)]
    fn a_holder_is_respected_for_as_long_as_it_asks_within_reason(
        #[case] seconds: Option<i32>,
        #[case] respected: u64,
    ) {
        let record = Record {
            seconds,
            ..Record::default()
        };
        assert_eq!(record.duration().as_secs(), respected);
    }

    #[rstest]
    #[case("9", "10", true)]
    #[case("10", "9", false)]
    #[case("9", "9", false)]
    #[case("a", "10", false)]
    fn versions_are_compared_as_numbers(#[case] ours: &str, #[case] theirs: &str, #[case] older: bool) {
        let at = |version: &str| Observed {
            record: Record::default(),
            version: version.to_owned(),
        };
        assert_eq!(at(ours).is_older_than(&at(theirs)), older);
    }
}
