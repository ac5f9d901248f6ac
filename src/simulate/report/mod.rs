//! What came out, for people and for programs. Pure: the same rows give the same bytes.

mod html;
mod json;
mod plot;
mod table;
mod words;

pub use html::html;
pub use json::json;
pub use table::table;

use super::run::Row;
use super::scenario::Scenario;

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Format {
    /// A table for people
    #[default]
    Table,
    /// One JSON document
    Json,
    /// One page with pictures, for a browser
    Html,
}

/// Everything that a report is made from.
#[derive(Debug, Clone, Copy)]
pub struct Report<'a> {
    /// What was simulated.
    pub scenario: &'a Scenario,
    /// What came out, by policy, seed and object.
    pub rows: &'a [Row],
}

impl Report<'_> {
    /// Whether there is more than one object.
    fn many_objects(&self) -> bool {
        self.scenario.objects.len() > 1
    }

    /// Whether there is more than one seed.
    fn many_seeds(&self) -> bool {
        self.rows
            .windows(2)
            .any(|pair| matches!(pair, [a, b] if a.seed != b.seed))
    }
}
