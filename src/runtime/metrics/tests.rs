use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use inferscale_core::snapshot::{ObjectKey, Target};
use inferscale_core::units::{Ratio, Span, Time, UsdPerHour};

use super::*;
use crate::config::{MetricsSource, Presets};
use crate::observe::prometheus::{Limits, Source};

fn key(name: &str) -> ObjectKey {
    ObjectKey {
        namespace: "prod".into(),
        name: name.into(),
    }
}

fn object() -> ObjectMetrics {
    ObjectMetrics {
        variants: vec![VariantMetrics {
            variant: "a100".into(),
            desired: 4,
            ready: 3,
            starting: 1,
            draining: 0,
        }],
        demand: Some(12.5),
        capacity: Some(18.0),
        objectives: vec![ObjectiveMetrics {
            target: Target::TimeToFirstToken,
            limit: Span::from_millis(500),
            attained: Some(Ratio::clamped(0.994)),
        }],
        hourly_cost: UsdPerHour::new(27.52),
        reason: Some("ScaledUp".into()),
        signals: vec![SignalMetrics {
            signal: "running",
            age: Some(Span::from_millis(1500)),
            coverage: Some(Ratio::clamped(0.75)),
        }],
    }
}

/// The lines of all samples.
fn samples(metrics: &OperatorMetrics) -> BTreeSet<String> {
    let text = metrics.encode().unwrap();
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .map(str::to_owned)
        .collect()
}

#[test]
fn an_object_shows_what_is_known_of_it() {
    let metrics = OperatorMetrics::new();
    metrics.set_object(key("chat"), object());
    let lines = samples(&metrics);
    for line in [
        r#"inferscale_desired_replicas{namespace="prod",name="chat",variant="a100"} 4.0"#,
        r#"inferscale_ready_replicas{namespace="prod",name="chat",variant="a100"} 3.0"#,
        r#"inferscale_starting_replicas{namespace="prod",name="chat",variant="a100"} 1.0"#,
        r#"inferscale_draining_replicas{namespace="prod",name="chat",variant="a100"} 0.0"#,
        r#"inferscale_demand_requests_per_second{namespace="prod",name="chat"} 12.5"#,
        r#"inferscale_capacity_requests_per_second{namespace="prod",name="chat"} 18.0"#,
        r#"inferscale_objective_attained_ratio{namespace="prod",name="chat",objective="timeToFirstToken"} 0.994"#,
        r#"inferscale_objective_target_seconds{namespace="prod",name="chat",objective="timeToFirstToken"} 0.5"#,
        r#"inferscale_hourly_cost_usd{namespace="prod",name="chat"} 27.52"#,
        r#"inferscale_decision{namespace="prod",name="chat",reason="ScaledUp"} 1.0"#,
        r#"inferscale_signal_age_seconds{namespace="prod",name="chat",signal="running"} 1.5"#,
        r#"inferscale_signal_coverage_ratio{namespace="prod",name="chat",signal="running"} 0.75"#,
    ] {
        assert!(lines.contains(line), "{line} is not in {lines:#?}");
    }
}

#[test]
fn what_is_unknown_is_not_shown_as_zero() {
    let metrics = OperatorMetrics::new();
    let unknown = ObjectMetrics {
        demand: Some(f64::NAN),
        ..ObjectMetrics::default()
    };
    metrics.set_object(key("chat"), unknown);
    assert!(samples(&metrics).iter().all(|line| !line.contains("chat")));
}

#[test]
fn a_renamed_variant_and_a_deleted_object_leave_nothing_behind() {
    let metrics = OperatorMetrics::new();
    metrics.set_object(key("chat"), object());
    metrics.set_object(key("other"), object());
    let mut renamed = object();
    renamed.variants[0].variant = "h100".into();
    metrics.set_object(key("chat"), renamed);
    assert!(
        samples(&metrics)
            .iter()
            .all(|line| !(line.contains("chat") && line.contains("a100")))
    );
    metrics.forget(&key("chat"));
    assert!(samples(&metrics).iter().all(|line| !line.contains("chat")));
    metrics.retain(|_| false);
    assert!(samples(&metrics).iter().all(|line| !line.contains("other")));
}

