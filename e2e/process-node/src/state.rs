//! A process's state, and the pod status that follows from it: what a kubelet would report. Pure.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{
    ContainerState, ContainerStateRunning, ContainerStateTerminated, ContainerStateWaiting, ContainerStatus, Pod,
    PodCondition,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde_json::{Value, json};

/// How a process ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct End {
    /// 128 + N after signal N.
    pub(crate) code: i32,
    pub(crate) started: Timestamp,
    pub(crate) finished: Timestamp,
}

/// What the process of a pod is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum State {
    /// Nothing runs now, and something shall.
    Waiting { reason: &'static str, message: String },
    /// It runs; `healthy` is the last judgement of its health address.
    Running { since: Timestamp, healthy: bool },
    /// It ended and will not be started again.
    Ended(End),
}

/// Everything the status of a pod is made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) state: State,
    pub(crate) restarts: i32,
    /// How it ended the time before.
    pub(crate) last: Option<End>,
}

impl Report {
    /// A pod that has not been started yet by this program. A pod that ran under an earlier one counts a restart.
    pub(crate) fn of_new(pod: &Pod) -> Self {
        let status = pod.status.as_ref();
        let before = status
            .and_then(|status| status.container_statuses.as_ref()?.first())
            .map_or(0, |container| container.restart_count);
        let ran = status.and_then(|status| status.phase.as_deref()) == Some("Running");
        Self {
            state: State::Waiting {
                reason: "ContainerCreating",
                message: String::new(),
            },
            restarts: before + i32::from(ran),
            last: None,
        }
    }

    fn is_ready(&self) -> bool {
        matches!(self.state, State::Running { healthy: true, .. })
    }

    fn phase(&self, pod: &Pod) -> &'static str {
        let had_started = pod.status.as_ref().and_then(|status| status.phase.as_deref()) == Some("Running");
        match &self.state {
            State::Ended(End { code: 0, .. }) => "Succeeded",
            State::Ended(_) => "Failed",
            State::Waiting { .. } if self.last.is_none() && !had_started => "Pending",
            State::Waiting { .. } | State::Running { .. } => "Running",
        }
    }

    fn container_state(&self) -> ContainerState {
        match &self.state {
            State::Waiting { reason, message } => ContainerState {
                waiting: Some(ContainerStateWaiting {
                    reason: Some((*reason).to_owned()),
                    message: (!message.is_empty()).then(|| message.clone()),
                }),
                ..ContainerState::default()
            },
            State::Running { since, .. } => ContainerState {
                running: Some(ContainerStateRunning {
                    started_at: Some(whole_seconds(*since)),
                }),
                ..ContainerState::default()
            },
            State::Ended(end) => terminated(end),
        }
    }

    /// The condition's status, reason and message; a condition that is true has no reason.
    fn conditions(&self, pod: &Pod) -> [(&'static str, bool, Option<&'static str>, Option<String>); 2] {
        let containers = self.is_ready();
        let waiting = || match &self.state {
            State::Waiting { message, .. } if !message.is_empty() => message.clone(),
            State::Waiting { reason, .. } => (*reason).to_owned(),
            State::Running { .. } => "the health address does not answer with success".to_owned(),
            State::Ended(end) => format!("the process ended with {}", end.code),
        };
        let container_reason = if matches!(self.state, State::Ended(_)) {
            "PodCompleted"
        } else {
            "ContainersNotReady"
        };
        let (reason, message) = if containers {
            (None, None)
        } else {
            (Some(container_reason), Some(waiting()))
        };
        let gate = open_gate(pod);
        let ready = match gate {
            Some(gate) if containers => (
                "Ready",
                false,
                Some("ReadinessGatesNotReady"),
                Some(format!("the readiness gate {gate} is not true")),
            ),
            _ => ("Ready", containers, reason, message.clone()),
        };
        [("ContainersReady", containers, reason, message), ready]
    }
}

/// Has the pod ended for good?
pub(crate) fn is_over(pod: &Pod) -> bool {
    matches!(
        pod.status.as_ref().and_then(|status| status.phase.as_deref()),
        Some("Succeeded" | "Failed")
    )
}

