//! What is generated and committed is what the code says.

use std::path::{Path, PathBuf};

use super::reference;

/// Compares a committed file with what it must hold; writes it where `INFERSCALE_UPDATE` is set.
fn hold(path: &str, content: &str) {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("INFERSCALE_UPDATE").is_some() {
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a writable folder");
        std::fs::write(&path, content).expect("a writable file");
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == content,
        "{} is not what the code says; write it anew with: INFERSCALE_UPDATE=1 cargo test --test api_rules",
        path.display()
    );
}

#[test]
fn the_definitions_in_crds_are_those_of_the_code() {
    let definitions = inferscale::api::definitions();
    for (file, definition) in &definitions {
        hold(
            &format!("crds/{file}"),
            &serde_yaml::to_string(definition).expect("YAML"),
        );
    }
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("crds");
    assert_eq!(
        std::fs::read_dir(dir).expect("crds/").count(),
        definitions.len(),
        "crds/ holds something else too"
    );
}

#[test]
fn the_reference_of_the_api_is_that_of_the_code() {
    hold("docs/reference/api.md", &reference::api());
}

#[test]
fn the_reference_of_the_conditions_is_that_of_the_code() {
    hold("docs/reference/conditions.md", &reference::conditions());
}
