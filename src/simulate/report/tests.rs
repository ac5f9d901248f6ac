//! The three reports of one small run.

use std::path::Path;

use super::*;
use crate::simulate::progress::Progress;
use crate::simulate::run::{self, Wanted};

/// The example's hour under two policies; the name of a policy that would break a page that does not escape.
fn reported(make: impl Fn(&Report<'_>) -> String) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/simulate/chat.yaml");
    let mut scenario = Scenario::read(&path).unwrap();
    scenario.file = "<b>chat.yaml</b>".into();
    scenario.duration_s = 900.0;
    let wanted = Wanted {
        policies: ["inferscale", "static:2"].map(|policy| policy.parse().unwrap()).into(),
        seeds: vec![1],
        jobs: 2,
        timeline: true,
    };
    let rows = run::run(&scenario, &wanted, &Progress::hidden()).unwrap();
    make(&Report {
        scenario: &scenario,
        rows: &rows,
    })
}

#[test]
fn the_table_has_a_line_a_policy_in_the_order_asked_for() {
    let table = reported(table);
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines[0], "<b>chat.yaml</b>: 15m simulated, the first 5m not scored");
    assert!(
        lines[1].starts_with("default/chat: 20.0 requests/s on average"),
        "{table}"
    );
    assert!(lines[3].starts_with("POLICY"), "{table}");
    assert!(
        lines[4].starts_with("inferscale ") && lines[5].starts_with("static:2 "),
        "{table}"
    );
}

#[test]
fn the_json_has_the_promised_figures_of_every_policy() {
    let document: serde_json::Value = serde_json::from_str(&reported(json)).unwrap();
    assert_eq!(document["results"].as_array().unwrap().len(), 2);
    for row in document["results"].as_array().unwrap() {
        for figure in [
            "policy",
            "object",
            "seed",
            "attainment",
            "attainment_ttft",
            "attainment_tpot",
            "gpu_hours",
            "cost_usd",
            "starts",
            "replica_changes",
            "ttft_p50_ms",
            "ttft_p95_ms",
            "ttft_p99_ms",
            "tpot_p99_ms",
        ] {
            assert!(!row[figure].is_null(), "{figure} in {row}");
        }
    }
    // Two replicas for 15 minutes; the price of the manifest.
    let fixed = &document["results"][1];
    assert!((fixed["gpu_hours"].as_f64().unwrap() - 0.5).abs() < 0.25, "{fixed}");
    let price = fixed["cost_usd"].as_f64().unwrap() / fixed["gpu_hours"].as_f64().unwrap();
    assert!((price - 3.43).abs() < 0.05, "{price}");
}

#[test]
fn the_page_needs_nothing_else_and_lets_no_text_become_markup() {
    let page = reported(html);
    for outside in ["http:", "https:", "src=", "href=", "@import", "url(//"] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert!(!page.contains("<b>") && page.contains("&lt;b&gt;chat.yaml"));
    assert_eq!(page.matches("<svg").count(), 2);
    for tag in [
        "section", "article", "svg", "details", "table", "script", "output", "clipPath", "circle",
    ] {
        let opened = page.matches(&format!("<{tag} ")).count() + page.matches(&format!("<{tag}>")).count();
        assert_eq!(opened, page.matches(&format!("</{tag}>")).count(), "{tag}");
    }
    assert!(!page.contains("NaN") && !page.contains("inf "), "a number that is none");
}
