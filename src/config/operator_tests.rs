use rstest::rstest;

use super::*;
use crate::config::tempdir::Folder;

const SOURCE: &str = "metricsSources: [{name: default, url: http://prometheus.monitoring:9090}]\n";

fn problems(text: &str) -> Vec<String> {
    match OperatorConfig::parse(text, "config.yaml") {
        Err(ConfigError::Invalid { problems, .. }) => problems.iter().map(ToString::to_string).collect(),
        Err(other) => panic!("{other}"),
        Ok(config) => panic!("accepted: {config:?}"),
    }
}

#[test]
fn the_smallest_file_has_one_source_and_gets_the_defaults() {
    let config = OperatorConfig::parse(SOURCE, "config.yaml").unwrap();
    assert_eq!(
        config.metrics_sources,
        [MetricsSource::new("default", "http://prometheus.monitoring:9090")]
    );
    assert_eq!(config.timing, Timing::default());
    assert_eq!(config.listen.metrics.to_string(), "0.0.0.0:8080");
    assert!(
        config.leader_election.enabled,
        "two operators must never write by default"
    );
    assert_eq!(config.leader_election.namespace, None);
    assert_eq!(config.presets_directory, None);
    assert_eq!(config.profiles_directory, None);
}

#[test]
fn every_field_is_read() {
    let config = OperatorConfig::parse(
        "
metricsSources:
- name: mimir
  url: https://mimir.example.com/prometheus/
  bearerTokenFile: /etc/token
  caFile: /etc/ca.pem
  headers: {X-Scope-OrgID: team}
  timeout: 1m
  maxBytes: 1Mi
timing: {grid: 2s, tick: 1s}
listen: {metrics: '127.0.0.1:0'}
leaderElection: {enabled: false, namespace: gpu-system}
presets: {directory: /etc/presets}
profiles: {directory: /etc/profiles}
",
        "config.yaml",
    )
    .unwrap();
    let source = config.source("mimir").unwrap();
    assert_eq!(source.url, "https://mimir.example.com/prometheus");
    assert_eq!(source.bearer_token_file, Some("/etc/token".into()));
    assert_eq!(source.ca_file, Some("/etc/ca.pem".into()));
    assert_eq!(source.headers["X-Scope-OrgID"], "team");
    assert_eq!(source.timeout, Duration::from_secs(60));
    assert_eq!(source.max_bytes, 1 << 20);
    assert_eq!(config.timing.core().grid, Span::from_secs(2));
    assert_eq!(config.timing.tick, Duration::from_secs(1));
    assert_eq!(config.listen.metrics.to_string(), "127.0.0.1:0");
    let elected = LeaderElection {
        enabled: false,
        namespace: Some("gpu-system".into()),
    };
    assert_eq!(config.leader_election, elected);
    assert_eq!(config.presets_directory, Some("/etc/presets".into()));
    assert_eq!(config.profiles_directory, Some("/etc/profiles".into()));
}

#[test]
fn the_tick_follows_the_grid_when_it_is_not_set() {
    let config = OperatorConfig::parse(&format!("{SOURCE}timing: {{grid: 2s}}"), "f").unwrap();
    assert_eq!(config.timing.tick, Duration::from_secs(2));
}

