//! A share as users write it: `99%`, `99.9%`.

use std::fmt;

use inferscale_core::units::Ratio;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Malformed, decimal};
use crate::api::rule::CelRule;

/// The rule in words, after "must". CEL's `format` needs each % doubled.
const FORM: &str = "be a percentage above 0% and below 100%, such as 99% or 99.9%";

/// A share in percent, above 0% and below 100%, with at most three decimals. Example: 99.9%.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub struct Percent(#[schemars(length(max = 16))] String);

impl Percent {
    /// A percentage from the text a user would write. Checked when its value is taken.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The rules of the field called `field`.
    pub fn rules(field: &str) -> Vec<CelRule> {
        vec![
            CelRule::new(
                "self.matches('^[0-9]{1,2}([.][0-9]{1,3})?%$') && !self.matches('^[0.]+%$')",
                format!("{field} must {FORM}"),
            )
            .says(format!(
                "'{field} is \"%s\" but must {}'.format([self])",
                FORM.replace('%', "%%")
            )),
        ]
    }

    /// The share it stands for; `field` names it in the error.
    ///
    /// # Errors
    /// It is no percentage, or not between 0 and 100.
    pub fn ratio(&self, field: &str) -> Result<Ratio, Malformed> {
        self.0
            .strip_suffix('%')
            .and_then(|number| decimal(number, 2, 3))
            .filter(|percent| *percent > 0.0)
            .map(|percent| Ratio::clamped(percent / 100.0))
            .ok_or_else(|| Malformed::new(field, &self.0, FORM))
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;
    use serde_json::json;

    use super::*;
    use crate::api::units::agreement::messages;

    #[rstest]
    #[case("99%", 0.99)]
    #[case("99.9%", 0.999)]
    #[case("0.001%", 0.00001)]
    #[case("05%", 0.05)]
    fn reads_what_people_write(#[case] text: &str, #[case] share: f64) {
        let ratio = Percent::new(text).ratio("attainment").unwrap();
        assert!((ratio.get() - share).abs() < 1e-12, "{ratio:?}");
        assert_eq!(
            messages(&Percent::rules("attainment"), &json!(text)),
            Vec::<String>::new()
        );
    }

    #[rstest]
    #[case("")]
    #[case("99")]
    #[case("0.99")]
    #[case("0%")]
    #[case("00.000%")]
    #[case("100%")]
    #[case("99.9999%")]
    #[case("99.%")]
    #[case(".9%")]
    #[case("-1%")]
    #[case("99 %")]
    #[case("1e1%")]
    fn refuses_with_one_message_that_names_value_and_fix(#[case] text: &str) {
        let error = Percent::new(text).ratio("attainment").unwrap_err().to_string();
        assert_eq!(
            error,
            format!("attainment is \"{text}\" but must be a percentage above 0% and below 100%, such as 99% or 99.9%")
        );
        assert_eq!(messages(&Percent::rules("attainment"), &json!(text)), vec![error]);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn cel_and_rust_agree(text in "[0-9]{0,3}[.]?[0-9]{0,4}%?") {
            let rust = Percent::new(&*text).ratio("attainment").map_err(|e| e.to_string());
            let cel = messages(&Percent::rules("attainment"), &json!(text));
            prop_assert_eq!(rust.err().into_iter().collect::<Vec<_>>(), cel);
        }
    }
}
