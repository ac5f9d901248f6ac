//! How a view looks on a terminal of any size. Pure: draws into a buffer.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::{Block, Borders, Cell, Clear, Paragraph, Row as TableRow, Table, TableState};

use super::columns::{self, GAP, Grid, SLO};
use super::keys::{Chosen, KEYS};
use super::plain::{headline, nothing};
use super::rows::{Row, Slo, View};
use super::words::{UNKNOWN, age, cut, wrap};

/// Stands before the chosen row; its width is kept free in all others.
const MARK: &str = "> ";
/// What the signs in the table mean.
const SIGNS: &[(&str, &str)] = &[
    ("READY", "ready/desired; +1 = starting, -1 = draining"),
    ("LOAD", "requests arriving"),
    ("CARRIES", "requests that the ready replicas carry"),
    ("TTFT, TPOT", "share inside the time to first, per output token"),
    ("  99.4%", "live, over the window of the objective"),
    ("  ~99.4%", "from the status, up to some minutes old"),
    ("  !97.1%", "less than was promised"),
    ("WAITING, RUNNING", "requests in the engines' queues, in their batches"),
    ("  >=9", "not every ready pod reports"),
    ("REASON", "why it is as it is; AGE = since then"),
    (UNKNOWN, "not known"),
];

/// Draws everything. `colour` = colours may be used; nothing is told by colour alone.
pub fn draw(frame: &mut Frame<'_>, view: &View, chosen: &Chosen, scroll: &mut TableState, colour: bool) {
    let area = frame.area();
    let (width, height) = (usize::from(area.width), usize::from(area.height));
    let place = chosen.place(&view.objects);
    let head = head(view, width, height);
    let details = place
        .and_then(|place| view.objects.get(place))
        .filter(|_| height >= 14)
        .map(|row| (row, details(row, view, width, (height / 3).max(3))));
    let pools = if height >= 10 {
        pools(view, width, (height / 4).max(3))
    } else {
        Vec::new()
    };
    let lines = |n: usize| Constraint::Length(u16::try_from(n).unwrap_or(u16::MAX));
    let [top, table, middle, bottom, last] = Layout::vertical([
        lines(head.len()),
        Constraint::Min(3),
        lines(details.as_ref().map_or(0, |(_, lines)| lines.len() + 1)),
        lines(if pools.is_empty() { 0 } else { pools.len() + 1 }),
        Constraint::Length(1),
    ])
    .areas(area);

    let head: Vec<Line<'_>> = head.into_iter().map(Line::raw).collect();
    frame.render_widget(
        Paragraph::new(head).style(Style::new().add_modifier(Modifier::BOLD)),
        top,
    );
    objects(frame, table, view, place, scroll, colour);
    if let Some((row, lines)) = details {
        framed(frame, middle, format!(" {}/{} ", row.namespace, row.name), lines);
    }
    if !pools.is_empty() {
        framed(frame, bottom, " pools ".to_owned(), pools);
    }
    let count = place.map_or(String::new(), |place| {
        format!("  {} of {}", place + 1, view.objects.len())
    });
    frame.render_widget(Line::raw(format!("q quit  up/down select  ? help{count}")), last);
    if chosen.help {
        help(frame, area);
    }
}

/// The sums, then what people should know; at most a quarter of the screen.
fn head(view: &View, width: usize, height: usize) -> Vec<String> {
    let mut lines = vec![cut(&headline(view), width)];
    let notes = view.notes.iter().flat_map(|note| wrap(&format!("note: {note}"), width));
    lines.extend(notes.take((height / 4).max(1)));
    lines
}

fn objects(
    frame: &mut Frame<'_>,
    area: Rect,
    view: &View,
    place: Option<usize>,
    scroll: &mut TableState,
    colour: bool,
) {
    if view.objects.is_empty() {
        let lines: Vec<Line<'_>> = wrap(&nothing(view), usize::from(area.width))
            .into_iter()
            .map(Line::raw)
            .collect();
        frame.render_widget(Paragraph::new(lines), area);
        return;
    }
    let Grid {
        titles,
        widths,
        head,
        rows,
    } = columns::objects(view, Some(usize::from(area.width).saturating_sub(MARK.len())));
    let slo = titles.iter().position(|title| *title == SLO);
    let body = rows.into_iter().zip(&view.objects).map(|(cells, row)| {
        TableRow::new(cells.into_iter().enumerate().map(|(at, text)| {
            let style = if Some(at) == slo && colour {
                of(row.objective)
            } else {
                Style::new()
            };
            Cell::from(text).style(style)
        }))
    });
    let widths = widths
        .iter()
        .map(|width| Constraint::Length(u16::try_from(*width).unwrap_or(u16::MAX)));
    let table = Table::new(body, widths)
        .header(TableRow::new(head).style(Style::new().add_modifier(Modifier::BOLD)))
        .column_spacing(GAP as u16)
        .highlight_symbol(MARK)
        .row_highlight_style(Style::new().add_modifier(Modifier::REVERSED));
    scroll.select(place);
    frame.render_stateful_widget(table, area, scroll);
}

fn of(objective: Slo) -> Style {
    match objective {
        Slo::Met => Style::new().fg(Color::Green),
        Slo::Missed => Style::new().fg(Color::Red).add_modifier(Modifier::BOLD),
        Slo::NoTraffic | Slo::Unknown => Style::new().fg(Color::Yellow),
    }
}

