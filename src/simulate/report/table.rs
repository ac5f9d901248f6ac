//! The score as a table for a terminal. Pure.

use comfy_table::{CellAlignment, Table, presets};

use super::{Report, words};
use crate::simulate::run::Row;

type Column = (&'static str, fn(&Row) -> String);

/// The figures of a row. Latencies in ms.
const FIGURES: [Column; 11] = [
    ("INSIDE", |row| words::percent(row.score.attainment)),
    ("MET", |row| if row.met { "yes" } else { "no" }.to_owned()),
    ("TTFT IN", |row| words::percent(row.score.attainment_ttft)),
    ("TPOT IN", |row| words::percent(row.score.attainment_tpot)),
    ("GPU H", |row| format!("{:.1}", row.score.gpu_hours)),
    ("COST $", |row| format!("{:.2}", row.score.cost_usd)),
    ("STARTS", |row| row.score.starts.to_string()),
    ("CHANGES", |row| row.score.replica_changes.to_string()),
    ("TTFT P50", |row| words::latency(row.score.ttft_p50_ms)),
    ("P99", |row| words::latency(row.score.ttft_p99_ms)),
    ("TPOT P99", |row| words::latency(row.score.tpot_p99_ms)),
];

/// What was simulated, and a line for each policy, seed and object.
pub fn table(report: &Report<'_>) -> String {
    let scenario = report.scenario;
    let mut lines = vec![format!("{}: {}", scenario.file, words::played(scenario))];
    for object in &scenario.objects {
        let objective = words::objective(&object.spec.objectives);
        lines.push(format!("{}: {}; {objective}", object.key, words::traffic(object)));
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    let mut head = vec!["POLICY"];
    head.extend(report.many_objects().then_some("OBJECT"));
    head.extend(report.many_seeds().then_some("SEED"));
    let left = head.len();
    head.extend(FIGURES.iter().map(|(title, _)| *title));
    let columns = head.len();
    table.set_header(head);
    for row in report.rows {
        let mut cells = vec![name(row)];
        cells.extend(report.many_objects().then(|| row.object.to_string()));
        cells.extend(report.many_seeds().then(|| row.seed.to_string()));
        cells.extend(FIGURES.iter().map(|(_, figure)| figure(row)));
        table.add_row(cells);
    }
    for index in 0..columns {
        if let Some(column) = table.column_mut(index) {
            column.set_padding((0, 2));
            if index >= left {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
    }
    lines.push(String::new());
    lines.extend(table.lines().map(|line| line.trim_end().to_owned()));
    lines.join("\n") + "\n"
}

/// The policy, with the point of its grid that was kept.
pub(super) fn name(row: &Row) -> String {
    match &row.point {
        Some(point) => format!("{} ({point})", row.policy),
        None => row.policy.clone(),
    }
}
