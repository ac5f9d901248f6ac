//! What a pod asks for in its annotation, checked and filled in with the pod's own values. Before any process is
//! started. No I/O.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::Deserialize;

/// The annotation that makes a pod ours.
pub(crate) const PROCESS: &str = "inferscale.dev/process";

/// Longest command line in words: enough for any engine, small enough to read in a log.
const MAX_WORDS: usize = 128;

/// Why a pod's wish cannot be granted; shown in the pod's status.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum AnnotationError {
    /// Neither form of JSON.
    #[error("annotation {PROCESS}: {0}; write [\"program\", \"argument\"] or {{\"command\": [...], \"port\": 8000}}")]
    Syntax(String),
    /// Well-formed, but out of bounds.
    #[error("annotation {PROCESS}: {field} {value}: {rule}")]
    Value {
        field: &'static str,
        value: String,
        rule: &'static str,
    },
    /// An address that is not on this machine's loopback: this is not the test cluster.
    #[error("the pod's address {0} is not in 127.0.0.0/8: this program only serves pods of the local test cluster")]
    ForeignAddress(String),
}

/// The values a pod's words may refer to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) address: String,
}

/// One process, ready to be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wish {
    /// Program and arguments; never empty.
    pub(crate) command: Vec<String>,
    /// Added to the environment of this program.
    pub(crate) environment: BTreeMap<String, String>,
    /// Where health is asked.
    pub(crate) health_url: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Words(Vec<String>),
    Full(Full),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Full {
    command: Vec<String>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    #[serde(default = "default_health_path")]
    health_path: String,
    #[serde(default = "default_port")]
    port: u16,
}

fn default_health_path() -> String {
    "/health".to_owned()
}

fn default_port() -> u16 {
    8000
}

impl Wish {
    /// Reads the annotation of the pod.
    pub(crate) fn parse(text: &str, pod: &Identity) -> Result<Self, AnnotationError> {
        match pod.address.parse::<IpAddr>() {
            Ok(IpAddr::V4(address)) if address.is_loopback() => {}
            _ => return Err(AnnotationError::ForeignAddress(pod.address.clone())),
        }
        let full = match parse_json(text)? {
            Written::Full(full) => full,
            Written::Words(command) => Full {
                command,
                env: BTreeMap::new(),
                health_path: default_health_path(),
                port: default_port(),
            },
        };
        check(&full)?;
        let filled = |field, text: &String| fill_in(field, text, pod, full.port);
        Ok(Self {
            command: full
                .command
                .iter()
                .map(|word| filled("command", word))
                .collect::<Result<_, _>>()?,
            environment: full
                .env
                .iter()
                .map(|(name, value)| Ok((name.clone(), filled("env", value)?)))
                .collect::<Result<_, _>>()?,
            health_url: format!("http://{}:{}{}", pod.address, full.port, full.health_path),
        })
    }
}

/// Two steps, because serde's message for an untagged enum names nothing.
fn parse_json(text: &str) -> Result<Written, AnnotationError> {
    let syntax = |error: serde_json::Error| AnnotationError::Syntax(error.to_string());
    let value: serde_json::Value = serde_json::from_str(text).map_err(syntax)?;
    if value.is_object() {
        serde_json::from_value(value).map(Written::Full).map_err(syntax)
    } else {
        serde_json::from_value(value).map(Written::Words).map_err(syntax)
    }
}

fn check(full: &Full) -> Result<(), AnnotationError> {
    let refuse = |field, value: String, rule| Err(AnnotationError::Value { field, value, rule });
    if full.command.first().is_none_or(String::is_empty) {
        return refuse(
            "command",
            format!("{:?}", full.command),
            "its first word must be a program",
        );
    }
    if full.command.len() > MAX_WORDS {
        return refuse(
            "command",
            format!("of {} words", full.command.len()),
            "must have at most 128 words",
        );
    }
    if full
        .command
        .iter()
        .chain(full.env.values())
        .any(|word| word.contains('\0'))
    {
        return refuse("command or env", "with a NUL".to_owned(), "must not contain NUL bytes");
    }
    if let Some(name) = full
        .env
        .keys()
        .find(|name| name.is_empty() || name.contains(['=', '\0']))
    {
        return refuse("env", format!("{name:?}"), "a name must not be empty or contain '='");
    }
    if full.port == 0 {
        return refuse("port", "0".to_owned(), "must be from 1 to 65535");
    }
    let plain = |c: char| c.is_ascii_graphic();
    if !full.health_path.starts_with('/') || !full.health_path.chars().all(plain) {
        return refuse(
            "healthPath",
            format!("{:?}", full.health_path),
            "must start with '/' and hold no spaces",
        );
    }
    Ok(())
}

