//! A CSV file, row by row: numbers under named columns, each mistake with its place. I/O: one file, bounded.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Take};
use std::path::Path;
use std::str::FromStr;

use flate2::read::MultiGzDecoder;

use super::TraceError;

/// After decompression: a small file may expand to anything. Rows are not kept, so this bounds time, not memory.
const MOST_BYTES: u64 = 4 << 30;
/// No row of any trace is longer: the block ids of the longest prompt take 20 KiB.
const MOST_LINE_BYTES: u64 = 1 << 20;

/// A file of rows under named columns.
pub struct Table {
    file: String,
    reader: BufReader<Take<Box<dyn Read + Send>>>,
    header: Vec<String>,
    line: String,
    number: usize,
}

impl Table {
    /// Opens a file and reads its line of column names.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn open(path: &Path) -> Result<Self, TraceError> {
        let file = path.display().to_string();
        let opened = File::open(path).map_err(|error| TraceError::Unreadable {
            file: file.clone(),
            reason: error.to_string(),
        })?;
        if path.extension().is_some_and(|extension| extension == "gz") {
            Self::new(file, MultiGzDecoder::new(opened))
        } else {
            Self::new(file, opened)
        }
    }

    /// The same for a text; `file` names it in errors.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn new(file: impl Into<String>, text: impl Read + Send + 'static) -> Result<Self, TraceError> {
        let text: Box<dyn Read + Send> = Box::new(text);
        let mut table = Self {
            file: file.into(),
            reader: BufReader::with_capacity(1 << 16, text.take(MOST_BYTES)),
            header: Vec::new(),
            line: String::new(),
            number: 0,
        };
        table.advance()?;
        let names = table.line.trim_start_matches('\u{feff}').trim().split(',');
        table.header = names.map(|name| name.trim().to_owned()).collect();
        Ok(table)
    }

    /// The file, as errors name it.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The names of all columns.
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// Where a column stands, when it is there.
    pub fn find(&self, column: &str) -> Option<usize> {
        self.header.iter().position(|name| name == column)
    }

    /// Where columns stand that must be there.
    ///
    /// # Errors
    /// One is missing.
    pub fn columns<const N: usize>(&self, columns: [&'static str; N]) -> Result<[usize; N], TraceError> {
        let mut at = [0; N];
        for (place, column) in at.iter_mut().zip(columns) {
            *place = self.find(column).ok_or_else(|| TraceError::NoColumn {
                file: self.file.clone(),
                column,
                wanted: columns.join(", "),
            })?;
        }
        Ok(at)
    }

    /// The next row that is not blank; `None` after the last.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn next_row(&mut self) -> Result<Option<Row<'_>>, TraceError> {
        loop {
            if !self.advance()? {
                return Ok(None);
            }
            if !self.line.trim().is_empty() {
                break;
            }
        }
        Ok(Some(Row {
            file: &self.file,
            number: self.number,
            text: self.line.trim_end_matches(['\r', '\n']),
        }))
    }

    /// The error of a file without a row.
    pub fn empty(&self, what: &'static str) -> TraceError {
        TraceError::Empty {
            file: self.file.clone(),
            what,
        }
    }

    fn advance(&mut self) -> Result<bool, TraceError> {
        self.line.clear();
        self.number += 1;
        let mut bounded = (&mut self.reader).take(MOST_LINE_BYTES);
        let bytes = bounded
            .read_line(&mut self.line)
            .map_err(|error| TraceError::Unreadable {
                file: self.file.clone(),
                reason: format!("line {}: {error}", self.number),
            })?;
        let too_large = |limit: String| TraceError::TooLarge {
            file: self.file.clone(),
            limit,
        };
        if bytes as u64 == MOST_LINE_BYTES {
            return Err(too_large(format!(
                "{} KiB in line {}",
                MOST_LINE_BYTES >> 10,
                self.number
            )));
        }
        // The bound is reached inside a file that would go on: its end would pass for the end of the trace.
        if self.reader.get_ref().limit() == 0 {
            return Err(too_large(format!("{} GiB", MOST_BYTES >> 30)));
        }
        Ok(bytes > 0)
    }
}

/// One row.
pub struct Row<'a> {
    file: &'a str,
    number: usize,
    text: &'a str,
}

impl<'a> Row<'a> {
    /// What stands in a column, without blanks around it; empty when the row is too short.
    pub fn text(&self, at: usize) -> &'a str {
        self.text.split(',').nth(at).map_or("", str::trim)
    }

    /// The number in a column. `rule` completes "must …".
    ///
    /// # Errors
    /// It is no number, or not a possible one.
    pub fn number<T: FromStr>(
        &self,
        column: &'static str,
        at: usize,
        rule: &str,
        possible: impl Fn(&T) -> bool,
    ) -> Result<T, TraceError> {
        let number = self.text(at).parse().ok().filter(possible);
        number.ok_or_else(|| self.wrong(column, at, rule))
    }

    /// A finite number from 0 to `most`. `rule` completes "must …".
    ///
    /// # Errors
    /// It is none.
    pub fn positive(&self, column: &'static str, at: usize, most: f64, rule: &str) -> Result<f64, TraceError> {
        self.number(column, at, rule, |x: &f64| (0.0..=most).contains(x))
    }

    /// The error of a value; `rule` completes "must …".
    pub fn wrong(&self, column: &'static str, at: usize, rule: impl Into<String>) -> TraceError {
        let before: usize = self
            .text
            .split(',')
            .take(at)
            .map(|field| field.chars().count() + 1)
            .sum();
        TraceError::Value {
            file: self.file.to_owned(),
            line: self.number,
            at: before.min(self.text.chars().count()) + 1,
            column,
            // Enough to find it; a line of garbage may be endless.
            value: self.text(at).chars().take(40).collect(),
            rule: rule.into(),
        }
    }
}

/// The bytes of a file as they are stored, block by block.
///
/// # Errors
/// It cannot be read.
pub fn each_block(path: &Path, take: &mut impl FnMut(&[u8])) -> Result<(), TraceError> {
    let unreadable = |error: std::io::Error| TraceError::Unreadable {
        file: path.display().to_string(),
        reason: error.to_string(),
    };
    let mut reader = BufReader::with_capacity(1 << 16, File::open(path).map_err(unreadable)?.take(MOST_BYTES));
    loop {
        let block = reader.fill_buf().map_err(unreadable)?;
        let bytes = block.len();
        if bytes == 0 {
            return Ok(());
        }
        take(block);
        reader.consume(bytes);
    }
}
