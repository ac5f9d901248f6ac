//! The view as lines of text or of JSON, for pipes, logs and simple terminals. Pure but for [`write`].

use std::io::{self, Write};

use super::columns;
use super::rows::View;
use super::words::age;
use inferscale_core::units::Span;

/// How a view is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Format {
    /// A table for people
    #[default]
    Table,
    /// One line of JSON for each look
    Json,
}

/// The first line: when, and the sums.
pub fn headline(view: &View) -> String {
    let operator = view
        .tick_age_seconds
        .map(|seconds| format!(", tick {} ago", age(Span::from_secs_f64(seconds))));
    format!(
        "{}  {}{}",
        view.time,
        columns::totals(view),
        operator.unwrap_or_default()
    )
}

/// What is said in place of a table without rows.
pub fn nothing(view: &View) -> String {
    match &view.namespace {
        Some(namespace) => format!("no InferenceDeployment in namespace {namespace}; -A shows those of all namespaces"),
        None => "no InferenceDeployment in this cluster".to_owned(),
    }
}

/// The view as lines of at most `width` characters in its table; `None` = as wide as need be.
pub fn text(view: &View, width: Option<usize>) -> String {
    let mut lines = vec![headline(view)];
    lines.extend(view.notes.iter().map(|note| format!("note: {note}")));
    if view.objects.is_empty() {
        lines.push(nothing(view));
    } else {
        lines.extend(columns::objects(view, width).lines());
    }
    if !view.pools.is_empty() {
        lines.extend(columns::pools(view).lines());
    }
    lines.join("\n") + "\n"
}

/// Prints one look and hands it on at once. `again` = another one stood before.
///
/// # Errors
/// When nobody takes it.
pub fn write(out: &mut impl Write, view: &View, format: Format, width: Option<usize>, again: bool) -> io::Result<()> {
    let block = match format {
        Format::Json => serde_json::to_string(view)? + "\n",
        Format::Table if again => format!("\n{}", text(view, width)),
        Format::Table => text(view, width),
    };
    out.write_all(block.as_bytes())?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    #[test]
    fn as_wide_as_need_be() {
        insta::assert_snapshot!(text(&fixture::view(), None));
    }

    #[test]
    fn in_eighty_columns() {
        let text = text(&fixture::view(), Some(80));
        let table = text
            .lines()
            .filter(|line| !line.starts_with("note") && !line.starts_with("2026"));
        for line in table {
            assert!(line.chars().count() <= 80, "{line}");
        }
        insta::assert_snapshot!(text);
    }

    #[test]
    fn without_prometheus() {
        insta::assert_snapshot!(text(&fixture::view_without_prometheus(), None));
    }

    #[test]
    fn an_empty_namespace_says_where_to_look() {
        let text = text(&fixture::empty(), None);
        assert!(text.contains("no InferenceDeployment in namespace demo; -A"), "{text}");
    }

    #[test]
    fn json_is_one_line_a_look_and_unknown_is_null() {
        let mut out = Vec::new();
        for again in [false, true] {
            write(&mut out, &fixture::view_without_prometheus(), Format::Json, None, again).unwrap();
        }
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text.lines().count(), 2);
        let value: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        insta::assert_yaml_snapshot!(value);
    }

    #[test]
    fn a_blank_line_stands_between_two_looks() {
        let mut out = Vec::new();
        for again in [false, true] {
            write(&mut out, &fixture::view(), Format::Table, None, again).unwrap();
        }
        assert_eq!(String::from_utf8(out).unwrap().matches("\n\n2026").count(), 1);
    }
}
