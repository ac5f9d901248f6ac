//! Which columns there are, what stands in them, and which fit into a terminal. Pure.

use std::fmt::Write;

use inferscale_core::units::{Ratio, Time};

use super::rows::{Count, PoolRow, Row, Slo, TargetRow, View};
use super::words::{UNKNOWN, age, cut, rate};

/// Between two columns.
pub const GAP: usize = 2;

/// One column of the objects.
#[derive(Clone, Copy)]
struct Column {
    title: &'static str,
    align: Align,
    /// Never narrower, so that the table stands still while numbers move.
    least: usize,
    /// The higher, the sooner it is dropped where it does not fit; 0 = never.
    drop: u8,
    cell: fn(&Row, Time) -> String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Align {
    Left,
    Right,
}
use Align::{Left, Right};

const COLUMNS: [Column; 15] = [
    column("NAMESPACE", Left, 0, 1, |row, _| row.namespace.clone()),
    column("NAME", Left, 0, 0, |row, _| row.name.clone()),
    column("MODE", Left, 0, 13, |row, _| text(row.mode.as_ref())),
    column("READY", Left, 6, 2, |row, _| replicas(row)),
    column("LOAD", Right, 6, 4, |row, _| row.demand.map_or(UNKNOWN.into(), rate)),
    column("CARRIES", Right, 0, 14, |row, _| {
        row.capacity.map_or(UNKNOWN.into(), rate)
    }),
    column("TTFT", Left, 0, 6, |row, _| share(row.time_to_first_token.as_ref())),
    column("TPOT", Left, 0, 7, |row, _| share(row.time_per_output_token.as_ref())),
    column(SLO, Left, 7, 3, |row, _| row.objective.to_string()),
    column("WAITING", Right, 0, 11, |row, _| count(row.waiting)),
    column("RUNNING", Right, 0, 12, |row, _| count(row.running)),
    column("GPUS", Right, 0, 9, |row, _| text(row.accelerators.as_ref())),
    column("$/H", Right, 6, 8, |row, _| text(row.hourly_cost.as_ref())),
    column("REASON", Left, 8, 5, |row, _| text(row.reason.as_ref())),
    column("AGE", Right, 4, 10, |row, now| {
        row.decided.map_or(UNKNOWN.into(), |time| age(now.since(time.time())))
    }),
];

/// The column that says whether the objective is met.
pub const SLO: &str = "SLO";

const fn column(title: &'static str, align: Align, least: usize, drop: u8, cell: fn(&Row, Time) -> String) -> Column {
    Column {
        title,
        align,
        least,
        drop,
        cell,
    }
}

/// A table that fits: every cell is padded to the width of its column.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Grid {
    /// The titles that are left.
    pub titles: Vec<&'static str>,
    /// The width of each column.
    pub widths: Vec<usize>,
    /// The title line.
    pub head: Vec<String>,
    /// One line a row.
    pub rows: Vec<Vec<String>>,
}

impl Grid {
    /// The lines without blanks at their ends.
    pub fn lines(&self) -> impl Iterator<Item = String> + '_ {
        std::iter::once(&self.head)
            .chain(&self.rows)
            .map(|cells| cells.join(&" ".repeat(GAP)).trim_end().to_owned())
    }
}

/// The objects of a view in at most `width` characters; `None` = as wide as need be.
pub fn objects(view: &View, width: Option<usize>) -> Grid {
    let now = view.time.time();
    let mut columns: Vec<Filled> = COLUMNS
        .iter()
        // Within one namespace its name would only repeat what was asked for.
        .filter(|column| column.title != "NAMESPACE" || view.namespace.is_none())
        .map(|column| {
            let most = match (column.title, width) {
                ("NAME", Some(width)) => (width / 5).max(16),
                ("NAMESPACE", Some(width)) => (width / 8).max(12),
                _ => usize::MAX,
            };
            let cells = view.objects.iter().map(|row| cut(&(column.cell)(row, now), most));
            Filled::new(column.title, column.align, column.least, column.drop, cells.collect())
        })
        .collect();
    while let Some(width) = width {
        let total = columns.iter().map(|column| column.width).sum::<usize>() + GAP * columns.len().saturating_sub(1);
        match columns.iter().enumerate().max_by_key(|(_, column)| column.drop) {
            Some((at, column)) if total > width && column.drop > 0 => columns.remove(at),
            _ => break,
        };
    }
    grid(&columns, view.objects.len())
}