/// Replaces `$(NAME)`; `$$` stands for `$`, as in a container's `args`. An unknown name is an error: it would
/// otherwise reach the program as it is and be hard to find.
fn fill_in(field: &'static str, text: &str, pod: &Identity, port: u16) -> Result<String, AnnotationError> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        filled.push_str(before);
        if let Some(tail) = after.strip_prefix('$') {
            filled.push('$');
            rest = tail;
        } else if let Some((name, tail)) = after.strip_prefix('(').and_then(|inner| inner.split_once(')')) {
            match name {
                "POD_IP" => filled.push_str(&pod.address),
                "PORT" => filled.push_str(&port.to_string()),
                "POD_NAME" => filled.push_str(&pod.name),
                "NAMESPACE" => filled.push_str(&pod.namespace),
                _ => {
                    return Err(AnnotationError::Value {
                        field,
                        value: format!("$({name})"),
                        rule: "use $(POD_IP), $(PORT), $(POD_NAME) or $(NAMESPACE); write $$ for a plain $",
                    });
                }
            }
            rest = tail;
        } else {
            filled.push('$');
            rest = after;
        }
    }
    filled.push_str(rest);
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn pod() -> Identity {
        Identity {
            namespace: "prod".into(),
            name: "chat-1".into(),
            address: "127.128.0.5".into(),
        }
    }

    #[test]
    fn a_list_of_words_gets_the_default_port_and_health_path() {
        let wish = Wish::parse(r#"["serve", "--host", "$(POD_IP)", "--port", "$(PORT)"]"#, &pod()).unwrap();
        assert_eq!(wish.command, ["serve", "--host", "127.128.0.5", "--port", "8000"]);
        assert_eq!(wish.health_url, "http://127.128.0.5:8000/health");
        assert!(wish.environment.is_empty());
    }

    #[test]
    fn the_full_form_sets_everything() {
        let text = r#"{"command": ["serve", "$(NAMESPACE)/$(POD_NAME)"], "env": {"WHO": "$(POD_NAME)"},
            "healthPath": "/ready?x=1", "port": 9001}"#;
        let wish = Wish::parse(text, &pod()).unwrap();
        assert_eq!(wish.command, ["serve", "prod/chat-1"]);
        assert_eq!(wish.environment["WHO"], "chat-1");
        assert_eq!(wish.health_url, "http://127.128.0.5:9001/ready?x=1");
    }

    #[rstest]
    #[case::escaped("$$(POD_IP) costs $$5", "$(POD_IP) costs $5")]
    #[case::plain_dollar("a$b$", "a$b$")]
    #[case::open_bracket("$(POD_IP", "$(POD_IP")]
    #[case::twice("$(PORT)$(PORT)", "80008000")]
    #[case::not_ascii("ü$(PORT)ü", "ü8000ü")]
    fn words_are_filled_in_like_a_containers_arguments(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(fill_in("command", text, &pod(), 8000).unwrap(), expected);
    }

    #[rstest]
    #[case::not_json("serve", "expected value")]
    #[case::words_of_numbers("[1]", "invalid type: integer `1`, expected a string")]
    #[case::unknown_field(r#"{"command": ["a"], "cmd": 1}"#, "unknown field `cmd`")]
    #[case::no_command(r#"{"port": 1}"#, "missing field `command`")]
    #[case::empty("[]", "its first word must be a program")]
    #[case::empty_program(r#"["", "x"]"#, "its first word must be a program")]
    #[case::zero_port(r#"{"command": ["a"], "port": 0}"#, "port 0: must be from 1 to 65535")]
    #[case::large_port(r#"{"command": ["a"], "port": 65536}"#, "expected u16")]
    #[case::relative_path(r#"{"command": ["a"], "healthPath": "health"}"#, "must start with '/'")]
    #[case::path_with_space(
        r#"{"command": ["a"], "healthPath": "/a b"}"#,
        "must start with '/' and hold no spaces"
    )]
    #[case::odd_variable(
        r#"{"command": ["a"], "env": {"A=B": ""}}"#,
        "a name must not be empty or contain '='"
    )]
    #[case::unknown_reference(r#"["a", "$(HOST)"]"#, "$(HOST): use $(POD_IP)")]
    fn a_bad_annotation_is_refused_with_the_rule(#[case] text: &str, #[case] expected: &str) {
        let message = Wish::parse(text, &pod()).unwrap_err().to_string();
        assert!(message.starts_with("annotation inferscale.dev/process"), "{message}");
        assert!(message.contains(expected), "{message}");
    }

    #[test]
    fn too_many_words_are_refused() {
        let text = serde_json::to_string(&vec!["a"; 129]).unwrap();
        assert!(
            Wish::parse(&text, &pod())
                .unwrap_err()
                .to_string()
                .contains("at most 128 words")
        );
    }

    #[rstest]
    #[case("10.0.0.7")]
    #[case("0.0.0.0")]
    #[case("::1")]
    #[case("")]
    fn a_pod_of_another_cluster_runs_nothing(#[case] address: &str) {
        let foreign = Identity {
            address: address.into(),
            ..pod()
        };
        assert_eq!(
            Wish::parse(r#"["true"]"#, &foreign),
            Err(AnnotationError::ForeignAddress(address.to_owned()))
        );
    }
}
