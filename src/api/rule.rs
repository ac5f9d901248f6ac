//! One CEL rule of a custom resource definition. Pure.
//!
//! `kube::core::Rule` has room for a message or a message expression, not for both. We want both: the expression
//! shows the user's own value; the plain text stands in where an API server cannot evaluate the expression.

use serde::Serialize;

/// One entry of `x-kubernetes-validations`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CelRule {
    rule: String,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_expression: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    field_path: Option<&'static str>,
    reason: &'static str,
}

impl CelRule {
    /// A rule that holds where the CEL expression `rule` is true; `message` is one line.
    pub fn new(rule: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            rule: rule.into(),
            message: message.into(),
            message_expression: None,
            field_path: None,
            // `FieldValueDuplicate` and others drop the message on its way to the user.
            reason: "FieldValueInvalid",
        }
    }

    /// The message as a CEL expression. Numbers enter by `format`: joining strings blows the cost budget.
    #[must_use]
    pub fn says(mut self, expression: impl Into<String>) -> Self {
        self.message_expression = Some(expression.into());
        self
    }

    /// The field that the error points at, relative to where the rule stands.
    #[must_use]
    pub fn at(mut self, field_path: &'static str) -> Self {
        self.field_path = Some(field_path);
        self
    }
}

/// The rule of a whole number between `min` and `max`; `such_as` ends the message.
pub fn whole(field: &str, min: u32, max: u32, such_as: &str) -> Vec<CelRule> {
    let rule = format!("must be a whole number from {min} to {max}, such as {such_as}");
    vec![
        CelRule::new(format!("self >= {min} && self <= {max}"), format!("{field} {rule}"))
            .says(format!("'{field} is %d but {rule}'.format([self])")),
    ]
}

/// The rule of a text that matches `pattern`; `what` says what it must be, with an example.
pub fn matches(field: &str, pattern: &str, what: &str) -> Vec<CelRule> {
    vec![
        CelRule::new(format!("self.matches('{pattern}')"), format!("{field} must be {what}"))
            .says(format!("'{field} is \"%s\" but must be {what}'.format([self])")),
    ]
}
