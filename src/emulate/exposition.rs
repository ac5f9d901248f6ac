//! Prometheus text exposition: histograms that count, and a page that prints them. Pure.

use std::fmt::Write;

/// The content type of a page.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Counts observations by upper edge.
#[derive(Debug, Clone)]
pub struct Histogram {
    edges: &'static [f64],
    /// One for each edge, and the last for everything above.
    counts: Vec<u64>,
    sum: f64,
}

impl Histogram {
    /// An empty one with these upper edges, rising, `+Inf` left out.
    pub fn new(edges: &'static [f64]) -> Self {
        Self {
            edges,
            counts: vec![0; edges.len() + 1],
            sum: 0.0,
        }
    }

    /// Counts one value.
    pub fn observe(&mut self, value: f64) {
        self.observe_many(value, 1);
    }

    /// Counts one value `times` times.
    pub fn observe_many(&mut self, value: f64, times: u64) {
        let at = self.edges.partition_point(|edge| *edge < value);
        if let Some(count) = self.counts.get_mut(at) {
            *count += times;
        }
        self.sum += value * times as f64;
    }

    /// Counts `first`, `first + growth`, ... (`steps` values, growth not negative), each `times` times.
    pub fn observe_ramp(&mut self, first: f64, growth: f64, steps: u64, times: u64) {
        let n = steps as f64;
        self.sum += (n * first + growth * n * (n - 1.0) / 2.0) * times as f64;
        let mut below = 0;
        let up_to = |edge: f64| {
            if edge < first {
                0
            } else if growth <= 0.0 {
                steps
            } else {
                (((edge - first) / growth) as u64).saturating_add(1).min(steps)
            }
        };
        let edges = self.edges.iter().copied().chain([f64::INFINITY]);
        for (count, edge) in self.counts.iter_mut().zip(edges) {
            let reached = up_to(edge).max(below);
            *count += (reached - below) * times;
            below = reached;
        }
    }

    /// How many values were counted.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }
}

/// Labels of one series, in order.
pub type Labels<'a> = [(&'a str, &'a str)];

/// A page of metrics.
#[derive(Debug, Default)]
pub struct Page(String);

impl Page {
    /// Begins a metric: all its series follow before the next begins.
    pub fn metric(&mut self, name: &str, kind: &str) {
        self.line(format_args!("# TYPE {name} {kind}"));
    }

    /// A metric of one series with one value.
    pub fn single(&mut self, name: &str, kind: &str, labels: &Labels<'_>, value: f64) {
        self.metric(name, kind);
        self.sample(name, labels, value);
    }

    /// One series.
    pub fn sample(&mut self, name: &str, labels: &Labels<'_>, value: f64) {
        self.0.push_str(name);
        self.labels(labels, None);
        self.line(format_args!(" {value:?}"));
    }

    /// The series of one histogram.
    pub fn histogram(&mut self, name: &str, labels: &Labels<'_>, histogram: &Histogram) {
        let mut below = 0;
        let edges = histogram
            .edges
            .iter()
            .map(|edge| format!("{edge:?}"))
            .chain(["+Inf".to_owned()]);
        for (edge, count) in edges.zip(&histogram.counts) {
            below += count;
            self.0.push_str(name);
            self.0.push_str("_bucket");
            self.labels(labels, Some(&edge));
            self.line(format_args!(" {:?}", below as f64));
        }
        self.sample(&format!("{name}_count"), labels, below as f64);
        self.sample(&format!("{name}_sum"), labels, histogram.sum);
    }

    fn labels(&mut self, labels: &Labels<'_>, le: Option<&str>) {
        let all = labels.iter().copied().chain(le.map(|edge| ("le", edge)));
        let mut before = '{';
        for (name, value) in all {
            self.0.push(before);
            before = ',';
            self.0.push_str(name);
            self.0.push_str("=\"");
            for c in value.chars() {
                match c {
                    '\\' => self.0.push_str("\\\\"),
                    '"' => self.0.push_str("\\\""),
                    '\n' => self.0.push_str("\\n"),
                    c => self.0.push(c),
                }
            }
            self.0.push('"');
        }
        if before == ',' {
            self.0.push('}');
        }
    }

    fn line(&mut self, text: std::fmt::Arguments<'_>) {
        // Writing into a String cannot fail.
        let _ = writeln!(self.0, "{text}");
    }

    /// The text.
    pub fn into_text(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn prints_what_prometheus_reads() {
        let mut histogram = Histogram::new(&[0.5, 1.0]);
        histogram.observe(0.5);
        histogram.observe(7.0);
        let mut page = Page::default();
        page.metric("a:b", "histogram");
        page.histogram("a:b", &[("x", "quote\" and \\\n")], &histogram);
        page.single("up", "gauge", &[], 1.0);
        insta::assert_snapshot!(page.into_text(), @r#"
        # TYPE a:b histogram
        a:b_bucket{x="quote\" and \\\n",le="0.5"} 1.0
        a:b_bucket{x="quote\" and \\\n",le="1.0"} 1.0
        a:b_bucket{x="quote\" and \\\n",le="+Inf"} 2.0
        a:b_count{x="quote\" and \\\n"} 2.0
        a:b_sum{x="quote\" and \\\n"} 7.5
        # TYPE up gauge
        up 1.0
        "#);
    }

    proptest! {
        #[test]
        fn a_ramp_counts_as_its_values_one_by_one(
            first in 0.001..2.0_f64, growth in prop_oneof![Just(0.0), 0.0001..0.1_f64], steps in 1..300_u64, times in 1..50_u64,
        ) {
            const EDGES: &[f64] = &[0.01, 0.05, 0.1, 0.5, 1.0, 5.0];
            let (mut ramp, mut single) = (Histogram::new(EDGES), Histogram::new(EDGES));
            ramp.observe_ramp(first, growth, steps, times);
            for i in 0..steps {
                single.observe_many(first + growth * i as f64, times);
            }
            prop_assert!((ramp.sum - single.sum).abs() < 1e-6 * single.sum);
            prop_assert_eq!(ramp.count(), single.count());
            // A value on an edge may fall to either side by rounding.
            let off = |i: usize| ramp.counts[i].abs_diff(single.counts[i]);
            prop_assert!((0..ramp.counts.len()).all(|i| off(i) <= times));
        }
    }
}
