//! The score as one JSON document. Pure.

use serde::Serialize;

use super::Report;
use crate::simulate::run::Row;

#[derive(Serialize)]
struct Document<'a> {
    scenario: &'a str,
    hash: &'a str,
    duration_s: f64,
    warm_up_s: f64,
    objects: Vec<Object>,
    results: Vec<Figures<'a>>,
}

/// What an object was given.
#[derive(Serialize)]
struct Object {
    object: String,
    requests_per_second: f64,
    prompt_tokens: f64,
    output_tokens: f64,
    attainment: f64,
}

/// The figures of one policy, seed and object.
#[derive(Serialize)]
struct Figures<'a> {
    policy: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    point: Option<&'a str>,
    seed: u64,
    object: String,
    met: bool,
    attainment: f64,
    attainment_ttft: f64,
    attainment_tpot: f64,
    gpu_hours: f64,
    cost_usd: f64,
    starts: u64,
    replica_changes: u64,
    ttft_p50_ms: f64,
    ttft_p95_ms: f64,
    ttft_p99_ms: f64,
    tpot_p99_ms: f64,
    requests: u64,
    finished: u64,
    rejected: u64,
    aborted: u64,
    unfinished: u64,
    late_ttft_mean_ms: f64,
    late_ttft_p99_ms: f64,
    mean_ready: f64,
}

/// Everything of the table with all its digits that mean something, and more.
pub fn json(report: &Report<'_>) -> String {
    let scenario = report.scenario;
    let object = |object: &crate::simulate::scenario::Object| Object {
        object: object.key.to_string(),
        requests_per_second: digits(object.load.mean_rate(), 4),
        prompt_tokens: digits(object.load.facts.prompt_tokens, 2),
        output_tokens: digits(object.load.facts.output_tokens, 2),
        attainment: object.spec.objectives.attainment.get(),
    };
    let document = Document {
        scenario: &scenario.file,
        hash: &scenario.hash,
        duration_s: digits(scenario.duration_s, 3),
        warm_up_s: digits(scenario.warm_up_s, 3),
        objects: scenario.objects.iter().map(object).collect(),
        results: report.rows.iter().map(figures).collect(),
    };
    // Plain numbers and texts: nothing in it can fail.
    serde_json::to_string_pretty(&document).unwrap_or_default() + "\n"
}

fn figures(row: &Row) -> Figures<'_> {
    let score = &row.score;
    Figures {
        policy: &row.policy,
        point: row.point.as_deref(),
        seed: row.seed,
        object: row.object.to_string(),
        met: row.met,
        attainment: digits(score.attainment, 6),
        attainment_ttft: digits(score.attainment_ttft, 6),
        attainment_tpot: digits(score.attainment_tpot, 6),
        gpu_hours: digits(score.gpu_hours, 3),
        cost_usd: digits(score.cost_usd, 2),
        starts: score.starts,
        replica_changes: score.replica_changes,
        ttft_p50_ms: digits(score.ttft_p50_ms, 1),
        ttft_p95_ms: digits(score.ttft_p95_ms, 1),
        ttft_p99_ms: digits(score.ttft_p99_ms, 1),
        tpot_p99_ms: digits(score.tpot_p99_ms, 2),
        requests: score.requests,
        finished: score.finished,
        rejected: score.rejected,
        aborted: score.aborted,
        unfinished: score.unfinished,
        late_ttft_mean_ms: digits(score.late_ttft_mean_ms, 1),
        late_ttft_p99_ms: digits(score.late_ttft_p99_ms, 1),
        mean_ready: digits(score.mean_ready, 3),
    }
}

fn digits(number: f64, digits: i32) -> f64 {
    let unit = 10_f64.powi(digits);
    (number * unit).round() / unit
}
