//! Durations (`1m30s`, `500ms`) and sizes (`64Mi`) as people write them. No I/O.

use std::time::Duration;

/// Reads a duration: whole numbers with the units `h`, `m`, `s`, `ms`, largest first, each at most once.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total = 0_u64;
    let mut units = [("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)].iter();
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let (number, after) = split_number(rest)?;
        let end = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        // The iterator moves on, so that a unit comes once and after the larger ones.
        let (_, factor) = units.find(|(name, _)| *name == unit)?;
        total = total.checked_add(number.checked_mul(*factor)?)?;
        rest = after;
    }
    Some(Duration::from_millis(total))
}

/// Reads a size in bytes: a whole number, with one of the units `Ki`, `Mi`, `Gi` or none.
pub(super) fn bytes(text: &str) -> Option<u64> {
    let (number, unit) = split_number(text)?;
    let factor = match unit {
        "" => 1,
        "Ki" => 1 << 10,
        "Mi" => 1 << 20,
        "Gi" => 1 << 30,
        _ => return None,
    };
    number.checked_mul(factor)
}

fn split_number(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, rest) = text.split_at(end);
    Some((number.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("15s", Some(15_000))]
    #[case("1m30s", Some(90_000))]
    #[case("500ms", Some(500))]
    #[case("1h2m3s4ms", Some(3_723_004))]
    #[case("0s", Some(0))]
    #[case("", None)]
    #[case("15", None)]
    #[case("s", None)]
    #[case("1s1m", None)]
    #[case("1s2s", None)]
    #[case("1d", None)]
    #[case("-1s", None)]
    #[case("1.5s", None)]
    #[case("1 s", None)]
    #[case("99999999999999999999h", None)]
    #[case("9999999999999999999h", None)]
    fn a_duration_is_whole_numbers_with_units(#[case] text: &str, #[case] millis: Option<u64>) {
        assert_eq!(duration(text), millis.map(Duration::from_millis));
    }

    #[rstest]
    #[case("64Mi", Some(67_108_864))]
    #[case("512", Some(512))]
    #[case("1Gi", Some(1_073_741_824))]
    #[case("64MB", None)]
    #[case("Mi", None)]
    #[case("99999999999999Gi", None)]
    fn a_size_is_a_whole_number_with_a_binary_unit(#[case] text: &str, #[case] size: Option<u64>) {
        assert_eq!(bytes(text), size);
    }
}
