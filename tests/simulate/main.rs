//! `inferscale simulate` as people and scripts run it: exit codes, files, and the same bytes twice.
#![allow(clippy::unwrap_used)] // Helpers of tests are tests, too.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A folder of this test, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("inferscale-simulate-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn bytes(&self, file: &str) -> Vec<u8> {
        std::fs::read(self.0.join(file)).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn simulate(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_inferscale"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["simulate", "-f", "examples/simulate/chat.yaml"])
        .args(arguments)
        .output()
        .unwrap()
}

#[test]
fn the_same_seed_gives_the_same_bytes_whatever_runs_beside_it() {
    let (one, two) = (Folder::new("one"), Folder::new("two"));
    let run = |folder: &Path, jobs: &str| {
        let folder = folder.to_str().unwrap();
        let output = simulate(&[
            "--policy",
            "inferscale,keda-queue,clairvoyant",
            "--format",
            "html",
            "--out",
            folder,
            "--jobs",
            jobs,
        ]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(
            output.stderr.is_empty(),
            "no bar where nobody looks: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        output.stdout
    };
    assert_eq!(run(&one.0, "1"), run(&two.0, "3"));
    for file in ["results.json", "report.html"] {
        assert!(one.bytes(file) == two.bytes(file), "{file} differs");
    }
}

#[test]
fn another_seed_gives_other_figures_and_several_give_a_row_each() {
    let output = simulate(&["--policy", "static:4", "--seed", "1,2", "--format", "json"]);
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let rows = document["results"].as_array().unwrap();
    assert_eq!(
        (rows.len(), rows[0]["seed"].as_u64(), rows[1]["seed"].as_u64()),
        (2, Some(1), Some(2))
    );
    assert_ne!(rows[0]["attainment"], rows[1]["attainment"]);
}

#[test]
fn wrong_usage_exits_with_two_and_a_bad_file_with_one() {
    let usage = simulate(&["--policy", "hpa"]);
    assert_eq!(usage.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&usage.stderr).contains("policy 'hpa' is not known"));
    let missing = simulate(&["-f", "nowhere.yaml"]);
    assert_eq!(missing.status.code(), Some(2), "-f twice is wrong usage");
    let folder = Folder::new("bad");
    let file = folder.0.join("s.yaml");
    std::fs::write(&file, "seed: many\n").unwrap();
    let bad = Command::new(env!("CARGO_BIN_EXE_inferscale"))
        .args(["simulate", "-f"])
        .arg(&file)
        .output()
        .unwrap();
    assert_eq!(bad.status.code(), Some(1));
    let said = String::from_utf8_lossy(&bad.stderr).into_owned();
    assert!(
        said.contains("s.yaml:1:7: seed: invalid type: string \"many\""),
        "{said}"
    );
}
