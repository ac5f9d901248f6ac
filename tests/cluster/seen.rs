//! What was seen of a model at one moment: its InferenceDeployment as anybody can read it, and its workload.

use std::time::Instant;

use serde_json::Value;

/// One moment.
#[derive(Debug, Clone)]
pub struct Seen {
    pub at: Instant,
    object: Value,
    workload: Value,
}

impl Default for Seen {
    fn default() -> Self {
        Self {
            at: Instant::now(),
            object: Value::Null,
            workload: Value::Null,
        }
    }
}

impl Seen {
    pub fn set_object(&mut self, object: Value) {
        (self.at, self.object) = (Instant::now(), object);
    }

    pub fn set_workload(&mut self, workload: Value) {
        (self.at, self.workload) = (Instant::now(), workload);
    }

    /// A value of the InferenceDeployment.
    pub fn get(&self, pointer: &str) -> &Value {
        self.object.pointer(pointer).unwrap_or(&Value::Null)
    }

    /// Replicas that are ordered of the workload.
    pub fn replicas(&self) -> Option<i64> {
        self.workload.pointer("/spec/replicas")?.as_i64()
    }

    pub fn desired(&self) -> Option<i64> {
        self.get("/status/replicas/desired").as_i64()
    }

    pub fn ready(&self) -> Option<i64> {
        self.get("/status/replicas/ready").as_i64()
    }

    /// The reason of the decision.
    pub fn reason(&self) -> &str {
        self.get("/status/decision/reason").as_str().unwrap_or_default()
    }

    /// Whether the status is about the newest edit.
    pub fn is_current(&self) -> bool {
        let generation = self.get("/metadata/generation");
        generation.is_i64() && self.get("/status/observedGeneration") == generation
    }

    /// Status, reason and message of a condition.
    pub fn condition(&self, type_: &str) -> Option<(&str, &str, &str)> {
        let all = self.get("/status/conditions").as_array()?;
        let condition = all.iter().find(|c| c["type"] == type_)?;
        Some((
            condition["status"].as_str()?,
            condition["reason"].as_str()?,
            condition["message"].as_str()?,
        ))
    }

    pub fn is(&self, type_: &str, status: &str, reason: &str) -> bool {
        self.condition(type_)
            .is_some_and(|(s, r, _)| (s, r) == (status, reason))
    }

    /// Everything that the object says of itself, for people.
    pub fn status(&self) -> String {
        let spec = serde_yaml::to_string(&self.object["spec"]).unwrap_or_default();
        let status = serde_yaml::to_string(&self.object["status"]).unwrap_or_default();
        format!(
            "replicas ordered: {:?}\nspec:\n{spec}status:\n{status}",
            self.replicas()
        )
    }

    /// The same in one line.
    pub fn line(&self, since: Instant) -> String {
        let conditions: Vec<String> = ["Ready", "Active", "SignalsFresh", "ObjectiveMet"]
            .iter()
            .filter_map(|type_| Some(format!("{type_}={}", self.condition(type_)?.1)))
            .collect();
        format!(
            "{:6.2} s  ordered {:?} desired {:?} ready {:?} {} {}",
            self.at.duration_since(since).as_secs_f64(),
            self.replicas(),
            self.desired(),
            self.ready(),
            self.reason(),
            conditions.join(" "),
        )
    }
}
