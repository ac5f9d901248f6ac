//! What the API server wrote down: who wrote what, when.

use std::io::{Read, Seek, SeekFrom};

use serde_json::Value;

use super::harness::Cluster;

/// The audit log from one moment on.
pub struct Audit {
    path: String,
    from: u64,
}

/// One request that changes something, whatever became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    pub verb: String,
    /// With the subresource, such as `deployments/scale`.
    pub resource: String,
    pub namespace: String,
    pub name: String,
    /// The status code of the answer.
    pub code: u64,
    /// The `User-Agent`: which replica, and in which epoch.
    pub agent: String,
}

impl Write {
    /// Whether it is about who leads, and nothing else.
    pub fn elects(&self) -> bool {
        (self.resource.as_str(), self.namespace.as_str(), self.name.as_str())
            == ("leases", "inferscale-system", "inferscale")
    }

    /// The epoch that the operator led in when it was sent; `None` = it did not lead.
    pub fn epoch(&self) -> Option<i32> {
        let (_, rest) = self.agent.split_once("epoch ")?;
        rest.trim_end_matches(')').parse().ok()
    }

    /// Whether it is about an object's report and nothing else: its status, or an event.
    pub fn reports(&self) -> bool {
        self.resource.ends_with("/status") || self.resource == "events"
    }
}

impl Audit {
    /// From now on.
    pub fn from_now(cluster: &Cluster) -> Self {
        let path = cluster.env("AUDIT_LOG").to_owned();
        let from = std::fs::metadata(&path).expect("an audit log").len();
        Self { path, from }
    }

    /// Every write of `user` so far, in its order. The API server writes a line before it answers.
    pub fn writes_of(&self, user: &str) -> Vec<Write> {
        let mut file = std::fs::File::open(&self.path).expect("an audit log");
        file.seek(SeekFrom::Start(self.from)).expect("it only grows");
        let mut text = String::new();
        file.read_to_string(&mut text).expect("text");
        let by = format!("\"username\":\"{user}\"");
        text.lines()
            .filter(|line| line.contains(&by))
            .filter_map(|line| serde_json::from_str(line).ok())
            .filter_map(|event: Value| write(&event))
            .collect()
    }
}

fn write(event: &Value) -> Option<Write> {
    let text = |path: &str| {
        event
            .pointer(path)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let verb = text("/verb");
    let (resource, subresource) = (text("/objectRef/resource"), text("/objectRef/subresource"));
    let resource = if subresource.is_empty() {
        resource
    } else {
        format!("{resource}/{subresource}")
    };
    (!matches!(verb.as_str(), "get" | "list" | "watch")).then(|| Write {
        verb,
        resource,
        namespace: text("/objectRef/namespace"),
        name: text("/objectRef/name"),
        code: event
            .pointer("/responseStatus/code")
            .and_then(Value::as_u64)
            .unwrap_or(0),
        agent: text("/userAgent"),
    })
}