#[rstest]
#[case::no_file_content(
    "",
    "metricsSources: has no entries: without metrics nothing can be decided; write at least one, such as [{name: default, url: http://prometheus.monitoring:9090}]"
)]
#[case::a_list_at_the_top(
    "- a",
    "a list is not a group of fields: write metricsSources, timing, listen, leaderElection, presets, profiles"
)]
#[case::no_yaml("a: [", "this is not YAML: ")]
#[case::a_field_twice("timing: {}\ntiming: {}", "this is not YAML: ")]
#[case::unknown_field(
    "metricSources: []",
    "metricSources: unknown field: did you mean metricsSources? known here: metricsSources, timing, listen, leaderElection, presets, profiles"
)]
#[case::unknown_far_field(
    "zzz: 1",
    "zzz: unknown field: known here: metricsSources, timing, listen, leaderElection, presets, profiles"
)]
#[case::unknown_source_field(
    "metricsSources: [{name: a, url: http://b, uri: c}]",
    "metricsSources[0].uri: unknown field: did you mean url? known here: name, url, bearerTokenFile, caFile, headers, timeout, maxBytes"
)]
#[case::one_source_without_list(
    "metricsSources: {name: a}",
    "metricsSources: a group of fields is not a list: write [..] or one entry a line with \"- \" before it"
)]
#[case::no_name(
    "metricsSources: [{url: http://b}]",
    "metricsSources[0].name: is missing: name it, such as default"
)]
#[case::bad_name(
    "metricsSources: [{name: My Source, url: http://b}]",
    "metricsSources[0].name: \"My Source\" is not a name: use at most 63 of a-z, 0-9 and -, such as default"
)]
#[case::no_url(
    "metricsSources: [{name: a}]",
    "metricsSources[0].url: is missing: write the server's address, such as http://prometheus.monitoring:9090"
)]
#[case::empty_url("metricsSources: [{name: a, url: ''}]", "metricsSources[0].url: is missing: ")]
#[case::no_scheme(
    "metricsSources: [{name: a, url: 'prometheus:9090'}]",
    "metricsSources[0].url: \"prometheus:9090\" has no scheme: write http:// or https://, such as http://prometheus:9090"
)]
#[case::ftp(
    "metricsSources: [{name: a, url: 'ftp://b'}]",
    "metricsSources[0].url: \"ftp://b\" is neither http:// nor https://: write one of them"
)]
#[case::file(
    "metricsSources: [{name: a, url: 'file:///etc/passwd'}]",
    "metricsSources[0].url: \"file:///etc/passwd\" is neither http:// nor https://: write one of them"
)]
#[case::no_host(
    "metricsSources: [{name: a, url: 'http://'}]",
    "metricsSources[0].url: \"http://\" is not an address (empty host): write one such as http://prometheus.monitoring:9090"
)]
#[case::bad_port(
    "metricsSources: [{name: a, url: 'http://b:99999'}]",
    "metricsSources[0].url: \"http://b:99999\" is not an address (invalid port number): write one such as"
)]
#[case::query(
    "metricsSources: [{name: a, url: 'http://b/?x=1'}]",
    "metricsSources[0].url: \"http://b/?x=1\" has something after ? or #: leave that out, what is asked is added"
)]
#[case::ca_without_tls(
    "metricsSources: [{name: a, url: 'http://b', caFile: /ca}]",
    "metricsSources[0].caFile: is set, but url starts with http://: write https://, or leave caFile out"
)]
#[case::timeout_without_unit(
    "metricsSources: [{name: a, url: 'http://b', timeout: 5}]",
    "metricsSources[0].timeout: 5 is not a time between 100ms and 1m: write one such as 5s"
)]
#[case::timeout_too_long(
    "metricsSources: [{name: a, url: 'http://b', timeout: 2m}]",
    "metricsSources[0].timeout: \"2m\" is not a time between 100ms and 1m: write one such as 5s"
)]
#[case::size_of_nothing(
    "metricsSources: [{name: a, url: 'http://b', maxBytes: 0}]",
    "metricsSources[0].maxBytes: 0 is not a size between 64Ki and 1Gi: write one such as 64Mi"
)]
#[case::header_name(
    "metricsSources: [{name: a, url: 'http://b', headers: {'a b': c}}]",
    "metricsSources[0].headers.a b: is not a header's name: use letters, digits and -"
)]
#[case::reserved_header(
    "metricsSources: [{name: a, url: 'http://b', headers: {Host: c}}]",
    "metricsSources[0].headers.Host: is written by the client itself: leave it out"
)]
#[case::two_authorizations(
    "metricsSources: [{name: a, url: 'http://b', bearerTokenFile: /t, headers: {Authorization: c}}]",
    "metricsSources[0].headers.Authorization: is also set by bearerTokenFile: leave one of them out"
)]
#[case::header_number(
    "metricsSources: [{name: a, url: 'http://b', headers: {X-Scope-OrgID: 12}}]",
    "metricsSources[0].headers.X-Scope-OrgID: 12 is not text: put it in quotes, \"12\""
)]
#[case::same_header(
    "metricsSources: [{name: a, url: 'http://b', headers: {A: c, a: d}}]",
    "metricsSources[0].headers.a: is here twice"
)]
#[case::same_name(
    "metricsSources: [{name: a, url: 'http://b'}, {name: a, url: 'http://c'}]",
    "metricsSources[1].name: \"a\" is also the name of metricsSources[0]: give each its own"
)]
#[case::grid_zero(
    "metricsSources: [{name: a, url: 'http://b'}]\ntiming: {grid: 0s}",
    "timing.grid: \"0s\" is not a time between 1s and 5m: write one such as 15s"
)]
#[case::grid_words(
    "metricsSources: [{name: a, url: 'http://b'}]\ntiming: {grid: often}",
    "timing.grid: \"often\" is not a time between 1s and 5m: write one such as 15s"
)]
#[case::tick_too_long(
    "metricsSources: [{name: a, url: 'http://b'}]\ntiming: {tick: 1m}",
    "timing.tick: \"1m\" is longer than grid (15s): a bucket would close unseen; write at most the grid"
)]
#[case::no_port(
    "metricsSources: [{name: a, url: 'http://b'}]\nlisten: {metrics: localhost}",
    "listen.metrics: \"localhost\" is not an address with a port: write one such as 0.0.0.0:8080"
)]
#[case::namespace(
    "metricsSources: [{name: a, url: 'http://b'}]\nleaderElection: {namespace: Inferscale_System}",
    "leaderElection.namespace: \"Inferscale_System\" is not a namespace: use at most 63 of a-z, 0-9 and -, such as inferscale-system"
)]
#[case::election_word(
    "metricsSources: [{name: a, url: 'http://b'}]\nleaderElection: {enabled: 'no'}",
    "leaderElection.enabled: \"no\" is not true or false: write one of them without quotes"
)]
#[case::election_bare(
    "metricsSources: [{name: a, url: 'http://b'}]\nleaderElection: false",
    "leaderElection: false is not a group of fields: write enabled, namespace"
)]
#[case::election_times(
    "metricsSources: [{name: a, url: 'http://b'}]\nleaderElection: {leaseDuration: 15s}",
    "leaderElection.leaseDuration: unknown field: known here: enabled, namespace"
)]
#[case::directory_number(
    "metricsSources: [{name: a, url: 'http://b'}]\npresets: {directory: 5}",
    "presets.directory: 5 is not text: put it in quotes, \"5\""
)]
#[case::directory_bare(
    "metricsSources: [{name: a, url: 'http://b'}]\nprofiles: /etc",
    "profiles: \"/etc\" is not a group of fields: write directory"
)]
fn a_mistake_is_named_with_its_place_value_rule_and_fix(#[case] text: &str, #[case] expected: &str) {
    let found = problems(text);
    assert!(found.iter().any(|p| p.starts_with(expected)), "{found:#?}");
}

