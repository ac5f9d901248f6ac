//! The engine presets: those that the binary carries, and the administrator's own.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::engine::EnginePreset;
use super::error::{ConfigError, Problem};
use super::names::UnknownName;
use super::{embedded, files};

/// Every known engine preset, by name.
#[derive(Debug, Clone, PartialEq)]
pub struct Presets {
    engines: BTreeMap<String, Arc<EnginePreset>>,
}

impl Presets {
    /// Those that the binary carries.
    ///
    /// # Errors
    /// When one of them is wrong; a test keeps it from happening.
    pub fn embedded() -> Result<Self, ConfigError> {
        let mut presets = Self {
            engines: BTreeMap::new(),
        };
        presets.add(
            embedded::ENGINES
                .iter()
                .map(|(name, text)| (format!("presets/engines/{name}.yaml"), (*text).to_owned())),
        )?;
        Ok(presets)
    }

    /// Those that the binary carries, then those in `engines/` of a folder: one with a known name takes its place.
    ///
    /// # Errors
    /// When the folder cannot be read, or a file in it is wrong.
    pub fn load(directory: Option<&Path>) -> Result<Self, ConfigError> {
        let mut presets = Self::embedded()?;
        if let Some(directory) = directory {
            let folder = directory.join("engines");
            let shown = folder.display().to_string();
            let found = files::read_folder(&folder)?;
            presets.add(
                found
                    .into_iter()
                    .map(|(name, text)| (format!("{shown}/{name}.yaml"), text)),
            )?;
        }
        Ok(presets)
    }

    /// Adds files of one folder; within it a name may stand once.
    fn add(&mut self, files: impl Iterator<Item = (String, String)>) -> Result<(), ConfigError> {
        let mut here: BTreeMap<String, String> = BTreeMap::new();
        for (file, text) in files {
            let preset = EnginePreset::parse(&text, &file)?;
            if let Some(first) = here.insert(preset.name.clone(), file.clone()) {
                return Err(ConfigError::Invalid {
                    file,
                    problems: vec![Problem {
                        path: "name".into(),
                        message: format!("{:?} is also the name in {first}: give each its own", preset.name),
                    }],
                });
            }
            self.engines.insert(preset.name.clone(), Arc::new(preset));
        }
        Ok(())
    }

    /// The preset of an engine.
    ///
    /// # Errors
    /// When there is none of that name; the error lists those that there are.
    pub fn engine(&self, name: &str) -> Result<&Arc<EnginePreset>, UnknownName> {
        self.engines
            .get(name)
            .ok_or_else(|| UnknownName::new("engine preset", name, self.engines.keys().map(String::as_str)))
    }

    /// All of them, sorted by name.
    pub fn engines(&self) -> impl Iterator<Item = &Arc<EnginePreset>> {
        self.engines.values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Kind, Signal};

    const SGLANG: &str = "
name: SGLang
port: 30000
aggregate: {perPod: [dp_rank, tp_rank]}
signals:
  running: {metric: \"sglang:num_running_reqs\", kind: gauge}
";

    fn folder(files: &[(&str, &str)]) -> tempdir::Folder {
        let folder = tempdir::Folder::new();
        for (path, text) in files {
            folder.write(path, text);
        }
        folder
    }

    #[test]
    fn the_binary_carries_vllm_with_every_signal() {
        let presets = Presets::embedded().unwrap();
        let vllm = presets.engine("vLLM").unwrap();
        let all: Vec<Signal> = <Signal as strum::IntoEnumIterator>::iter().collect();
        assert_eq!(vllm.signals.keys().copied().collect::<Vec<_>>(), all);
        let Kind::Histogram { edges } = &vllm.signals[&Signal::TimeToFirstToken].kind else {
            panic!("time to first token must be a histogram");
        };
        assert_eq!(edges.len(), 22);
    }

    #[test]
    fn an_engine_is_added_by_a_file_alone() {
        let folder = folder(&[("engines/sglang.yaml", SGLANG)]);
        let presets = Presets::load(Some(folder.path())).unwrap();
        assert_eq!(presets.engine("SGLang").unwrap().port, 30000);
        assert!(presets.engine("vLLM").is_ok());
    }

    #[test]
    fn the_same_name_takes_the_place_of_the_embedded_one() {
        let folder = folder(&[("engines/mine.yaml", &SGLANG.replace("SGLang", "vLLM"))]);
        let presets = Presets::load(Some(folder.path())).unwrap();
        assert_eq!(presets.engine("vLLM").unwrap().port, 30000);
    }

    #[test]
    fn two_files_of_one_name_are_refused() {
        let folder = folder(&[("engines/a.yaml", SGLANG), ("engines/b.yaml", SGLANG)]);
        let error = Presets::load(Some(folder.path())).unwrap_err().to_string();
        assert!(error.contains("name: \"SGLang\" is also the name in"), "{error}");
    }

    #[test]
    fn a_missing_folder_is_an_error_that_names_it() {
        let folder = folder(&[]);
        let error = Presets::load(Some(folder.path())).unwrap_err().to_string();
        assert!(error.contains("/engines: "), "{error}");
    }

    #[test]
    fn an_unknown_engine_names_the_close_one() {
        let presets = Presets::embedded().unwrap();
        let error = presets.engine("vllm").unwrap_err().to_string();
        assert_eq!(
            error,
            "there is no engine preset \"vllm\"; did you mean \"vLLM\"?; known: vLLM"
        );
    }

    use crate::config::tempdir;
}
