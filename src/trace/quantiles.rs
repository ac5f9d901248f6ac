//! Quantiles of the lengths of prompts and answers, by client and window of six hours (the columns of `ServeGen`).

use std::collections::BTreeMap;
use std::path::Path;

use super::requests::MOST_SECONDS;
use super::{Table, TraceError};

/// A thousand clients over a month of windows of 6 hours, three fields each.
const MOST_ROWS: usize = 400_000;
/// No model takes more at once.
const MOST_TOKENS: f64 = 10_000_000.0;

/// What is measured. A prompt is the sum of all but the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// The answer.
    Output,
    /// The prompt.
    Input,
    /// The written part of a prompt.
    Text,
    /// The pictures of a prompt.
    Image,
}

/// A spread of lengths: its value at each of the file's levels.
pub type Spread = Box<[f32]>;

/// All spreads of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Quantiles {
    /// The levels, rising, 0 to 1.
    pub levels: Vec<f64>,
    /// By client; within, by field; within, by time: the start of a window in seconds and its spread.
    pub clients: BTreeMap<String, BTreeMap<Field, Vec<(f64, Spread)>>>,
}

impl Quantiles {
    /// Whether a file has these columns.
    pub fn fits(table: &Table) -> bool {
        ["client", "t_s", "field", "p0", "p100"]
            .iter()
            .all(|column| table.find(column).is_some())
    }

    /// Reads a file.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place.
    pub fn read(path: &Path) -> Result<Self, TraceError> {
        Self::of(Table::open(path)?)
    }

    /// Reads an opened file.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place.
    pub fn of(mut table: Table) -> Result<Self, TraceError> {
        let [client, time, field, _, _] = table.columns(["client", "t_s", "field", "p0", "p100"])?;
        let mut levels: Vec<(f64, usize)> = Vec::new();
        for (at, name) in table.header().iter().enumerate() {
            let percent = name.strip_prefix('p').and_then(|number| number.parse::<f64>().ok());
            levels.extend(percent.filter(|p| (0.0..=100.0).contains(p)).map(|p| (p / 100.0, at)));
        }
        levels.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut clients: BTreeMap<String, BTreeMap<Field, Vec<(f64, Spread)>>> = BTreeMap::new();
        let mut rows = 0;
        while let Some(row) = table.next_row()? {
            let rule = "be seconds since the start of the trace, such as 21600";
            let t_s = row.number("t_s", time, rule, |t: &f64| t.abs() <= MOST_SECONDS)?;
            let kind = match row.text(field) {
                "input_tokens" => Field::Input,
                "output_tokens" => Field::Output,
                "text_tokens" => Field::Text,
                "image_tokens" => Field::Image,
                // Shares and the like are no lengths.
                _ => continue,
            };
            let mut spread = Vec::with_capacity(levels.len());
            for (_, at) in &levels {
                let least = spread.last().copied().unwrap_or(0.0);
                let rule = format!("be a number from {least} (the quantile below) to {MOST_TOKENS}");
                let possible = |x: &f32| *x >= least && f64::from(*x) <= MOST_TOKENS;
                spread.push(row.number("p0..p100", *at, &rule, possible)?);
            }
            let windows = clients
                .entry(row.text(client).to_owned())
                .or_default()
                .entry(kind)
                .or_default();
            if windows.last().is_some_and(|(last, _)| t_s <= *last) {
                let rule = "be later than the line before of this client and field: sort the file by t_s";
                return Err(row.wrong("t_s", time, rule));
            }
            windows.push((t_s, spread.into()));
            rows += 1;
            if rows > MOST_ROWS {
                return Err(TraceError::TooLarge {
                    file: table.file().to_owned(),
                    limit: format!("{MOST_ROWS} rows"),
                });
            }
        }
        if clients.is_empty() {
            return Err(table.empty("spread"));
        }
        Ok(Self {
            levels: levels.into_iter().map(|(level, _)| level).collect(),
            clients,
        })
    }

    /// The value of a spread at a level between 0 and 1.
    pub fn at(&self, spread: &Spread, level: f64) -> f64 {
        let after = self.levels.partition_point(|l| *l < level);
        let point = |i: usize| Some((*self.levels.get(i)?, f64::from(*spread.get(i)?)));
        match (after.checked_sub(1).and_then(point), point(after)) {
            (Some((l0, v0)), Some((l1, v1))) => v0 + (v1 - v0) * (level - l0) / (l1 - l0).max(f64::MIN_POSITIVE),
            (None, Some((_, v))) | (Some((_, v)), None) => v,
            (None, None) => 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use rstest::rstest;

    use super::*;

    fn read(rows: &'static str) -> Result<Quantiles, String> {
        let text = format!("client,t_s,field,mean,p0,p50,p100\n{rows}");
        Quantiles::of(Table::new("q.csv", Cursor::new(text)).unwrap()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_spread_is_read_on_straight_lines_between_its_levels() {
        let quantiles = read("a,-600,input_tokens,9,0,10,30\na,-600,output_tokens,9,5,5,5\n").unwrap();
        let (_, spread) = &quantiles.clients["a"][&Field::Input][0];
        let values = [0.0, 0.25, 0.5, 0.75, 1.0].map(|level| quantiles.at(spread, level));
        assert_eq!(values, [0.0, 5.0, 10.0, 20.0, 30.0]);
    }

    #[rstest]
    #[case(
        "a,0,input_tokens,9,5,4,6\n",
        "q.csv:2:22: p0..p100 is \"4\" but must be a number from 5 (the quantile below) to 10000000"
    )]
    fn a_bad_line_is_named_with_field_value_and_rule(#[case] rows: &'static str, #[case] message: &str) {
        assert_eq!(read(rows).unwrap_err(), message);
    }
}
