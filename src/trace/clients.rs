//! A trace of clients: how many requests each sends in each window, and how regularly (the columns of `ServeGen`).

use std::collections::BTreeMap;
use std::path::Path;

use super::requests::MOST_SECONDS;
use super::{Table, TraceError};

/// A thousand clients over a week of windows of 10 minutes.
const MOST_ROWS: usize = 1_000_000;
/// Where no client has two windows: what the publisher of such traces uses.
const USUAL_WIDTH_S: f64 = 600.0;

/// How the time between two requests of a client is spread around its mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Law {
    /// Gamma of this shape: 1 is a Poisson process, less is burstier.
    Gamma(f64),
    /// Weibull of this shape: 1 is a Poisson process, less is burstier.
    Weibull(f64),
}

/// A client in one window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClientWindow {
    /// When it begins, in seconds since the start of the trace.
    pub t_s: f64,
    /// Requests a second.
    pub rate: f64,
    /// How regularly they come.
    pub law: Law,
}

/// One client: the windows in which it sends, by time.
#[derive(Debug, Clone, PartialEq)]
pub struct Client {
    /// Its name in the file.
    pub name: String,
    /// The windows in which it sends.
    pub windows: Vec<ClientWindow>,
}

/// A trace of clients.
#[derive(Debug, Clone, PartialEq)]
pub struct Clients {
    /// How long a window is, in seconds.
    pub width_s: f64,
    /// The clients, by name.
    pub clients: Vec<Client>,
}

impl Clients {
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
        let [name, time, rate, pattern, shape] = table.columns(["client", "t_s", "rate_rps", "pattern", "shape"])?;
        let mut clients: BTreeMap<String, Vec<ClientWindow>> = BTreeMap::new();
        let (mut rows, mut width_s) = (0, f64::INFINITY);
        while let Some(row) = table.next_row()? {
            let client = row.text(name).to_owned();
            if client.is_empty() || client.len() > 256 {
                return Err(row.wrong("client", name, "be the name of a client, at most 256 characters"));
            }
            let t_s = row.positive(
                "t_s",
                time,
                MOST_SECONDS,
                "be seconds since the start of the trace, such as 600",
            )?;
            let windows = clients.entry(client).or_default();
            if let Some(last) = windows.last() {
                if t_s <= last.t_s {
                    let rule = format!(
                        "be later than the line before of this client ({}): sort the file by t_s",
                        last.t_s
                    );
                    return Err(row.wrong("t_s", time, rule));
                }
                width_s = width_s.min(t_s - last.t_s);
            }
            let rule = "be a number from 0 to 1000000: requests a second";
            let rate = row.positive("rate_rps", rate, 1e6, rule)?;
            let rule = "be a number above 0 and at most 1000000: the shape of the law";
            let possible = |x: &f64| *x > 0.0 && *x <= 1e6;
            let law = match row.text(pattern) {
                "Gamma" => Law::Gamma(row.number("shape", shape, rule, possible)?),
                "Weibull" => Law::Weibull(row.number("shape", shape, rule, possible)?),
                _ => return Err(row.wrong("pattern", pattern, "be Gamma or Weibull")),
            };
            windows.push(ClientWindow { t_s, rate, law });
            rows += 1;
            if rows > MOST_ROWS {
                return Err(TraceError::TooLarge {
                    file: table.file().to_owned(),
                    limit: format!("{MOST_ROWS} rows"),
                });
            }
        }
        if clients.is_empty() {
            return Err(table.empty("client"));
        }
        let clients = clients.into_iter().map(|(name, windows)| Client { name, windows });
        Ok(Self {
            width_s: if width_s.is_finite() { width_s } else { USUAL_WIDTH_S },
            clients: clients.collect(),
        })
    }

    /// When the last window ends, in seconds.
    pub fn end_s(&self) -> f64 {
        let last = self.clients.iter().filter_map(|client| client.windows.last());
        last.map(|window| window.t_s + self.width_s).fold(0.0, f64::max)
    }

    /// The rate of all clients together in each window from the start of the trace on; a window without any is 0.
    pub fn rates(&self) -> Vec<f64> {
        let count = (self.end_s() / self.width_s).ceil().min(MOST_ROWS as f64) as usize;
        let mut rates = vec![0.0; count];
        for window in self.clients.iter().flat_map(|client| &client.windows) {
            if let Some(rate) = rates.get_mut((window.t_s / self.width_s) as usize) {
                *rate += window.rate;
            }
        }
        rates
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use rstest::rstest;

    use super::*;

    fn read(rows: &'static str) -> Result<Clients, String> {
        let text = format!("client,t_s,rate_rps,iat_cv,pattern,shape,scale\n{rows}");
        Clients::of(Table::new("c.csv", Cursor::new(text)).unwrap()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_client_has_a_law_in_each_window_and_the_windows_add_up() {
        let clients =
            read("b,0,1.5,1,Gamma,1.2,1\nb,1200,2,1,Weibull,0.5,1\na,600,3,1,Gamma,1,1\nb,1800,4,1,Gamma,1,1\n")
                .unwrap();
        assert_eq!(clients.width_s, 600.0);
        assert_eq!(clients.rates(), [1.5, 3.0, 2.0, 4.0]);
        assert_eq!(clients.clients[1].windows[1].law, Law::Weibull(0.5));
    }

    #[rstest]
    #[case(
        "a,0,1,1,Pareto,1,1\n",
        "c.csv:2:9: pattern is \"Pareto\" but must be Gamma or Weibull"
    )]
    #[case(
        "a,0,1,1,Gamma,0,1\n",
        "c.csv:2:15: shape is \"0\" but must be a number above 0 and at most 1000000: the shape of the law"
    )]
    #[case(
        "a,600,1,1,Gamma,1,1\na,0,1,1,Gamma,1,1\n",
        "c.csv:3:3: t_s is \"0\" but must be later than the line before of this client (600): sort the file by t_s"
    )]
    #[case(
        "",
        "c.csv: it holds no client: below the line of column names each line must hold one"
    )]
    fn a_bad_line_is_named_with_field_value_and_rule(#[case] rows: &'static str, #[case] message: &str) {
        assert_eq!(read(rows).unwrap_err(), message);
    }
}
