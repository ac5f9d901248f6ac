//! The world of a scenario, checked. Pure.

use std::str::FromStr;

use inferscale_core::performance::EngineLimits;
use inferscale_core::simulate::world::{PoolSetup, ScrapeSetup, Spread};
use inferscale_core::snapshot::Timing;
use inferscale_core::units::Span;

use super::World;
use super::problem::Problems;
use super::span;
use super::written::{WrittenSpread, WrittenWorld};

/// Checks everything; what is absent takes the default of docs/simulator.md.
pub(super) fn check(written: &WrittenWorld, problems: &mut Problems<'_>) -> World {
    let at = |field: &'static str| ["world", field];
    let grid_s = duration(problems, &at("grid"), written.grid.as_deref(), 15.0, (1.0, 300.0));
    World {
        pod_start: spread(problems, "podStart", written.pod_start.as_ref(), 120.0),
        node_start: spread(problems, "nodeStart", written.node_start.as_ref(), 0.0),
        pools: written
            .nodes
            .iter()
            .map(|(name, nodes)| pool(problems, name, nodes.min, nodes.max))
            .collect(),
        drain_s: duration(problems, &at("drain"), written.drain.as_deref(), 30.0, (0.0, 86_400.0)),
        start_failure: problems.number(
            &at("startFailure"),
            written.start_failure.unwrap_or(0.0),
            0.0,
            0.9,
            "0.05",
        ),
        reclaims_per_hour: problems.number(
            &at("reclaimsPerHour"),
            written.reclaims_per_hour.unwrap_or(0.0),
            0.0,
            60.0,
            "0.1",
        ),
        balancing: one_of(
            problems,
            "balancing",
            written.balancing.as_deref(),
            "Equal, LeastLoaded or Weighted",
        ),
        queue: one_of(problems, "queue", written.queue.as_deref(), "Fifo, LateLast or Reject"),
        scrape: ScrapeSetup {
            interval_s: duration(
                problems,
                &["world", "scrape", "interval"],
                written.scrape.interval.as_deref(),
                15.0,
                (1.0, 300.0),
            ),
            delay_s: duration(
                problems,
                &["world", "scrape", "delay"],
                written.scrape.delay.as_deref(),
                2.0,
                (0.0, 300.0),
            ),
            loss: problems.number(
                &["world", "scrape", "loss"],
                written.scrape.loss.unwrap_or(0.0),
                0.0,
                1.0,
                "0.02",
            ),
        },
        engine: engine(problems, written),
        timing: Timing {
            grid: Span::from_millis((grid_s * 1000.0) as i64),
        },
    }
}

fn engine(problems: &mut Problems<'_>, written: &WrittenWorld) -> EngineLimits {
    let usual = EngineLimits::default();
    let mut limit = |field: &'static str, value: Option<u32>, usual: u32| {
        let value = value.unwrap_or(usual);
        let path = ["world", "engine", field];
        problems.number(&path, f64::from(value), 1.0, 1e6, &usual.to_string());
        value
    };
    EngineLimits {
        max_sequences: limit("maxSequences", written.engine.max_sequences, usual.max_sequences),
        max_tokens_per_step: limit(
            "maxTokensPerStep",
            written.engine.max_tokens_per_step,
            usual.max_tokens_per_step,
        ),
    }
}

/// Accelerators of a node are known from the pool's manifest later.
fn pool(problems: &mut Problems<'_>, name: &str, min: u32, max: u32) -> PoolSetup {
    if min > max || max == 0 {
        problems.add(
            &["world", "nodes", name],
            format!("has min {min} and max {max} but max must be at least 1 and not below min"),
        );
    }
    PoolSetup {
        name: name.to_owned(),
        accelerators_per_node: 1,
        min_nodes: min,
        max_nodes: max,
    }
}

fn spread(problems: &mut Problems<'_>, field: &'static str, written: Option<&WrittenSpread>, usual_s: f64) -> Spread {
    let Some(written) = written else {
        return Spread::constant(usual_s);
    };
    let range = (0.0, 86_400.0);
    let median_s = duration(
        problems,
        &["world", field, "median"],
        Some(&written.median),
        usual_s,
        range,
    );
    let p95_s = duration(
        problems,
        &["world", field, "p95"],
        written.p95.as_deref(),
        median_s,
        range,
    );
    if p95_s < median_s {
        problems.add(
            &["world", field, "p95"],
            "is shorter than the median but must be at least as long: one start in twenty takes longer",
        );
    }
    Spread { median_s, p95_s }
}

/// The seconds of a field, within a range of seconds.
pub(super) fn duration(
    problems: &mut Problems<'_>,
    path: &[&str],
    written: Option<&str>,
    usual_s: f64,
    (least_s, most_s): (f64, f64),
) -> f64 {
    let Some(text) = written else {
        return usual_s;
    };
    match span::seconds(text) {
        Ok(seconds) if (least_s..=most_s).contains(&seconds) => return seconds,
        Ok(_) => {
            let name = |s: f64| Span::from_millis((s * 1000.0) as i64);
            let range = format!(
                "is {text:?} but must lie between {} and {}",
                name(least_s),
                name(most_s)
            );
            problems.add(path, range);
        }
        Err(wrong) => problems.add(path, wrong),
    }
    usual_s
}

fn one_of<T: FromStr + Default>(
    problems: &mut Problems<'_>,
    field: &'static str,
    written: Option<&str>,
    names: &str,
) -> T {
    let Some(name) = written else {
        return T::default();
    };
    name.parse().unwrap_or_else(|_| {
        problems.add(&["world", field], format!("is {name:?} but must be {names}"));
        T::default()
    })
}
