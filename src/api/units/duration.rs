//! A length of time as users write it: `500ms`, `30s`, `5m`, `1h30m`.

use std::fmt;

use inferscale_core::units::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Malformed;
use crate::api::rule::CelRule;

/// What a duration looks like. The counts of digits keep every sum far inside 64 bits.
const PATTERN: &str = "^([0-9]{1,5}h)?([0-9]{1,6}m)?([0-9]{1,8}s)?([0-9]{1,9}ms)?$";
/// The units in their order, with their length in milliseconds and the most digits before them.
const UNITS: [(&str, i64, usize); 4] = [("h", 3_600_000, 5), ("m", 60_000, 6), ("s", 1000, 8), ("ms", 1, 9)];
/// The form in words, after "must".
const FORM: &str =
    "be a duration such as 500ms, 30s, 5m or 1h30m (units h, m, s, ms in this order; no fractions, no days)";

/// A length of time. Units h, m, s and ms, in this order, no fractions, no days. Example: 1h30m.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub struct Duration(#[schemars(length(max = 32))] String);

/// The shortest and the longest duration that a field takes, and an example.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// The shortest, as users write it.
    pub min: &'static str,
    /// The longest, as users write it.
    pub max: &'static str,
    /// An example inside.
    pub such_as: &'static str,
}

impl Range {
    fn rule(self) -> String {
        format!("lie between {} and {}, such as {}", self.min, self.max, self.such_as)
    }
}

impl Duration {
    /// A duration from the text a user would write. Checked when its value is taken.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The rules of the field called `field`.
    pub fn rules(field: &str, range: Range) -> Vec<CelRule> {
        let (between, Range { min, max, .. }) = (range.rule(), range);
        vec![
            CelRule::new(
                format!("self != '' && self.matches('{PATTERN}')"),
                format!("{field} must {FORM}"),
            )
            .says(format!("'{field} is \"%s\" but must {FORM}'.format([self])")),
            // `duration` fails at run time on what the first rule has already refused.
            CelRule::new(
                format!(
                    "self == '' || !self.matches('{PATTERN}') \
                     || (duration(self) >= duration('{min}') && duration(self) <= duration('{max}'))"
                ),
                format!("{field} must {between}"),
            )
            .says(format!("'{field} is \"%s\" but must {between}'.format([self])")),
        ]
    }

    /// The time it stands for; `field` names it in the error.
    ///
    /// # Errors
    /// It is no duration, or not in the range.
    pub fn span(&self, field: &str, range: Range) -> Result<Span, Malformed> {
        let Some(span) = parse(&self.0) else {
            return Err(Malformed::new(field, &self.0, FORM));
        };
        let inside = parse(range.min).is_none_or(|min| span >= min) && parse(range.max).is_none_or(|max| span <= max);
        if inside {
            Ok(span)
        } else {
            Err(Malformed::new(field, &self.0, range.rule()))
        }
    }
}

impl From<Span> for Duration {
    fn from(span: Span) -> Self {
        Self(span.to_string())
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Reads what [`PATTERN`] takes.
fn parse(text: &str) -> Option<Span> {
    let (mut rest, mut total, mut next) = (text, 0_i64, 0);
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, tail) = rest.split_at(digits);
        let letters = tail.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (unit, tail) = tail.split_at(letters);
        let (at, (_, ms, most)) = UNITS
            .iter()
            .enumerate()
            .skip(next)
            .find(|(_, (name, ..))| *name == unit)?;
        if digits > *most {
            return None;
        }
        total += number.parse::<i64>().ok()? * ms;
        (rest, next) = (tail, at + 1);
    }
    (!text.is_empty()).then(|| Span::from_millis(total))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;
    use serde_json::json;

    use super::*;
    use crate::api::units::agreement::messages;

    const RANGE: Range = Range {
        min: "10s",
        max: "1h",
        such_as: "5m",
    };

    #[rstest]
    #[case("5m", 300_000)]
    #[case("1m30s", 90_000)]
    #[case("10000ms", 10_000)]
    #[case("0h59m0s1ms", 3_540_001)]
    #[case("1h", 3_600_000)]
    fn reads_what_people_write(#[case] text: &str, #[case] ms: i64) {
        assert_eq!(Duration::new(text).span("window", RANGE), Ok(Span::from_millis(ms)));
        assert_eq!(
            messages(&Duration::rules("window", RANGE), &json!(text)),
            Vec::<String>::new()
        );
    }

    #[rstest]
    #[case("", "window is \"\" but must be a duration")]
    #[case("500", "window is \"500\" but must be a duration")]
    #[case("0.5s", "window is \"0.5s\" but must be a duration")]
    #[case("7d", "window is \"7d\" but must be a duration")]
    #[case("1s1m", "window is \"1s1m\" but must be a duration")]
    #[case("1m1m", "window is \"1m1m\" but must be a duration")]
    #[case("5M", "window is \"5M\" but must be a duration")]
    #[case(" 5m", "window is \" 5m\" but must be a duration")]
    #[case("-5m", "window is \"-5m\" but must be a duration")]
    #[case("999999h", "window is \"999999h\" but must be a duration")]
    #[case("٥m", "window is \"٥m\" but must be a duration")]
    #[case("0s", "window is \"0s\" but must lie between 10s and 1h, such as 5m")]
    #[case("9999ms", "window is \"9999ms\" but must lie between 10s and 1h, such as 5m")]
    #[case("1h1ms", "window is \"1h1ms\" but must lie between 10s and 1h, such as 5m")]
    fn refuses_with_one_message_that_names_value_and_fix(#[case] text: &str, #[case] says: &str) {
        let error = Duration::new(text).span("window", RANGE).unwrap_err().to_string();
        assert!(error.starts_with(says), "{error}");
        assert_eq!(messages(&Duration::rules("window", RANGE), &json!(text)), vec![error]);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn cel_and_rust_agree(text in "([0-9]{0,6}(h|m|s|ms|d| )?){0,4}") {
            let rust = Duration::new(&*text).span("window", RANGE).map_err(|e| e.to_string());
            let cel = messages(&Duration::rules("window", RANGE), &json!(text));
            prop_assert_eq!(rust.err().into_iter().collect::<Vec<_>>(), cel);
        }

        #[test]
        fn prints_what_it_reads(ms in 1_i64..3_600_000_000) {
            prop_assert_eq!(parse(Duration::from(Span::from_millis(ms)).as_str()), Some(Span::from_millis(ms)));
        }
    }
}
