//! An instant of a simulated world, finer than a millisecond: engine steps last 5.37 ms, not 5.

use std::cmp::Ordering;
use std::ops::{Add, Sub};

/// Milliseconds since the start of a world, with fractions. Always finite.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Moment(f64);

impl Moment {
    /// The start of the world.
    pub const START: Self = Self(0.0);

    /// The instant `ms` milliseconds after the start. Not finite becomes the start.
    pub fn from_millis(ms: f64) -> Self {
        Self(if ms.is_finite() { ms } else { 0.0 })
    }

    /// The instant `s` seconds after the start. Not finite becomes the start.
    pub fn from_secs(s: f64) -> Self {
        Self::from_millis(s * 1000.0)
    }

    /// Milliseconds since the start.
    pub const fn as_millis(self) -> f64 {
        self.0
    }

    /// Seconds since the start.
    pub fn as_secs(self) -> f64 {
        self.0 / 1000.0
    }
}

impl Eq for Moment {}

impl PartialOrd for Moment {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Moment {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

/// Moves forward by milliseconds.
impl Add<f64> for Moment {
    type Output = Self;
    fn add(self, ms: f64) -> Self {
        Self::from_millis(self.0 + ms)
    }
}

/// The milliseconds between two instants.
impl Sub for Moment {
    type Output = f64;
    fn sub(self, earlier: Self) -> f64 {
        self.0 - earlier.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_and_subtracts_below_a_millisecond() {
        let a = Moment::from_millis(5.37);
        assert!(a > Moment::from_millis(5.36));
        assert!((a - Moment::START - 5.37).abs() < 1e-12);
        assert_eq!(Moment::from_millis(f64::NAN), Moment::START);
    }
}
