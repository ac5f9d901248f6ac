//! A trace of rates: `t_s` and `rate_rps` or `count`, and `gap` where the collection may have holes.

use std::path::Path;

use super::requests::MOST_SECONDS;
use super::{Table, TraceError};

/// Thirty years of windows of 15 minutes.
const MOST_WINDOWS: usize = 1_000_000;
/// Requests a second, or in one window. No service has more.
const MOST: f64 = 1e9;

/// One window of a trace.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Window {
    /// When it begins, in seconds since the start of the trace.
    pub t_s: f64,
    /// Requests a second.
    pub rate: f64,
    /// Nothing was collected: the rate says nothing.
    pub hole: bool,
}

/// A trace of rates.
#[derive(Debug, Clone, PartialEq)]
pub struct Rates {
    /// How long a window is, in seconds.
    pub width_s: f64,
    /// The windows, by time, none missing between the first and the last.
    pub windows: Vec<Window>,
}

impl Rates {
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
        let counted = table.find("rate_rps").is_none();
        let column = if counted { "count" } else { "rate_rps" };
        let [time, value] = table.columns(["t_s", column])?;
        let gap = table.find("gap");
        let mut windows: Vec<Window> = Vec::new();
        let mut width_s = f64::INFINITY;
        while let Some(row) = table.next_row()? {
            let t_s = row.positive(
                "t_s",
                time,
                MOST_SECONDS,
                "be seconds since the start of the trace, such as 600",
            )?;
            if let Some(last) = windows.last() {
                if t_s <= last.t_s {
                    let rule = format!("be later than the line before ({}): sort the file by t_s", last.t_s);
                    return Err(row.wrong("t_s", time, rule));
                }
                width_s = width_s.min(t_s - last.t_s);
            }
            let hole = match gap.map(|at| (at, row.text(at))) {
                None | Some((_, "" | "0")) => false,
                Some((_, "1")) => true,
                Some((at, _)) => return Err(row.wrong("gap", at, "be 0 (measured) or 1 (nothing was collected)")),
            };
            let rule = "be a number from 0 to 1000000000: how many requests";
            let rate = if hole && row.text(value).is_empty() {
                0.0
            } else {
                row.positive(column, value, MOST, rule)?
            };
            windows.push(Window { t_s, rate, hole });
            if windows.len() > MOST_WINDOWS {
                return Err(TraceError::TooLarge {
                    file: table.file().to_owned(),
                    limit: format!("{MOST_WINDOWS} windows"),
                });
            }
        }
        if windows.len() < 2 {
            return Err(table.empty("two windows"));
        }
        if counted {
            windows.iter_mut().for_each(|window| window.rate /= width_s);
        }
        Ok(Self {
            windows: complete(&windows, width_s),
            width_s,
        })
    }

    /// When the last window ends, in seconds.
    pub fn end_s(&self) -> f64 {
        self.windows.last().map_or(0.0, |window| window.t_s + self.width_s)
    }
}

/// Puts a hole for each window that the file leaves out.
fn complete(windows: &[Window], width_s: f64) -> Vec<Window> {
    let mut all: Vec<Window> = Vec::with_capacity(windows.len());
    for window in windows {
        while let Some(next) = all.last().map(|last| last.t_s + width_s) {
            // A file of one line at 0 and one in thirty years is no trace: it ends where the bound is.
            if next > window.t_s - 0.5 * width_s || all.len() >= MOST_WINDOWS {
                break;
            }
            all.push(Window {
                t_s: next,
                rate: 0.0,
                hole: true,
            });
        }
        all.push(*window);
    }
    all
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use rstest::rstest;

    use super::*;

    fn read(text: &'static str) -> Result<Rates, String> {
        let table = Table::new("r.csv", Cursor::new(text)).unwrap();
        Rates::of(table).map_err(|error| error.to_string())
    }

    #[test]
    fn counts_become_rates() {
        let rates = read("t_s,count\n0,94\n300,56\n").unwrap();
        assert_eq!((rates.width_s, rates.end_s()), (300.0, 600.0));
        assert!((rates.windows[0].rate - 94.0 / 300.0).abs() < 1e-12);
    }

    #[test]
    fn a_gap_and_a_window_that_is_left_out_are_holes() {
        let rates = read("t_s,rate_rps,gap\n0,4,0\n600,0,1\n1200,5,0\n2400,6,0\n").unwrap();
        let holes: Vec<bool> = rates.windows.iter().map(|w| w.hole).collect();
        assert_eq!(holes, [false, true, false, true, false]);
        assert_eq!(rates.windows[3].t_s, 1800.0);
    }

    #[rstest]
    #[case(
        "t_s,count\n0,1\n0,2\n",
        "r.csv:3:1: t_s is \"0\" but must be later than the line before (0): sort the file by t_s"
    )]
    #[case(
        "t_s,count\n0,-1\n",
        "r.csv:2:3: count is \"-1\" but must be a number from 0 to 1000000000: how many requests"
    )]
    #[case(
        "t_s,rate_rps,gap\n0,1,maybe\n",
        "r.csv:2:5: gap is \"maybe\" but must be 0 (measured) or 1 (nothing was collected)"
    )]
    #[case(
        "t_s,rps\n0,1\n",
        "r.csv:1: there is no column count: the first line must name t_s, count"
    )]
    #[case(
        "t_s,count\n0,1\n",
        "r.csv: it holds no two windows: below the line of column names each line must hold one"
    )]
    fn a_bad_line_is_named_with_field_value_and_rule(#[case] text: &'static str, #[case] message: &str) {
        assert_eq!(read(text).unwrap_err(), message);
    }
}
