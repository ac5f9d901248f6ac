//! `inferscale crd` as a user runs it.

use std::path::Path;
use std::process::{Command, Output};

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use serde::Deserialize;

fn crd(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_inferscale"))
        .arg("crd")
        .args(arguments)
        .output()
        .expect("the program")
}

#[test]
fn prints_every_definition_as_one_stream() {
    let output = crd(&[]);
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).expect("text");
    let names: Vec<_> = serde_yaml::Deserializer::from_str(&text)
        .map(|document| {
            CustomResourceDefinition::deserialize(document)
                .expect("a definition")
                .metadata
                .name
        })
        .collect();
    let expected = inferscale::api::definitions()
        .into_iter()
        .map(|(_, d)| d.metadata.name)
        .collect::<Vec<_>>();
    assert_eq!(names, expected);
}

#[test]
fn writes_what_is_committed() {
    let dir = std::env::temp_dir().join(format!("inferscale-crd-{}", std::process::id()));
    let output = crd(&["--dir", dir.join("new").to_str().expect("a path")]);
    assert!(output.status.success(), "{output:?}");
    for (file, _) in inferscale::api::definitions() {
        let written = std::fs::read_to_string(dir.join("new").join(file)).expect(file);
        let committed = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("crds").join(file));
        assert!(written == committed.expect(file), "{file} differs");
    }
    std::fs::remove_dir_all(dir).expect("removable");
}

#[test]
fn names_the_directory_that_it_cannot_write() {
    let output = crd(&["--dir", "/proc/inferscale"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    let error = String::from_utf8(output.stderr).expect("text");
    assert!(
        error.starts_with("error: cannot create the directory /proc/inferscale: "),
        "{error}"
    );
}
