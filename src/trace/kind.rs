//! What a trace holds, told by its columns.

use serde::Deserialize;

use super::{Table, TraceError};

/// What the rows of a trace are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, strum::Display)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Kind {
    /// One request each.
    Requests,
    /// One window of time each.
    Rate,
    /// One client in one window of time each.
    Clients,
}

/// In words, for errors.
pub(super) const WANTED: &str = "arrival_s,input_tokens,output_tokens (kind requests), t_s and rate_rps or count (kind \
                                 rate), or client,t_s,rate_rps,pattern,shape (kind clients)";

impl Kind {
    /// The kind of an opened file.
    ///
    /// # Errors
    /// Its columns are those of no trace.
    pub fn of(table: &Table) -> Result<Self, TraceError> {
        let has = |column| table.find(column).is_some();
        if has("arrival_s") {
            Ok(Self::Requests)
        } else if has("t_s") && has("client") && has("pattern") {
            Ok(Self::Clients)
        } else if has("t_s") && (has("rate_rps") || has("count")) {
            Ok(Self::Rate)
        } else {
            Err(TraceError::NoTrace {
                file: table.file().to_owned(),
                columns: table.header().join(",").chars().take(120).collect(),
                wanted: WANTED,
            })
        }
    }
}
