//! Reads a trace of requests: CSV with the columns `arrival_s`, `input_tokens`, `output_tokens` in any order, others
//! ignored; compressed when the name ends in `.gz`. I/O: one file, bounded.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::str::FromStr;

use flate2::read::MultiGzDecoder;

/// More than the largest public day of traffic, and still little memory.
const MOST_REQUESTS: usize = 5_000_000;
/// After decompression: a small file may expand to anything.
const MOST_BYTES: u64 = 512 << 20;
/// No model takes more at once.
const MOST_TOKENS: u32 = 10_000_000;
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
    #[error("{file}:1: there is no column {column}: the first line must name {}", COLUMNS.join(", "))]
    NoColumn {
        /// The file.
        file: String,
        /// The column.
        column: &'static str,
    },
    /// A value is wrong.
    #[error("{file}:{line}: {column} is {value:?} but must {rule}")]
    Value {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// The column.
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
    /// No request at all.
    #[error("{file}: it holds no request: below the line of column names each line must hold one")]
    Empty {
        /// The file.
        file: String,
    },
}

/// Reads the trace in `path`.
///
/// # Errors
/// The first thing that is wrong, with its line.
pub fn read(path: &Path) -> Result<Vec<TraceRequest>, TraceError> {
    let file = path.display().to_string();
    let opened = File::open(path).map_err(|error| TraceError::Unreadable {
        file: file.clone(),
        reason: error.to_string(),
    })?;
    if path.extension().is_some_and(|extension| extension == "gz") {
        parse(&file, MultiGzDecoder::new(opened))
    } else {
        parse(&file, opened)
    }
}

/// Reads a trace from its text; `file` names it in errors.
///
/// # Errors
/// The first thing that is wrong, with its line.
pub fn parse(file: &str, text: impl Read) -> Result<Vec<TraceRequest>, TraceError> {
    let too_large = |limit: String| TraceError::TooLarge {
        file: file.to_owned(),
        limit,
    };
    let mut reader = BufReader::new(text.take(MOST_BYTES + 1));
    let mut read_bytes = 0;
    let mut line = String::new();
    let mut next = |line: &mut String| -> Result<bool, TraceError> {
        line.clear();
        let bytes = reader.read_line(line).map_err(|error| TraceError::Unreadable {
            file: file.to_owned(),
            reason: error.to_string(),
        })?;
        read_bytes += bytes as u64;
        if read_bytes > MOST_BYTES {
            return Err(too_large(format!("{} MiB", MOST_BYTES >> 20)));
        }
        Ok(bytes > 0)
    };
    next(&mut line)?;
    let columns = header(file, &line)?;
    let mut requests: Vec<TraceRequest> = Vec::new();
    let mut number = 1;
    while next(&mut line)? {
        number += 1;
        if line.trim().is_empty() {
            continue;
        }
        let fields: Vec<&str> = line.trim_end_matches(['\r', '\n']).split(',').collect();
        let row = Row {
            file,
            line: number,
            fields: &fields,
            columns,
        };
        let last = requests.last().map_or(0.0, |r| r.arrival_s);
        requests.push(row.request(last)?);
        if requests.len() > MOST_REQUESTS {
            return Err(too_large(format!("{MOST_REQUESTS} requests")));
        }
    }
    if requests.is_empty() {
        return Err(TraceError::Empty { file: file.to_owned() });
    }
    Ok(requests)
}

/// Where the columns stand.
fn header(file: &str, line: &str) -> Result<[usize; 3], TraceError> {
    let names: Vec<&str> = line
        .trim_start_matches('\u{feff}')
        .trim()
        .split(',')
        .map(str::trim)
        .collect();
    let mut at = [0; 3];
    for (place, column) in at.iter_mut().zip(COLUMNS) {
        *place = names
            .iter()
            .position(|name| *name == column)
            .ok_or_else(|| TraceError::NoColumn {
                file: file.to_owned(),
                column,
            })?;
    }
    Ok(at)
}

struct Row<'a> {
    file: &'a str,
    line: usize,
    fields: &'a [&'a str],
    columns: [usize; 3],
}

impl Row<'_> {
    fn request(&self, last: f64) -> Result<TraceRequest, TraceError> {
        let [arrival, input, output] = self.columns;
        let arrival_s = self.number(
            COLUMNS[0],
            arrival,
            "be seconds since the start of the trace, 0 or more, such as 12.5",
            |s: &f64| s.is_finite() && (0.0..=1e9).contains(s),
        )?;
        if arrival_s < last {
            let rule = format!("not be earlier than the line before ({last}): sort the file by arrival_s");
            return Err(self.wrong(COLUMNS[0], arrival, rule));
        }
        let tokens = format!("be a whole number from 0 to {MOST_TOKENS}");
        let possible = |n: &u32| *n <= MOST_TOKENS;
        Ok(TraceRequest {
            arrival_s,
            input_tokens: self.number(COLUMNS[1], input, &tokens, possible)?,
            output_tokens: self.number(COLUMNS[2], output, &tokens, possible)?,
        })
    }

    fn number<T: FromStr>(
        &self,
        column: &'static str,
        at: usize,
        rule: &str,
        possible: impl Fn(&T) -> bool,
    ) -> Result<T, TraceError> {
        let text = self.fields.get(at).map_or("", |field| field.trim());
        let number = text.parse().ok().filter(possible);
        number.ok_or_else(|| self.wrong(column, at, rule.to_owned()))
    }

    fn wrong(&self, column: &'static str, at: usize, rule: String) -> TraceError {
        // Enough to find it; a line of garbage may be endless.
        let value = self
            .fields
            .get(at)
            .map_or("", |field| field.trim())
            .chars()
            .take(40)
            .collect();
        TraceError::Value {
            file: self.file.to_owned(),
            line: self.line,
            column,
            value,
            rule,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use rstest::rstest;

    use super::*;

    #[test]
    fn reads_columns_in_any_order_and_ignores_others() {
        let text = "\u{feff}output_tokens,client,arrival_s,input_tokens\r\n5,a,0.0,10\r\n\r\n6,b,1.5,20\r\n";
        let requests = parse("t.csv", text.as_bytes()).unwrap();
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
        "t.csv:3: input_tokens is \"abc\" but must be a whole number from 0 to 10000000"
    )]
    #[case(
        "9,1",
        "t.csv:3: output_tokens is \"\" but must be a whole number from 0 to 10000000"
    )]
    #[case(
        "9,1,-4",
        "t.csv:3: output_tokens is \"-4\" but must be a whole number from 0 to 10000000"
    )]
    #[case(
        "NaN,1,1",
        "t.csv:3: arrival_s is \"NaN\" but must be seconds since the start of the trace, 0 or more, such as 12.5"
    )]
    #[case(
        "4,1,1",
        "t.csv:3: arrival_s is \"4\" but must not be earlier than the line before (5): sort the file by arrival_s"
    )]
    fn a_bad_line_is_named_with_field_value_and_rule(#[case] line: &str, #[case] message: &str) {
        let text = format!("arrival_s,input_tokens,output_tokens\n5,1,1\n{line}\n");
        assert_eq!(parse("t.csv", text.as_bytes()).unwrap_err().to_string(), message);
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
    fn a_file_that_is_no_trace_says_what_is_missing(#[case] text: &str, #[case] message: &str) {
        assert_eq!(parse("t.csv", text.as_bytes()).unwrap_err().to_string(), message);
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
