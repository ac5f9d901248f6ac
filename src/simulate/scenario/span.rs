//! Lengths of time of a scenario: as in manifests, and days. Pure.

use inferscale_core::units::Span;

use crate::api::Duration;
use crate::api::units::Range;

/// What a field takes, after "must".
const FORM: &str = "be a duration such as 500ms, 30s, 5m, 24h or 9d (units d, h, m, s, ms in this order; no fractions)";

/// From nothing to ten years.
const ANY: Range = Range {
    min: "0s",
    max: "87600h",
    such_as: "5m",
};

/// The seconds that a text stands for, or what is wrong with it.
pub(super) fn seconds(text: &str) -> Result<f64, String> {
    let wrong = || format!("is {text:?} but must {FORM}");
    let (days, rest) = match text.split_once('d') {
        Some((days, rest)) => (days.parse::<u16>().map_err(|_| wrong())?, rest),
        None => (0, text),
    };
    let rest = if rest.is_empty() && text.ends_with('d') {
        Span::ZERO
    } else {
        Duration::new(rest).span("", ANY).map_err(|_| wrong())?
    };
    Ok(f64::from(days) * 86_400.0 + rest.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("9d", 777_600.0)]
    #[case("1d12h", 129_600.0)]
    #[case("24h", 86_400.0)]
    #[case("1m30s", 90.0)]
    #[case("0s", 0.0)]
    #[case("500ms", 0.5)]
    fn reads_what_people_write(#[case] text: &str, #[case] s: f64) {
        assert_eq!(seconds(text), Ok(s));
    }

    #[rstest]
    #[case("9")]
    #[case("")]
    #[case("d")]
    #[case("1.5d")]
    #[case("-1d")]
    #[case("1h1d")]
    #[case("soon")]
    #[case("999999d")]
    fn refuses_the_rest(#[case] text: &str) {
        assert!(
            seconds(text).unwrap_err().contains("must be a duration such as"),
            "{text}"
        );
    }
}
