//! `kubectl explain` prints little but the description, so the description says unit, default, range and example.

use inferscale::api::definitions;
use serde_json::Value;

/// A field of a schema: its path and its node.
pub fn fields(definition: &Value) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    walk(
        "",
        &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"],
        &mut found,
    );
    found
}

fn walk(path: &str, node: &Value, found: &mut Vec<(String, Value)>) {
    if let Some(properties) = node["properties"].as_object() {
        for (name, child) in properties {
            let path = if path.is_empty() {
                name.clone()
            } else {
                format!("{path}.{name}")
            };
            found.push((path.clone(), child.clone()));
            walk(&path, child, found);
        }
    }
    if node["items"].is_object() {
        walk(&format!("{path}[]"), &node["items"], found);
    }
}

fn every_field() -> Vec<(String, Value)> {
    definitions()
        .iter()
        .flat_map(|(_, d)| fields(&serde_json::to_value(d).expect("JSON")))
        .collect()
}

#[test]
fn every_field_is_described_in_sentences() {
    for (path, node) in every_field() {
        let text = node["description"].as_str().unwrap_or("");
        assert!(text.len() > 15 && text.ends_with('.'), "{path}: {text:?}");
        assert!(
            !text.contains('`') && !text.contains('\n'),
            "{path} is not plain text: {text:?}"
        );
    }
}

#[test]
fn what_a_user_writes_says_default_range_and_example() {
    for (path, node) in every_field().into_iter().filter(|(path, _)| path.starts_with("spec.")) {
        let text = node["description"].as_str().unwrap_or("");
        if let Some(default) = node.get("default") {
            let default = default.as_str().map_or_else(|| default.to_string(), str::to_owned);
            assert!(
                text.contains(&format!("Default {default}.")),
                "{path} does not say its default {default}: {text}"
            );
        }
        let leaf = node.get("properties").is_none() && node["type"] != "array";
        if node["enum"].is_array() {
            for value in node["enum"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                assert!(text.contains(value), "{path} does not say {value}: {text}");
            }
        } else if leaf {
            assert!(text.contains("Example: "), "{path} has no example: {text}");
        }
        if node["type"] == "integer" || node.get("x-kubernetes-int-or-string").is_some() {
            assert!(
                text.contains("Range ") || text.contains("Above 0"),
                "{path} does not say its range: {text}"
            );
        }
    }
}

#[test]
fn everything_is_bounded_and_nothing_is_nullable_float_or_unsigned() {
    for (path, node) in every_field() {
        match node["type"].as_str() {
            Some("string") => assert!(
                node["maxLength"].is_u64() || node["enum"].is_array() || node["format"] == "date-time",
                "{path} has no bound: {node}"
            ),
            Some("array") => assert!(
                node["maxItems"].is_u64() && node["x-kubernetes-list-type"].is_string(),
                "{path} has no bound or list type: {node}"
            ),
            Some("integer") => assert!(
                node["format"] == "int32" || node["format"] == "int64",
                "{path} has a format that warns on every apply: {node}"
            ),
            Some("object") => assert!(
                node["properties"].is_object() || node["maxProperties"].is_u64(),
                "{path} has no bound: {node}"
            ),
            None => assert_eq!(node["x-kubernetes-int-or-string"], true, "{path} has no type: {node}"),
            other => panic!("{path} has the type {other:?}"),
        }
        // The root's own `status` is kube's; an empty one does no harm.
        if path != "status" {
            assert_ne!(node["nullable"], true, "{path}: a null would reach the rules");
        }
    }
}