#[test]
fn a_name_cannot_break_out_of_its_label() {
    let metrics = OperatorMetrics::new();
    let mut object = object();
    object.reason = Some("a\"} 1\nup{x=\"".into());
    metrics.set_object(key("chat"), object);
    let text = metrics.encode().unwrap();
    assert!(text.contains(r#"reason="a\"} 1\nup{x=\"""#), "{text}");
}

#[test]
fn a_source_that_was_read_is_counted() {
    let presets = Presets::embedded().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    // Nobody listens on port 1.
    let source = Source::new(&MetricsSource::new("default", "http://127.0.0.1:1")).unwrap();
    let collected = runtime.block_on(source.collect(
        presets.engine("vLLM").unwrap(),
        &Limits::default(),
        Time::from_millis(0),
        Span::from_secs(1),
    ));
    let metrics = OperatorMetrics::new();
    metrics.collected("default", &collected);
    metrics.collected("default", &collected);
    let lines = samples(&metrics);
    let line = r#"inferscale_queries_total{source="default",signal="running",outcome="unreachable"} 2"#;
    assert!(lines.contains(line), "{lines:#?}");
    assert!(lines.contains(r#"inferscale_query_duration_seconds_count{source="default"} 16"#));
}

/// Metrics of which every family has at least one sample.
fn everything() -> OperatorMetrics {
    use crate::observe::prometheus::{Asked, Collected, DroppedSamples};
    let metrics = OperatorMetrics::new();
    metrics.set_object(key("chat"), object());
    metrics.tick(Time::from_millis(1_700_000_000_000), Duration::from_millis(20));
    metrics.reconciled(Outcome::Ok);
    metrics.wrote("scale", Outcome::Conflict);
    metrics.held("evidence");
    metrics.leads(true);
    metrics.collected(
        "default",
        &Collected {
            asked: vec![Asked {
                signal: crate::config::Signal::Running,
                took: Duration::from_millis(5),
                failed: None,
            }],
            warnings: 1,
            dropped: DroppedSamples::one_of_each(),
            ..Collected::default()
        },
    );
    metrics
}

/// The page, from the text that Prometheus gets.
fn page(text: &str) -> String {
    let mut families: BTreeMap<&str, (&str, &str)> = BTreeMap::new();
    let mut labels: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut order: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut family = "";
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap();
            families.entry(name).or_default().1 = help;
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            families.entry(name).or_default().0 = kind;
            family = name;
        } else if let Some((name, rest)) = line.split_once('{') {
            assert!(name.starts_with(family), "{name} stands under {family}");
            let (inside, _) = rest.rsplit_once('}').unwrap();
            for label in inside.split(',').filter_map(|pair| pair.split_once('=')) {
                if label.0 != "le" && labels.entry(family).or_default().insert(label.0) {
                    order.entry(family).or_default().push(label.0);
                }
            }
        }
    }
    let mut page = String::from(
        "# Metrics of the operator\n\n\
         <!-- Written by a test from the operator's registry: INFERSCALE_UPDATE=1 cargo test -p inferscale --lib runtime::metrics -->\n\n\
         The operator serves these on `listen.metrics` (see [configuration](configuration.md)) under `/metrics`, in the\n\
         OpenMetrics text format. What is unknown is absent, never 0.\n\n\
         The labels `namespace` and `name` are those of the InferenceDeployment: scrape with `honor_labels: true`\n\
         (`honorLabels` in a ServiceMonitor or PodMonitor), or Prometheus renames `namespace` to `exported_namespace`.\n\n\
         | metric | type | labels | meaning |\n|---|---|---|---|\n",
    );
    for (name, (kind, help)) in families {
        let suffix = match kind {
            "counter" => "_total",
            "info" => "_info",
            _ => "",
        };
        let labels: Vec<String> = order
            .get(name)
            .into_iter()
            .flatten()
            .map(|label| format!("`{label}`"))
            .collect();
        let help = help.strip_suffix('.').unwrap_or(help);
        writeln!(page, "| `{name}{suffix}` | {kind} | {} | {help} |", labels.join(", ")).unwrap();
    }
    page.push_str("\n## Values of labels\n\n");
    for (label, values) in [
        (
            "`outcome` of `inferscale_queries_total`",
            format!("ok, {}", crate::observe::prometheus::FailureClass::LABELS.join(", ")),
        ),
        (
            "`outcome` elsewhere",
            <Outcome as strum::VariantNames>::VARIANTS.join(", "),
        ),
        (
            "`cause`",
            <crate::observe::prometheus::DropCause as strum::VariantNames>::VARIANTS.join(", "),
        ),
        (
            "`signal`",
            <crate::config::Signal as strum::VariantNames>::VARIANTS.join(", "),
        ),
    ] {
        writeln!(page, "- {label}: {values}").unwrap();
    }
    page
}

#[test]
fn the_reference_page_is_what_the_registry_holds() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference/metrics.md");
    let page = page(&everything().encode().unwrap());
    if std::env::var_os("INFERSCALE_UPDATE").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == page,
        "docs/reference/metrics.md is not what the registry holds: run INFERSCALE_UPDATE=1 cargo test -p inferscale --lib runtime::metrics"
    );
}

#[test]
fn every_metric_says_what_it_is_and_bears_our_name() {
    let text = everything().encode().unwrap();
    let (mut names, mut helped) = (BTreeSet::new(), BTreeSet::new());
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            names.insert(rest.split(' ').next().unwrap());
        } else if let Some(rest) = line.strip_prefix("# HELP ") {
            helped.insert(rest.split(' ').next().unwrap());
        }
    }
    assert_eq!(names, helped);
    assert!(names.len() >= 20 && names.iter().all(|name| name.starts_with("inferscale_")));
}
