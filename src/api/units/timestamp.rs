//! An instant as Kubernetes writes it: `2026-12-24T18:00:00Z`.

use std::borrow::Cow;
use std::fmt;

use inferscale_core::units::Time;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// An instant, RFC 3339 with a time zone. Example: 2026-12-24T18:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub jiff::Timestamp);

impl Timestamp {
    /// The instant as the core counts it.
    pub fn time(self) -> Time {
        Time::from_millis(self.0.as_millisecond())
    }
}

/// To the second, as Kubernetes' own timestamps: status is for people and changes less often so. An instant beyond
/// what a calendar can name becomes the epoch.
impl From<Time> for Timestamp {
    fn from(time: Time) -> Self {
        Self(jiff::Timestamp::from_second(time.as_millis().div_euclid(1000)).unwrap_or_default())
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl JsonSchema for Timestamp {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Timestamp".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "format": "date-time"})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_to_the_core_and_back_by_the_second() {
        let read: Timestamp = serde_json::from_str("\"2026-12-24t18:00:00.25+01:00\"").unwrap();
        assert_eq!(read.time(), Time::from_millis(1_798_131_600_250));
        assert_eq!(Timestamp::from(read.time()).to_string(), "2026-12-24T17:00:00Z");
    }
}