#[test]
fn all_mistakes_come_at_once() {
    let found = problems(
        "
metricsSources:
- {name: A, url: prometheus:9090, timeout: never}
- {url: 5}
timing: {grid: 1d}
lisen: {}
",
    );
    let paths: Vec<&str> = found.iter().map(|p| p.split(": ").next().unwrap()).collect();
    assert_eq!(
        paths,
        [
            "lisen",
            "metricsSources[0].name",
            "metricsSources[0].url",
            "metricsSources[0].timeout",
            "metricsSources[1].name",
            "metricsSources[1].url",
            "timing.grid"
        ]
    );
}

#[rstest]
#[case("metricsSources: [{name: a, url: 'http://user:s3cret@b'}]")]
#[case("metricsSources: [{name: a, url: 'user:s3cret@b'}]")]
#[case("metricsSources: [{name: a, url: 'http://user:s3cret@b:99999'}]")]
#[case("metricsSources: [{name: a, url: 'http://b', headers: {X-Key: \"s3cret\\n\"}}]")]
fn a_secret_is_never_in_an_error(#[case] text: &str) {
    let found = problems(text);
    assert!(found.iter().all(|p| !p.contains("s3cret")), "{found:?}");
}

#[test]
fn a_header_is_never_in_the_debug_text() {
    let text = "metricsSources: [{name: a, url: 'http://b', headers: {X-Key: s3cret}}]";
    let shown = format!("{:?}", OperatorConfig::parse(text, "f").unwrap());
    assert!(shown.contains("X-Key") && !shown.contains("s3cret"), "{shown}");
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = OperatorConfig::load(Path::new("/nowhere/config.yaml"))
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("cannot read /nowhere/config.yaml: No such file"),
        "{error}"
    );
}

