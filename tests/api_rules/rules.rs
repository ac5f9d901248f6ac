//! The table in-process: what CEL says about each object, and that what it accepts can be read.

use inferscale::api::{GpuPool, InferenceDeployment, Objectives};
use kube::core::cel::validate_cel_schema;
use serde_json::Value;

use super::cases::{Case, Checked, cases};

/// Where each error points and what it says.
fn errors(object: &Value) -> Vec<(String, String)> {
    let result = match object["kind"].as_str() {
        Some("GpuPool") => validate_cel_schema::<GpuPool>(object, None),
        _ => validate_cel_schema::<InferenceDeployment>(object, None),
    };
    match result {
        Ok(()) => Vec::new(),
        Err(errors) => errors
            .into_vec()
            .into_iter()
            .map(|e| (e.field_path, e.message))
            .collect(),
    }
}

fn checked_here() -> Vec<Case> {
    cases()
        .into_iter()
        .filter(|case| case.checked == Checked::Cel)
        .collect()
}

#[test]
fn each_mistake_gets_one_message_that_names_value_rule_and_fix() {
    let mut wrong = Vec::new();
    for case in checked_here().iter().filter(|case| !case.says.is_empty()) {
        let expected = vec![(case.at.clone().unwrap_or_default(), case.says.clone())];
        let found = errors(&case.object());
        if found != expected {
            wrong.push(format!("{}:\n  expected {expected:?}\n  found    {found:?}", case.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn good_objects_pass_every_rule_and_can_be_read() {
    for case in checked_here().iter().filter(|case| case.says.is_empty()) {
        let object = case.object();
        assert_eq!(errors(&object), Vec::new(), "{}", case.name);
        if object["kind"] == "GpuPool" {
            let pool: GpuPool = serde_json::from_value(object).expect(&case.name);
            pool.spec.accelerator.memory.bytes("memory").expect(&case.name);
            if let Some(price) = pool.spec.price {
                price.per_accelerator_hour.per_hour("price").expect(&case.name);
            }
        } else {
            let infd: InferenceDeployment = serde_json::from_value(object).expect(&case.name);
            let objectives = infd.spec.objectives;
            objectives.attainment.ratio("attainment").expect(&case.name);
            objectives.window.span("window", Objectives::WINDOW).expect(&case.name);
            for target in [objectives.time_to_first_token, objectives.time_per_output_token]
                .into_iter()
                .flatten()
            {
                target
                    .span("target", Objectives::TIME_TO_FIRST_TOKEN)
                    .expect(&case.name);
            }
        }
    }
}

#[test]
fn the_table_is_large_and_its_names_are_unique() {
    let cases = cases();
    let names: std::collections::BTreeSet<_> = cases.iter().map(|case| &case.name).collect();
    assert_eq!(names.len(), cases.len());
    assert!(cases.len() >= 50, "{} cases", cases.len());
}

/// Every rule of both definitions, with the field it stands on, is broken by a case.
#[test]
fn every_rule_is_broken_by_a_case() {
    use kube::CustomResourceExt;
    let mut rules = Vec::new();
    for definition in [InferenceDeployment::crd(), GpuPool::crd()] {
        collect(&serde_json::to_value(definition).expect("JSON"), &mut rules);
    }
    let broken: Vec<String> = checked_here()
        .iter()
        .filter(|case| !case.says.is_empty())
        .flat_map(|case| {
            let object = case.object();
            let result = match object["kind"].as_str() {
                Some("GpuPool") => validate_cel_schema::<GpuPool>(&object, None),
                _ => validate_cel_schema::<InferenceDeployment>(&object, None),
            };
            result
                .err()
                .map(kube::core::cel::ValidationErrors::into_vec)
                .unwrap_or_default()
        })
        .map(|error| error.message)
        .collect();
    for (rule, words) in rules {
        assert!(
            broken.iter().any(|message| words.iter().all(|w| message.contains(w))),
            "no case breaks: {rule}"
        );
    }
}

/// The rules below `node`, each with the words that its message must hold: the text between the values.
fn collect(node: &Value, rules: &mut Vec<(String, Vec<String>)>) {
    match node {
        Value::Object(map) => {
            for rule in map
                .get("x-kubernetes-validations")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
            {
                let text = rule
                    .get("messageExpression")
                    .or(rule.get("message"))
                    .and_then(Value::as_str)
                    .unwrap_or("");
                let text = text.trim_start_matches('\'').split("'.format").next().unwrap_or("");
                let words = text
                    .replace("%%", "\u{1}")
                    .split(['%'])
                    .map(|w| w.replace('\u{1}', "%"))
                    .collect::<Vec<_>>();
                let words = words
                    .iter()
                    .enumerate()
                    .map(|(i, w)| if i == 0 { w.clone() } else { w.chars().skip(1).collect() })
                    .collect();
                rules.push((rule["rule"].to_string(), words));
            }
            map.values().for_each(|v| collect(v, rules));
        }
        Value::Array(list) => list.iter().for_each(|v| collect(v, rules)),
        _ => {}
    }
}
