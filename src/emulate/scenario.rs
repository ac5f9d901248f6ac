//! Reads `world.yaml`: which load plays on which pods, how fast. I/O: the file and the traces it names.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use inferscale_core::units::Span;
use serde::Deserialize;

use super::timelapse::Rescale;
use crate::api::Duration;
use crate::api::units::Range;
use crate::config::{ConfigError, Problem};

/// A world is written by hand.
const MOST_BYTES: u64 = 1 << 20;
/// A faster play leaves a replica no time to serve anything.
const MOST_SPEED: f64 = 1000.0;
/// More than one process can emulate.
const MOST_RATE: f64 = 10_000.0;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Written {
    #[serde(default = "one")]
    speed: f64,
    #[serde(default)]
    seed: u64,
    loads: BTreeMap<String, WrittenLoad>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WrittenLoad {
    trace: PathBuf,
    rate: Option<WrittenRate>,
    pods: Pods,
    #[serde(default)]
    spread: Spread,
    #[serde(default)]
    targets: WrittenTargets,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WrittenRate {
    peak: Option<f64>,
    factor: Option<f64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WrittenTargets {
    time_to_first_token: Option<Duration>,
    time_per_output_token: Option<Duration>,
}

fn one() -> f64 {
    1.0
}

/// The pods that serve a load.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Pods {
    /// Their namespace.
    pub namespace: String,
    /// Labels that all of them carry.
    pub match_labels: BTreeMap<String, String>,
}

/// How requests are spread over ready pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub enum Spread {
    /// To the pod with the fewest requests, running or waiting, as a gateway does.
    #[default]
    LeastLoaded,
    /// In turn, as a plain Service does on average.
    RoundRobin,
}

/// Latency limits that the summary counts against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Targets {
    /// From arrival at the router to the first token.
    pub time_to_first_token: Option<Span>,
    /// Mean over the tokens after the first.
    pub time_per_output_token: Option<Span>,
}

/// One load, as it will be played.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadSpec {
    /// Its name: that of the InferenceDeployment that it is meant for.
    pub name: String,
    /// The file with its trace.
    pub trace: PathBuf,
    /// What becomes of the trace's rate.
    pub rescale: Rescale,
    /// Who serves it.
    pub pods: Pods,
    /// How it is spread.
    pub spread: Spread,
    /// What it is counted against.
    pub targets: Targets,
}

/// Everything that is played.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// How many seconds of a trace pass in one: 1 = real time.
    pub speed: f64,
    /// For the draws of the time-lapse.
    pub seed: u64,
    /// The loads, by name.
    pub loads: Vec<LoadSpec>,
}

impl Scenario {
    /// Reads a file; the traces are relative to it.
    ///
    /// # Errors
    /// The file cannot be read, is no YAML of this form, or says what cannot be.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let unreadable = |reason: String| ConfigError::Unreadable {
            path: path.display().to_string(),
            reason,
        };
        let size = fs::metadata(path).map_err(|e| unreadable(e.to_string()))?.len();
        if size > MOST_BYTES {
            return Err(unreadable(format!(
                "it has {size} bytes, at most {MOST_BYTES} are read"
            )));
        }
        let text = fs::read_to_string(path).map_err(|e| unreadable(e.to_string()))?;
        Self::parse(
            &path.display().to_string(),
            &text,
            path.parent().unwrap_or(Path::new("")),
        )
    }

    /// Reads a text; `file` names it in errors, `folder` is where its traces are.
    ///
    /// # Errors
    /// It is no YAML of this form, or says what cannot be.
    pub fn parse(file: &str, text: &str, folder: &Path) -> Result<Self, ConfigError> {
        let invalid = |problems| ConfigError::Invalid {
            file: file.to_owned(),
            problems,
        };
        let written: Written = serde_yaml::from_str(text).map_err(|error| {
            invalid(vec![Problem {
                path: String::new(),
                message: error.to_string(),
            }])
        })?;
        let mut problems = Problems(Vec::new());
        problems.positive("speed", written.speed, MOST_SPEED);
        if written.loads.is_empty() {
            problems.add(
                "loads",
                "it is empty: name at least one load, such as `chat: {trace: ..., pods: ...}`",
            );
        }
        let load = |(name, load): (String, WrittenLoad)| load.checked(name, folder, &mut problems);
        let loads = written.loads.into_iter().map(load).collect();
        if problems.0.is_empty() {
            Ok(Self {
                speed: written.speed,
                seed: written.seed,
                loads,
            })
        } else {
            Err(invalid(problems.0))
        }
    }
}

