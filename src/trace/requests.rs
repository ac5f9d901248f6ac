//! A trace of requests: `arrival_s`, `input_tokens`, `output_tokens`.

use std::io::Read;
use std::path::Path;

use super::{Table, TraceError};

/// More than the largest public day of traffic, and still little memory.
const MOST_REQUESTS: usize = 5_000_000;
/// No model takes more at once.
const MOST_TOKENS: u32 = 10_000_000;
/// Thirty years in seconds.
pub(super) const MOST_SECONDS: f64 = 1e9;
const COLUMNS: [&str; 3] = ["arrival_s", "input_tokens", "output_tokens"];

/// One request of a trace.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TraceRequest {
    /// Seconds since the start of the trace.
    pub arrival_s: f64,
    /// Tokens of the prompt.
    pub input_tokens: u32,
    /// Tokens of the answer.
    pub output_tokens: u32,
}

/// The requests of a file one by one, in their order. After an error nothing more comes.
pub struct Requests {
    table: Table,
    columns: [usize; 3],
    last_s: f64,
    over: bool,
}

impl Requests {
    /// Begins to read a file.
    ///
    /// # Errors
    /// It cannot be read, or has other columns.
    pub fn open(path: &Path) -> Result<Self, TraceError> {
        Self::of(Table::open(path)?)
    }

    fn of(table: Table) -> Result<Self, TraceError> {
        Ok(Self {
            columns: table.columns(COLUMNS)?,
            table,
            last_s: 0.0,
            over: false,
        })
    }

    fn read(&mut self) -> Result<Option<TraceRequest>, TraceError> {
        let [arrival, input, output] = self.columns;
        let Some(row) = self.table.next_row()? else {
            return Ok(None);
        };
        let arrival_s = row.positive(
            COLUMNS[0],
            arrival,
            MOST_SECONDS,
            "be seconds since the start of the trace, 0 or more, such as 12.5",
        )?;
        if arrival_s < self.last_s {
            let rule = format!(
                "not be earlier than the line before ({}): sort the file by arrival_s",
                self.last_s
            );
            return Err(row.wrong(COLUMNS[0], arrival, rule));
        }
        self.last_s = arrival_s;
        let tokens = |column, at| {
            let rule = format!("be a whole number from 0 to {MOST_TOKENS}");
            row.number(column, at, &rule, |n: &u32| *n <= MOST_TOKENS)
        };
        Ok(Some(TraceRequest {
            arrival_s,
            input_tokens: tokens(COLUMNS[1], input)?,
            output_tokens: tokens(COLUMNS[2], output)?,
        }))
    }
}

impl Iterator for Requests {
    type Item = Result<TraceRequest, TraceError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        let next = self.read();
        self.over = !matches!(next, Ok(Some(_)));
        next.transpose()
    }
}

/// Reads all requests of a file.
///
/// # Errors
/// The first thing that is wrong, with its place.
pub fn read(path: &Path) -> Result<Vec<TraceRequest>, TraceError> {
    collect(Requests::open(path)?)
}

/// Reads all requests of a text; `file` names it in errors.
///
/// # Errors
/// The first thing that is wrong, with its place.
pub fn parse(file: &str, text: impl Read + Send + 'static) -> Result<Vec<TraceRequest>, TraceError> {
    collect(Requests::of(Table::new(file, text)?)?)
}

fn collect(mut requests: Requests) -> Result<Vec<TraceRequest>, TraceError> {
    let mut all = Vec::new();
    for request in requests.by_ref() {
        all.push(request?);
        if all.len() > MOST_REQUESTS {
            return Err(TraceError::TooLarge {
                file: requests.table.file().to_owned(),
                limit: format!("{MOST_REQUESTS} requests"),
            });
        }
    }
    if all.is_empty() {
        return Err(requests.table.empty("request"));
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::{Cursor, Write};

    use rstest::rstest;

    use super::*;

    #[test]
    fn reads_columns_in_any_order_and_ignores_others() {
        let text = "\u{feff}output_tokens,client,arrival_s,input_tokens\r\n5,a,0.0,10\r\n\r\n6,b,1.5,20\r\n";
        let requests = parse("t.csv", Cursor::new(text)).unwrap();
        let last = TraceRequest {
            arrival_s: 1.5,
            input_tokens: 20,
            output_tokens: 6,
        };
        assert_eq!((requests.len(), requests[1]), (2, last));
    }

    #[rstest]
    #[case(
        "9,abc,1",
        "t.csv:3:3: input_tokens is \"abc\" but must be a whole number from 0 to 10000000"
    )]
    #[case(
        "9,1",
        "t.csv:3:4: output_tokens is \"\" but must be a whole number from 0 to 10000000"
    )]
    #[case(
        "9,1,-4",
        "t.csv:3:5: output_tokens is \"-4\" but must be a whole number from 0 to 10000000"
    )]
    #[case(
        "NaN,1,1",
        "t.csv:3:1: arrival_s is \"NaN\" but must be seconds since the start of the trace, 0 or more, such as 12.5"
    )]
    #[case(
        "4,1,1",
        "t.csv:3:1: arrival_s is \"4\" but must not be earlier than the line before (5): sort the file by arrival_s"
    )]
    fn a_bad_line_is_named_with_field_value_and_rule(#[case] line: &str, #[case] message: &str) {
        let text = format!("arrival_s,input_tokens,output_tokens\n5,1,1\n{line}\n");
        assert_eq!(parse("t.csv", Cursor::new(text)).unwrap_err().to_string(), message);
    }

    #[rstest]
    #[case(
        "arrival_s,input_tokens\n1,2\n",
        "t.csv:1: there is no column output_tokens: the first line must name arrival_s, input_tokens, output_tokens"
    )]
    #[case(
        "",
        "t.csv:1: there is no column arrival_s: the first line must name arrival_s, input_tokens, output_tokens"
    )]
    #[case(
        "arrival_s,input_tokens,output_tokens\n",
        "t.csv: it holds no request: below the line of column names each line must hold one"
    )]
    fn a_file_that_is_no_trace_says_what_is_missing(#[case] text: &'static str, #[case] message: &str) {
        assert_eq!(parse("t.csv", Cursor::new(text)).unwrap_err().to_string(), message);
    }

    #[test]
    fn reads_compressed_files_and_says_when_they_are_not() {
        let folder = std::env::temp_dir().join(format!("inferscale-trace-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("t.csv.gz");
        let mut gz = flate2::write::GzEncoder::new(File::create(&path).unwrap(), flate2::Compression::fast());
        gz.write_all(b"arrival_s,input_tokens,output_tokens\n0,1,2\n").unwrap();
        gz.finish().unwrap();
        assert_eq!(read(&path).unwrap().len(), 1);
        std::fs::write(&path, "arrival_s,input_tokens,output_tokens\n0,1,2\n").unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("gzip"));
        std::fs::remove_dir_all(&folder).unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("No such file"));
    }
}
