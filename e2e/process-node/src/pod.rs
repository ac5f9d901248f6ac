//! The life of one pod: waits for its address, starts its process, reports health, restarts it after a crash, ends
//! it when the pod is deleted, and then removes the pod. I/O: process, health address, API.

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, DeleteParams, Patch, PatchParams, Preconditions};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use crate::Options;
use crate::annotation::{Identity, PROCESS, Wish};
use crate::probe::Prober;
use crate::process::Process;
use crate::state::{self, End, Report, State};

/// A process that ran this long before it crashed starts anew with the shortest pause.
const STABLE: Duration = Duration::from_secs(60);
/// As a kubelet's default for readiness probes.
const FAILURES_UNTIL_UNREADY: u32 = 3;
/// The API server on this machine answers in milliseconds; this is for one that hangs.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// One pod and what is needed to serve it.
pub(crate) struct PodLife {
    api: Api<Pod>,
    prober: Prober,
    options: Options,
    name: String,
    log: PathBuf,
    /// The pod as the watch shows it; `None` when it is gone.
    view: watch::Receiver<Option<Pod>>,
    stop: CancellationToken,
    report: Report,
    crashes_in_a_row: u32,
}

/// Why a process must end.
enum Leave {
    /// The pod is being deleted; the process has until then.
    Deleted(Instant),
    /// The pod does not exist any more.
    Gone,
    /// This program stops.
    Stopping,
}

impl PodLife {
    /// Prepares the life of the pod; nothing happens before `live`.
    pub(crate) fn new(
        pod: &Pod,
        api: Api<Pod>,
        prober: Prober,
        options: Options,
        view: watch::Receiver<Option<Pod>>,
        stop: CancellationToken,
    ) -> Self {
        let name = pod.metadata.name.clone().unwrap_or_default();
        let namespace = pod.metadata.namespace.clone().unwrap_or_default();
        let log = options.log_dir.join(format!("{namespace}_{name}.log"));
        let report = Report::of_new(pod);
        Self {
            api,
            prober,
            options,
            name,
            log,
            view,
            stop,
            report,
            crashes_in_a_row: 0,
        }
    }

    /// From now until the pod is gone or this program stops.
    pub(crate) async fn live(mut self) {
        if let Some(wish) = self.wish().await {
            self.serve(&wish).await;
        }
        // Whatever the reason was to stop serving: there is no process now, and a deleted pod can go.
        loop {
            match self.leaving() {
                Some(Leave::Gone) => return,
                Some(Leave::Stopping) => {
                    if !matches!(self.report.state, State::Ended(_)) {
                        let message = "the test node was stopped".to_owned();
                        self.report.state = State::Waiting {
                            reason: "NodeStopped",
                            message,
                        };
                    }
                    self.publish().await;
                    return;
                }
                Some(Leave::Deleted(_)) => return self.remove().await,
                None => self.publish().await,
            }
            self.change_or_pause(self.options.probe_period()).await;
        }
    }

    /// What to run, once the pod has an address; nothing when the pod leaves first, is over, or asks for nonsense.
    async fn wish(&mut self) -> Option<Wish> {
        loop {
            if self.leaving().is_some() {
                return None;
            }
            let pod = self.view.borrow().clone()?;
            let status = pod.status.as_ref();
            if state::is_over(&pod) {
                return None;
            }
            if let Some(address) = status.and_then(|status| status.pod_ip.clone()) {
                let text = pod
                    .metadata
                    .annotations
                    .as_ref()
                    .and_then(|all| all.get(PROCESS))
                    .cloned();
                let namespace = pod.metadata.namespace.clone().unwrap_or_default();
                let identity = Identity {
                    namespace,
                    name: self.name.clone(),
                    address,
                };
                match Wish::parse(&text.unwrap_or_default(), &identity) {
                    Ok(wish) => return Some(wish),
                    Err(error) => {
                        tracing::warn!(pod = self.name, %error, "nothing is started");
                        self.report.state = State::Waiting {
                            reason: "InvalidProcess",
                            message: error.to_string(),
                        };
                        return None;
                    }
                }
            }
            self.change_or_pause(Duration::from_secs(60)).await;
        }
    }

