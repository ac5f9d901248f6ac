//! Writes the list of the YAML files that the binary carries: `presets/engines/` and `profiles/`.
//!
//! A preset or a profile is data: adding a file is all it takes. The list holds paths relative to the manifest, so
//! that two builds in different folders give the same binary.

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").ok_or("cargo sets no CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo sets no OUT_DIR")?);
    let mut list = String::new();
    for (constant, folder) in [("ENGINES", "presets/engines"), ("PROFILES", "profiles")] {
        println!("cargo::rerun-if-changed={folder}");
        let mut names = Vec::new();
        walk(&root.join(folder), "", &mut names)?;
        names.sort();
        writeln!(list, "pub(super) const {constant}: &[(&str, &str)] = &[")?;
        for name in names {
            let path = format!("/{folder}/{name}.yaml");
            writeln!(
                list,
                "    ({name:?}, include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), {path:?}))),"
            )?;
        }
        writeln!(list, "];")?;
    }
    fs::write(out.join("embedded.rs"), list)?;
    Ok(())
}

/// The YAML files below `folder`, as `sub/folder/name` without the ending.
fn walk(folder: &Path, prefix: &str, names: &mut Vec<String>) -> Result<(), Box<dyn Error>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(format!("{}: {error}", folder.display()).into()),
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_str().ok_or("a file name here is not UTF-8")?;
        if name.starts_with('.') {
            continue;
        }
        if entry.file_type()?.is_dir() {
            walk(&entry.path(), &format!("{prefix}{name}/"), names)?;
        } else if let Some(stem) = name.strip_suffix(".yaml") {
            names.push(format!("{prefix}{stem}"));
        }
    }
    Ok(())
}
