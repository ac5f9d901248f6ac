//! The table is the documentation's, and keeps Prometheus' rules of naming.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use super::*;

const BEGIN: &str = "<!-- Written by a test from the exporter's table: INFERSCALE_UPDATE=1 cargo test -p inferscale --lib gpu::metrics -->\n";
const END: &str = "<!-- End of what the test writes. -->\n";

fn table() -> String {
    let mut text = "\n| metric | type | of | meaning | with `--dcgm-names` also |\n|---|---|---|---|---|\n".to_owned();
    for metric in METRICS {
        let of = match metric.figure {
            Figure::Common(_) => "GPU, instance",
            Figure::Whole(_) => "GPU",
        };
        let kind: &str = metric.kind.into();
        let dcgm = metric.dcgm.map(|(name, _)| format!("`{name}`")).unwrap_or_default();
        let _ = writeln!(text, "| `{}` | {kind} | {of} | {} | {dcgm} |", metric.name, metric.help);
    }
    text += "\n| metric | type | labels | meaning |\n|---|---|---|---|\n";
    for special in SPECIALS {
        let kind: &str = special.kind.into();
        let _ = writeln!(
            text,
            "| `{}` | {kind} | {} | {} |",
            special.name, special.labels, special.help
        );
    }
    text + "\n"
}

#[test]
fn the_page_of_the_documentation_is_the_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/gpu-exporter.md");
    let page = fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).expect("the mark of the beginning");
    let (_, after) = rest.split_once(END).expect("the mark of the end");
    let wanted = format!("{before}{BEGIN}{}{END}{after}", table());
    if std::env::var_os("INFERSCALE_UPDATE").is_some() {
        fs::write(&path, wanted).unwrap();
        return;
    }
    assert!(
        page == wanted,
        "docs/gpu-exporter.md is not what the exporter publishes: run INFERSCALE_UPDATE=1 cargo test -p inferscale --lib gpu::metrics"
    );
}

#[test]
fn names_are_unique_and_follow_the_rules_of_prometheus() {
    let all = METRICS.iter().map(|metric| (metric.name, metric.kind, metric.help));
    let all: Vec<_> = all
        .chain(
            SPECIALS
                .iter()
                .map(|special| (special.name, special.kind, special.help)),
        )
        .collect();
    for (name, kind, help) in &all {
        assert!(name.starts_with("inferscale_gpu_") && !name.contains("__"), "{name}");
        assert_eq!(name.ends_with("_total"), *kind == Kind::Counter, "{name}");
        assert!(!help.is_empty() && !help.contains(['\n', '\\', '|']), "{name}: {help}");
    }
    assert_eq!(
        all.iter().map(|(name, ..)| name).collect::<BTreeSet<_>>().len(),
        all.len()
    );
}
