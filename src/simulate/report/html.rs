//! The report as one page that needs nothing else: pictures as inline SVG, a little script for what stands under the
//! pointer. Pure.

use std::fmt::Write;

use inferscale_core::simulate::world::{Mark, Minute, Timeline};
use inferscale_core::snapshot::Target;

use super::plot::{Plot, Scale, WIDTH, round_up};
use super::table::name;
use super::{Report, words};
use crate::simulate::run::Row;
use crate::simulate::scenario::Object;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// A picture is no wider: more columns than these are put together.
const MOST_COLUMNS: usize = 720;
/// Decisions that are listed below a picture.
const MOST_LISTED: usize = 300;
/// Height of a picture in its own units.
const HEIGHT: f64 = 470.0;

/// The whole page.
pub fn html(report: &Report<'_>) -> String {
    let scenario = report.scenario;
    let title = escape(&scenario.file);
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}: simulation</title>\n\
         <style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n<header><p class=\"kicker\">inferscale simulate</p><h1>{title}</h1>\
         <p>{}. Scenario <code>{}</code>.</p></header>\n",
        words::played(scenario),
        scenario.hash
    );
    for object in &scenario.objects {
        let rows: Vec<&Row> = report.rows.iter().filter(|row| row.object == object.key).collect();
        let _ = write!(
            page,
            "<section>\n<h2>{}</h2>\n<p>{}. The objective is {}.</p>\n",
            escape(&object.key.to_string()),
            words::traffic(object),
            words::objective(&object.spec.objectives)
        );
        scores(&mut page, report, &rows);
        for (index, row) in rows.iter().enumerate() {
            if let Some(timeline) = &row.timeline {
                let id = format!("{}-{index}", escape(&object.key.to_string()).replace('/', "-"));
                policy(&mut page, report, object, row, timeline, &id);
            }
        }
        page.push_str("</section>\n");
    }
    let _ = write!(page, "</main>\n<script>\n{SCRIPT}</script>\n</body>\n</html>\n");
    page
}

/// The table of all figures, with a bar for what it costs.
fn scores(page: &mut String, report: &Report<'_>, rows: &[&Row]) {
    let dearest = rows
        .iter()
        .map(|row| row.score.gpu_hours)
        .fold(f64::MIN_POSITIVE, f64::max);
    let seed = if report.many_seeds() { "<th>seed</th>" } else { "" };
    let _ = write!(
        page,
        "<div class=\"scroll\"><table>\n<thead><tr><th class=\"text\">policy</th>{seed}<th>inside</th><th>first token</th>\
         <th>per token</th><th class=\"wide\">GPU hours</th><th>cost</th><th>starts</th><th>changes</th>\
         <th>TTFT p50</th><th>p95</th><th>p99</th><th>TPOT p99</th></tr></thead>\n<tbody>\n"
    );
    for row in rows {
        let score = &row.score;
        let (class, word) = if row.met { ("met", "met") } else { ("missed", "missed") };
        let seed = if report.many_seeds() {
            format!("<td>{}</td>", row.seed)
        } else {
            String::new()
        };
        let _ = write!(
            page,
            "<tr><td class=\"text\">{}</td>{seed}<td class=\"{class}\">{} <span class=\"badge\">{word}</span></td><td>{}</td>\
             <td>{}</td><td class=\"wide\"><span class=\"bar\" style=\"width:{:.1}%\"></span>{:.1}</td><td>${:.2}</td>\
             <td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
            escape(&name(row)),
            words::percent(score.attainment),
            words::percent(score.attainment_ttft),
            words::percent(score.attainment_tpot),
            55.0 * score.gpu_hours / dearest,
            score.gpu_hours,
            score.cost_usd,
            score.starts,
            score.replica_changes,
            words::latency(score.ttft_p50_ms),
            words::latency(score.ttft_p95_ms),
            words::latency(score.ttft_p99_ms),
            words::latency(score.tpot_p99_ms),
        );
    }
    page.push_str("</tbody></table></div>\n");
}

/// One policy: its picture, what stands under the pointer, its decisions.
fn policy(page: &mut String, report: &Report<'_>, object: &Object, row: &Row, timeline: &Timeline, id: &str) {
    let columns = columns(&timeline.minutes);
    let class = if row.met { "met" } else { "missed" };
    let _ = write!(
        page,
        "<article>\n<h3>{} <span class=\"{class}\"><span class=\"badge\">{}</span></span></h3>\n\
         <p class=\"legend\"><i class=\"load\"></i>load <i class=\"ready\"></i>ready <i class=\"starting\"></i>starting \
         <i class=\"latency\"></i>99th percentile of a minute <i class=\"late\"></i>above the target \
         <i class=\"mark\"></i>decision</p>\n",
        escape(&name(row)),
        words::percent(row.score.attainment),
    );
    picture(page, report, object, &columns, &timeline.marks, id);
    let _ = write!(
        page,
        "<output for=\"{id}\">Point at the picture for its numbers and the decisions.</output>\n"
    );
    data(page, &columns, id);
    decisions(page, &timeline.marks);
    page.push_str("</article>\n");
}

