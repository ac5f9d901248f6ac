//! An error with its causes on one line, for logs and statuses. Pure.

use std::error::Error;
use std::fmt;

/// Prints an error and its sources: `cannot write the status: the status was refused: …`.
pub struct Chain<'a>(pub &'a dyn Error);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}
