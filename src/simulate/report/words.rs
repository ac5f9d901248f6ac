//! Numbers as people read them. Pure.

use inferscale_core::snapshot::{Objectives, Target};
use inferscale_core::units::Span;

use crate::simulate::scenario::{Object, Scenario};

/// A share with two decimals, rounded down: 98.999 % must not read as a met 99 %.
pub(super) fn percent(share: f64) -> String {
    format!("{:.2} %", ((share * 10_000.0) + 1e-6).floor() / 100.0)
}

/// Milliseconds; seconds from ten on.
pub(super) fn latency(ms: f64) -> String {
    if ms < 9.95 {
        format!("{ms:.1} ms")
    } else if ms < 9_995.0 {
        format!("{ms:.0} ms")
    } else {
        format!("{:.1} s", ms / 1000.0)
    }
}

/// Requests a second.
pub(super) fn rate(rate: f64) -> String {
    if rate < 10.0 {
        format!("{rate:.2}")
    } else {
        format!("{rate:.1}")
    }
}

/// A length of time in whole seconds.
pub(super) fn span(seconds: f64) -> String {
    Span::from_millis((seconds.round() * 1000.0) as i64).to_string()
}

/// Hours and minutes since the start.
pub(super) fn clock(seconds: f64) -> String {
    let minutes = (seconds / 60.0).round() as u64;
    format!("{}:{:02}", minutes / 60, minutes % 60)
}

/// An objective in one line.
pub(super) fn objective(objectives: &Objectives) -> String {
    let name = |target| match target {
        Target::TimeToFirstToken => "first token",
        Target::TimePerOutputToken => "time per output token",
    };
    let targets: Vec<String> = objectives
        .targets
        .iter()
        .map(|o| format!("{} within {}", name(o.target), o.limit))
        .collect();
    format!("{} of the requests: {}", objectives.attainment, targets.join(", "))
}

/// The traffic of an object in one line.
pub(super) fn traffic(object: &Object) -> String {
    format!(
        "{} requests/s on average, {:.0} tokens in and {:.0} out",
        rate(object.load.mean_rate()),
        object.load.facts.prompt_tokens,
        object.load.facts.output_tokens
    )
}

/// What was played, in one line.
pub(super) fn played(scenario: &Scenario) -> String {
    format!(
        "{} simulated, the first {} not scored",
        span(scenario.duration_s),
        span(scenario.warm_up_s)
    )
}
