//! Makes schemars' schemas fit for Kubernetes. Pure.

use schemars::Schema;
use schemars::transform::transform_subschemas;
use serde_json::{Value, json};

/// To be set with `#[schemars(transform = kubernetes)]` on a spec and a status; it descends by itself.
///
/// An `Option` becomes `nullable: true` in kube's derive, and an empty `min:` in a manifest would then reach the
/// CEL rules as a null that no operator takes. Optional is enough: a null is dropped by the API server.
pub fn kubernetes(schema: &mut Schema) {
    transform_subschemas(&mut kubernetes, schema);
    let Some(node) = schema.as_object_mut() else { return };

    if let Some(Value::Array(types)) = node.get_mut("type") {
        types.retain(|t| t != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            node.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(alternatives)) = node.get_mut("anyOf") {
        alternatives.retain(|a| a.get("type") != Some(&json!("null")));
        if let [Value::Object(only)] = alternatives.as_slice() {
            let only = only.clone();
            node.remove("anyOf");
            for (key, value) in only {
                // What stands on the field itself, such as its description, wins.
                node.entry(key).or_insert(value);
            }
        }
    }
    if let Some(Value::Array(values)) = node.get_mut("enum") {
        values.retain(|v| !v.is_null());
    }
    if node.get("default") == Some(&Value::Null) {
        node.remove("default");
    }
    // kube would add `nullable: true` again.
    if node.contains_key("x-kubernetes-int-or-string") {
        node.insert("nullable".to_owned(), json!(false));
    }
    // The API server does not know unsigned formats and warns on every apply.
    if node.get("format") == Some(&json!("uint32")) {
        node.insert("format".to_owned(), json!("int32"));
        // A rule says more than `minimum`, and a failed `minimum` keeps every rule from being looked at.
        if node.contains_key("x-kubernetes-validations") {
            node.remove("minimum");
        }
    }
    if let Some(Value::String(description)) = node.get_mut("description") {
        *description = unwrap_lines(description);
    }
}

/// Joins the lines of each paragraph: where a comment was wrapped is of no interest to `kubectl explain`.
fn unwrap_lines(text: &str) -> String {
    text.split("\n\n")
        .map(|p| p.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect::<Vec<_>>()
        .join("\n\n")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use schemars::Schema;
    use serde_json::{Value, json};

    use super::kubernetes;

    #[rstest]
    #[case::optional_text(json!({"type": ["string", "null"]}), json!({"type": "string"}))]
    #[case::optional_struct(
        json!({"anyOf": [{"type": "object", "description": "of the type"}, {"type": "null"}], "description": "of the field"}),
        json!({"type": "object", "description": "of the field"}))]
    #[case::optional_enum(json!({"type": ["string", "null"], "enum": ["A", null]}), json!({"type": "string", "enum": ["A"]}))]
    #[case::null_default(json!({"type": "string", "default": null}), json!({"type": "string"}))]
    #[case::int_or_string(
        json!({"x-kubernetes-int-or-string": true}),
        json!({"x-kubernetes-int-or-string": true, "nullable": false}))]
    #[case::unsigned(
        json!({"type": "integer", "format": "uint32", "minimum": 0}),
        json!({"type": "integer", "format": "int32", "minimum": 0}))]
    #[case::unsigned_with_a_rule(
        json!({"type": "integer", "format": "uint32", "minimum": 0, "x-kubernetes-validations": []}),
        json!({"type": "integer", "format": "int32", "x-kubernetes-validations": []}))]
    #[case::wrapped_comment(json!({"description": "One\nline.\n\nTwo."}), json!({"description": "One line.\n\nTwo."}))]
    #[case::nested(
        json!({"properties": {"a": {"type": ["string", "null"]}}}),
        json!({"properties": {"a": {"type": "string"}}}))]
    fn says_it_as_kubernetes_does(#[case] from: Value, #[case] to: Value) {
        let mut schema = Schema::try_from(from).unwrap();
        kubernetes(&mut schema);
        assert_eq!(schema.to_value(), to);
    }
}
