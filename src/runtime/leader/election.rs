//! The election: looks at the Lease, takes, renews, releases it as [`evaluate`] says. I/O.
//!
//! Who waits sees a release by the watch, at once; a look every two seconds stands beside it, for a watch may be silent
//! for reasons of its own.

use std::sync::Arc;

use futures::{Stream, StreamExt};
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::PostParams;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::claim::Standing;
use super::evaluate::{Action, State, evaluate};
use super::identity::Identity;
use super::record::{Observed, Record};
use super::{LEASE, REQUEST, RETRY};
use crate::observe::cluster;
use crate::runtime::chain::Chain;
use crate::runtime::clock;
use crate::runtime::metrics::{OperatorMetrics, Outcome};
use crate::runtime::readiness::Part;

/// A request about the Lease did not come through.
#[derive(Debug, thiserror::Error)]
pub enum ElectionError {
    /// Somebody else wrote it, or it is gone.
    #[error("the Lease has changed")]
    Conflict,
    /// The role of the operator does not allow it.
    #[error("leaderElection.namespace: no right to {verb} Leases there: bind the Role of docs/operations/rbac.md")]
    Forbidden {
        /// What was tried.
        verb: &'static str,
    },
    /// The API server refused it, or the connection broke.
    #[error("the API server refused it")]
    Refused(#[source] Box<kube::Error>),
    /// It did not answer in time.
    #[error("no answer within two seconds")]
    NoAnswer,
}

/// One candidate.
pub struct Election {
    api: Api<Lease>,
    me: Identity,
    state: State,
    standing: watch::Sender<Standing>,
    /// Told when this operator begins to lead: a decision is due at once.
    gained: Arc<Notify>,
    metrics: Arc<OperatorMetrics>,
    /// Ready once the Lease could be read.
    part: Part,
}

impl Election {
    /// A candidate for the Lease in `namespace`, which stands where `standing` says.
    pub fn new(
        client: Client,
        namespace: &str,
        me: Identity,
        standing: watch::Sender<Standing>,
        gained: Arc<Notify>,
        metrics: Arc<OperatorMetrics>,
        part: Part,
    ) -> Self {
        standing.send_replace(Standing::Standby);
        Self {
            api: Api::namespaced(client, namespace),
            state: State::new(me.as_str()),
            me,
            standing,
            gained,
            metrics,
            part,
        }
    }

