use super::super::fixture;
use super::*;

fn row<'a>(view: &'a View, name: &str) -> &'a Row {
    view.objects.iter().find(|row| row.name.starts_with(name)).unwrap()
}

#[test]
fn rows_stand_by_namespace_and_name() {
    let view = fixture::view();
    let names: Vec<&str> = view.objects.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names[..3], ["chat", "embed", "unreadable"]);
    assert_eq!(view.objects[3].namespace, "research");
    assert_eq!(view.pools[0].name, "a100");
}

#[test]
fn the_share_of_prometheus_goes_before_that_of_the_status() {
    let view = fixture::view();
    let target = row(&view, "chat").time_to_first_token.as_ref().unwrap();
    assert_eq!(
        (target.attained, target.live, target.missed),
        (Some(0.9632), true, true)
    );
    let view = fixture::view_without_prometheus();
    let target = row(&view, "chat").time_to_first_token.as_ref().unwrap();
    assert!((target.attained.unwrap() - 0.971).abs() < 1e-9);
    assert_eq!((target.live, target.missed), (false, true));
}

#[test]
fn a_share_that_was_never_measured_is_neither_met_nor_missed() {
    let view = fixture::view();
    let target = row(&view, "summary").time_to_first_token.as_ref().unwrap();
    assert_eq!((target.attained, target.missed), (None, false));
    assert_eq!(row(&view, "summary").objective, Slo::NoTraffic);
    assert_eq!(row(&view, "embed").objective, Slo::Unknown);
}

#[test]
fn a_sum_over_fewer_pods_than_serve_is_a_lower_bound() {
    let view = fixture::view();
    assert!(!row(&view, "chat").running.unwrap().at_least);
    assert!(row(&view, "chat").waiting.unwrap().at_least);
    assert_eq!(row(&view, "summary").waiting, None);
}

#[test]
fn what_stalls_goes_before_the_decision() {
    let view = fixture::view();
    assert_eq!(row(&view, "embed").reason.as_deref(), Some("TargetMissing"));
    assert_eq!(row(&view, "chat").reason.as_deref(), Some("DemandUp"));
}

#[test]
fn an_object_that_cannot_be_read_is_shown_as_such() {
    let view = fixture::view();
    let row = row(&view, "unreadable");
    assert_eq!(row.reason.as_deref(), Some("Malformed"));
    assert_eq!(row.replicas, None);
    assert!(row.message.as_ref().unwrap().contains("cannot be read"));
}

#[test]
fn conditions_that_ask_for_attention_are_told_and_others_are_not() {
    let view = fixture::view();
    assert_eq!(
        row(&view, "chat").attention,
        ["SignalsFresh: Partial: what Partial is about"]
    );
    assert_eq!(
        row(&view, "summary").attention,
        ["Active: Advise: what Advise is about"]
    );
}

#[test]
fn text_from_the_cluster_cannot_move_the_cursor() {
    let mut fleet = fixture::fleet();
    for object in &mut fleet.objects {
        if let Ok(object) = &mut object.0
            && let Some(decision) = object.status.as_mut().and_then(|s| s.decision.as_mut())
        {
            decision.message = "a\u{1b}[2Jb".into();
            decision.reason = "Up\r".into();
        }
    }
    let view = View::new(fixture::now(), None, &fleet, None, &["x\u{7}".into()]);
    let all = format!("{:?}", serde_json::to_string(&view).unwrap());
    assert!(
        !all.contains("\\u001b") && !all.contains("\\r") && !all.contains("\\u0007"),
        "{all}"
    );
    assert_eq!(row(&view, "chat").message.as_deref(), Some("a [2Jb"));
}
