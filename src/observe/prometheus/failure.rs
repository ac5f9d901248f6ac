//! What can go wrong: with a query as a whole, and with single samples. No I/O.

use std::collections::BTreeMap;
use std::fmt;

use crate::config::Signal;

/// How a query failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailureClass {
    /// No complete answer within the time limit.
    Timeout,
    /// The answer has more bytes, series or samples than are read.
    TooLarge,
    /// The server, or something before it, answered with this status instead of an answer.
    Http(u16),
    /// It is no answer of a Prometheus.
    Malformed,
    /// No connection.
    Unreachable,
    /// Prometheus understood the query and would not or could not run it.
    Rejected,
    /// The token or the authorities to trust could not be read: nothing was sent.
    Credentials,
}

impl FailureClass {
    /// Every label there is.
    pub const LABELS: [&'static str; 7] = [
        "timeout",
        "too_large",
        "http",
        "malformed",
        "unreachable",
        "rejected",
        "credentials",
    ];

    /// A short word for a metric's label.
    pub fn label(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::TooLarge => "too_large",
            Self::Http(_) => "http",
            Self::Malformed => "malformed",
            Self::Unreachable => "unreachable",
            Self::Rejected => "rejected",
            Self::Credentials => "credentials",
        }
    }
}

/// One signal that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryFailure {
    /// The signal.
    pub signal: Signal,
    /// How it failed.
    pub class: FailureClass,
    /// For people: at most 200 characters on one line, nothing of what the server sent.
    pub message: String,
}

/// A failure before it is known which signal it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) class: FailureClass,
    pub(super) message: String,
}

impl Failure {
    pub(super) fn new(class: FailureClass, message: impl fmt::Display) -> Self {
        Self {
            class,
            message: one_line(&message.to_string()),
        }
    }

    pub(super) fn of(self, signal: Signal) -> QueryFailure {
        QueryFailure {
            signal,
            class: self.class,
            message: self.message,
        }
    }
}

/// At most 200 characters, none of them a control character: a log or a status shows it.
fn one_line(text: &str) -> String {
    const MOST: usize = 200;
    let printable = |c: char| if c.is_control() { ' ' } else { c };
    let mut line: String = text.chars().take(MOST).map(printable).collect();
    if text.chars().nth(MOST).is_some() {
        line.pop();
        line.push('…');
    }
    line
}

/// Why samples were not used.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    strum::Display,
    strum::IntoStaticStr,
    strum::EnumIter,
    strum::VariantNames,
)]
#[strum(serialize_all = "snake_case")]
pub enum DropCause {
    /// `NaN`, infinite, or not a number at all.
    NotFinite,
    /// Below zero.
    Negative,
    /// Larger than its metric can be.
    TooLarge,
    /// Its time is none, or lies ahead.
    BadTime,
    /// Its series does not say which pod it is from.
    NoPod,
    /// Its series has labels longer than Kubernetes names, or too many.
    BadLabels,
    /// Its series was not asked for.
    NotAsked,
    /// The same series was scraped twice; the other one is used.
    Duplicate,
    /// Series of one pod differ in a label of which is not known whether it means ranks or scrapes.
    Ambiguous,
    /// Ranks of one pod that are added were not all there at this instant.
    Incomplete,
}

/// How many samples were not used, by cause.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DroppedSamples(BTreeMap<DropCause, u64>);

impl DroppedSamples {
    /// How many for one cause.
    pub fn get(&self, cause: DropCause) -> u64 {
        self.0.get(&cause).copied().unwrap_or_default()
    }

    /// The causes that occurred, with their numbers.
    pub fn iter(&self) -> impl Iterator<Item = (DropCause, u64)> + '_ {
        self.0.iter().map(|(cause, count)| (*cause, *count))
    }

    /// Whether every sample was used.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn add(&mut self, cause: DropCause, count: usize) {
        if count > 0 {
            *self.0.entry(cause).or_default() += count as u64;
        }
    }

    /// One for each cause, for the tests of what shows them.
    #[cfg(test)]
    pub(crate) fn one_of_each() -> Self {
        Self(
            <DropCause as strum::IntoEnumIterator>::iter()
                .map(|cause| (cause, 1))
                .collect(),
        )
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (cause, count) in other.iter() {
            *self.0.entry(cause).or_default() += count;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_short_line() {
        let failure = Failure::new(FailureClass::Malformed, format!("a\nb\u{1b}[31m{}", "x".repeat(500)));
        assert_eq!(failure.message.chars().count(), 200);
        assert!(failure.message.starts_with("a b [31mxxx") && failure.message.ends_with("x…"));
    }
}
