//! Time, money and ratios as types, so that a millisecond is never added to a dollar.

use std::fmt;
use std::ops::{Add, Mul, Sub};

use serde::{Deserialize, Serialize};

/// An instant: milliseconds since the Unix epoch. It always comes from outside: the core has no clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Time(i64);

/// A length of time in milliseconds. May be negative as the difference of two instants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Span(i64);

impl Time {
    /// The instant `ms` milliseconds after the Unix epoch.
    pub const fn from_millis(ms: i64) -> Self {
        Self(ms)
    }

    /// The instant `s` seconds after the Unix epoch, to the millisecond. Not finite becomes the epoch.
    pub fn from_secs_f64(s: f64) -> Self {
        Self((s * 1000.0).round() as i64)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Seconds since the Unix epoch.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1000.0
    }

    /// The time since `earlier`, zero when `earlier` lies ahead.
    pub fn since(self, earlier: Self) -> Span {
        Span((self.0 - earlier.0).max(0))
    }

    /// The last multiple of `grid` at or before this instant. A grid below one millisecond counts as one.
    #[must_use]
    pub fn floor_to(self, grid: Span) -> Self {
        Self(self.0 - self.0.rem_euclid(grid.0.max(1)))
    }
}

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// `ms` milliseconds.
    pub const fn from_millis(ms: i64) -> Self {
        Self(ms)
    }

    /// `s` whole seconds.
    pub const fn from_secs(s: i64) -> Self {
        Self(s * 1000)
    }

    /// `s` seconds, to the millisecond. Not finite becomes zero.
    pub fn from_secs_f64(s: f64) -> Self {
        Self((s * 1000.0).round() as i64)
    }

    /// Milliseconds.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Seconds.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1000.0
    }

    /// How many whole `grid`s cover this span: its length in buckets, rounded up, at least one.
    pub fn in_buckets(self, grid: Self) -> usize {
        let grid = grid.0.max(1);
        (self.0.max(1) as u64).div_ceil(grid as u64) as usize
    }
}

impl Add<Span> for Time {
    type Output = Self;
    fn add(self, rhs: Span) -> Self {
        Self(self.0 + rhs.0)
    }
}

impl Sub<Span> for Time {
    type Output = Self;
    fn sub(self, rhs: Span) -> Self {
        Self(self.0 - rhs.0)
    }
}

impl Add for Span {
    type Output = Self;
    fn add(self, rhs: Self) -> Self {
        Self(self.0 + rhs.0)
    }
}

impl Mul<i64> for Span {
    type Output = Self;
    fn mul(self, rhs: i64) -> Self {
        Self(self.0 * rhs)
    }
}

/// Prints as people write durations: `500ms`, `90s`, `5m`, `1h30m`.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, ms) = (if self.0 < 0 { "-" } else { "" }, self.0.unsigned_abs());
        let (h, m, s, rest) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60, ms % 1000);
        f.write_str(sign)?;
        for (value, unit) in [(h, "h"), (m, "m"), (s, "s"), (rest, "ms")] {
            if value > 0 {
                write!(f, "{value}{unit}")?;
            }
        }
        if ms == 0 { f.write_str("0s") } else { Ok(()) }
    }
}

/// US dollars an hour. Never negative, always finite.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UsdPerHour(f64);

impl UsdPerHour {
    /// A price; `None` when it is negative or not finite.
    pub fn new(usd: f64) -> Option<Self> {
        (usd.is_finite() && usd >= 0.0).then_some(Self(usd))
    }

    /// US dollars an hour.
    pub const fn get(self) -> f64 {
        self.0
    }

    /// The price of `n` such things.
    #[must_use]
    pub fn times(self, n: u32) -> Self {
        Self(self.0 * f64::from(n))
    }
}

/// A share between 0 and 1.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ratio(f64);

impl Ratio {
    /// All of it.
    pub const ONE: Self = Self(1.0);
    /// None of it.
    pub const ZERO: Self = Self(0.0);

    /// A share, clamped into 0..=1; not a number becomes 0.
    pub fn clamped(value: f64) -> Self {
        if value.is_nan() {
            Self(0.0)
        } else {
            Self(value.clamp(0.0, 1.0))
        }
    }

    /// `part` of `whole`; `None` when there is no whole.
    pub fn of(part: f64, whole: f64) -> Option<Self> {
        (whole > 0.0 && part.is_finite() && whole.is_finite()).then(|| Self::clamped(part / whole))
    }

    /// The share as a number between 0 and 1.
    pub const fn get(self) -> f64 {
        self.0
    }
}

/// Prints as a percentage with one decimal where it has one: `99%`, `99.4%`.
impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Rounded down: 99.96 % must not read as a met 100 %.
        let tenths = (self.0 * 1000.0 + 1e-6).floor() as i64;
        if tenths % 10 == 0 {
            write!(f, "{}%", tenths / 10)
        } else {
            write!(f, "{}.{}%", tenths / 10, tenths % 10)
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(0, "0s")]
    #[case(500, "500ms")]
    #[case(90_000, "1m30s")]
    #[case(300_000, "5m")]
    #[case(5_400_000, "1h30m")]
    #[case(-1500, "-1s500ms")]
    fn a_span_prints_as_people_write_it(#[case] ms: i64, #[case] text: &str) {
        assert_eq!(Span::from_millis(ms).to_string(), text);
    }

    #[rstest]
    #[case(0.99, "99%")]
    #[case(0.9949, "99.4%")]
    #[case(0.9999, "99.9%")]
    #[case(1.0, "100%")]
    #[case(0.0, "0%")]
    fn a_ratio_prints_as_a_percentage_rounded_down(#[case] share: f64, #[case] text: &str) {
        assert_eq!(Ratio::clamped(share).to_string(), text);
    }

    #[test]
    fn floors_to_the_grid_before_the_epoch_too() {
        let grid = Span::from_secs(15);
        assert_eq!(Time::from_millis(16_000).floor_to(grid), Time::from_millis(15_000));
        assert_eq!(Time::from_millis(-1).floor_to(grid), Time::from_millis(-15_000));
    }

    #[test]
    fn a_negative_or_infinite_price_is_no_price() {
        assert_eq!(UsdPerHour::new(-1.0), None);
        assert_eq!(UsdPerHour::new(f64::NAN), None);
        assert!(UsdPerHour::new(6.88).is_some());
    }
}
