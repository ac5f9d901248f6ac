//! Renders docs/reference/api.md and docs/reference/conditions.md.

use std::fmt::Write;

use inferscale::api::{ConditionType, conditions, decisions, definitions};
use serde_json::Value;
use strum::IntoEnumIterator;

use super::cases::example;
use super::explain::fields;

const MADE_BY: &str = "<!-- Made from the code: INFERSCALE_UPDATE=1 cargo test --test api_rules -->\n";

/// docs/reference/api.md
pub fn api() -> String {
    let mut page = format!(
        "{MADE_BY}\n# API reference\n\nGroup `inferscale.dev`, version `v1alpha1`. The same texts come from the cluster: \
         `kubectl explain infd.spec.objectives`.\nConditions and their reasons: [conditions.md](conditions.md). Messages that \
         are hard to read: [troubleshooting.md](troubleshooting.md).\n\nThe smallest useful object:\n\n```yaml\n{}```\n\n\
         With every field:\n\n```yaml\n{}```\n",
        example("smallest"),
        example("everything"),
    );
    for (_, definition) in definitions() {
        let value = serde_json::to_value(&definition).expect("JSON");
        let names = &definition.spec.names;
        let schema = &value["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        let short = names.short_names.iter().flatten().next();
        let short = short.map_or(String::new(), |name| format!(", short name `{name}`"));
        let scope = if definition.spec.scope == "Cluster" {
            "Cluster-scoped"
        } else {
            "Namespaced"
        };
        writeln!(
            page,
            "\n## {}\n\n{}\n\n{scope}{short}.\n",
            names.kind,
            schema["description"].as_str().unwrap_or(""),
        )
        .expect("a string");
        if names.kind == "GpuPool" {
            writeln!(page, "```yaml\n{}```\n", example("pool")).expect("a string");
        }
        page.push_str("| field | type | default | meaning |\n|---|---|---|---|\n");
        for (path, node) in fields(&value) {
            if path == "spec" || path == "status" {
                continue;
            }
            let text = node["description"].as_str().unwrap_or("").replace('|', "\\|");
            let default = node.get("default").map_or(String::new(), |d| format!("`{}`", plain(d)));
            let required = if is_required(schema, &path) { ", required" } else { "" };
            writeln!(page, "| `{path}` | {}{required} | {default} | {text} |", kind_of(&node)).expect("a string");
        }
        page.push_str("\nRules between fields:\n\n");
        rules(schema, "", &mut page);
    }
    page
}

/// The messages of the rules that stand on more than one value.
fn rules(node: &Value, path: &str, page: &mut String) {
    if node["properties"].is_object() || node["type"] == "array" || node["maxProperties"].is_u64() {
        for rule in node["x-kubernetes-validations"].as_array().into_iter().flatten() {
            let Some(message) = rule["message"].as_str() else {
                continue;
            };
            writeln!(page, "- `{}`: {message}.", path.trim_start_matches('.')).expect("a string");
        }
    }
    for (name, child) in node["properties"].as_object().into_iter().flatten() {
        rules(child, &format!("{path}.{name}"), page);
    }
    if node["items"].is_object() {
        rules(&node["items"], &format!("{path}[]"), page);
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn kind_of(node: &Value) -> String {
    match node["type"].as_str() {
        Some("array") => format!("list of at most {}", node["maxItems"]),
        Some("object") if node["properties"].is_null() => "map of text".to_owned(),
        Some("string") if node["format"] == "date-time" => "date and time".to_owned(),
        Some("string") if node["enum"].is_array() => "one word".to_owned(),
        Some("string") => "text".to_owned(),
        Some(other) => other.to_owned(),
        None => "integer or text".to_owned(),
    }
}

/// Whether the last part of `path` is required where it stands.
fn is_required(schema: &Value, path: &str) -> bool {
    let mut node = schema;
    let mut parts = path.split('.').peekable();
    while let Some(part) = parts.next() {
        let name = part.trim_end_matches("[]");
        if parts.peek().is_none() {
            return node["required"].as_array().is_some_and(|r| r.iter().any(|n| n == name));
        }
        node = &node["properties"][name];
        if part.ends_with("[]") {
            node = &node["items"];
        }
    }
    false
}

/// docs/reference/conditions.md
pub fn conditions() -> String {
    let mut page = format!(
        "{MADE_BY}\n# Conditions\n\n`kubectl describe infd NAME` lists them. Wait for one with\n\
         `kubectl wait infd/NAME --for=condition=Ready`. The names of types and reasons are part of the API.\n"
    );
    let table = conditions::table();
    for condition in ConditionType::iter() {
        writeln!(page, "\n## {condition}\n\n{}\n", condition.meaning()).expect("a string");
        page.push_str("| status | reason | meaning | what to do |\n|---|---|---|---|\n");
        for entry in table.iter().filter(|entry| entry.condition == condition) {
            writeln!(
                page,
                "| {} | {} | {} | {} |",
                entry.status, entry.reason, entry.meaning, entry.remedy
            )
            .expect("a string");
        }
    }
    page.push_str(
        "\n## Reasons of decisions\n\nThe column REASON of `kubectl get infd`, from `status.decision.reason`; \
         `status.decision.message` has the numbers.\n\n| reason | meaning | what to do |\n|---|---|---|\n",
    );
    for reason in inferscale_core::plan::Reason::iter() {
        let (meaning, remedy) = decisions::explain(reason);
        writeln!(page, "| {reason} | {meaning} | {remedy} |").expect("a string");
    }
    page
}