    /// Keeps the process running until the pod leaves or its restart policy says that it is over.
    async fn serve(&mut self, wish: &Wish) {
        loop {
            let started = Timestamp::now();
            let code = match Process::start(wish, &self.log) {
                Ok(process) => match self.attend(process, wish, started).await {
                    Some(code) => code,
                    None => return,
                },
                Err(error) => {
                    tracing::warn!(pod = self.name, %error, "cannot start the process");
                    127
                }
            };
            let end = End {
                code,
                started,
                finished: Timestamp::now(),
            };
            tracing::warn!(pod = self.name, code, log = %self.log.display(), "the process ended by itself");
            if self.is_over(code) {
                self.report.state = State::Ended(end);
                return;
            }
            let ran = Duration::try_from(end.finished.duration_since(end.started)).unwrap_or_default();
            self.crashes_in_a_row = if ran >= STABLE { 0 } else { self.crashes_in_a_row + 1 };
            if !self.back_off(end).await {
                return;
            }
        }
    }

    /// Observes a running process until it ends by itself (its exit code) or the pod leaves (nothing).
    async fn attend(&mut self, mut process: Process, wish: &Wish, since: Timestamp) -> Option<i32> {
        tracing::info!(pod = self.name, command = ?wish.command, "started");
        self.report.state = State::Running { since, healthy: false };
        let mut ticks = interval(self.options.probe_period());
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut failures = 0;
        let begun = Instant::now();
        loop {
            if let Some(why) = self.leaving() {
                self.end(process, why).await;
                return None;
            }
            self.publish().await;
            let prober = &self.prober;
            let probe = async {
                ticks.tick().await;
                prober.is_healthy(&wish.health_url).await
            };
            let was_healthy = matches!(self.report.state, State::Running { healthy: true, .. });
            tokio::select! {
                code = process.ended() => return Some(code),
                answer = probe => {
                    failures = if answer { 0 } else { failures + 1 };
                    let healthy = answer || (was_healthy && failures < FAILURES_UNTIL_UNREADY);
                    if healthy != was_healthy {
                        tracing::info!(pod = self.name, healthy, seconds = begun.elapsed().as_secs_f32(), "health changed");
                    }
                    self.report.state = State::Running { since, healthy };
                }
                () = changed(&mut self.view, &self.stop) => {}
            }
        }
    }

    /// Ends the process in the manner that the reason asks for and waits for its end.
    async fn end(&mut self, mut process: Process, mut why: Leave) {
        let begun = Instant::now();
        let mut stopping_until = None;
        let mut asked = false;
        let code = loop {
            let (mut ask_at, mut kill_at) = match why {
                Leave::Deleted(deadline) => (begun + self.pre_stop_sleep(), deadline),
                Leave::Gone | Leave::Stopping => (begun, begun),
            };
            let stopping = self.stop.is_cancelled();
            if stopping && !matches!(why, Leave::Gone) {
                let until = *stopping_until.get_or_insert_with(|| Instant::now() + self.options.stop_timeout());
                ask_at = begun;
                kill_at = if matches!(why, Leave::Stopping) {
                    until
                } else {
                    kill_at.min(until)
                };
            }
            tokio::select! {
                code = process.ended() => break code,
                () = sleep_until(kill_at) => {
                    process.kill();
                    break process.ended().await;
                }
                () = sleep_until(ask_at), if !asked => {
                    process.terminate().await;
                    asked = true;
                }
                // Once this program stops, `changed` would return at once, again and again.
                () = changed(&mut self.view, &self.stop), if !stopping => {}
            }
            why = self.leaving().unwrap_or(why);
        };
        tracing::info!(
            pod = self.name,
            code,
            seconds = begun.elapsed().as_secs_f32(),
            "stopped"
        );
    }

    /// How long a deleted pod's process works on before it hears of it: `preStop: {sleep: {seconds: N}}`.
    fn pre_stop_sleep(&self) -> Duration {
        self.view
            .borrow()
            .as_ref()
            .map(state::pre_stop_sleep)
            .unwrap_or_default()
    }

