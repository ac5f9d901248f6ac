//! Who this process is, unlike every other process that ever ran; and its requests signed with it.
//!
//! The signature is the `User-Agent`, so the API server's audit log says of each write which replica wrote it, and in
//! which epoch.

use std::hash::{BuildHasher, RandomState};

use axum::http::{HeaderValue, Request, header};
use kube::client::{Body, ClientBuilder};
use kube::{Client, Config};
use tower::util::MapRequestLayer;

use super::claim::Leadership;

/// The longest name of a pod that is shown: the API server limits the length of what identifies a holder.
const LONGEST_NAME: usize = 63;

/// The name of this process in the Lease: its pod's, with an ending that no other process has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity(String);

impl Identity {
    /// A new one. A container that is started anew in its pod is another process and must wait like any other.
    pub fn new(pod: Option<&str>) -> Self {
        let pod: String = pod
            .unwrap_or("inferscale")
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.'))
            .take(LONGEST_NAME)
            .collect();
        // The standard library's random keys: 64 bits that differ from process to process.
        let random = RandomState::new().hash_one(std::process::id());
        Self(format!("{pod}_{random:016x}"))
    }

    /// As it stands in the Lease.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The `User-Agent` of a request that is sent in `epoch`.
    fn signature(&self, epoch: Option<i32>) -> String {
        let (version, me) = (env!("CARGO_PKG_VERSION"), &self.0);
        match epoch {
            Some(epoch) => format!("inferscale/{version} ({me}; epoch {epoch})"),
            None => format!("inferscale/{version} ({me})"),
        }
    }
}

/// A client for `config` that signs each request with `identity` and the epoch at that moment.
///
/// # Errors
/// When `config` cannot be used.
pub fn client(config: Config, identity: &Identity, leadership: &Leadership) -> Result<Client, kube::Error> {
    let (identity, leadership) = (identity.clone(), leadership.clone());
    let sign = MapRequestLayer::new(move |mut request: Request<Body>| {
        if let Ok(value) = HeaderValue::from_str(&identity.signature(leadership.signature())) {
            request.headers_mut().insert(header::USER_AGENT, value);
        }
        request
    });
    Ok(ClientBuilder::try_from(config)?.with_layer(&sign).build())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_processes_have_one_name() {
        let (a, b) = (Identity::new(Some("pod-1")), Identity::new(Some("pod-1")));
        assert!(a.as_str().starts_with("pod-1_") && a != b, "{a:?} {b:?}");
    }

    #[test]
    fn a_signature_is_a_header_whatever_the_pod_is_called() {
        let odd = Identity::new(Some("a\r\nb é(c)"));
        assert!(odd.as_str().starts_with("abc_"), "{odd:?}");
        let text = odd.signature(Some(7));
        assert!(
            HeaderValue::from_str(&text).is_ok() && text.ends_with("; epoch 7)"),
            "{text}"
        );
        assert!(!odd.signature(None).contains("epoch"));
    }
}
