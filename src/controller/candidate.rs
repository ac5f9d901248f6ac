//! This operator as a candidate: its client, which signs what it sends, and its election, from beginning to end. I/O.

use std::sync::Arc;

use kube::{Client, Config};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::config::LeaderElection;
use crate::runtime::leader::{self, Election, Identity, Leadership, Standing};
use crate::runtime::metrics::OperatorMetrics;
use crate::runtime::readiness::{Part, Readiness};

/// Before the election.
pub struct Candidate {
    /// Signs its requests with this operator's name and epoch.
    pub client: Client,
    /// Whether this operator may write.
    pub leadership: Leadership,
    me: Identity,
    standing: watch::Sender<Standing>,
    part: Part,
}

/// The election while it goes on.
pub struct Standings {
    stop: CancellationToken,
    task: Option<JoinHandle<()>>,
}

impl Candidate {
    /// A candidate in the cluster that the environment names.
    pub async fn new(readiness: &Readiness) -> Result<Self, kube::Error> {
        let me = Identity::new(std::env::var("POD_NAME").ok().as_deref());
        let (standing, receiver) = watch::channel(Standing::Standby);
        let leadership = Leadership::new(receiver);
        let config = Config::infer().await.map_err(kube::Error::InferConfig)?;
        Ok(Self {
            client: leader::client(config, &me, &leadership)?,
            leadership,
            me,
            standing,
            part: readiness.part("leader election", "the first look at the Lease"),
        })
    }

    /// Stands for election as `settings` say. Then `gained` is told when this operator begins to lead.
    pub fn stand(self, settings: &LeaderElection, gained: &Arc<Notify>, metrics: &Arc<OperatorMetrics>) -> Standings {
        let stop = CancellationToken::new();
        if !settings.enabled {
            self.standing.send_replace(Standing::Alone);
            self.part.ready();
            metrics.alone();
            return Standings { stop, task: None };
        }
        let own = self.client.default_namespace().to_owned();
        let namespace = settings.namespace.clone().unwrap_or(own);
        tracing::info!(
            namespace,
            lease = leader::LEASE,
            identity = self.me.as_str(),
            "standing for election"
        );
        let (gained, metrics) = (gained.clone(), metrics.clone());
        let election = Election::new(
            self.client,
            &namespace,
            self.me,
            self.standing,
            gained,
            metrics,
            self.part,
        );
        Standings {
            task: Some(tokio::spawn(election.run(stop.clone()))),
            stop,
        }
    }
}

impl Standings {
    /// Returns when the election has ended by itself, which it never should.
    pub async fn broke(&mut self) {
        match &mut self.task {
            Some(task) => {
                let _ = task.await;
                self.task = None;
            }
            None => std::future::pending().await,
        }
    }

    /// Gives the Lease back and ends the election.
    pub async fn end(self) {
        self.stop.cancel();
        if let Some(task) = self.task {
            let _ = task.await;
        }
    }
}
