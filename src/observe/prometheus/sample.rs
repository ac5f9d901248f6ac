//! One sample as it stands in the JSON of an answer. No I/O.

use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A sample as it came: NaN stands for what is not a number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct WireSample {
    pub(super) time: f64,
    pub(super) value: f64,
}

impl WireSample {
    pub(super) fn new(time: &Scalar, value: &Scalar) -> Self {
        Self {
            time: time.0.unwrap_or(f64::NAN),
            value: value.1.unwrap_or(f64::NAN),
        }
    }
}

/// One half of a sample: (as a number, as a text that reads as one). Prometheus writes times as numbers and values as
/// texts; the other way round, or something else, makes this one sample bad and not the whole answer.
pub(super) struct Scalar(Option<f64>, Option<f64>);

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ScalarVisitor;
        #[allow(clippy::unnecessary_wraps)]
        impl<'de> Visitor<'de> for ScalarVisitor {
            type Value = Scalar;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("half a sample")
            }
            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Scalar, E> {
                Ok(Scalar(Some(value), None))
            }
            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Scalar, E> {
                Ok(Scalar(Some(value as f64), None))
            }
            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Scalar, E> {
                Ok(Scalar(Some(value as f64), None))
            }
            fn visit_str<E: de::Error>(self, value: &str) -> Result<Scalar, E> {
                Ok(Scalar(None, value.parse().ok()))
            }
            fn visit_bool<E: de::Error>(self, _: bool) -> Result<Scalar, E> {
                Ok(Scalar(None, None))
            }
            fn visit_unit<E: de::Error>(self) -> Result<Scalar, E> {
                Ok(Scalar(None, None))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Scalar, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Scalar(None, None))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Scalar, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Scalar(None, None))
            }
        }
        deserializer.deserialize_any(ScalarVisitor)
    }
}