fn picture(page: &mut String, report: &Report<'_>, object: &Object, columns: &[Minute], marks: &[Mark], id: &str) {
    let end_s = report.scenario.duration_s;
    let most = |figure: fn(&Minute) -> f64| columns.iter().map(figure).fold(0.0, f64::max);
    let plot = |top, height, scale| Plot {
        top,
        height,
        end_s,
        scale,
    };
    let load = plot(24.0, 70.0, Scale::Linear(round_up(most(|m| m.rate))));
    let ordered = marks
        .iter()
        .map(|mark| f64::from(mark.after.iter().sum::<u32>()))
        .fold(0.0, f64::max);
    let replicas = most(|m| f64::from(m.ready + m.starting)).max(ordered);
    let replicas = plot(128.0, 110.0, Scale::Linear(round_up(replicas.max(2.0))));
    let _ = write!(
        page,
        "<svg id=\"{id}\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"load, replicas and latency over time\">"
    );
    let warm_up = load.x(report.scenario.warm_up_s) - load.x(0.0);
    let _ = write!(
        page,
        "<rect class=\"unscored\" x=\"{:.1}\" y=\"18\" width=\"{warm_up:.1}\" height=\"{:.1}\"><title>not scored</title></rect>",
        load.x(0.0),
        HEIGHT - 48.0
    );
    for (from, to) in object.load.blind() {
        let (x0, x1) = (load.x(from.as_secs()), load.x(to.as_secs()));
        let _ = write!(
            page,
            "<rect class=\"blind\" x=\"{x0:.1}\" y=\"18\" width=\"{:.1}\" height=\"{:.1}\"><title>no metrics</title></rect>",
            (x1 - x0).max(1.0),
            HEIGHT - 48.0
        );
    }
    page.push_str(&load.frame("requests/s", plain));
    let rates: Vec<(f64, f64)> = columns.iter().map(|m| (m.at.as_secs(), m.rate)).collect();
    let _ = write!(page, "<path class=\"load\" d=\"{}\"/>", load.steps(&rates, |_| 0.0));
    page.push_str(&replicas.frame("replicas", plain));
    let ready: Vec<(f64, f64)> = columns.iter().map(|m| (m.at.as_secs(), f64::from(m.ready))).collect();
    let both: Vec<(f64, f64)> = columns
        .iter()
        .map(|m| (m.at.as_secs(), f64::from(m.ready + m.starting)))
        .collect();
    let below = |index: usize| ready.get(index).map_or(0.0, |(_, ready)| *ready);
    let _ = write!(
        page,
        "<path class=\"ready\" d=\"{}\"/><path class=\"starting\" d=\"{}\"/>",
        replicas.steps(&ready, |_| 0.0),
        replicas.steps(&both, below)
    );
    for mark in marks {
        let total = f64::from(mark.after.iter().sum::<u32>());
        let _ = write!(
            page,
            "<circle class=\"mark\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"2.6\" data-s=\"{:.0}\"><title>{}</title></circle>",
            replicas.x(mark.at.as_secs()),
            replicas.y(total),
            mark.at.as_secs(),
            escape(&said(mark))
        );
    }
    let ttft = |m: &Minute| m.ttft_p99_ms;
    let tpot = |m: &Minute| m.tpot_p99_ms;
    latency(
        page,
        object,
        columns,
        Target::TimeToFirstToken,
        (274.0, 74.0),
        ttft,
        &plot,
        id,
    );
    let last = latency(
        page,
        object,
        columns,
        Target::TimePerOutputToken,
        (376.0, 64.0),
        tpot,
        &plot,
        id,
    );
    page.push_str(&last.time_axis());
    let _ = write!(
        page,
        "<path class=\"pointer\" d=\"M0 18V{:.1}\" visibility=\"hidden\"/></svg>\n",
        HEIGHT - 30.0
    );
}