    /// Stands for election until `stop`, then gives the Lease back.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut news = Box::pin(news(self.api.clone()));
        let mut next_look = Instant::now();
        loop {
            let now = Instant::now();
            let until = match evaluate(&self.state, now) {
                Action::Look => {
                    next_look = now + RETRY;
                    self.look().await;
                    continue;
                }
                Action::Create { epoch } => {
                    self.write(epoch, None).await;
                    continue;
                }
                Action::Take { epoch, version } | Action::Renew { epoch, version } => {
                    self.write(epoch, Some(version)).await;
                    continue;
                }
                Action::Wait(until) => until,
            };
            self.publish();
            let leading = self.state.claim().is_some();
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep_until(until) => {}
                // A holder learns by its own writes.
                () = tokio::time::sleep_until(next_look), if !leading => {
                    next_look = Instant::now() + RETRY;
                    self.look().await;
                }
                Some(seen) = news.next() => self.notice(seen),
            }
        }
        self.release().await;
    }

    /// Reads the Lease.
    async fn look(&mut self) {
        let found = match answer("get", self.api.get(LEASE)).await {
            Ok(lease) => Ok(Some(Observed::of(lease))),
            // There is none.
            Err(ElectionError::Conflict) => Ok(None),
            Err(error) => Err(error),
        };
        match found {
            Ok(lease) => {
                self.part.ready();
                self.state.observe(lease, Instant::now());
            }
            Err(error) => {
                self.state.trying(Instant::now());
                tracing::warn!(error = %Chain(&error), "cannot read the Lease; trying again");
            }
        }
        self.publish();
    }

    /// Takes, makes or renews the Lease in `epoch`; a version is a precondition, none means that there is no Lease.
    async fn write(&mut self, epoch: i32, version: Option<String>) {
        let before = self.state.lease().map(|lease| &lease.record);
        let record = Record::held(self.me.as_str(), epoch, before, clock::now());
        let sent = Instant::now();
        self.state.trying(sent);
        match self.send(&record, version.as_deref()).await {
            Ok(written) => {
                self.part.ready();
                self.state.wrote(written, sent, Instant::now());
                self.publish();
            }
            Err(ElectionError::Conflict) => self.look().await,
            Err(error) => {
                tracing::warn!(error = %Chain(&error), epoch, "cannot write the Lease; trying again");
                self.publish();
            }
        }
    }

    /// Gives the Lease back, so that the next one need not wait.
    async fn release(&mut self) {
        let held = self.state.resign();
        self.publish();
        let Some((epoch, version)) = held else { return };
        let record = Record::released(epoch, clock::now());
        match self.send(&record, Some(&version)).await {
            Ok(_) => tracing::info!(epoch, "gave the Lease back"),
            Err(error) => tracing::warn!(error = %Chain(&error), "cannot give the Lease back; it runs out by itself"),
        }
    }

    async fn send(&self, record: &Record, version: Option<&str>) -> Result<Observed, ElectionError> {
        let (lease, params) = (record.lease(version), PostParams::default());
        let began = Instant::now();
        let outcome = match version {
            Some(_) => answer("update", self.api.replace(LEASE, &params, &lease)).await,
            None => answer("create", self.api.create(&params, &lease)).await,
        };
        self.metrics.wrote_lease(
            match &outcome {
                Ok(_) => Outcome::Ok,
                Err(ElectionError::Conflict) => Outcome::Conflict,
                Err(_) => Outcome::Error,
            },
            began.elapsed(),
        );
        outcome.map(Observed::of)
    }

    /// The watch brought the Lease. It may be late: what was read since counts.
    fn notice(&mut self, seen: Option<Lease>) {
        let Some(seen) = seen.map(Observed::of) else { return };
        let late = self.state.lease().is_some_and(|known| seen.is_older_than(known));
        if !late {
            self.state.observe(Some(seen), Instant::now());
        }
    }

    /// Tells everybody where this operator stands.
    fn publish(&self) {
        let valid = self.state.claim().filter(|claim| Instant::now() < claim.valid_until());
        let new = valid.map_or(Standing::Standby, Standing::Leading);
        let old = self.standing.send_replace(new);
        let epoch = |standing: Standing| match standing {
            Standing::Leading(claim) => Some(claim.epoch),
            Standing::Alone | Standing::Standby => None,
        };
        if let Some(lease) = self.state.lease() {
            self.metrics.epoch(lease.record.epoch);
        }
        let holder = self.state.lease().and_then(|lease| lease.record.holder.as_deref());
        match (epoch(old), epoch(new)) {
            (before, Some(now)) if before != Some(now) => {
                tracing::info!(epoch = now, identity = self.me.as_str(), "leading");
                self.metrics.leads(true);
                self.gained.notify_one();
            }
            (Some(before), None) => {
                tracing::info!(epoch = before, holder, "no longer leading");
                self.metrics.leads(false);
            }
            _ => {}
        }
    }
}

/// What the watch of the Lease brings. Only what is new matters: that it is gone is seen by the next look.
fn news(api: Api<Lease>) -> impl Stream<Item = Option<Lease>> + Send {
    let config = watcher::Config::default().fields(&format!("metadata.name={LEASE}"));
    cluster::watcher(api, config)
        .default_backoff()
        .applied_objects()
        .map(|event| match event {
            Ok(lease) => Some(lease),
            Err(error) => {
                tracing::debug!(%error, "cannot watch the Lease; looking at it every two seconds");
                None
            }
        })
}

/// The answer to a request, with its time limit.
async fn answer<T>(
    verb: &'static str,
    request: impl Future<Output = Result<T, kube::Error>>,
) -> Result<T, ElectionError> {
    match tokio::time::timeout(REQUEST, request).await {
        Ok(Ok(answer)) => Ok(answer),
        // A Lease that is gone is news; a namespace that is not there for it is a mistake.
        Ok(Err(kube::Error::Api(status))) if status.code == 409 || (status.code == 404 && verb != "create") => {
            Err(ElectionError::Conflict)
        }
        Ok(Err(kube::Error::Api(status))) if status.code == 403 => Err(ElectionError::Forbidden { verb }),
        Ok(Err(error)) => Err(ElectionError::Refused(Box::new(error))),
        Err(_) => Err(ElectionError::NoAnswer),
    }
}

#[cfg(test)]
#[path = "election_tests.rs"]
mod tests;
