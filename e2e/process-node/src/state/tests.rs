use super::*;
use rstest::rstest;

fn second(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn pod(status: &Value, gates: &Value) -> Pod {
    serde_json::from_value(json!({
        "metadata": {"name": "chat-1"},
        "spec": {"containers": [{"name": "engine", "image": "none"}], "readinessGates": gates},
        "status": status,
    }))
    .unwrap()
}

fn running(healthy: bool) -> Report {
    Report {
        state: State::Running {
            since: second(10),
            healthy,
        },
        restarts: 0,
        last: None,
    }
}

fn condition<'a>(patch: &'a Value, kind: &str) -> &'a Value {
    let conditions = patch["status"]["conditions"].as_array().unwrap();
    conditions.iter().find(|condition| condition["type"] == kind).unwrap()
}

/// What the API server would hold after the patch.
fn patched(pod: &Pod, report: &Report, now: i64) -> Pod {
    let Some(patch) = patch(pod, report, second(now)) else {
        return pod.clone();
    };
    let mut whole = serde_json::to_value(pod).unwrap();
    let mut conditions = whole["status"]["conditions"].as_array().cloned().unwrap_or_default();
    conditions.retain(|old| {
        patch["status"]["conditions"]
            .as_array()
            .unwrap()
            .iter()
            .all(|new| new["type"] != old["type"])
    });
    conditions.extend(patch["status"]["conditions"].as_array().unwrap().clone());
    for key in ["phase", "startTime", "containerStatuses"] {
        whole["status"][key] = patch["status"][key].clone();
    }
    whole["status"]["conditions"] = conditions.into();
    serde_json::from_value(whole).unwrap()
}

#[test]
fn a_healthy_process_makes_the_pod_ready() {
    let patch = patch(
        &pod(&json!({"phase": "Pending"}), &json!([])),
        &running(true),
        second(20),
    )
    .unwrap();
    assert_eq!(patch["status"]["phase"], "Running");
    for kind in ["Ready", "ContainersReady"] {
        assert_eq!(condition(&patch, kind)["status"], "True");
        assert_eq!(condition(&patch, kind)["reason"], Value::Null, "an old reason must go");
    }
    let container = &patch["status"]["containerStatuses"][0];
    assert_eq!(container["ready"], true);
    assert_eq!(container["state"]["running"]["startedAt"], "1970-01-01T00:00:10Z");
}

#[test]
fn a_process_that_is_not_healthy_yet_runs_but_is_not_ready() {
    let patch = patch(
        &pod(&json!({"phase": "Pending"}), &json!([])),
        &running(false),
        second(20),
    )
    .unwrap();
    assert_eq!(patch["status"]["phase"], "Running");
    assert_eq!(condition(&patch, "Ready")["status"], "False");
    assert_eq!(condition(&patch, "Ready")["reason"], "ContainersNotReady");
}

#[rstest]
#[case::running(running(true))]
#[case::starting(running(false))]
#[case::crashed(Report {
    state: State::Waiting { reason: "CrashLoopBackOff", message: "again in 2 s".into() },
    restarts: 1,
    last: Some(End { code: 3, started: second(10), finished: second(12) }),
})]
#[case::over(Report { state: State::Ended(End { code: 0, started: second(1), finished: second(2) }), restarts: 0, last: None })]
fn the_same_report_is_written_once(#[case] report: Report) {
    let once = patched(&pod(&json!({"phase": "Pending"}), &json!([])), &report, 20);
    assert_eq!(patch(&once, &report, second(30)), None);
}

#[test]
fn a_condition_keeps_its_time_while_only_its_message_changes() {
    let first = patched(&pod(&json!({}), &json!([])), &running(false), 20);
    let crashed = Report {
        state: State::Waiting {
            reason: "CrashLoopBackOff",
            message: "again in 1 s".into(),
        },
        restarts: 1,
        last: Some(End {
            code: 1,
            started: second(10),
            finished: second(25),
        }),
    };
    let patch = patch(&first, &crashed, second(25)).unwrap();
    assert_eq!(condition(&patch, "Ready")["lastTransitionTime"], "1970-01-01T00:00:20Z");
    assert_eq!(condition(&patch, "Ready")["message"], "again in 1 s");
    assert_eq!(patch["status"]["phase"], "Running", "a pod that crashed has started");
    let container = &patch["status"]["containerStatuses"][0];
    assert_eq!(container["restartCount"], 1);
    assert_eq!(container["lastState"]["terminated"]["exitCode"], 1);
}

#[rstest]
#[case::success(0, "Succeeded", "Completed")]
#[case::failure(1, "Failed", "Error")]
fn a_process_that_ended_for_good_ends_the_pod(#[case] code: i32, #[case] phase: &str, #[case] reason: &str) {
    let end = End {
        code,
        started: second(1),
        finished: second(2),
    };
    let report = Report {
        state: State::Ended(end),
        restarts: 0,
        last: None,
    };
    let patch = patch(&pod(&json!({"phase": "Running"}), &json!([])), &report, second(3)).unwrap();
    assert_eq!(patch["status"]["phase"], phase);
    assert_eq!(
        patch["status"]["containerStatuses"][0]["state"]["terminated"]["reason"],
        reason
    );
    assert_eq!(condition(&patch, "Ready")["reason"], "PodCompleted");
}

#[test]
fn a_readiness_gate_holds_the_pod_back_until_it_is_true() {
    let gates = json!([{"conditionType": "inferscale.dev/serving"}]);
    let closed = patched(&pod(&json!({}), &gates), &running(true), 20);
    let ready = |pod: &Pod, kind: &str| {
        let conditions = pod.status.clone().unwrap().conditions.unwrap();
        conditions
            .into_iter()
            .find(|condition| condition.type_ == kind)
            .unwrap()
            .status
            == "True"
    };
    assert!(!ready(&closed, "Ready"));
    assert!(ready(&closed, "ContainersReady"));

    let mut opened = closed;
    opened
        .status
        .as_mut()
        .unwrap()
        .conditions
        .as_mut()
        .unwrap()
        .push(PodCondition {
            type_: "inferscale.dev/serving".into(),
            status: "True".into(),
            ..PodCondition::default()
        });
    assert!(ready(&patched(&opened, &running(true), 30), "Ready"));
}

#[rstest]
#[case::fresh(json!({"phase": "Pending"}), 0)]
#[case::ran_under_another_node(json!({"phase": "Running", "containerStatuses": [
    {"name": "engine", "image": "", "imageID": "", "ready": true, "restartCount": 2}]}), 3)]
fn a_pod_that_ran_before_counts_a_restart(#[case] status: Value, #[case] restarts: i32) {
    assert_eq!(Report::of_new(&pod(&status, &json!([]))).restarts, restarts);
}

#[test]
fn a_pod_that_is_over_is_never_changed() {
    assert_eq!(
        patch(
            &pod(&json!({"phase": "Failed"}), &json!([])),
            &running(true),
            second(20)
        ),
        None
    );
}

#[rstest]
#[case::none(json!({}), 0)]
#[case::sleep(json!({"preStop": {"sleep": {"seconds": 5}}}), 5)]
#[case::another_hook(json!({"preStop": {"exec": {"command": ["true"]}}}), 0)]
fn a_pre_stop_sleep_is_known(#[case] lifecycle: Value, #[case] seconds: u64) {
    let mut whole = serde_json::to_value(pod(&json!({}), &json!([]))).unwrap();
    whole["spec"]["containers"][0]["lifecycle"] = lifecycle;
    assert_eq!(
        pre_stop_sleep(&serde_json::from_value(whole).unwrap()),
        Duration::from_secs(seconds)
    );
}
