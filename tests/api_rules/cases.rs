//! Reads `cases.yaml`: objects that are accepted or rejected, with the words a user sees. The same table runs
//! in-process and against a real API server.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

const TABLE: &str = include_str!("cases.yaml");

/// One object and what becomes of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    pub name: String,
    /// The example that it begins with.
    #[serde(default = "smallest")]
    pub from: String,
    /// What is merged into the example (RFC 7386: null removes, a list replaces).
    #[serde(default)]
    pub with: Value,
    /// What is appended to the text of the example, for what a merge cannot say: an empty value, a key given twice.
    #[serde(default)]
    pub raw: Option<String>,
    /// The field that the error points at; absent where the message stands alone.
    #[serde(default)]
    pub at: Option<String>,
    /// The words that the user sees; empty = accepted.
    #[serde(default)]
    pub says: String,
    /// Whether CEL alone gives these words, so that the table can be run in-process.
    pub checked: Checked,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Checked {
    /// By a rule, on an object that its schema accepts: in-process and on the API server.
    Cel,
    /// By the schema: on the API server alone.
    Server,
}

#[derive(Debug, Deserialize)]
struct Table {
    examples: BTreeMap<String, String>,
    cases: Vec<Case>,
}

fn smallest() -> String {
    "smallest".to_owned()
}

fn table() -> Table {
    serde_yaml::from_str(TABLE).expect("cases.yaml")
}

/// Every case.
pub fn cases() -> Vec<Case> {
    table().cases
}

/// The text of an example.
pub fn example(name: &str) -> String {
    table()
        .examples
        .remove(name)
        .unwrap_or_else(|| panic!("cases.yaml has no example {name}"))
}

impl Case {
    /// The object; only for cases without `raw`.
    pub fn object(&self) -> Value {
        assert_eq!(self.raw, None, "{}: a raw text is no object", self.name);
        let mut object = serde_yaml::from_str(&example(&self.from)).expect("an example");
        merge(&mut object, &self.with);
        object
    }
}

fn merge(into: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        if !patch.is_null() {
            *into = patch.clone();
        }
        return;
    };
    if !into.is_object() {
        *into = Value::Object(serde_json::Map::new());
    }
    let Value::Object(object) = into else { return };
    for (key, value) in patch {
        if value.is_null() {
            object.remove(key);
        } else {
            merge(object.entry(key.clone()).or_insert(Value::Null), value);
        }
    }
}
