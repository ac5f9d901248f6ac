//! What is wrong with a trace: file, line and column, value, rule and fix.

/// Why a trace cannot be played.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// The file cannot be read.
    #[error("cannot read the trace {file}: {reason}")]
    Unreadable {
        /// The file.
        file: String,
        /// Why, for people.
        reason: String,
    },
    /// A column is missing.
    #[error("{file}:1: there is no column {column}: the first line must name {wanted}")]
    NoColumn {
        /// The file.
        file: String,
        /// The column.
        column: &'static str,
        /// All columns that must be there.
        wanted: String,
    },
    /// The first line names the columns of no known trace.
    #[error("{file}:1: the columns {columns} are those of no trace: the first line must name {wanted}")]
    NoTrace {
        /// The file.
        file: String,
        /// What stands there.
        columns: String,
        /// What would do.
        wanted: &'static str,
    },
    /// A value is wrong.
    #[error("{file}:{line}:{at}: {column} is {value:?} but must {rule}")]
    Value {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// The character in the line, from 1.
        at: usize,
        /// The column's name.
        column: &'static str,
        /// What stands there.
        value: String,
        /// The rule and the fix, after "must".
        rule: String,
    },
    /// The file is too large.
    #[error("{file}: more than {limit}: split it, or thin it out")]
    TooLarge {
        /// The file.
        file: String,
        /// What it exceeds.
        limit: String,
    },
    /// No row at all.
    #[error("{file}: it holds no {what}: below the line of column names each line must hold one")]
    Empty {
        /// The file.
        file: String,
        /// What its rows should hold.
        what: &'static str,
    },
}
