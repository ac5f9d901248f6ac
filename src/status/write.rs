//! When a status is worth a write, and the write. I/O in [`write`] only.

use std::fmt::Debug;
use std::time::Duration;

use kube::api::{Patch, PatchParams};
use kube::{Api, Resource};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::api::{Condition, ConditionStatus, InferenceDeploymentStatus};

/// No request lives longer.
const REQUEST: Duration = Duration::from_secs(2);
const FIELD_MANAGER: &str = "inferscale-status";

/// Whether somebody would act on the difference: generation, counts, a condition, a reason, a decision, or a number
/// that has become known.
pub fn differs(a: &InferenceDeploymentStatus, b: &InferenceDeploymentStatus) -> bool {
    a.observed_generation != b.observed_generation
        || a.replicas != b.replicas
        || a.decision.as_ref().map(|d| (&d.id, &d.reason)) != b.decision.as_ref().map(|d| (&d.id, &d.reason))
        || a.history != b.history
        || a.applied_limits != b.applied_limits
        || known(a) != known(b)
        || conditions_differ(&a.conditions, &b.conditions)
}

/// Which of the slowly moving numbers are there at all, and which targets are met.
fn known(status: &InferenceDeploymentStatus) -> impl PartialEq {
    let variants = status.variants.iter();
    let targets = status.objectives.iter();
    (
        status.accelerators,
        status.hourly_cost.is_some(),
        variants
            .map(|v| (v.name.clone(), v.capacity.is_some(), v.hourly_cost.is_some()))
            .collect::<Vec<_>>(),
        targets
            .map(|o| (o.name.clone(), o.target.clone(), o.met))
            .collect::<Vec<_>>(),
    )
}

/// Whether only slowly moving numbers differ: cost, capacity, shares, messages. Written now and then.
pub fn differs_slowly(a: &InferenceDeploymentStatus, b: &InferenceDeploymentStatus) -> bool {
    a != b
}

/// Whether a condition came, went, or changed its status, its reason, or the generation it is about; where the user
/// must act, also whether it says something else to do.
pub fn conditions_differ(a: &[Condition], b: &[Condition]) -> bool {
    let facts = |all: &[Condition]| -> Vec<_> {
        all.iter()
            .map(|c| {
                let acts = ["Stalled", "Conflicted"].contains(&c.type_.as_str()) && c.status == ConditionStatus::True;
                let message = acts.then(|| c.message.clone());
                (
                    c.type_.clone(),
                    c.status,
                    c.reason.clone(),
                    c.observed_generation,
                    message,
                )
            })
            .collect()
    };
    facts(a) != facts(b)
}

/// How a status is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// By server-side apply, so that a field that is left out goes away.
    Apply,
    /// By a merge, for an object that breaks its schema: the API server cannot compute an apply on it.
    Merge,
}

/// Whose status is written.
#[derive(Debug, Clone, Copy)]
pub struct Addressee<'a> {
    /// Group and version.
    pub api_version: &'a str,
    /// Kind.
    pub kind: &'a str,
    /// Name.
    pub name: &'a str,
    /// The resource version that was read; a precondition, so that what is late goes over nothing newer.
    pub version: Option<&'a str>,
}

/// Writes a status.
///
/// # Errors
/// When the API server refuses it, or does not answer within two seconds.
pub async fn write<K, S>(api: &Api<K>, to: Addressee<'_>, status: &S, how: How) -> Result<(), WriteError>
where
    K: Resource + Clone + DeserializeOwned + Debug,
    S: Serialize,
{
    let Addressee {
        api_version,
        kind,
        name,
        version,
    } = to;
    let mut metadata = json!({"name": name});
    if let (Some(version), Some(fields)) = (version, metadata.as_object_mut()) {
        fields.insert("resourceVersion".to_owned(), version.into());
    }
    let patch = json!({"apiVersion": api_version, "kind": kind, "metadata": metadata, "status": status});
    let (params, patch) = match how {
        How::Apply => (PatchParams::apply(FIELD_MANAGER).force(), Patch::Apply(&patch)),
        How::Merge => (
            PatchParams {
                field_manager: Some(FIELD_MANAGER.to_owned()),
                ..PatchParams::default()
            },
            Patch::Merge(&patch),
        ),
    };
    match tokio::time::timeout(REQUEST, api.patch_status(name, &params, &patch)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(WriteError::Refused(Box::new(error))),
        Err(_) => Err(WriteError::NoAnswer),
    }
}

/// A status was not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The API server refused it.
    #[error("the status was refused")]
    Refused(#[source] Box<kube::Error>),
    /// It did not answer in time.
    #[error("no answer within two seconds")]
    NoAnswer,
}

impl WriteError {
    /// Whether the object has changed since it was read.
    pub fn is_conflict(&self) -> bool {
        self.code() == Some(409)
    }

    fn code(&self) -> Option<u16> {
        match self {
            Self::Refused(error) => match error.as_ref() {
                kube::Error::Api(status) => Some(status.code),
                _ => None,
            },
            Self::NoAnswer => None,
        }
    }

    /// Whether the API server finds that what would be stored breaks the schema or a rule.
    pub fn is_invalid(&self) -> bool {
        self.code() == Some(422)
    }
}

#[cfg(test)]
#[path = "write_tests.rs"]
mod tests;
