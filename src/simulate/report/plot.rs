//! Lines, steps and areas over time, as SVG. Pure.

use std::fmt::Write;

/// Width of a picture in its own units.
pub(super) const WIDTH: f64 = 960.0;
/// Left of it stand the numbers of the axis.
const LEFT: f64 = 62.0;
const RIGHT: f64 = 14.0;

/// How values become heights.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Scale {
    /// From zero to the highest.
    Linear(f64),
    /// From the lowest to the highest, both above zero, by their logarithm.
    Log(f64, f64),
}

/// One plot of a picture: its place, its time and its scale.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plot {
    pub top: f64,
    pub height: f64,
    pub end_s: f64,
    pub scale: Scale,
}

impl Plot {
    /// Where an instant lies.
    pub fn x(&self, s: f64) -> f64 {
        LEFT + (WIDTH - LEFT - RIGHT) * (s / self.end_s).clamp(0.0, 1.0)
    }

    /// Where a value lies.
    pub fn y(&self, value: f64) -> f64 {
        let share = match self.scale {
            Scale::Linear(most) => value / most.max(f64::MIN_POSITIVE),
            Scale::Log(least, most) => (value.max(least) / least).ln() / (most / least).ln().max(f64::MIN_POSITIVE),
        };
        self.top + self.height * (1.0 - share.clamp(0.0, 1.0))
    }

    /// A line through points; where there is none it is broken.
    pub fn line(&self, points: impl Iterator<Item = (f64, Option<f64>)>) -> String {
        let mut path = String::new();
        let mut pen = 'M';
        for (s, value) in points {
            match value {
                Some(value) => {
                    let _ = write!(path, "{pen}{:.1} {:.1}", self.x(s), self.y(value));
                    // A point of its own would not be seen: a short stroke is.
                    if pen == 'M' {
                        path.push_str("h.6");
                    }
                    pen = 'L';
                }
                None => pen = 'M',
            }
        }
        path
    }

    /// Steps from `from` to the points, each of which holds from the one before, closed down to the lower steps.
    pub fn steps(&self, points: &[(f64, f64)], below: impl Fn(usize) -> f64) -> String {
        let mut path = String::new();
        let mut before = 0.0;
        let mut back = Vec::new();
        for (index, (s, value)) in points.iter().enumerate() {
            let (x0, x1, y) = (self.x(before), self.x(*s), self.y(*value));
            let _ = write!(path, "{}{x0:.1} {y:.1}H{x1:.1}", if index == 0 { 'M' } else { 'L' });
            back.push((x0, x1, self.y(below(index))));
            before = *s;
        }
        for (x0, x1, y) in back.iter().rev() {
            let _ = write!(path, "L{x1:.1} {y:.1}H{x0:.1}");
        }
        if !path.is_empty() {
            path.push('Z');
        }
        path
    }

    /// The frame: a title, lines at round values with their numbers.
    pub fn frame(&self, title: &str, show: impl Fn(f64) -> String) -> String {
        let mut out = format!(
            "<text class=\"title\" x=\"{LEFT}\" y=\"{:.1}\">{title}</text>",
            self.top - 7.0
        );
        for value in self.ticks() {
            let y = self.y(value);
            let _ = write!(
                out,
                "<path class=\"grid\" d=\"M{LEFT} {y:.1}H{:.1}\"/><text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
                WIDTH - RIGHT,
                LEFT - 7.0,
                y + 3.5,
                show(value)
            );
        }
        out
    }

    /// The numbers of the time axis, below the plot.
    pub fn time_axis(&self) -> String {
        const STEPS: [f64; 13] = [
            60.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0, 10_800.0, 21_600.0, 43_200.0, 86_400.0, 172_800.0,
            604_800.0,
        ];
        let step = STEPS
            .into_iter()
            .find(|step| self.end_s / step <= 12.5)
            .unwrap_or(self.end_s);
        let mut out = String::new();
        let mut s = 0.0;
        while s <= self.end_s + 1.0 {
            let x = self.x(s);
            let foot = self.top + self.height;
            let _ = write!(
                out,
                "<path class=\"grid\" d=\"M{x:.1} {foot:.1}v5\"/><text class=\"time\" x=\"{x:.1}\" y=\"{:.1}\">{}</text>",
                foot + 18.0,
                super::words::clock(s)
            );
            s += step;
        }
        out
    }

    /// Round values on the axis, from its foot to its top.
    fn ticks(&self) -> Vec<f64> {
        match self.scale {
            Scale::Linear(most) => (0..=2).map(|part| most * f64::from(part) / 2.0).collect(),
            Scale::Log(least, most) => {
                let mut ticks = Vec::new();
                let mut value = least;
                while value <= most * 1.001 {
                    ticks.push(value);
                    value *= 10.0;
                }
                ticks
            }
        }
    }
}

/// The smallest of 1, 2, 4, 6 and 10 times a power of ten that is not below `value`, so that half of it is round too.
pub(super) fn round_up(value: f64) -> f64 {
    let unit = 10_f64.powf(value.max(1e-9).log10().floor());
    let fits = |factor: &f64| factor * unit >= value * (1.0 - 1e-9);
    [1.0, 2.0, 4.0, 6.0, 10.0].into_iter().find(fits).unwrap_or(10.0) * unit
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const PLOT: Plot = Plot {
        top: 10.0,
        height: 100.0,
        end_s: 100.0,
        scale: Scale::Linear(10.0),
    };

    #[rstest]
    #[case(0.0, 1e-9)]
    #[case(1.0, 1.0)]
    #[case(3.0, 4.0)]
    #[case(35.0, 40.0)]
    #[case(61.0, 100.0)]
    fn an_axis_ends_at_a_round_number(#[case] value: f64, #[case] end: f64) {
        assert!((round_up(value) / end - 1.0).abs() < 1e-6, "{}", round_up(value));
    }

    #[test]
    fn a_line_is_broken_where_nothing_was_measured() {
        let line = PLOT.line([(0.0, Some(0.0)), (50.0, None), (100.0, Some(10.0))].into_iter());
        assert_eq!(line, "M62.0 110.0h.6M946.0 10.0h.6");
    }

    #[test]
    fn steps_hold_from_the_point_before_and_close_downwards() {
        let steps = PLOT.steps(&[(50.0, 5.0), (100.0, 10.0)], |_| 0.0);
        assert_eq!(
            steps,
            "M62.0 60.0H504.0L504.0 10.0H946.0L946.0 110.0H504.0L504.0 110.0H62.0Z"
        );
    }

    #[test]
    fn a_logarithmic_axis_has_powers_of_ten() {
        let plot = Plot {
            scale: Scale::Log(10.0, 1000.0),
            ..PLOT
        };
        assert_eq!(plot.ticks(), [10.0, 100.0, 1000.0]);
        assert!((plot.y(100.0) - 60.0).abs() < 1e-9);
    }
}
