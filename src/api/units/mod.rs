//! Durations, percentages, money, memory and instants as users write them. Pure.
//!
//! Each type keeps the user's own text, so that an object that was stored before a rule existed can still be read
//! and named; the value comes out by a method that says what is wrong and how to write it. The CEL rules and the
//! Rust parsers of a type stand side by side and are tested against each other.

mod duration;
mod memory;
mod money;
mod percent;
mod scalar;
mod timestamp;

pub use duration::{Duration, Range};
pub use memory::Memory;
pub use money::Money;
pub use percent::Percent;
pub use scalar::Scalar;
pub use timestamp::Timestamp;

/// A value that does not have the form its field needs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} is \"{value}\" but must {rule}")]
pub struct Malformed {
    /// The field, such as `spec.objectives.window`.
    pub field: String,
    /// What the user wrote.
    pub value: String,
    /// What it must be, with an example.
    pub rule: String,
}

impl Malformed {
    /// `value` in `field` does not follow `rule`, which begins with a verb: "be a duration such as 5m".
    pub fn new(field: &str, value: impl Into<String>, rule: impl Into<String>) -> Self {
        Self {
            field: field.to_owned(),
            value: value.into(),
            rule: rule.into(),
        }
    }
}

/// Reads `integer[.fraction]` in plain digits, with at most so many before and after the point.
fn decimal(text: &str, whole: usize, fraction: usize) -> Option<f64> {
    let digits = |s: &str, most: usize| (1..=most).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_digit());
    let fits = match text.split_once('.') {
        Some((w, f)) => digits(w, whole) && digits(f, fraction),
        None => digits(text, whole),
    };
    if fits { text.parse().ok() } else { None }
}

/// Runs a unit's rules on values, so that its Rust parser can be held against them.
#[cfg(test)]
mod agreement {
    use kube::core::cel::Validator;
    use serde_json::{Value, json};

    use crate::api::rule::CelRule;

    /// The messages of `rules` for `value`; empty = accepted.
    pub fn messages(rules: &[CelRule], value: &Value) -> Vec<String> {
        let schema = if value.is_string() {
            json!({"type": "string", "x-kubernetes-validations": rules})
        } else {
            json!({"x-kubernetes-int-or-string": true, "x-kubernetes-validations": rules})
        };
        match Validator::new().validate(&schema, value, None) {
            Ok(()) => Vec::new(),
            Err(errors) => errors.into_vec().into_iter().map(|e| e.message).collect(),
        }
    }
}