#[test]
fn a_file_without_end_is_not_read_to_its_end() {
    let error = OperatorConfig::load(Path::new("/dev/zero")).unwrap_err().to_string();
    assert!(error.contains("larger than 1Mi"), "{error}");
}

#[test]
fn a_file_that_is_not_utf8_is_named() {
    let folder = Folder::new();
    let path = folder.write("config.yaml", "");
    std::fs::write(&path, [b'a', 0xff]).unwrap();
    let error = OperatorConfig::load(&path).unwrap_err().to_string();
    assert!(error.contains("byte 1 is not UTF-8"), "{error}");
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,200}") {
        let _ = OperatorConfig::parse(&text, "f");
    }
}

/// The reference page shows what it says, so it cannot drift from the code.
mod reference_page {
    use super::*;
    use crate::config::{EnginePreset, Signal};

    const PAGE: &str = include_str!("../../docs/reference/configuration.md");

    fn blocks(language: &str) -> Vec<&'static str> {
        let fence = format!("```{language}\n");
        PAGE.split(&fence)
            .skip(1)
            .map(|rest| rest.split("```").next().unwrap())
            .collect()
    }

    #[test]
    fn its_example_parses_and_sets_every_field() {
        let config = OperatorConfig::parse(blocks("yaml")[0], "example").unwrap();
        assert_eq!(config.metrics_sources.len(), 2);
        assert!(config.presets_directory.is_some() && config.profiles_directory.is_some());
    }

    #[test]
    fn its_defaults_are_those_in_force() {
        for row in [
            "| `metricsSources[].timeout` | `5s` |",
            "| `metricsSources[].maxBytes` | `64Mi` |",
            "| `timing.grid` | `15s` |",
            "| `timing.tick` | the grid |",
            "| `listen.metrics` | `0.0.0.0:8080` |",
            "| `leaderElection.enabled` | `true` |",
        ] {
            assert!(PAGE.contains(row), "{row}");
        }
        assert_eq!(MetricsSource::DEFAULT_TIMEOUT, Duration::from_secs(5));
        assert_eq!(MetricsSource::DEFAULT_MAX_BYTES, 64 << 20);
        assert_eq!(Timing::DEFAULT_GRID, Duration::from_secs(15));
        assert_eq!(Listen::default().metrics.to_string(), "0.0.0.0:8080");
    }

    #[test]
    fn its_preset_parses_with_every_signal() {
        let preset = EnginePreset::parse(blocks("yaml")[2], "example").unwrap();
        assert_eq!(preset.signals.len(), <Signal as strum::VariantNames>::VARIANTS.len());
    }

    #[test]
    fn it_names_every_field_that_the_errors_know() {
        let text = "x: 1\ntiming: {x: 1}\nlisten: {x: 1}\nleaderElection: {x: 1}\npresets: {x: 1}\nprofiles: {x: 1}\nmetricsSources: [{x: 1}]";
        for problem in problems(text) {
            let Some((path, known)) = problem.split_once(": unknown field: known here: ") else {
                continue;
            };
            let prefix = path.trim_end_matches('x').replace("[0]", "[]");
            for field in known.split(", ") {
                let field = format!("`{prefix}{field}");
                assert!(PAGE.contains(&field), "{field} is not on the page");
            }
        }
    }

    #[test]
    fn its_errors_are_those_that_are_printed() {
        let config = "lisen: {}\nmetricsSources: [{name: a, url: 'prometheus:9090'}]\ntiming: {grid: '15'}";
        let error = OperatorConfig::parse(config, "config.yaml").unwrap_err();
        assert_eq!(blocks("text")[0].trim_end(), format!("error: {error}"));
    }

    #[test]
    fn it_has_a_remedy_for_every_cause_of_dropped_samples() {
        for cause in <crate::observe::prometheus::DropCause as strum::VariantNames>::VARIANTS {
            assert!(PAGE.contains(&format!("`{cause}`")), "{cause}");
        }
    }
}
