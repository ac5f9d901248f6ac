//! An amount of memory as users write it: `80Gi`.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Malformed, Scalar, decimal};
use crate::api::rule::CelRule;

/// The units with their size in bytes.
const UNITS: [(&str, f64); 6] = [
    ("Mi", 1_048_576.0),
    ("Gi", 1_073_741_824.0),
    ("Ti", 1_099_511_627_776.0),
    ("M", 1e6),
    ("G", 1e9),
    ("T", 1e12),
];
/// The rule in words, after "must".
const FORM: &str = "be an amount of memory above 0 with a unit (Mi, Gi, Ti, M, G or T), such as 80Gi";

/// An amount of memory with a unit: Mi, Gi, Ti (powers of 1024), M, G or T (powers of 1000). Example: 80Gi.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub struct Memory(Scalar);

impl Memory {
    /// An amount from the text a user would write. Checked when its value is taken.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Scalar::Text(text.into()))
    }

    /// The rules of the field called `field`. An integer is taken by the schema only so that this message can say
    /// what is missing: a bare 80 would otherwise be a type error that says nothing.
    pub fn rules(field: &str) -> Vec<CelRule> {
        vec![
            CelRule::new(
                "string(self).matches('^[0-9]{1,6}([.][0-9]{1,3})?(Mi|Gi|Ti|M|G|T)$') \
                 && !string(self).matches('^[0.]+[A-Z]')",
                format!("{field} must {FORM}"),
            )
            .says(format!("'{field} is \"%s\" but must {FORM}'.format([string(self)])")),
        ]
    }

    /// The amount in bytes; `field` names it in the error.
    ///
    /// # Errors
    /// It is no amount of memory.
    pub fn bytes(&self, field: &str) -> Result<u64, Malformed> {
        let text = self.0.to_string();
        UNITS
            .iter()
            .find_map(|(unit, size)| Some(decimal(text.strip_suffix(unit)?, 6, 3)? * size))
            .filter(|bytes| *bytes > 0.0)
            .map(|bytes| bytes as u64)
            .ok_or_else(|| Malformed::new(field, text, FORM))
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;
    use crate::api::units::agreement::messages;

    #[rstest]
    #[case("80Gi", 85_899_345_920)]
    #[case("80G", 80_000_000_000)]
    #[case("0.5Ti", 549_755_813_888)]
    #[case("141000M", 141_000_000_000)]
    fn reads_what_people_write(#[case] text: &str, #[case] bytes: u64) {
        assert_eq!(Memory::new(text).bytes("memory"), Ok(bytes));
        assert_eq!(messages(&Memory::rules("memory"), &json!(text)), Vec::<String>::new());
    }

    #[rstest]
    #[case(json!(80))]
    #[case(json!("80"))]
    #[case(json!("80GB"))]
    #[case(json!("80Ki"))]
    #[case(json!("0Gi"))]
    #[case(json!("0.000Gi"))]
    #[case(json!("-80Gi"))]
    #[case(json!("80 Gi"))]
    #[case(json!(""))]
    fn refuses_with_one_message_that_names_value_and_fix(#[case] written: Value) {
        let memory: Memory = serde_json::from_value(written.clone()).unwrap();
        let error = memory.bytes("memory").unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("memory is \"{memory}\" but must be an amount of memory")),
            "{error}"
        );
        assert_eq!(messages(&Memory::rules("memory"), &written), vec![error]);
    }
}
