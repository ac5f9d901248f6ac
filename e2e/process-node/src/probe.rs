//! Asks a pod's health address. I/O: one HTTP request, limited in time; the answer's body is not read.

use std::time::Duration;

/// Longer than an engine's event loop is ever blocked by one step on two cores.
const TIMEOUT: Duration = Duration::from_secs(5);

/// One client for all pods.
#[derive(Debug, Clone)]
pub(crate) struct Prober(reqwest::Client);

impl Prober {
    /// A client that goes to the pod itself: no proxy, no redirect, a new connection each time as a kubelet makes.
    pub(crate) fn new() -> Result<Self, reqwest::Error> {
        reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .pool_max_idle_per_host(0)
            .timeout(TIMEOUT)
            .build()
            .map(Self)
    }

    /// Is it healthy? A kubelet's rule: any status from 200 to 399.
    pub(crate) async fn is_healthy(&self, url: &str) -> bool {
        match self.0.get(url).send().await {
            Ok(answer) => (200..400).contains(&answer.status().as_u16()),
            Err(_) => false,
        }
    }
}
