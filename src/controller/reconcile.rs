//! The reconcile recipe of one object: its part of the plan, prepare, apply, report. I/O.

use std::sync::Arc;
use std::time::Duration;

use kube::runtime::controller::Action;
use kube::runtime::events::Event;
use kube::{Api, Resource, ResourceExt};

use super::context::{Context, Guarded};
use super::published::Published;
use crate::act::{Applied, Outcome as Wrote, apply, prepare};
use crate::api::{GROUP, InferenceDeployment, InferenceDeploymentStatus, Reason, VERSION};
use crate::observe::{Invalid, Valid, key_of};
use crate::runtime::chain::Chain;
use crate::runtime::clock;
use crate::runtime::leader::Refused;
use crate::runtime::metrics::Outcome;
use crate::status::{self, Addressee, How, View, WriteError};

/// After somebody else wrote the object at the same moment.
const AGAIN: Duration = Duration::from_secs(1);
/// No request lives longer.
const REQUEST: Duration = Duration::from_secs(2);
/// No event is waited for longer.
const EVENT: Duration = Duration::from_secs(2);

/// An object with what was found of it.
pub type Validated = (Arc<InferenceDeployment>, Result<Valid, Invalid>);

/// A reconcile that did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The status was not written.
    #[error("cannot write the status")]
    Status(#[source] WriteError),
    /// Another operator leads by now; it reports what it finds.
    #[error("nothing more is written")]
    Superseded(#[from] Refused),
}

/// Reconciles one object with the newest plan.
///
/// # Errors
/// When the status could not be written; what the API server says to a scale is an outcome, and part of the status.
pub async fn reconcile(guarded: Arc<Guarded>, context: Arc<Context>) -> Result<Action, Error> {
    let outcome = recipe(&guarded, &context).await;
    context.metrics.reconciled(match &outcome {
        Ok(true) => Outcome::Ok,
        Ok(false) | Err(Error::Superseded(_)) => Outcome::Unchanged,
        Err(Error::Status(error)) if error.is_conflict() => Outcome::Conflict,
        Err(Error::Status(_)) => Outcome::Error,
    });
    match outcome {
        Err(Error::Superseded(_)) | Ok(_) => Ok(Action::await_change()),
        // The watch brings what has changed; then everything is judged anew.
        Err(Error::Status(error)) if error.is_conflict() => Ok(Action::requeue(AGAIN)),
        Err(error) => Err(error),
    }
}

/// After an error: the next tick reconciles again anyway; this is for when ticks are far apart.
#[expect(clippy::needless_pass_by_value, reason = "the controller's signature")]
pub fn on_error(guarded: Arc<Guarded>, error: &Error, _context: Arc<Context>) -> Action {
    tracing::warn!(object = %key_of(guarded.as_ref()), error = %Chain(error), "cannot reconcile; trying again");
    Action::requeue(Duration::from_secs(10))
}

/// Whether anything was written.
async fn recipe(guarded: &Guarded, context: &Context) -> Result<bool, Error> {
    let Some(epoch) = context.leadership.epoch() else {
        return Ok(false);
    };
    let object = match &guarded.0 {
        Ok(object) => object,
        Err(malformed) => {
            let why = Invalid {
                reason: Reason::Malformed,
                message: format!("the stored object breaks the schema: {}", malformed.error),
            };
            return stalled(guarded, context, epoch, &why, guarded.meta().generation, None).await;
        }
    };
    let Some(published) = context.latest.borrow().clone() else {
        return Ok(false);
    };
    let key = key_of(object);
    if let Some((generation, invalid)) = published.invalid(&key) {
        return stalled(guarded, context, epoch, invalid, *generation, object.status.as_ref()).await;
    }
    let Some(view) = published.view(&key) else {
        return Ok(false);
    };
    if object.metadata.deletion_timestamp.is_some() || object.metadata.generation != Some(view.plan.generation) {
        // The workload keeps serving as it is; an edited object has its own early tick coming.
        return Ok(false);
    }
    // What was planned while another one led is not carried out: the tick that follows the change plans again.
    if published.epoch != Some(epoch) {
        return Ok(false);
    }
    let long = 2 * context.config.timing.tick;
    let warrant = context.leadership.warrant(epoch, published.decided, long)?;
    let prepared = prepare(&key, view.plan, view.beside, warrant);
    let applied = apply(&context.client, &context.leadership, prepared).await;
    log(&key.to_string(), &published, &view, &applied);
    count(context, &applied);
    let wrote = report(object, context, epoch, &view, &applied).await?;
    Ok(wrote || !applied.scales.is_empty())
}

/// Reports an object that cannot be decided on.
async fn stalled(
    guarded: &Guarded,
    context: &Context,
    epoch: i32,
    why: &Invalid,
    generation: Option<i64>,
    before: Option<&InferenceDeploymentStatus>,
) -> Result<bool, Error> {
    let now = clock::now();
    let mut new = before.cloned().unwrap_or_default();
    new.conditions = status::merge(status::invalid(why), &new.conditions, generation, now);
    new.observed_generation = generation;
    let key = key_of(guarded);
    let said = format!("{generation:?}: {}", why.message);
    let known = match before {
        Some(before) => !status::differs(before, &new),
        // What stands in the status of a malformed object cannot be read: remember what was said.
        None => context.written.has_said(&key, &said),
    };
    if known {
        return Ok(false);
    }
    let how = if guarded.0.is_ok() { How::Apply } else { How::Merge };
    match write(guarded, context, epoch, &new, how).await {
        // While the spec breaks one of its rules, the API server refuses every status: an event must do.
        Err(Error::Status(error)) if guarded.0.is_err() && error.is_invalid() => {}
        written => written?,
    }
    context.written.said(&key, &said);
    let events = status::transitions(before.map_or(&[], |b| &b.conditions), &new.conditions);
    publish(guarded, context, epoch, events).await;
    Ok(true)
}

/// Writes the status when it is worth it, and the events that go with it.
async fn report(
    object: &InferenceDeployment,
    context: &Context,
    epoch: i32,
    view: &View<'_>,
    applied: &Applied,
) -> Result<bool, Error> {
    let told = match tell(object, context, epoch, view, applied).await {
        // Somebody wrote the object meanwhile. What was scaled must be told all the same, beside what stands there now.
        Err(Error::Status(error)) if error.is_conflict() => match read_again(object, context).await {
            Some(now) => tell(&now, context, epoch, view, applied).await,
            None => Err(Error::Status(error)),
        },
        told => told,
    };
    // What was scaled is told even when the status cannot be written.
    publish(object, context, epoch, status::events(view.plan, applied)).await;
    let Some(turned) = told? else {
        return Ok(false);
    };
    context.written.done(&key_of(object));
    publish(object, context, epoch, turned).await;
    Ok(true)
}

/// Writes the status of `object` when it is worth it, and gives the events of conditions that have turned.
async fn tell(
    object: &InferenceDeployment,
    context: &Context,
    epoch: i32,
    view: &View<'_>,
    applied: &Applied,
) -> Result<Option<Vec<Event>>, Error> {
    let before = object.status.clone().unwrap_or_default();
    let new = status::report(view, applied, &before, clock::now());
    let due = || context.written.due(&key_of(object));
    let worth = status::differs(&before, &new) || (status::differs_slowly(&before, &new) && due());
    if !worth {
        return Ok(None);
    }
    write(object, context, epoch, &new, How::Apply).await?;
    Ok(Some(status::transitions(&before.conditions, &new.conditions)))
}

/// The same object as it is now; `None` = it is another one by now, gone, malformed, or cannot be read.
async fn read_again(object: &InferenceDeployment, context: &Context) -> Option<InferenceDeployment> {
    let api: Api<Guarded> = Api::namespaced(context.client.clone(), &object.namespace().unwrap_or_default());
    let read = tokio::time::timeout(REQUEST, api.get(&object.name_any())).await;
    let now = read.ok()?.ok()?.0.ok()?;
    (now.metadata.uid == object.metadata.uid).then_some(now)
}

async fn write<K>(
    object: &K,
    context: &Context,
    epoch: i32,
    status: &InferenceDeploymentStatus,
    how: How,
) -> Result<(), Error>
where
    K: ResourceExt,
{
    context.leadership.reports(epoch)?;
    let namespace = object.namespace().unwrap_or_default();
    // A guarded read of the answer: it may be as malformed as what is stored.
    let api: Api<Guarded> = Api::namespaced(context.client.clone(), &namespace);
    let to = Addressee {
        api_version: &format!("{GROUP}/{VERSION}"),
        kind: "InferenceDeployment",
        name: &object.name_any(),
        version: object.meta().resource_version.as_deref(),
    };
    let outcome = status::write(&api, to, status, how).await;
    context.metrics.wrote(
        "status",
        match &outcome {
            Ok(()) => Outcome::Ok,
            Err(error) if error.is_conflict() => Outcome::Conflict,
            Err(_) => Outcome::Error,
        },
    );
    outcome.map_err(Error::Status)
}

async fn publish<K>(object: &K, context: &Context, epoch: i32, events: Vec<Event>)
where
    K: Resource<DynamicType = ()>,
{
    let reference = object.object_ref(&());
    for event in events {
        if context.leadership.reports(epoch).is_err() {
            return;
        }
        // An event is a courtesy: without it the status still says the same.
        match tokio::time::timeout(EVENT, context.recorder.publish(&event, &reference)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, reason = event.reason, "cannot write an event"),
            Err(_) => tracing::debug!(reason = event.reason, "no answer to an event within {EVENT:?}"),
        }
    }
}

fn log(key: &str, published: &Published, view: &View<'_>, applied: &Applied) {
    for written in &applied.scales {
        let decision = &view.plan.decision;
        tracing::info!(
            object = key,
            decision = decision.id,
            variant = written.write.variant,
            from = written.write.from,
            to = written.write.to,
            reason = %decision.reason,
            outcome = ?written.outcome,
            at = published.plan.at.as_millis(),
            "{}",
            decision.message
        );
    }
}

fn count(context: &Context, applied: &Applied) {
    for written in &applied.scales {
        let outcome = match written.outcome {
            Wrote::Written => Outcome::Ok,
            Wrote::Conflict => Outcome::Conflict,
            Wrote::Expired | Wrote::NotLeader | Wrote::Withheld => Outcome::Unchanged,
            Wrote::Gone | Wrote::Forbidden(_) | Wrote::Failed(_) => Outcome::Error,
        };
        context.metrics.wrote("scale", outcome);
    }
}

#[cfg(test)]
#[path = "reconcile_tests.rs"]
mod tests;