/// The pools of a view.
pub fn pools(view: &View) -> Grid {
    let nodes = |pool: &PoolRow| match (pool.nodes, pool.starting) {
        (Some(nodes), Some(starting)) if starting > 0 => format!("{nodes} +{starting}"),
        (Some(nodes), _) => nodes.to_string(),
        (None, _) => UNKNOWN.into(),
    };
    let used = |pool: &PoolRow| match (pool.used, pool.total) {
        (Some(used), Some(total)) => format!("{used}/{total}"),
        _ => UNKNOWN.into(),
    };
    let column = |title, align, cell: &dyn Fn(&PoolRow) -> String| {
        Filled::new(title, align, 0, 0, view.pools.iter().map(cell).collect())
    };
    let columns = [
        column("POOL", Left, &|pool| pool.name.clone()),
        column("PRODUCT", Left, &|pool| pool.product.clone()),
        column("NODES", Left, &nodes),
        column("GPUS USED", Left, &used),
        column("$/H", Right, &|pool| text(pool.hourly_cost.as_ref())),
    ];
    grid(&columns, view.pools.len())
}

/// A column with its cells.
struct Filled {
    title: &'static str,
    align: Align,
    width: usize,
    drop: u8,
    cells: Vec<String>,
}

impl Filled {
    fn new(title: &'static str, align: Align, least: usize, drop: u8, cells: Vec<String>) -> Self {
        let widest = cells.iter().map(|cell| cell.chars().count()).max().unwrap_or(0);
        Self {
            title,
            align,
            width: widest.max(title.len()).max(least),
            drop,
            cells,
        }
    }

    fn pad(&self, text: &str) -> String {
        let width = self.width;
        match self.align {
            Left => format!("{text:<width$}"),
            Right => format!("{text:>width$}"),
        }
    }
}

fn grid(columns: &[Filled], rows: usize) -> Grid {
    let row = |number: usize| {
        let cell = |column: &Filled| column.pad(column.cells.get(number).map_or("", String::as_str));
        columns.iter().map(cell).collect()
    };
    Grid {
        titles: columns.iter().map(|column| column.title).collect(),
        widths: columns.iter().map(|column| column.width).collect(),
        head: columns.iter().map(|column| column.pad(column.title)).collect(),
        rows: (0..rows).map(row).collect(),
    }
}

fn text(value: Option<&impl ToString>) -> String {
    value.map_or_else(|| UNKNOWN.to_owned(), ToString::to_string)
}

/// `2/3`, with `+1` for those that start and `-1` for those that end.
fn replicas(row: &Row) -> String {
    let Some(replicas) = row.replicas else {
        return UNKNOWN.to_owned();
    };
    let mut text = format!("{}/{}", replicas.ready, replicas.desired);
    for (sign, count) in [('+', replicas.starting), ('-', replicas.draining)] {
        if count > 0 {
            let _ = write!(text, " {sign}{count}");
        }
    }
    text
}

/// `99.4% in 2s`; `!` = less than was promised, `~` = from the status and perhaps not of now. Shares are aligned.
fn share(target: Option<&TargetRow>) -> String {
    let Some(target) = target else {
        return UNKNOWN.to_owned();
    };
    let share = target.attained.map_or(UNKNOWN.to_owned(), |share| {
        let about = if target.live { "" } else { "~" };
        let missed = if target.missed { "!" } else { "" };
        format!("{about}{missed}{}", Ratio::clamped(share))
    });
    format!("{share:>6} in {}", target.limit)
}

fn count(count: Option<Count>) -> String {
    count.map_or(UNKNOWN.to_owned(), |count| {
        format!("{}{:.0}", if count.at_least { ">=" } else { "" }, count.value)
    })
}

/// Objects, accelerators and dollars of the whole view on one line.
pub fn totals(view: &View) -> String {
    let objects = view.objects.len();
    let missed = view.objects.iter().filter(|row| row.objective == Slo::Missed).count();
    let accelerators: u32 = view.objects.iter().filter_map(|row| row.accelerators).sum();
    let costs: Vec<Option<f64>> = view
        .objects
        .iter()
        .map(|row| row.hourly_cost.as_deref().and_then(|cost| cost.parse().ok()))
        .collect();
    let known: f64 = costs.iter().flatten().fold(0.0, |sum, cost| sum + cost);
    // A sum without those whose price is unknown must not pass for the whole.
    let at_least = if costs.iter().any(Option::is_none) { ">=" } else { "" };
    let objects = match objects {
        1 => "1 object".to_owned(),
        n => format!("{n} objects"),
    };
    format!("{objects}, {missed} missed, {accelerators} GPUs, {at_least}${known:.2}/h")
}

#[cfg(test)]
#[path = "columns_tests.rs"]
mod tests;
