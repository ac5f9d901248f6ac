//! The performance profiles: those that the binary carries, and the administrator's own.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use inferscale_core::performance::Profile;

use super::error::{ConfigError, Problem};
use super::names::UnknownName;
use super::{embedded, files};

/// Every known profile, by its name `model/accelerator/precision`: the path of its file without the ending.
#[derive(Debug, Clone, PartialEq)]
pub struct Profiles {
    profiles: BTreeMap<String, Arc<Profile>>,
}

impl Profiles {
    /// Those that the binary carries.
    ///
    /// # Errors
    /// When one of them is wrong; a test keeps it from happening.
    pub fn embedded() -> Result<Self, ConfigError> {
        let mut profiles = Self {
            profiles: BTreeMap::new(),
        };
        for (name, text) in embedded::PROFILES {
            profiles.add(name, text, &format!("profiles/{name}.yaml"))?;
        }
        Ok(profiles)
    }

    /// Those that the binary carries, then those in a folder: one with a known name takes its place.
    ///
    /// # Errors
    /// When the folder cannot be read, or a file in it is wrong.
    pub fn load(directory: Option<&Path>) -> Result<Self, ConfigError> {
        let mut profiles = Self::embedded()?;
        if let Some(directory) = directory {
            let shown = directory.display().to_string();
            for (name, text) in files::read_folder(directory)? {
                profiles.add(&name, &text, &format!("{shown}/{name}.yaml"))?;
            }
        }
        Ok(profiles)
    }

    fn add(&mut self, name: &str, text: &str, file: &str) -> Result<(), ConfigError> {
        let invalid = |problems| ConfigError::Invalid {
            file: file.to_owned(),
            problems,
        };
        let profile: Profile = serde_yaml::from_str(text).map_err(|error| {
            invalid(vec![Problem {
                path: String::new(),
                message: error.to_string(),
            }])
        })?;
        let problems = check(&profile);
        if !problems.is_empty() {
            return Err(invalid(problems));
        }
        self.profiles.insert(name.to_owned(), Arc::new(profile));
        Ok(())
    }

    /// The profile of that name.
    ///
    /// # Errors
    /// When there is none; the error names the close and the known ones.
    pub fn get(&self, name: &str) -> Result<&Arc<Profile>, UnknownName> {
        self.profiles
            .get(name)
            .ok_or_else(|| UnknownName::new("profile", name, self.profiles.keys().map(String::as_str)))
    }

    /// All names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.profiles.keys().map(String::as_str)
    }
}

/// What no measurement can be: the sizing divides by these.
fn check(profile: &Profile) -> Vec<Problem> {
    let step = &profile.step;
    let mut problems = Vec::new();
    let mut wrong = |path: &str, message: String| {
        problems.push(Problem {
            path: path.into(),
            message,
        });
    };
    for (field, value) in [
        ("floorMs", step.floor_ms),
        ("cMs", step.c_ms),
        ("dMsPerSequence", step.d_ms_per_sequence),
        ("eMsPerKvToken", step.e_ms_per_kv_token),
        ("gMsPerPrefillToken", step.g_ms_per_prefill_token),
        ("hMsPerPrefillTokenContext", step.h_ms_per_prefill_token_context),
    ] {
        if !(value.is_finite() && value >= 0.0) {
            wrong(
                &format!("step.{field}"),
                format!("{value} is not a time: write 0 or more"),
            );
        }
    }
    if step.floor_ms <= 0.0 && step.c_ms <= 0.0 {
        wrong(
            "step",
            "floorMs and cMs are both 0: a step that takes no time serves any load".into(),
        );
    }
    if profile.kv_capacity_tokens == 0 {
        wrong(
            "kvCapacityTokens",
            "0 holds no request: write the tokens that fit".into(),
        );
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tempdir::Folder;

    const PROFILE: &str = "
model: Tiny
accelerator: Slide-Rule
precision: int8
step: {floorMs: 0, cMs: 5, dMsPerSequence: 0.1, eMsPerKvToken: 0.0001, gMsPerPrefillToken: 0.05, hMsPerPrefillTokenContext: 0}
kvCapacityTokens: 1000
source: {dataset: none, licence: Apache-2.0, fit: {medianErrorPercent: 0, worstErrorPercent: 0}}
";

    #[test]
    fn every_embedded_profile_is_sound() {
        Profiles::embedded().unwrap();
    }

    #[test]
    fn a_folder_adds_profiles_named_by_their_path() {
        let folder = Folder::new();
        folder.write("tiny/slide-rule/int8.yaml", PROFILE);
        let profiles = Profiles::load(Some(folder.path())).unwrap();
        assert_eq!(profiles.get("tiny/slide-rule/int8").unwrap().kv_capacity_tokens, 1000);
    }

    #[test]
    fn an_unknown_profile_names_the_close_one() {
        let folder = Folder::new();
        folder.write("tiny/slide-rule/int8.yaml", PROFILE);
        let profiles = Profiles::load(Some(folder.path())).unwrap();
        let error = profiles.get("tiny/slide-rule/int4").unwrap_err().to_string();
        assert!(error.contains("did you mean \"tiny/slide-rule/int8\"?"), "{error}");
    }

    #[test]
    fn every_impossible_number_is_named() {
        let folder = Folder::new();
        let bad = PROFILE
            .replace("cMs: 5", "cMs: -5")
            .replace("dMsPerSequence: 0.1", "dMsPerSequence: .nan")
            .replace("kvCapacityTokens: 1000", "kvCapacityTokens: 0");
        folder.write("bad.yaml", &bad);
        let error = Profiles::load(Some(folder.path())).unwrap_err().to_string();
        for part in [
            "step.cMs: -5 is not",
            "step.dMsPerSequence: NaN is not",
            "kvCapacityTokens: 0 holds",
        ] {
            assert!(error.contains(part), "{part} not in: {error}");
        }
    }

    #[test]
    fn a_misspelt_field_is_named_with_its_place() {
        let folder = Folder::new();
        folder.write("bad.yaml", &PROFILE.replace("kvCapacityTokens", "kvCapacity"));
        let error = Profiles::load(Some(folder.path())).unwrap_err().to_string();
        assert!(error.contains("unknown field `kvCapacity`"), "{error}");
    }
}
