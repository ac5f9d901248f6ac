//! A cursor over a YAML document that notes every mistake instead of stopping at the first. No I/O.
//!
//! serde stops at the first error and does not say where it stands; somebody who writes a configuration wants all
//! of them, each with its path.

use std::cell::RefCell;
use std::fmt::Display;

use serde_yaml::Value;

use super::error::{ConfigError, Problem};
use super::names::{closest, cut};

/// The mistakes found so far.
#[derive(Debug, Default)]
pub(super) struct Problems(RefCell<Vec<Problem>>);

impl Problems {
    pub(super) fn add(&self, path: &str, message: impl Into<String>) {
        self.0.borrow_mut().push(Problem {
            path: path.to_owned(),
            message: message.into(),
        });
    }

    /// `value` when nothing is wrong, else everything that is.
    pub(super) fn or<T>(self, file: &str, value: Option<T>) -> Result<T, ConfigError> {
        let mut problems = self.0.into_inner();
        match value {
            Some(value) if problems.is_empty() => Ok(value),
            _ => {
                if problems.is_empty() {
                    problems.push(Problem {
                        path: String::new(),
                        message: "it holds nothing that can be used".into(),
                    });
                }
                Err(ConfigError::Invalid {
                    file: file.to_owned(),
                    problems,
                })
            }
        }
    }
}

/// Parses a text into one document; a mistake in the YAML itself is noted with its line.
pub(super) fn parse(text: &str, problems: &Problems) -> Value {
    serde_yaml::from_str(text).unwrap_or_else(|error| {
        problems.add("", format!("this is not YAML: {error}"));
        Value::Null
    })
}

/// One place in the document. A field that is absent, `null` or `""` is [`Node::is_absent`].
#[derive(Debug, Clone)]
pub(super) struct Node<'a> {
    value: &'a Value,
    path: String,
    problems: &'a Problems,
}

static NULL: Value = Value::Null;

impl<'a> Node<'a> {
    pub(super) fn root(value: &'a Value, problems: &'a Problems) -> Self {
        Self {
            value,
            path: String::new(),
            problems,
        }
    }

    pub(super) fn is_absent(&self) -> bool {
        match self.value {
            Value::Null => true,
            Value::String(text) => text.is_empty(),
            _ => false,
        }
    }

    /// Notes a mistake here. The message starts with the value, unless it may be a secret.
    pub(super) fn wrong(&self, message: impl Into<String>) {
        self.problems.add(&self.path, message);
    }

    fn not_a(&self, what: &str) {
        self.wrong(format!("{} is not {what}", self.shown()));
    }

    /// The value as people would recognise it.
    pub(super) fn shown(&self) -> String {
        match self.value {
            Value::Null => "nothing".into(),
            Value::Bool(value) => value.to_string(),
            Value::Number(value) => value.to_string(),
            Value::String(text) => format!("{:?}", cut(text)),
            Value::Sequence(_) => "a list".into(),
            Value::Mapping(_) | Value::Tagged(_) => "a group of fields".into(),
        }
    }

    /// The field `key` of this group.
    pub(super) fn get(&self, key: &str) -> Node<'a> {
        Node {
            value: self.value.as_mapping().and_then(|map| map.get(key)).unwrap_or(&NULL),
            path: join(&self.path, key),
            problems: self.problems,
        }
    }

    /// Notes when this is not a group of fields, and each field that is not among `known`.
    pub(super) fn only(&self, known: &[&str]) -> bool {
        let entries = match self.value {
            Value::Null => return true,
            Value::Mapping(map) => map,
            _ => {
                self.not_a(&format!("a group of fields: write {}", known.join(", ")));
                return false;
            }
        };
        for key in entries.keys() {
            match key {
                Value::String(name) if known.contains(&name.as_str()) => {}
                Value::String(name) => {
                    let meant = closest(name, known.iter().copied());
                    let meant = meant.map_or(String::new(), |name| format!("did you mean {name}? "));
                    self.problems.add(
                        &join(&self.path, &cut(name)),
                        format!("unknown field: {meant}known here: {}", known.join(", ")),
                    );
                }
                _ => self.wrong(format!(
                    "every field needs a name of letters; known here: {}",
                    known.join(", ")
                )),
            }
        }
        true
    }

    /// The fields of a group whose names are free, such as HTTP headers.
    pub(super) fn fields(&self) -> Vec<(String, Node<'a>)> {
        match self.value {
            Value::Null => Vec::new(),
            Value::Mapping(map) => map
                .iter()
                .filter_map(|(key, value)| {
                    let Value::String(key) = key else {
                        self.wrong("a field's name is not text: write it in quotes");
                        return None;
                    };
                    let path = join(&self.path, &cut(key));
                    let problems = self.problems;
                    Some((key.clone(), Node { value, path, problems }))
                })
                .collect(),
            _ => {
                self.not_a("a group of fields: write name: value");
                Vec::new()
            }
        }
    }

    /// The entries of a list. One bare value counts as no list.
    pub(super) fn items(&self) -> Vec<Node<'a>> {
        match self.value {
            Value::Null => Vec::new(),
            Value::Sequence(items) => items
                .iter()
                .enumerate()
                .map(|(index, value)| Node {
                    value,
                    path: format!("{}[{index}]", self.path),
                    problems: self.problems,
                })
                .collect(),
            _ => {
                self.not_a("a list: write [..] or one entry a line with \"- \" before it");
                Vec::new()
            }
        }
    }

    /// Text, or `None` when absent.
    pub(super) fn text(&self) -> Option<&'a str> {
        match self.value {
            Value::String(text) if !text.is_empty() => Some(text),
            Value::Null | Value::String(_) => None,
            Value::Number(_) | Value::Bool(_) => {
                self.not_a(&format!("text: put it in quotes, \"{}\"", self.shown()));
                None
            }
            _ => {
                self.not_a("text");
                None
            }
        }
    }

    /// Yes or no, or `None` when absent. Text that reads as one is neither.
    pub(super) fn flag(&self) -> Option<bool> {
        match self.value {
            Value::Null => None,
            Value::Bool(value) => Some(*value),
            _ => {
                self.not_a("true or false: write one of them without quotes");
                None
            }
        }
    }

    /// A number, or `None` when absent. Text that reads as one is no number.
    pub(super) fn number(&self) -> Option<f64> {
        match self.value {
            Value::Null => None,
            Value::Number(number) => number.as_f64().filter(|number| number.is_finite()).or_else(|| {
                self.not_a("a finite number");
                None
            }),
            _ => {
                self.not_a("a number: write it without quotes, such as 0.5");
                None
            }
        }
    }

    /// Text that `read` understands; `rule` completes "… is not".
    pub(super) fn read<T>(&self, rule: impl Display, read: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        // A bare number is read as its text, so that `timeout: 5` gets the message about the unit.
        let number;
        let text = match self.value {
            Value::Number(value) => {
                number = value.to_string();
                &number
            }
            _ => self.text()?,
        };
        let value = read(text);
        if value.is_none() {
            self.not_a(&rule.to_string());
        }
        value
    }

    /// Notes that a field must be there.
    pub(super) fn required<T>(&self, value: Option<T>, fix: &str) -> Option<T> {
        if value.is_none() && self.is_absent() {
            self.wrong(format!("is missing: {fix}"));
        }
        value
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}
