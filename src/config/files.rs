//! Bounded reads of configuration files. The only file I/O of this module.

use std::fmt::Display;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use super::error::{ConfigError, Problem};

/// No configuration file is larger: a `ConfigMap` cannot hold more.
const MOST_BYTES: u64 = 1 << 20;
/// No folder of presets or profiles holds more files, all levels together.
const MOST_FILES: usize = 2000;
/// `model/accelerator/precision` and room for two more.
const MOST_LEVELS: usize = 5;

fn unreadable(path: &Path, reason: &dyn Display) -> ConfigError {
    ConfigError::Unreadable {
        path: path.display().to_string(),
        reason: reason.to_string(),
    }
}

/// The text of a file, at most 1 MiB.
pub(crate) fn read(path: &Path) -> Result<String, ConfigError> {
    let file = File::open(path).map_err(|error| unreadable(path, &error))?;
    let mut text = Vec::new();
    file.take(MOST_BYTES + 1)
        .read_to_end(&mut text)
        .map_err(|error| unreadable(path, &error))?;
    if text.len() as u64 > MOST_BYTES {
        return Err(unreadable(path, &"it is larger than 1Mi, the most that is read"));
    }
    String::from_utf8(text).map_err(|error| ConfigError::Invalid {
        file: path.display().to_string(),
        problems: vec![Problem {
            path: String::new(),
            message: format!(
                "byte {} is not UTF-8: save the file as UTF-8",
                error.utf8_error().valid_up_to()
            ),
        }],
    })
}

/// The YAML files below a folder as (`sub/folder/name` without the ending, text), sorted by name. Names that start
/// with a dot are left out: a mounted `ConfigMap` keeps its versions under such names.
pub(super) fn read_folder(folder: &Path) -> Result<Vec<(String, String)>, ConfigError> {
    let mut found = Vec::new();
    walk(folder, "", MOST_LEVELS, &mut found)?;
    found.sort_unstable();
    Ok(found)
}

fn walk(folder: &Path, prefix: &str, levels: usize, found: &mut Vec<(String, String)>) -> Result<(), ConfigError> {
    for entry in fs::read_dir(folder).map_err(|error| unreadable(folder, &error))? {
        let path = entry.map_err(|error| unreadable(folder, &error))?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            return Err(unreadable(&path, &"its name is not UTF-8: rename it"));
        };
        if name.starts_with('.') {
            continue;
        }
        // Follows links, which is how a ConfigMap is mounted.
        let kind = fs::metadata(&path).map_err(|error| unreadable(&path, &error))?;
        if kind.is_dir() {
            let Some(levels) = levels.checked_sub(1) else {
                return Err(unreadable(&path, &"it lies more than five folders deep: move it up"));
            };
            walk(&path, &format!("{prefix}{name}/"), levels, found)?;
        } else if let Some(stem) = name.strip_suffix(".yaml").or_else(|| name.strip_suffix(".yml")) {
            if found.len() >= MOST_FILES {
                return Err(unreadable(
                    folder,
                    &"it holds more than 2000 files, the most that are read",
                ));
            }
            found.push((format!("{prefix}{stem}"), read(&path)?));
        }
    }
    Ok(())
}