    /// Waits before the next start; false when the pod leaves first.
    async fn back_off(&mut self, end: End) -> bool {
        let doublings = self.crashes_in_a_row.saturating_sub(1).min(5);
        let pause = self.options.backoff() * (1 << doublings).min(30);
        let message = format!(
            "the process ended with {}; started again after {} ms",
            end.code,
            pause.as_millis()
        );
        self.report.state = State::Waiting {
            reason: "CrashLoopBackOff",
            message,
        };
        self.report.last = Some(end);
        self.report.restarts += 1;
        let over = Instant::now() + pause;
        while self.leaving().is_none() {
            self.publish().await;
            let left = over.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            self.change_or_pause(left).await;
        }
        false
    }

    /// Is a process that ended with this code not to be started again?
    fn is_over(&self, code: i32) -> bool {
        let view = self.view.borrow();
        let policy = view
            .as_ref()
            .and_then(|pod| pod.spec.as_ref()?.restart_policy.as_deref());
        match policy {
            Some("Never") => true,
            Some("OnFailure") => code == 0,
            _ => false,
        }
    }

    fn leaving(&self) -> Option<Leave> {
        let view = self.view.borrow();
        let Some(pod) = view.as_ref() else {
            return Some(Leave::Gone);
        };
        if let Some(time) = &pod.metadata.deletion_timestamp {
            let left = Duration::try_from(time.0.duration_since(Timestamp::now())).unwrap_or_default();
            return Some(Leave::Deleted(Instant::now() + left));
        }
        self.stop.is_cancelled().then_some(Leave::Stopping)
    }

    /// Writes the status when it differs from what the pod shows. A failed write is tried again at the next probe.
    async fn publish(&mut self) {
        let Some(pod) = self.view.borrow().clone() else { return };
        let Some(patch) = state::patch(&pod, &self.report, Timestamp::now()) else {
            return;
        };
        let parameters = PatchParams {
            field_manager: Some("process-node".into()),
            ..PatchParams::default()
        };
        let patch = Patch::Strategic(&patch);
        let request = self.api.patch_status(&self.name, &parameters, &patch);
        match timeout(REQUEST_TIMEOUT, request).await {
            // Until the watch has caught up, a second write of the same may happen; it changes nothing.
            Ok(Ok(_)) => {}
            Ok(Err(error)) if is_gone(&error) => {}
            Ok(Err(error)) => tracing::warn!(pod = self.name, %error, "cannot write the status"),
            Err(_) => tracing::warn!(pod = self.name, "cannot write the status: no answer in time"),
        }
    }

    /// Removes the deleted pod for good, as a kubelet does when the containers have ended.
    async fn remove(&self) {
        let uid = self.view.borrow().as_ref().and_then(|pod| pod.metadata.uid.clone());
        let parameters = DeleteParams {
            grace_period_seconds: Some(0),
            preconditions: Some(Preconditions {
                uid,
                resource_version: None,
            }),
            ..DeleteParams::default()
        };
        for _ in 0..5 {
            match timeout(REQUEST_TIMEOUT, self.api.delete(&self.name, &parameters)).await {
                Ok(Ok(_)) => return,
                Ok(Err(error)) if is_gone(&error) => return,
                Ok(Err(error)) => tracing::warn!(pod = self.name, %error, "cannot remove the pod"),
                Err(_) => tracing::warn!(pod = self.name, "cannot remove the pod: no answer in time"),
            }
            sleep(Duration::from_secs(1)).await;
        }
    }

    async fn change_or_pause(&mut self, pause: Duration) {
        let _ = timeout(pause, changed(&mut self.view, &self.stop)).await;
    }
}

/// Waits until the pod looks different or this program is asked to stop. May be dropped.
async fn changed(view: &mut watch::Receiver<Option<Pod>>, stop: &CancellationToken) {
    tokio::select! {
        // An error means that the watch is over, which only happens when this program stops.
        result = view.changed() => if result.is_err() { stop.cancelled().await },
        () = stop.cancelled() => {}
    }
}

/// Not there any more, or a new pod of the same name is.
fn is_gone(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 404 || status.code == 409)
}