/// Why the chosen object is as it is, what asks for attention, what changed last.
fn details(row: &Row, view: &View, width: usize, most: usize) -> Vec<String> {
    let ago = |time: crate::api::Timestamp| format!("{:>4} ago", age(view.time.time().since(time.time())));
    let reason = row.reason.as_deref().unwrap_or("no decision yet");
    let message = row.message.as_deref().unwrap_or_default();
    let mut lines = wrap(&format!("{reason}: {message}"), width);
    lines.extend(row.attention.iter().flat_map(|text| wrap(text, width)));
    lines.extend(row.history.iter().map(|change| {
        let line = format!(
            "{}  {} -> {}  {}  {}",
            ago(change.time),
            change.from,
            change.to,
            change.reason,
            change.message
        );
        cut(&line, width)
    }));
    lines.truncate(most);
    lines
}

fn pools(view: &View, width: usize, most: usize) -> Vec<String> {
    if view.pools.is_empty() {
        return Vec::new();
    }
    let mut lines: Vec<String> = columns::pools(view).lines().map(|line| cut(&line, width)).collect();
    if lines.len() > most {
        let hidden = lines.len() - most + 1;
        lines.truncate(most - 1);
        lines.push(format!("and {hidden} more"));
    }
    lines
}

fn framed(frame: &mut Frame<'_>, area: Rect, title: String, lines: Vec<String>) {
    let lines: Vec<Line<'_>> = lines.into_iter().map(Line::raw).collect();
    let block = Block::new().borders(Borders::TOP).title(title);
    frame.render_widget(Paragraph::new(lines).block(block), area);
}

fn help(frame: &mut Frame<'_>, area: Rect) {
    let text: Vec<String> = KEYS
        .iter()
        .chain([&("", "")])
        .chain(SIGNS)
        .map(|(left, right)| format!("{left:<18}  {right}"))
        .collect();
    let wide = text.iter().map(|line| line.chars().count()).max().unwrap_or(0) + 4;
    let (width, height) = (
        u16::try_from(wide).unwrap_or(u16::MAX).min(area.width),
        u16::try_from(text.len() + 2).unwrap_or(u16::MAX).min(area.height),
    );
    let place = Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + (area.height - height) / 2,
        width,
        height,
    };
    let lines: Vec<Line<'_>> = text.into_iter().map(|line| Line::raw(format!(" {line}"))).collect();
    frame.render_widget(Clear, place);
    frame.render_widget(Paragraph::new(lines).block(Block::bordered().title(" help ")), place);
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::super::fixture;
    use super::super::keys::Wish;
    use super::*;

    fn drawn(view: &View, chosen: &Chosen, size: (u16, u16), colour: bool) -> Terminal<TestBackend> {
        let mut terminal = Terminal::new(TestBackend::new(size.0, size.1)).unwrap();
        let mut scroll = TableState::default();
        terminal
            .draw(|frame| draw(frame, view, chosen, &mut scroll, colour))
            .unwrap();
        terminal
    }

    fn text(view: &View, chosen: &Chosen, size: (u16, u16)) -> String {
        drawn(view, chosen, size, false).backend().to_string()
    }

    #[test]
    fn eighty_columns() {
        insta::assert_snapshot!(text(&fixture::view(), &Chosen::default(), (80, 24)));
    }

    #[test]
    fn a_hundred_and_forty_columns_with_the_second_row_chosen() {
        let view = fixture::view();
        let mut chosen = Chosen::default();
        chosen.follow(Wish::Move(1), &view.objects);
        insta::assert_snapshot!(text(&view, &chosen, (140, 30)));
    }

    #[test]
    fn without_prometheus_it_says_how_to_give_it() {
        let shown = text(&fixture::view_without_prometheus(), &Chosen::default(), (80, 24));
        assert!(shown.contains("give --prometheus"), "{shown}");
    }

    #[test]
    fn the_help() {
        let mut chosen = Chosen::default();
        chosen.follow(Wish::Help, &[]);
        insta::assert_snapshot!(text(&fixture::view(), &chosen, (100, 24)));
    }

    #[test]
    fn no_size_is_too_small() {
        for width in [0, 1, 2, 5, 20, 79, 300] {
            for height in [0, 1, 2, 3, 5, 9, 13, 60] {
                for view in [fixture::view(), fixture::empty(), fixture::view_without_prometheus()] {
                    for help in [false, true] {
                        let mut chosen = Chosen::default();
                        if help {
                            chosen.follow(Wish::Help, &[]);
                        }
                        drawn(&view, &chosen, (width, height), true);
                    }
                }
            }
        }
    }

    #[test]
    fn the_chosen_row_is_always_in_sight() {
        let mut view = fixture::view();
        let row = view.objects[0].clone();
        view.objects = (0..200)
            .map(|n| Row {
                name: format!("model-{n:03}"),
                ..row.clone()
            })
            .collect();
        let mut chosen = Chosen::default();
        chosen.follow(Wish::Move(150), &view.objects);
        let shown = text(&view, &chosen, (80, 24));
        assert!(
            shown.contains("> demo") && shown.contains("model-150") && shown.contains("151 of 200"),
            "{shown}"
        );
    }

    #[test]
    fn without_colour_no_cell_has_one() {
        let coloured = |colour| {
            let terminal = drawn(&fixture::view(), &Chosen::default(), (140, 30), colour);
            let cells = terminal.backend().buffer().content.iter();
            cells
                .filter(|cell| cell.fg != Color::Reset || cell.bg != Color::Reset)
                .count()
        };
        assert_eq!(coloured(false), 0);
        assert!(coloured(true) > 0);
    }
}
