//! Where a field stands in a YAML text. Pure.
//!
//! A value that was read knows its place no more. So the text is read once again, by a reader that goes down to the
//! field and fails there: the parser then says where that was.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Line and column, from 1, of the field at `path`, or of the last group of fields on the way that exists.
pub(super) fn locate(text: &str, path: &[&str]) -> Option<(usize, usize)> {
    (0..=path.len()).rev().find_map(|depth| {
        let error = Seek(path.get(..depth)?)
            .deserialize(serde_yaml::Deserializer::from_str(text))
            .err()?;
        let place = error.location().filter(|_| error.to_string().contains(FOUND))?;
        Some((place.line(), place.column()))
    })
}

/// What the reader fails with when it is there.
const FOUND: &str = "the field that was looked for";

struct Seek<'a>(&'a [&'a str]);

impl<'de> DeserializeSeed<'de> for Seek<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

/// Whatever the value is: it is the one that was looked for, or there is no such field in it.
macro_rules! leaf {
    ($($visit:ident: $kind:ty),*) => {
        $(fn $visit<E: Error>(self, _: $kind) -> Result<(), E> {
            if self.0.is_empty() { Err(E::custom(FOUND)) } else { Ok(()) }
        })*
    };
}

impl<'de> Visitor<'de> for Seek<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    leaf!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str);

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        if self.0.is_empty() {
            Err(E::custom(FOUND))
        } else {
            Ok(())
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Some((first, rest)) = self.0.split_first() else {
            return Err(A::Error::custom(FOUND));
        };
        while let Some(key) = map.next_key::<String>()? {
            if key == *first {
                map.next_value_seed(Seek(rest))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<(), A::Error> {
        let Some((first, rest)) = self.0.split_first() else {
            return Err(A::Error::custom(FOUND));
        };
        let mut index = 0_usize;
        loop {
            let more = if index.to_string() == **first {
                sequence.next_element_seed(Seek(rest))?.is_some()
            } else {
                sequence.next_element::<IgnoredAny>()?.is_some()
            };
            if !more {
                return Ok(());
            }
            index += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const TEXT: &str =
        "seed: 1\nloads:\n  chat:\n    trace: {file: a.csv, kind: rate}\n    start: 9d\npolicies: [a, b]\n";

    #[rstest]
    #[case(&["seed"], Some((1, 7)))]
    #[case(&["loads", "chat", "trace", "kind"], Some((4, 32)))]
    #[case(&["loads", "chat", "start"], Some((5, 12)))]
    #[case(&["policies", "1"], Some((6, 15)))]
    #[case::missing_field_is_where_it_should_be(&["loads", "chat", "trace", "jitter"], Some((4, 12)))]
    fn a_field_is_found_in_the_text(#[case] path: &[&str], #[case] place: Option<(usize, usize)>) {
        assert_eq!(locate(TEXT, path), place);
    }
}
