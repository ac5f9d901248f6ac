//! What is wrong with a configuration file, all of it at once.

use std::fmt;

/// One mistake: where it stands, and what is wrong with it in words that say how to put it right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The field, such as `metricsSources[0].url`; empty = the file as a whole.
    pub path: String,
    /// The value, the rule and the fix.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "{}: {}", self.path, self.message)
        }
    }
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file or folder cannot be read.
    #[error("cannot read {path}: {reason}")]
    Unreadable {
        /// The file or folder.
        path: String,
        /// Why, for people.
        reason: String,
    },
    /// The file was read, and this is wrong with it.
    #[error("{file} has {} error{}:{}", .problems.len(), if .problems.len() == 1 { "" } else { "s" }, Lines(.problems))]
    Invalid {
        /// The file.
        file: String,
        /// Every mistake, in the order of the file's fields.
        problems: Vec<Problem>,
    },
}

struct Lines<'a>(&'a [Problem]);

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}