/// A latency against its target: what lies above is drawn once more, in the colour of what is late.
#[allow(clippy::too_many_arguments)] // One drawing, called twice with all that differs.
fn latency(
    page: &mut String,
    object: &Object,
    columns: &[Minute],
    target: Target,
    (top, height): (f64, f64),
    figure: impl Fn(&Minute) -> Option<f64>,
    plot: &impl Fn(f64, f64, Scale) -> Plot,
    id: &str,
) -> Plot {
    let limit_ms = object
        .spec
        .objectives
        .limit(target)
        .map(|limit| limit.as_secs_f64() * 1000.0);
    let values = || columns.iter().filter_map(&figure).chain(limit_ms);
    let power = |value: f64, up: bool| {
        let log = value.max(0.1).log10();
        10_f64.powf(if up { log.ceil() } else { log.floor() })
    };
    let least = power(values().fold(f64::INFINITY, f64::min).min(1e6), false);
    let most = power(values().fold(0.0, f64::max) * 1.05, true).max(least * 10.0);
    let plot = plot(top, height, Scale::Log(least, most));
    let title = match target {
        Target::TimeToFirstToken => "time to first token",
        Target::TimePerOutputToken => "time per output token",
    };
    page.push_str(&plot.frame(title, words::latency));
    let line = plot.line(columns.iter().map(|m| (m.at.as_secs(), figure(m))));
    let _ = write!(page, "<path class=\"latency\" d=\"{line}\"/>");
    if let Some(limit_ms) = limit_ms {
        let y = plot.y(limit_ms);
        let clip = format!("{id}-{}", top as u32);
        let _ = write!(
            page,
            "<clipPath id=\"{clip}\"><rect x=\"0\" y=\"{:.1}\" width=\"{WIDTH}\" height=\"{:.1}\"/></clipPath>\
             <path class=\"late\" clip-path=\"url(#{clip})\" d=\"{line}\"/>\
             <path class=\"target\" d=\"M{:.1} {y:.1}H{:.1}\"/><text class=\"limit\" x=\"{:.1}\" y=\"{:.1}\">target {}</text>",
            top - 2.0,
            (y - top + 2.0).max(0.0),
            plot.x(0.0),
            plot.x(plot.end_s),
            plot.x(plot.end_s) - 4.0,
            y - 4.0,
            words::latency(limit_ms)
        );
    }
    plot
}

/// The numbers that the script shows: by column, its end, rate, ready, starting, draining, queued, both latencies.
fn data(page: &mut String, columns: &[Minute], id: &str) {
    let number = |ms: Option<f64>| ms.map_or("null".to_owned(), |ms| format!("{ms:.0}"));
    let rows: Vec<String> = columns
        .iter()
        .map(|m| {
            format!(
                "[{:.0},{:.2},{},{},{},{},{},{}]",
                m.at.as_secs(),
                m.rate,
                m.ready,
                m.starting,
                m.draining,
                m.queued,
                number(m.ttft_p99_ms),
                number(m.tpot_p99_ms)
            )
        })
        .collect();
    let _ = write!(
        page,
        "<script type=\"application/json\" data-for=\"{id}\">[{}]</script>\n",
        rows.join(",")
    );
}

/// All decisions as a list that can be opened.
fn decisions(page: &mut String, marks: &[Mark]) {
    let _ = write!(
        page,
        "<details><summary>{} decisions that changed something</summary><ol>\n",
        marks.len()
    );
    for mark in marks.iter().take(MOST_LISTED) {
        let _ = write!(page, "<li>{}</li>\n", escape(&said(mark)));
    }
    page.push_str("</ol>");
    if marks.len() > MOST_LISTED {
        let _ = write!(page, "<p>and {} more</p>", marks.len() - MOST_LISTED);
    }
    page.push_str("</details>\n");
}

/// A decision in one line.
fn said(mark: &Mark) -> String {
    let list = |replicas: &[u32]| {
        let all: Vec<String> = replicas.iter().map(u32::to_string).collect();
        all.join("+")
    };
    let why = mark.why.as_ref().map_or(String::new(), |why| format!(": {why}"));
    format!(
        "{} {} → {}{why}",
        words::clock(mark.at.as_secs()),
        list(&mark.before),
        list(&mark.after)
    )
}

/// Minutes, put together where there are too many: means of rates, the worst of latencies, the last of the rest.
fn columns(minutes: &[Minute]) -> Vec<Minute> {
    let each = minutes.len().div_ceil(MOST_COLUMNS).max(1);
    let worst = |a: Option<f64>, b: Option<f64>| match (a, b) {
        (Some(a), Some(b)) => Some(a.max(b)),
        (one, None) | (None, one) => one,
    };
    let join = |chunk: &[Minute]| {
        let mut joined = chunk.last().copied().unwrap_or_default();
        joined.rate = chunk.iter().map(|m| m.rate).sum::<f64>() / chunk.len().max(1) as f64;
        joined.ttft_p99_ms = chunk.iter().map(|m| m.ttft_p99_ms).fold(None, worst);
        joined.tpot_p99_ms = chunk.iter().map(|m| m.tpot_p99_ms).fold(None, worst);
        joined.queued = chunk.iter().map(|m| m.queued).max().unwrap_or(0);
        joined
    };
    minutes.chunks(each).map(join).collect()
}

fn plain(value: f64) -> String {
    if value.fract().abs() < 1e-9 {
        format!("{value:.0}")
    } else {
        format!("{value}")
    }
}

/// Text that can stand anywhere in the page.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}