/// The longest `preStop` sleep of the pod's containers. Load balancers notice meanwhile that the pod is going.
pub(crate) fn pre_stop_sleep(pod: &Pod) -> Duration {
    let containers = pod
        .spec
        .as_ref()
        .map(|spec| spec.containers.as_slice())
        .unwrap_or_default();
    let seconds = containers.iter().filter_map(|container| {
        let sleep = container.lifecycle.as_ref()?.pre_stop.as_ref()?.sleep.as_ref()?;
        u64::try_from(sleep.seconds).ok()
    });
    Duration::from_secs(seconds.max().unwrap_or(0))
}

/// The change that brings the pod's status to the report; nothing when it is there already, or the pod is over.
pub(crate) fn patch(pod: &Pod, report: &Report, now: Timestamp) -> Option<Value> {
    if is_over(pod) {
        return None;
    }
    let status = pod.status.clone().unwrap_or_default();
    let existing = status.conditions.unwrap_or_default();
    let phase = report.phase(pod);
    let mut differs = status.phase.as_deref() != Some(phase);

    let mut conditions = Vec::new();
    for (kind, holds, reason, message) in report.conditions(pod) {
        let text = if holds { "True" } else { "False" };
        let old = existing.iter().find(|condition| condition.type_ == kind);
        if old.is_some_and(|old| says(old, text, reason, message.as_deref())) {
            continue;
        }
        differs = true;
        let since = old
            .filter(|old| old.status == text)
            .and_then(|old| old.last_transition_time.clone())
            .unwrap_or_else(|| whole_seconds(now));
        // null removes what an earlier state left
        conditions.push(
            json!({"type": kind, "status": text, "reason": reason, "message": message,
            "lastTransitionTime": since}),
        );
    }

    let containers = container_statuses(pod, report);
    let shown = status.container_statuses.unwrap_or_default();
    differs |= shown.len() != containers.len()
        || shown.iter().zip(&containers).any(|(old, new)| {
            (&old.name, old.ready, old.restart_count, &old.state)
                != (&new.name, new.ready, new.restart_count, &new.state)
        });
    let start = status.start_time.unwrap_or_else(|| whole_seconds(now));
    differs.then(|| {
        json!({"status": {"phase": phase, "startTime": start, "conditions": conditions,
            "containerStatuses": containers}})
    })
}

fn container_statuses(pod: &Pod, report: &Report) -> Vec<ContainerStatus> {
    let running = matches!(report.state, State::Running { .. });
    let containers = pod
        .spec
        .as_ref()
        .map(|spec| spec.containers.as_slice())
        .unwrap_or_default();
    containers
        .iter()
        .map(|container| ContainerStatus {
            name: container.name.clone(),
            image: container.image.clone().unwrap_or_default(),
            ready: report.is_ready(),
            started: Some(running),
            restart_count: report.restarts,
            state: Some(report.container_state()),
            last_state: report.last.as_ref().map(terminated),
            ..ContainerStatus::default()
        })
        .collect()
}

fn terminated(end: &End) -> ContainerState {
    ContainerState {
        terminated: Some(ContainerStateTerminated {
            exit_code: end.code,
            reason: Some(if end.code == 0 { "Completed" } else { "Error" }.to_owned()),
            started_at: Some(whole_seconds(end.started)),
            finished_at: Some(whole_seconds(end.finished)),
            ..ContainerStateTerminated::default()
        }),
        ..ContainerState::default()
    }
}

/// A readiness gate of the pod that is not true.
fn open_gate(pod: &Pod) -> Option<&str> {
    let gates = pod.spec.as_ref()?.readiness_gates.as_ref()?;
    let conditions = pod
        .status
        .as_ref()
        .and_then(|status| status.conditions.as_deref())
        .unwrap_or_default();
    let is_true = |kind: &str| {
        conditions
            .iter()
            .any(|condition| condition.type_ == kind && condition.status == "True")
    };
    gates
        .iter()
        .map(|gate| gate.condition_type.as_str())
        .find(|gate| !is_true(gate))
}

fn says(condition: &PodCondition, status: &str, reason: Option<&str>, message: Option<&str>) -> bool {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    condition.status == status
        && text(&condition.reason) == reason.unwrap_or_default()
        && text(&condition.message) == message.unwrap_or_default()
}

/// The API keeps no fractions of a second: with them, what is read back would differ from what was written.
fn whole_seconds(time: Timestamp) -> Time {
    Time(Timestamp::from_second(time.as_second()).unwrap_or(time))
}

#[cfg(test)]
mod tests;
