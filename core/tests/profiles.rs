//! Every profile in `profiles/` can be read and could be true.

#![allow(clippy::unwrap_used, clippy::panic)] // the whole file is a test

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use inferscale_core::performance::Profile;

/// All profiles by their name, such as `llama-3.1-8b/a100/bf16`.
fn shipped() -> BTreeMap<String, Profile> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../profiles");
    let mut files = Vec::new();
    collect(&root, &mut files);
    let read = |path: &PathBuf| {
        let text = fs::read_to_string(path).unwrap();
        let profile = serde_yaml::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let name = path.strip_prefix(&root).unwrap().with_extension("");
        (name.to_string_lossy().into_owned(), profile)
    };
    files.iter().map(read).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|e| e == "yaml") {
            files.push(path);
        }
    }
}

#[test]
fn every_one_is_read_whole_and_plausible() {
    let all = shipped();
    assert!(
        all.len() >= 10 && all.contains_key("llama-3.1-8b/a100/bf16"),
        "{:?}",
        all.keys()
    );
    for (name, profile) in &all {
        assert_eq!(name.split('/').count(), 3, "{name}: model/accelerator/precision");
        assert_eq!(profile.step.unsound(), None, "{name}");
        let lone = profile.step.step(1.0, 1000.0, 0.0, 0.0);
        assert!(
            (1.0..100.0).contains(&lone),
            "{name}: a lone sequence takes {lone} ms a token"
        );
        let crowd = profile.step.step(128.0, 128_000.0, 0.0, 0.0);
        assert!(
            crowd > lone && crowd < 20.0 * lone,
            "{name}: batching pays: {lone} ms alone, {crowd} ms for 128"
        );
        let prompt = profile.step.step(0.0, 0.0, 4096.0, 2048.0);
        assert!(
            (4.0..3000.0).contains(&prompt),
            "{name}: a prompt of 4096 tokens takes {prompt} ms"
        );
        assert!((20_000..5_000_000).contains(&profile.kv_capacity_tokens), "{name}");
        let fit = profile.source.fit;
        assert!(
            fit.median_error_percent <= 10.0 && fit.worst_error_percent <= 50.0,
            "{name}: {fit:?}"
        );
        assert_eq!(profile.source.licence, "Apache-2.0", "{name}");
    }
}

#[test]
fn writing_one_and_reading_it_again_changes_nothing() {
    for (name, profile) in shipped() {
        let text = serde_yaml::to_string(&profile).unwrap();
        assert_eq!(serde_yaml::from_str::<Profile>(&text).unwrap(), profile, "{name}");
    }
}

/// What the accelerators cost must buy something: a newer one, and a smaller number format, is faster.
#[test]
fn they_rank_as_the_hardware_does() {
    let all = shipped();
    let chat_step = |name: &str| all[name].step.step(64.0, 64_000.0, 512.0, 512.0);
    let from_slow_to_fast = ["l40s/bf16", "a100/bf16", "h100/bf16", "h100/fp8"];
    let steps: Vec<f64> = from_slow_to_fast
        .iter()
        .map(|n| chat_step(&format!("llama-3.1-8b/{n}")))
        .collect();
    assert!(steps.windows(2).all(|w| w[0] > w[1]), "{steps:?}");
}
