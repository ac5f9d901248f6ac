//! The section of the documentation.

use std::fmt::Write;

use crate::errors::{Errors, Fidelity};

/// What is wanted of the medians, alone and with the scalar.
const WANTED: (f64, f64) = (0.15, 0.05);

/// Why a configuration stays far off, as far as it is known.
const CAUSES: [(&str, &str); 7] = [
    (
        "llama-3.1-70b/b200/fp8",
        "first tokens later than the kernels take: these runs are of October 2025, the tables of vLLM 0.24",
    ),
    (
        "llama-3.1-70b/b200/fp8-tp2",
        "probably the all-reduce: the tables sum it as a step of its own, the server had it fused; tokens come faster, prompts slower",
    ),
    (
        "llama-3.1-70b/b200/fp8-tp4",
        "the same, and more so; the measured first token is later here than with half the GPUs",
    ),
    (
        "llama-3.1-70b/b200/nvfp4-tp2",
        "first tokens later than the kernels take, as on the other B200",
    ),
    (
        "llama-3.1-8b/h200/fp8",
        "its publisher's concurrency is not what was offered: 94,000 prompt tokens/s is more than a prefill alone can do",
    ),
    (
        "qwen3-32b/h100/bf16-tp2",
        "equal lengths march in step, how its client breaks the step is not published; engine of vLLM 0.12",
    ),
    (
        "phi-4-mini/a100/bf16",
        "no table of this model, and a server of August 2025 that is bound by its CPU from 150 sequences on",
    ),
];

pub fn markdown(all: &[Fidelity], alone: Errors, scaled: Errors) -> String {
    let mut text = String::from(
        "| configuration | runs | TTFT | TPOT | tokens/s | scalar | TTFT | TPOT | tokens/s |\n|---|---|---|---|---|---|---|---|---|\n",
    );
    for f in all {
        let c = &f.configuration;
        let note = if c.note.is_empty() {
            String::new()
        } else {
            format!(" ({})", c.note)
        };
        let (runs, scalar) = (c.runs.len(), f.scalar);
        let (before, after) = (row(f.alone), row(f.scaled));
        writeln!(text, "| {}{note} | {runs} | {before} | {scalar:.2} | {after} |", c.name).unwrap();
    }
    let (before, after) = (row(alone), row(scaled));
    writeln!(text, "| **median** | | {before} | | {after} |").unwrap();
    let (first, second) = (percent(WANTED.0), percent(WANTED.1));
    writeln!(
        text,
        "| wanted | | {first} | {first} | {first} | | {second} | {second} | {second} |\n"
    )
    .unwrap();
    text.push_str("Off by more than 10 % even with the scalar, and why:\n\n");
    for f in all.iter().filter(|f| worst(f.scaled) > 2.0 * WANTED.1) {
        let name = &f.configuration.name;
        let cause = CAUSES
            .iter()
            .find(|(n, _)| n == name)
            .map_or("not known", |(_, cause)| cause);
        writeln!(text, "- {name}: {cause}.").unwrap();
    }
    text
}

fn worst(e: Errors) -> f64 {
    [e.ttft, e.tpot, e.throughput]
        .into_iter()
        .filter(|e| e.is_finite())
        .fold(0.0, f64::max)
}

fn row(e: Errors) -> String {
    format!("{} | {} | {}", percent(e.ttft), percent(e.tpot), percent(e.throughput))
}

fn percent(share: f64) -> String {
    if share.is_finite() {
        format!("{:.0} %", 100.0 * share)
    } else {
        "-".to_owned()
    }
}