impl WrittenLoad {
    fn checked(self, name: String, folder: &Path, problems: &mut Problems) -> LoadSpec {
        let at = |field: &str| format!("loads.{name}.{field}");
        let rescale = match self.rate {
            None => Rescale::Factor(1.0),
            Some(WrittenRate {
                peak: Some(peak),
                factor: None,
            }) => {
                problems.positive(&at("rate.peak"), peak, MOST_RATE);
                Rescale::Peak(peak)
            }
            Some(WrittenRate {
                peak: None,
                factor: Some(factor),
            }) => {
                problems.positive(&at("rate.factor"), factor, MOST_RATE);
                Rescale::Factor(factor)
            }
            Some(_) => {
                problems.add(
                    &at("rate"),
                    "it must have either peak or factor, not both and not neither",
                );
                Rescale::Factor(1.0)
            }
        };
        if self.pods.match_labels.is_empty() {
            problems.add(
                &at("pods.matchLabels"),
                "it is empty and would match every pod: name a label of the pods",
            );
        }
        let range = Range {
            min: "1ms",
            max: "1h",
            such_as: "500ms",
        };
        let mut span = |field: &str, written: Option<Duration>| {
            let read = written?.span(&at(field), range);
            read.map_err(|error| problems.add("", &error.to_string())).ok()
        };
        let targets = Targets {
            time_to_first_token: span("targets.timeToFirstToken", self.targets.time_to_first_token),
            time_per_output_token: span("targets.timePerOutputToken", self.targets.time_per_output_token),
        };
        LoadSpec {
            trace: folder.join(self.trace),
            rescale,
            pods: self.pods,
            spread: self.spread,
            targets,
            name,
        }
    }
}

struct Problems(Vec<Problem>);

impl Problems {
    fn add(&mut self, path: &str, message: &str) {
        self.0.push(Problem {
            path: path.to_owned(),
            message: message.to_owned(),
        });
    }

    fn positive(&mut self, path: &str, value: f64, most: f64) {
        if !(value > 0.0 && value <= most) {
            self.add(path, &format!("{value} must be a number above 0 and at most {most}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn parse(text: &str) -> Result<Scenario, String> {
        Scenario::parse("world.yaml", text, Path::new("e2e/demo")).map_err(|e| e.to_string())
    }

    #[test]
    fn the_demos_own_world_plays_an_hour_in_four_minutes() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("e2e/demo/world.yaml");
        let world = Scenario::read(&path).unwrap();
        let load = &world.loads[0];
        let trace = crate::trace::requests::read(&load.trace).unwrap();
        let played = crate::emulate::timelapse::arrivals(&trace, world.speed, load.rescale, world.seed);
        let seconds = played.last().unwrap().at_ms / 1000.0;
        assert!(
            (200.0..235.0).contains(&seconds) && played.len() > 2000,
            "{} in {seconds} s",
            played.len()
        );
    }

    #[test]
    fn reads_a_whole_one() {
        let world = parse(
            "speed: 15\nseed: 3\nloads:\n  chat:\n    trace: traces/chat.csv.gz\n    rate: {peak: 25}\n    \
             pods: {namespace: demo, matchLabels: {app: chat}}\n    spread: RoundRobin\n    \
             targets: {timeToFirstToken: 1s, timePerOutputToken: 50ms}\n",
        )
        .unwrap();
        let load = &world.loads[0];
        assert_eq!((world.speed, world.seed, load.name.as_str()), (15.0, 3, "chat"));
        assert_eq!(load.trace, Path::new("e2e/demo/traces/chat.csv.gz"));
        assert_eq!((load.rescale, load.spread), (Rescale::Peak(25.0), Spread::RoundRobin));
        assert_eq!(load.targets.time_per_output_token, Some(Span::from_millis(50)));
    }

    #[rstest]
    #[case(
        "speed: 0\nloads: {a: {trace: t, pods: {namespace: n, matchLabels: {a: b}}}}",
        "speed: 0 must be a number above 0 and at most 1000"
    )]
    #[case(
        "loads: {}",
        "loads: it is empty: name at least one load, such as `chat: {trace: ..., pods: ...}`"
    )]
    #[case(
        "loads: {a: {trace: t, pods: {namespace: n, matchLabels: {}}}}",
        "loads.a.pods.matchLabels: it is empty and would match every pod: name a label of the pods"
    )]
    #[case(
        "loads: {a: {trace: t, rate: {}, pods: {namespace: n, matchLabels: {a: b}}}}",
        "loads.a.rate: it must have either peak or factor, not both and not neither"
    )]
    #[case(
        "loads: {a: {trace: t, rate: {peak: .nan}, pods: {namespace: n, matchLabels: {a: b}}}}",
        "loads.a.rate.peak: NaN must be a number above 0 and at most 10000"
    )]
    #[case(
        "loads: {a: {trace: t, pods: {namespace: n, matchLabels: {a: b}}, targets: {timeToFirstToken: 5}}}",
        "timeToFirstToken is \"5\" but must be a duration"
    )]
    #[case(
        "loads: {a: {trace: t, pods: {namespace: n, matchLabels: {a: b}}, targets: {timeToFirstToken: 2d}}}",
        "timeToFirstToken is \"2d\" but must be a duration"
    )]
    #[case(
        "loads: {a: {trace: t, pods: {namespace: n, matchLabels: {a: b}}, burst: 1}}",
        "unknown field `burst`, expected one of `trace`, `rate`, `pods`, `spread`, `targets`"
    )]
    fn says_what_is_wrong_and_how_to_put_it_right(#[case] text: &str, #[case] message: &str) {
        let error = parse(text).unwrap_err();
        assert!(error.contains(message), "{error}");
        assert!(error.starts_with("world.yaml has 1 error:"), "{error}");
    }
}
