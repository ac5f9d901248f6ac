//! What became of all requests: as text for people, as JSON for tests. Pure.

use std::fmt;

use serde::Serialize;

use super::load::Load;
use super::scenario::Targets;

/// The outcome of an emulation.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// How long the traces have played.
    pub played_s: f64,
    /// By load.
    pub loads: Vec<LoadSummary>,
}

/// What became of the requests of one load. Latencies count from the arrival at the router.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LoadSummary {
    /// Its name.
    pub name: String,
    /// Requests that arrived.
    pub arrived: u64,
    /// Served to their last token.
    pub served: u64,
    /// Cut off because their pod was gone.
    pub cut: u64,
    /// Refused by the engine, because they could never fit.
    pub refused: u64,
    /// Still waiting or running.
    pub unfinished: u64,
    /// The most requests that waited at the router at once.
    pub longest_queue: u64,
    /// Time to first token.
    pub time_to_first_token: Latency,
    /// Time per output token, mean over each request.
    pub time_per_output_token: Latency,
    /// Share of all that arrived that was served inside every target, 0..=1. Cut, refused and unfinished requests
    /// are misses. `null` when none arrived.
    pub attained: Option<f64>,
}

/// One latency over the served requests.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Latency {
    /// The target, when one is set.
    pub target_ms: Option<f64>,
    /// Share of all that arrived that was served inside it, 0..=1.
    pub attained: Option<f64>,
    /// Half of the served took at most this long.
    pub p50_ms: Option<f64>,
    /// 99 % of the served took at most this long.
    pub p99_ms: Option<f64>,
}

impl LoadSummary {
    pub(super) fn of(load: &Load) -> Self {
        let Targets {
            time_to_first_token,
            time_per_output_token,
        } = load.spec.targets;
        let limit = |span: Option<inferscale_core::units::Span>| span.map(|span| span.as_millis() as f64);
        let (first, token) = (limit(time_to_first_token), limit(time_per_output_token));
        let inside = |value: f64, limit: Option<f64>| limit.is_none_or(|limit| value <= limit);
        let arrived = load.metrics.arrived;
        let share = |count: usize| (arrived > 0).then(|| count as f64 / arrived as f64);
        let all_inside = load
            .served
            .iter()
            .filter(|s| inside(s.ttft_ms, first) && s.tpot_ms.is_none_or(|tpot| inside(tpot, token)));
        let latency = |target_ms: Option<f64>, mut values: Vec<f64>| {
            let attained = share(load.served.len() - values.iter().filter(|v| !inside(**v, target_ms)).count());
            values.sort_by(f64::total_cmp);
            Latency {
                target_ms,
                attained: target_ms.and(attained),
                p50_ms: quantile(&values, 0.5),
                p99_ms: quantile(&values, 0.99),
            }
        };
        Self {
            name: load.spec.name.clone(),
            arrived,
            served: load.served.len() as u64,
            cut: load.metrics.cut,
            refused: load.metrics.refused,
            unfinished: (load.backlog.len() + load.in_flight) as u64,
            longest_queue: load.longest_backlog as u64,
            time_to_first_token: latency(first, load.served.iter().map(|s| s.ttft_ms).collect()),
            time_per_output_token: latency(token, load.served.iter().filter_map(|s| s.tpot_ms).collect()),
            attained: share(all_inside.count()),
        }
    }
}

/// The smallest value that a share `q` of all is not above.
fn quantile(sorted: &[f64], q: f64) -> Option<f64> {
    let rank = (q * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.max(1) - 1).copied()
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for load in &self.loads {
            writeln!(f, "load {}, {:.0} s", load.name, self.played_s)?;
            writeln!(
                f,
                "  requests   {} arrived, {} served, {} cut off, {} refused, {} unfinished; at most {} waited at the router",
                load.arrived, load.served, load.cut, load.refused, load.unfinished, load.longest_queue
            )?;
            latency(f, "  first token", load.time_to_first_token)?;
            latency(f, "  per token  ", load.time_per_output_token)?;
            if let Some(attained) = load.attained {
                writeln!(
                    f,
                    "  attained   {:.2} % of all requests inside every target",
                    attained * 100.0
                )?;
            }
        }
        Ok(())
    }
}

fn latency(f: &mut fmt::Formatter<'_>, name: &str, latency: Latency) -> fmt::Result {
    let (Some(p50), Some(p99)) = (latency.p50_ms, latency.p99_ms) else {
        return Ok(());
    };
    write!(f, "{name} p50 {p50:.0} ms, p99 {p99:.0} ms")?;
    if let (Some(target), Some(attained)) = (latency.target_ms, latency.attained) {
        write!(f, "; {:.2} % inside {target:.0} ms", attained * 100.0)?;
    }
    writeln!(f)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(&[], 0.5, None)]
    #[case(&[7.0], 0.99, Some(7.0))]
    #[case(&[1.0, 2.0, 3.0, 4.0], 0.5, Some(2.0))]
    #[case(&[1.0, 2.0, 3.0, 4.0], 0.99, Some(4.0))]
    fn a_quantile_is_one_of_the_values(#[case] sorted: &[f64], #[case] q: f64, #[case] expected: Option<f64>) {
        assert_eq!(quantile(sorted, q), expected);
    }
}
