//! What is wrong with a scenario or a manifest: file, line and column, field, value, rule and fix.

use std::fmt;

use super::locate::locate;
use crate::config::ConfigError;
use crate::trace::TraceError;

/// One mistake and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// The file.
    pub file: String,
    /// Line and column, from 1, where they are known.
    pub at: Option<(usize, usize)>,
    /// The field and what is wrong with it.
    pub message: String,
}

impl fmt::Display for Located {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.at {
            Some((line, column)) => write!(f, "{}:{line}:{column}: {}", self.file, self.message),
            None => write!(f, "{}: {}", self.file, self.message),
        }
    }
}

/// Why a scenario cannot be simulated.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// Files were read, and this is wrong with them.
    #[error("{}", Lines(.0))]
    Invalid(Vec<Located>),
    /// The scenario, a preset or a profile cannot be read.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A trace cannot be played.
    #[error(transparent)]
    Trace(#[from] TraceError),
}

struct Lines<'a>(&'a [Located]);

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [only] = self.0 {
            return write!(f, "{only}");
        }
        write!(f, "{} mistakes:", self.0.len())?;
        self.0.iter().try_for_each(|located| write!(f, "\n  {located}"))
    }
}

/// The mistakes found in one text.
pub(super) struct Problems<'a> {
    file: &'a str,
    text: &'a str,
    found: Vec<Located>,
}

impl<'a> Problems<'a> {
    pub fn new(file: &'a str, text: &'a str) -> Self {
        Self {
            file,
            text,
            found: Vec::new(),
        }
    }

    /// Notes a mistake in the field at `path`; `message` follows the field's name.
    pub fn add(&mut self, path: &[&str], message: impl fmt::Display) {
        self.found.push(Located {
            file: self.file.to_owned(),
            at: locate(self.text, path),
            message: format!("{} {message}", joined(path)),
        });
    }

    /// `number` when it lies in the range; the lower end counts only where `least` is itself allowed.
    pub fn number(&mut self, path: &[&str], number: f64, least: f64, most: f64, such_as: &str) -> f64 {
        if !(least..=most).contains(&number) {
            self.add(
                path,
                format!("is {number} but must be a number from {least} to {most}, such as {such_as}"),
            );
        }
        number
    }

    /// Nothing, or everything that is wrong.
    pub fn done(self) -> Result<(), ScenarioError> {
        if self.found.is_empty() {
            Ok(())
        } else {
            Err(ScenarioError::Invalid(self.found))
        }
    }
}

/// The error of a text that serde could not read.
pub(super) fn unreadable(file: &str, error: &serde_yaml::Error) -> ScenarioError {
    let message = error.to_string();
    // The place stands at the beginning of the line already.
    let message = message
        .rsplit_once(" at line ")
        .map_or(message.as_str(), |(message, _)| message);
    ScenarioError::Invalid(vec![Located {
        file: file.to_owned(),
        at: error.location().map(|place| (place.line(), place.column())),
        message: message.to_owned(),
    }])
}

/// A path as people write it: `policies[1]`, `loads.chat.start`.
fn joined(path: &[&str]) -> String {
    path.iter()
        .fold(String::new(), |joined, part| match part.parse::<usize>() {
            Ok(index) => format!("{joined}[{index}]"),
            Err(_) if joined.is_empty() => (*part).to_owned(),
            Err(_) => format!("{joined}.{part}"),
        })
}
