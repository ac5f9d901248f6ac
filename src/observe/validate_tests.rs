//! What is taken over from a valid object, and the words for each thing that the user must mend.

use inferscale_core::units::{Ratio, Span};
use rstest::rstest;

use super::*;
use crate::testing::samples;

fn checked(change: impl FnOnce(&mut InferenceDeployment)) -> Result<Valid, Invalid> {
    let config = "metricsSources: [{name: default, url: http://a:9090}, {name: mimir, url: http://b:9090}]";
    let config = OperatorConfig::parse(config, "test").unwrap();
    let mut object = samples::infd();
    change(&mut object);
    validate(
        &object,
        &config,
        &Presets::embedded().unwrap(),
        &Profiles::embedded().unwrap(),
    )
}

#[test]
fn a_valid_object_is_taken_over() {
    let valid = checked(|_| {}).unwrap();
    assert_eq!(
        (valid.preset.name.as_str(), valid.source.as_str(), valid.mode),
        ("vLLM", "default", Mode::Auto)
    );
    assert_eq!(valid.objectives.attainment, Ratio::clamped(0.99));
    assert_eq!(valid.objectives.window, Span::from_secs(300));
    assert_eq!(
        valid.objectives.limit(Target::TimeToFirstToken),
        Some(Span::from_millis(500))
    );
    assert_eq!(
        valid.objectives.limit(Target::TimePerOutputToken),
        Some(Span::from_millis(50))
    );
    assert_eq!(valid.replicas, Bounds { min: 1, max: 20 });
    assert_eq!(valid.replicas_override, None);
    let variant = &valid.variants[0];
    assert_eq!(
        (variant.name.as_str(), variant.pool.as_deref()),
        ("a100-bf16", Some("a100"))
    );
    assert_eq!(
        variant.replicas,
        Bounds { min: 0, max: 20 },
        "the maximum of the whole object"
    );
    assert!(variant.profile.is_some());
}

#[rstest]
#[case(api::Mode::Auto, Mode::Auto)]
#[case(api::Mode::Advise, Mode::Advise)]
#[case(api::Mode::Paused, Mode::Paused)]
fn a_mode_is_a_mode(#[case] written: api::Mode, #[case] mode: Mode) {
    assert_eq!(checked(|o| o.spec.mode = written).unwrap().mode, mode);
}

#[test]
fn an_override_and_a_variants_own_bounds_are_read() {
    let valid = checked(|o| {
        o.spec.replicas_override = Some(api::Override {
            replicas: 6,
            until: Some("2026-11-24T11:00:00Z".parse().map(api::Timestamp).unwrap()),
        });
        o.spec.variants[0].replicas = Some(api::VariantReplicas { min: 1, max: Some(4) });
    })
    .unwrap();
    let order = valid.replicas_override.unwrap();
    assert_eq!(
        (order.replicas, order.until),
        (6, Some(samples::NOW + Span::from_secs(3600)))
    );
    assert_eq!(valid.variants[0].replicas, Bounds { min: 1, max: 4 });
}

fn twin(o: &mut InferenceDeployment, api_version: &str) {
    let mut twin = o.spec.variants[0].clone();
    twin.name = "twin".into();
    twin.target_ref.api_version = api_version.into();
    o.spec.variants.push(twin);
}

type Change = fn(&mut InferenceDeployment);

#[rstest]
#[case::engine(|o: &mut InferenceDeployment| o.spec.engine = "vlm".into(), api::Reason::EngineUnknown, &["spec.engine", "vlm", "vLLM"])]
#[case::source(|o: &mut InferenceDeployment| o.spec.metrics_source = "thanos".into(), api::Reason::MetricsSourceUnknown, &["spec.metricsSource", "thanos", "default, mimir"])]
#[case::profile(|o: &mut InferenceDeployment| o.spec.variants[0].performance.as_mut().unwrap().profile = "a/b/c".into(), api::Reason::ProfileUnknown, &["spec.variants[0].performance.profile", "a/b/c"])]
#[case::no_variants(|o: &mut InferenceDeployment| o.spec.variants.clear(), api::Reason::Malformed, &["spec.variants", "at least one"])]
#[case::no_target(|o: &mut InferenceDeployment| {
    o.spec.objectives.time_to_first_token = None;
    o.spec.objectives.time_per_output_token = None;
}, api::Reason::Malformed, &["spec.objectives", "timeToFirstToken"])]
#[case::a_limit(|o: &mut InferenceDeployment| o.spec.objectives.time_to_first_token = Some(api::Duration::new("soon")), api::Reason::Malformed, &["spec.objectives.timeToFirstToken", "soon"])]
#[case::a_window(|o: &mut InferenceDeployment| o.spec.objectives.window = api::Duration::new("3s"), api::Reason::Malformed, &["spec.objectives.window", "3s"])]
#[case::an_attainment(|o: &mut InferenceDeployment| o.spec.objectives.attainment = api::Percent::new("100%"), api::Reason::Malformed, &["spec.objectives.attainment", "100%"])]
#[case::a_maximum_of_zero(|o: &mut InferenceDeployment| o.spec.replicas.max = 0, api::Reason::Malformed, &["spec.replicas.max is 0", "between 1 and 10000"])]
#[case::a_maximum_beyond_all(|o: &mut InferenceDeployment| o.spec.replicas.max = 3_000_000_000, api::Reason::Malformed, &["spec.replicas.max is 3000000000"])]
#[case::a_minimum_of_zero(|o: &mut InferenceDeployment| o.spec.replicas.min = 0, api::Reason::Malformed, &["spec.replicas.min is 0"])]
#[case::a_variants_maximum(|o: &mut InferenceDeployment| o.spec.variants[0].replicas = Some(api::VariantReplicas { min: 0, max: Some(0) }), api::Reason::Malformed, &["spec.variants[0].replicas.max is 0"])]
#[case::the_same_target_twice(|o: &mut InferenceDeployment| twin(o, "apps/v1"), api::Reason::Malformed, &["spec.variants[1].targetRef", "spec.variants[0]"])]
#[case::the_same_through_another_version(|o: &mut InferenceDeployment| twin(o, "apps/v1beta2"), api::Reason::Malformed, &["spec.variants[1].targetRef", "spec.variants[0]"])]
fn what_must_be_mended_is_named(#[case] change: Change, #[case] reason: api::Reason, #[case] words: &[&str]) {
    let invalid = checked(change).unwrap_err();
    assert_eq!(invalid.reason, reason, "{}", invalid.message);
    assert!(words.iter().all(|w| invalid.message.contains(w)), "{}", invalid.message);
    assert!(!invalid.message.contains('\n'));
}

#[test]
fn a_stored_minimum_above_the_maximum_is_no_error_for_the_maximum_wins() {
    let valid = checked(|o| o.spec.replicas.min = 30).unwrap();
    assert_eq!(valid.replicas.clamp(50), 20);
}
