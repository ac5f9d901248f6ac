//! Writing what was prepared: `/scale` by PUT with the resource version that the decision saw. I/O.
//!
//! A conflict is never retried here: somebody changed the target, so the guards must see it first. The watch brings
//! the change, and the next tick decides again.

use std::time::Duration;

use k8s_openapi::api::autoscaling::v1::{Scale, ScaleSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::PostParams;
use kube::core::DynamicObject;
use kube::{Api, Client};

use super::prepare::{Prepared, ScaleWrite};
use crate::runtime::leader::{Leadership, Refused};

/// No request lives longer.
const REQUEST: Duration = Duration::from_secs(2);
/// As it stands in managedFields and in the audit log.
const FIELD_MANAGER: &str = "inferscale-scale";

/// What became of one write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The API server took it.
    Written,
    /// The target has changed since the decision; the next one sees the change.
    Conflict,
    /// The target is gone.
    Gone,
    /// The operator's role does not allow it.
    Forbidden(String),
    /// It was too late to write it.
    Expired,
    /// Another operator leads by now.
    NotLeader,
    /// Nothing is given back while an increase of the same decision did not come through.
    Withheld,
    /// Anything else, in the API server's words or the connection's.
    Failed(String),
}

/// One write and what became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    /// What was to be written.
    pub write: ScaleWrite,
    /// What became of it.
    pub outcome: Outcome,
}

/// What the API server answered.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Applied {
    /// Every write of the [`Prepared`], in its order.
    pub scales: Vec<Written>,
}

impl Applied {
    /// Whether a write did not come through that should be tried again by a new decision.
    pub fn unsettled(&self) -> bool {
        self.scales.iter().any(|s| s.outcome != Outcome::Written)
    }
}

/// Writes what was prepared, one after the other. Never fails as a whole: every write has its own outcome.
pub async fn apply(client: &Client, leadership: &Leadership, prepared: Prepared) -> Applied {
    let Prepared {
        object,
        decision: _,
        warrant,
        writes,
    } = prepared;
    let mut applied = Applied::default();
    let mut lacking = false;
    for write in writes {
        let grows = write.to > write.from;
        let outcome = match leadership.changes(&warrant) {
            Err(Refused::Expired) => Outcome::Expired,
            Err(Refused::NotLeader) => Outcome::NotLeader,
            Ok(()) if lacking && !grows => Outcome::Withheld,
            Ok(()) => tokio::time::timeout(REQUEST, put(client, &object.namespace, &write))
                .await
                .unwrap_or_else(|_| Outcome::Failed(format!("no answer within {REQUEST:?}"))),
        };
        lacking |= grows && outcome != Outcome::Written;
        applied.scales.push(Written { write, outcome });
    }
    applied
}

async fn put(client: &Client, namespace: &str, write: &ScaleWrite) -> Outcome {
    let target = &write.target;
    // A scale without replicas would be read as zero.
    let Ok(replicas) = i32::try_from(write.to) else {
        return Outcome::Failed(format!("{} replicas are more than a scale can say", write.to));
    };
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &target.resource);
    let scale = Scale {
        metadata: ObjectMeta {
            name: Some(target.name.clone()),
            namespace: Some(namespace.to_owned()),
            resource_version: Some(target.resource_version.clone()),
            ..ObjectMeta::default()
        },
        spec: Some(ScaleSpec {
            replicas: Some(replicas),
        }),
        status: None,
    };
    let params = PostParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PostParams::default()
    };
    match api.replace_scale(&target.name, &params, &scale).await {
        Ok(_) => Outcome::Written,
        Err(kube::Error::Api(status)) => match status.code {
            409 => Outcome::Conflict,
            404 => Outcome::Gone,
            403 => Outcome::Forbidden(status.message.clone()),
            _ => Outcome::Failed(status.message.clone()),
        },
        Err(error) => Outcome::Failed(error.to_string()),
    }
}

#[cfg(test)]
#[path = "apply_tests.rs"]
mod tests;
