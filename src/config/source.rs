//! A Prometheus that the administrator trusts: where it is, and how it is asked. No I/O.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::Url;
use reqwest::header::{HeaderName, HeaderValue};

use super::document::Node;
use super::quantity;

/// Headers that the client itself writes.
const RESERVED: [&str; 7] = [
    "host",
    "content-length",
    "content-type",
    "transfer-encoding",
    "connection",
    "accept-encoding",
    "te",
];

/// One entry of `metricsSources`.
#[derive(Clone, PartialEq, Eq)]
pub struct MetricsSource {
    /// What an InferenceDeployment calls it.
    pub name: String,
    /// The address of the server, without a slash at its end: `http://prometheus.monitoring:9090`, or with the path
    /// of a gateway, such as `https://mimir.example.com/prometheus`.
    pub url: String,
    /// A file with a bearer token, read again before each use.
    pub bearer_token_file: Option<PathBuf>,
    /// A PEM file with the authorities to trust instead of the system's, read again when it changes.
    pub ca_file: Option<PathBuf>,
    /// Headers sent with each query, such as `X-Scope-OrgID`. Values may be secrets and are never printed.
    pub headers: BTreeMap<String, String>,
    /// How long one query may take from the first byte sent to the last received.
    pub timeout: Duration,
    /// The most bytes of one answer.
    pub max_bytes: u64,
}

impl MetricsSource {
    /// The time limit of a query when none is set.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);
    /// The most bytes of an answer when nothing is set: 64 MiB.
    pub const DEFAULT_MAX_BYTES: u64 = 64 << 20;

    /// A source at an address, everything else as it is by default.
    pub fn new(name: &str, url: &str) -> Self {
        Self {
            name: name.to_owned(),
            url: url.trim_end_matches('/').to_owned(),
            bearer_token_file: None,
            ca_file: None,
            headers: BTreeMap::new(),
            timeout: Self::DEFAULT_TIMEOUT,
            max_bytes: Self::DEFAULT_MAX_BYTES,
        }
    }

    pub(super) fn read(node: &Node<'_>) -> Option<Self> {
        let known = [
            "name",
            "url",
            "bearerTokenFile",
            "caFile",
            "headers",
            "timeout",
            "maxBytes",
        ];
        if !node.only(&known) {
            return None;
        }
        let name = node.get("name");
        let name = name.required(
            name.read("a name: use at most 63 of a-z, 0-9 and -, such as default", label),
            "name it, such as default",
        );
        let address = node.get("url");
        let url = address.required(
            read_url(&address),
            "write the server's address, such as http://prometheus.monitoring:9090",
        );
        let bearer_token_file = node.get("bearerTokenFile").text().map(PathBuf::from);
        let ca_file = node.get("caFile").text().map(PathBuf::from);
        if ca_file.is_some() && url.as_ref().is_some_and(|url| url.starts_with("http:")) {
            node.get("caFile")
                .wrong("is set, but url starts with http://: write https://, or leave caFile out");
        }
        let headers = read_headers(&node.get("headers"), bearer_token_file.is_some());
        let timeout = node
            .get("timeout")
            .read("a time between 100ms and 1m: write one such as 5s", |text| {
                quantity::duration(text)
                    .filter(|time| (Duration::from_millis(100)..=Duration::from_secs(60)).contains(time))
            });
        let max_bytes = node
            .get("maxBytes")
            .read("a size between 64Ki and 1Gi: write one such as 64Mi", |text| {
                quantity::bytes(text).filter(|size| (64 << 10..=1 << 30).contains(size))
            });
        Some(Self {
            name: name?,
            url: url?,
            bearer_token_file,
            ca_file,
            headers,
            timeout: timeout.unwrap_or(Self::DEFAULT_TIMEOUT),
            max_bytes: max_bytes.unwrap_or(Self::DEFAULT_MAX_BYTES),
        })
    }
}

/// Header values may be secrets.
impl fmt::Debug for MetricsSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MetricsSource")
            .field("name", &self.name)
            .field("url", &self.url)
            .field("bearer_token_file", &self.bearer_token_file)
            .field("ca_file", &self.ca_file)
            .field("headers", &self.headers.keys())
            .field("timeout", &self.timeout)
            .field("max_bytes", &self.max_bytes)
            .finish()
    }
}

/// A DNS label.
pub(super) fn label(text: &str) -> Option<String> {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let ends = !text.starts_with('-') && !text.ends_with('-');
    (!text.is_empty() && text.len() <= 63 && ends && text.chars().all(inner)).then(|| text.to_owned())
}

fn read_url(node: &Node<'_>) -> Option<String> {
    let text = node.text()?;
    // The value may hold a password where the host should be; it is shown only when it cannot.
    let shown = if text.contains('@') {
        "the address".to_owned()
    } else {
        node.shown()
    };
    if !text.contains("://") {
        node.wrong(format!(
            "{shown} has no scheme: write http:// or https://, such as http://{}",
            if text.contains('@') {
                "prometheus.monitoring:9090"
            } else {
                text
            }
        ));
        return None;
    }
    let url = match Url::parse(text) {
        Ok(url) => url,
        Err(error) => {
            node.wrong(format!(
                "{shown} is not an address ({error}): write one such as http://prometheus.monitoring:9090"
            ));
            return None;
        }
    };
    let fault = if !matches!(url.scheme(), "http" | "https") {
        "is neither http:// nor https://: write one of them"
    } else if url.host_str().is_none_or(str::is_empty) {
        "has no host: write one such as http://prometheus.monitoring:9090"
    } else if !url.username().is_empty() || url.password().is_some() {
        "holds a user or a password: take it out and use bearerTokenFile or headers"
    } else if url.query().is_some() || url.fragment().is_some() {
        "has something after ? or #: leave that out, what is asked is added"
    } else {
        return Some(text.trim_end_matches('/').to_owned());
    };
    node.wrong(format!("{shown} {fault}"));
    None
}

fn read_headers(node: &Node<'_>, has_token: bool) -> BTreeMap<String, String> {
    let mut headers = BTreeMap::new();
    for (name, value) in node.fields() {
        let lower = name.to_ascii_lowercase();
        if HeaderName::from_bytes(name.as_bytes()).is_err() {
            value.wrong("is not a header's name: use letters, digits and -");
        } else if RESERVED.contains(&lower.as_str()) {
            value.wrong("is written by the client itself: leave it out");
        } else if lower == "authorization" && has_token {
            value.wrong("is also set by bearerTokenFile: leave one of them out");
        } else if headers.keys().any(|other: &String| other.eq_ignore_ascii_case(&name)) {
            value.wrong("is here twice (upper and lower case are one): leave one out");
        } else if let Some(text) = value.required(value.text(), "write its value, or leave the header out") {
            if HeaderValue::from_str(text).is_err() {
                value.wrong("has a value with a line break or another character that no header may hold");
            } else {
                headers.insert(name, text.to_owned());
            }
        }
    }
    headers
}
