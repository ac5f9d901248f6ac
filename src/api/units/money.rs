//! US dollars as users write them: `40` or `"6.88"`.

use std::fmt;

use inferscale_core::units::UsdPerHour;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Malformed, Scalar, decimal};
use crate::api::rule::CelRule;

/// The rule in words, after "must".
const FORM: &str = "be US dollars from 0 to 999999999 with at most 6 decimals, such as 40 or \"6.88\" (quote decimals)";

/// US dollars, 0 to 999999999, at most 6 decimals. Decimals must be quoted. Example: "6.88".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub struct Money(Scalar);

impl Money {
    /// An amount from the text a user would write. Checked when its value is taken.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Scalar::Text(text.into()))
    }

    /// The rules of the field called `field`.
    pub fn rules(field: &str) -> Vec<CelRule> {
        vec![
            // A `pattern` is not applied to integers.
            CelRule::new(
                "string(self).matches('^[0-9]{1,9}([.][0-9]{1,6})?$')",
                format!("{field} must {FORM}"),
            )
            .says(format!("'{field} is \"%s\" but must {FORM}'.format([string(self)])")),
        ]
    }

    /// The amount as a price an hour; `field` names it in the error.
    ///
    /// # Errors
    /// It is no amount of money.
    pub fn per_hour(&self, field: &str) -> Result<UsdPerHour, Malformed> {
        let text = self.0.to_string();
        decimal(&text, 9, 6)
            .and_then(UsdPerHour::new)
            .ok_or_else(|| Malformed::new(field, text, FORM))
    }
}

impl fmt::Display for Money {
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
    #[case(json!(40), 40.0)]
    #[case(json!(0), 0.0)]
    #[case(json!("6.88"), 6.88)]
    #[case(json!("0.000001"), 0.000_001)]
    #[case(json!("999999999"), 999_999_999.0)]
    fn reads_what_people_write(#[case] written: Value, #[case] usd: f64) {
        let money: Money = serde_json::from_value(written.clone()).unwrap();
        assert_eq!(money.per_hour("price"), Ok(UsdPerHour::new(usd).unwrap()));
        assert_eq!(messages(&Money::rules("price"), &written), Vec::<String>::new());
    }

    #[rstest]
    #[case(json!(-1))]
    #[case(json!(1_000_000_000))]
    #[case(json!(""))]
    #[case(json!("-1"))]
    #[case(json!("$40"))]
    #[case(json!("1e3"))]
    #[case(json!("6,88"))]
    #[case(json!("6.8800000"))]
    #[case(json!("NaN"))]
    fn refuses_with_one_message_that_names_value_and_fix(#[case] written: Value) {
        let money: Money = serde_json::from_value(written.clone()).unwrap();
        let error = money.per_hour("price").unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("price is \"{money}\" but must be US dollars")),
            "{error}"
        );
        assert_eq!(messages(&Money::rules("price"), &written), vec![error]);
    }
}
