//! Prometheus' text format, as it grows. No I/O.

use std::fmt::Write as _;

use super::metrics::{Kind, Special};

/// Adds `name="value"`.
pub fn label(text: &mut String, name: &str, value: &str) {
    if !text.is_empty() {
        text.push(',');
    }
    text.push_str(name);
    text.push_str("=\"");
    for c in value.chars() {
        match c {
            '\\' => text.push_str("\\\\"),
            '"' => text.push_str("\\\""),
            '\n' => text.push_str("\\n"),
            c => text.push(c),
        }
    }
    text.push('"');
}

/// The text as it grows.
#[derive(Debug, Default)]
pub struct Text(String);

impl Text {
    /// Begins a metric with labels of its own.
    pub fn special(&mut self, special: Special) -> Family<'_> {
        self.family(special.name, special.kind, special.help)
    }

    /// Begins a metric; its head is written with its first sample.
    pub fn family(&mut self, name: &'static str, kind: Kind, help: &'static str) -> Family<'_> {
        Family {
            text: self,
            name,
            kind,
            help,
            begun: false,
        }
    }
}

impl Text {
    /// The whole.
    pub fn into_text(self) -> String {
        self.0
    }
}

/// The series of one metric.
#[derive(Debug)]
pub struct Family<'a> {
    text: &'a mut Text,
    name: &'static str,
    kind: Kind,
    help: &'static str,
    begun: bool,
}

impl Family<'_> {
    /// Writes a series: labels that are written already, more labels, the value. What is no number is left out.
    pub fn sample(&mut self, labels: &str, more: &[(&str, &str)], value: f64) {
        if !value.is_finite() {
            return;
        }
        let text = &mut self.text.0;
        if !std::mem::replace(&mut self.begun, true) {
            let kind: &str = self.kind.into();
            // Writing into a String cannot fail.
            let _ = writeln!(text, "# HELP {} {}\n# TYPE {} {kind}", self.name, self.help, self.name);
        }
        text.push_str(self.name);
        if labels.is_empty() && more.is_empty() {
            let _ = writeln!(text, " {value}");
            return;
        }
        text.push('{');
        text.push_str(labels);
        if !more.is_empty() {
            let mut extra = String::new();
            for (name, value) in more {
                label(&mut extra, name, value);
            }
            if !labels.is_empty() {
                text.push(',');
            }
            text.push_str(&extra);
        }
        let _ = writeln!(text, "}} {value}");
    }
}
