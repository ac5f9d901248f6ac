//! The connection to one Prometheus: bounded in time and bytes, without redirects, proxies or compression. I/O.

use std::error::Error;
use std::fmt;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use inferscale_core::units::Time;
use reqwest::header::{AUTHORIZATION, CONTENT_ENCODING, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Certificate, Response, StatusCode, redirect};
use tokio::io::AsyncReadExt;
use tokio::sync::RwLock;

use super::failure::{Failure, FailureClass};
use super::reply;
use crate::config::MetricsSource;

/// The most bytes of a token or of a file with authorities.
const MOST_FILE_BYTES: u64 = 1 << 20;
/// The most bytes of an error's body that are looked at.
const MOST_ERROR_BYTES: u64 = 16 << 10;

/// Why a source cannot be used at all.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The file with the authorities to trust cannot be read.
    #[error("metrics source {source_name:?}: cannot read caFile {path}: {reason}")]
    CaFile {
        /// The source's name.
        source_name: String,
        /// The file.
        path: String,
        /// Why, for people.
        reason: String,
    },
    /// The HTTP client refuses the settings.
    #[error("metrics source {source_name:?}: {reason}")]
    Client {
        /// The source's name.
        source_name: String,
        /// Why, for people.
        reason: String,
    },
}

/// One Prometheus that is asked.
pub struct Source {
    settings: MetricsSource,
    client: RwLock<Connection>,
}

/// A client, and the authorities that it was made with.
struct Connection {
    client: prometheus_http_query::Client,
    authorities: Vec<u8>,
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl Source {
    /// Prepares the connection; nothing is sent yet.
    ///
    /// # Errors
    /// When the file with the authorities cannot be read or used.
    pub fn new(settings: &MetricsSource) -> Result<Self, SourceError> {
        let authorities = match &settings.ca_file {
            Some(path) => read_file(path).map_err(|reason| SourceError::CaFile {
                source_name: settings.name.clone(),
                path: path.display().to_string(),
                reason,
            })?,
            None => Vec::new(),
        };
        let client = connection(settings, authorities).map_err(|reason| SourceError::Client {
            source_name: settings.name.clone(),
            reason,
        })?;
        Ok(Self {
            settings: settings.clone(),
            client: RwLock::new(client),
        })
    }

    /// What an InferenceDeployment calls it.
    pub fn name(&self) -> &str {
        &self.settings.name
    }

    /// Reads the token, and the authorities when their file has changed: both are rotated while we run.
    pub(super) async fn refresh(&self) -> Result<Option<HeaderValue>, Failure> {
        self.refresh_authorities().await;
        let Some(path) = &self.settings.bearer_token_file else {
            return Ok(None);
        };
        let unusable = |reason: &str| {
            Failure::new(
                FailureClass::Credentials,
                format!("bearerTokenFile {} {reason}", path.display()),
            )
        };
        let token = read_file_async(path)
            .await
            .map_err(|reason| unusable(&format!("cannot be read: {reason}")))?;
        let token = String::from_utf8(token).map_err(|_| unusable("is not text"))?;
        let token = token.trim();
        if token.is_empty() {
            return Err(unusable("is empty"));
        }
        let mut header = HeaderValue::from_str(&format!("Bearer {token}"))
            .map_err(|_| unusable("holds more than one line or characters that no token has"))?;
        header.set_sensitive(true);
        Ok(Some(header))
    }

    /// A file that is just being replaced keeps the old authorities in force.
    async fn refresh_authorities(&self) {
        let Some(path) = &self.settings.ca_file else { return };
        let Ok(authorities) = read_file_async(path).await else {
            return;
        };
        if self.client.read().await.authorities == authorities {
            return;
        }
        if let Ok(client) = connection(&self.settings, authorities) {
            *self.client.write().await = client;
        }
    }

    /// The bytes of the answer to an instant query at `now`.
    pub(super) async fn ask(&self, promql: &str, now: Time, token: Option<&HeaderValue>) -> Result<Vec<u8>, Failure> {
        let limit = self.settings.timeout;
        tokio::time::timeout(limit, self.exchange(promql, now, token))
            .await
            .unwrap_or_else(|_| {
                Err(Failure::new(
                    FailureClass::Timeout,
                    format!("no complete answer within {} ms", limit.as_millis()),
                ))
            })
    }

    async fn exchange(&self, promql: &str, now: Time, token: Option<&HeaderValue>) -> Result<Vec<u8>, Failure> {
        let mut query = {
            let connection = self.client.read().await;
            connection.client.query(promql)
        }
        .query("time", format!("{:.3}", now.as_secs_f64()))
        // So that the server stops working on what nobody waits for.
        .timeout(i64::try_from(self.settings.timeout.as_millis()).unwrap_or(i64::MAX));
        if let Some(token) = token {
            query = query.header(AUTHORIZATION, token.clone());
        }
        let response = query.post_raw().await.map_err(|error| unreachable(&error))?;
        let status = response.status();
        if !status.is_success() {
            return Err(refused(status, response).await);
        }
        let encoding = response.headers().get(CONTENT_ENCODING);
        if encoding.is_some_and(|encoding| encoding != "identity") {
            return Err(Failure::new(
                FailureClass::Malformed,
                "the answer is compressed although nothing compressed was asked for",
            ));
        }
        let most = self.settings.max_bytes;
        read_body(response, most).await?.ok_or_else(|| {
            Failure::new(
                FailureClass::TooLarge,
                format!("the answer is larger than {most} bytes"),
            )
        })
    }
}

fn connection(settings: &MetricsSource, authorities: Vec<u8>) -> Result<Connection, String> {
    let mut headers = HeaderMap::new();
    for (name, value) in &settings.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| format!("header {name:?} has no valid name"))?;
        let mut value = HeaderValue::from_str(value).map_err(|_| format!("header {name} has no valid value"))?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("inferscale/", env!("CARGO_PKG_VERSION")))
        .default_headers(headers)
        // A redirect could lead to the address of a cloud's metadata service, and take the token along.
        .redirect(redirect::Policy::none())
        // HTTP_PROXY in a pod's environment is not meant for the cluster's own Prometheus.
        .no_proxy()
        // A small compressed body can hold any number of bytes.
        .no_gzip()
        .no_brotli()
        .no_zstd()
        .no_deflate()
        .connect_timeout(settings.timeout.min(Duration::from_secs(5)))
        .timeout(settings.timeout)
        .pool_max_idle_per_host(4);
    if settings.ca_file.is_some() {
        let certificates = Certificate::from_pem_bundle(&authorities)
            .ok()
            .filter(|certificates| !certificates.is_empty())
            .ok_or("caFile holds no certificate in PEM form")?;
        builder = builder.tls_certs_only(certificates);
    }
    let client = builder.build().map_err(|error| chain(&error.without_url()))?;
    let client = prometheus_http_query::Client::from(client, settings.url.trim_end_matches('/'))
        .map_err(|error| error.to_string())?;
    Ok(Connection { client, authorities })
}

/// The body, or `None` when it is larger than `most`: what comes after that is never read.
async fn read_body(mut response: Response, most: u64) -> Result<Option<Vec<u8>>, Failure> {
    // A server may announce any length: it only serves to give up early.
    if response.content_length().is_some_and(|length| length > most) {
        return Ok(None);
    }
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if (body.len() + chunk.len()) as u64 > most => return Ok(None),
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => return Ok(Some(body)),
            Err(error) if error.is_timeout() => {
                return Err(Failure::new(FailureClass::Timeout, "the answer stopped coming"));
            }
            Err(_) => return Err(Failure::new(FailureClass::Malformed, "the answer was cut off")),
        }
    }
}

/// What a status other than success means.
async fn refused(status: StatusCode, response: Response) -> Failure {
    let code = status.as_u16();
    if status.is_redirection() {
        return Failure::new(
            FailureClass::Http(code),
            format!(
                "the server answers with a redirect ({code}), which is not followed: write its final address into url"
            ),
        );
    }
    if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
        return Failure::new(
            FailureClass::Http(code),
            format!("the server does not let us in ({code}): check bearerTokenFile and headers"),
        );
    }
    let body = read_body(response, MOST_ERROR_BYTES).await.ok().flatten();
    match body.as_deref().and_then(reply::refusal) {
        Some(kind) => Failure::new(
            FailureClass::Rejected,
            format!("Prometheus refused the query ({kind}, {code})"),
        ),
        None => Failure::new(
            FailureClass::Http(code),
            format!("the server answers with status {code}"),
        ),
    }
}

/// Why there is no answer at all.
fn unreachable(error: &prometheus_http_query::Error) -> Failure {
    let mut next: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(cause) = next {
        if let Some(cause) = cause.downcast_ref::<reqwest::Error>() {
            if cause.is_timeout() {
                return Failure::new(FailureClass::Timeout, "no connection or no answer in time");
            }
            // Only the innermost cause: the outer ones repeat the address.
            let reason = root(cause);
            return Failure::new(FailureClass::Unreachable, format!("no connection: {reason}"));
        }
        next = cause.source();
    }
    Failure::new(FailureClass::Unreachable, "no connection")
}

fn root(error: &dyn Error) -> String {
    let mut last = error.source();
    while let Some(inner) = last.and_then(Error::source) {
        last = Some(inner);
    }
    last.map_or_else(|| "no reason given".into(), ToString::to_string)
}

fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}

fn read_file(path: &Path) -> Result<Vec<u8>, String> {
    let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    file.take(MOST_FILE_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| error.to_string())?;
    within(bytes)
}

async fn read_file_async(path: &Path) -> Result<Vec<u8>, String> {
    let file = tokio::fs::File::open(path).await.map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    file.take(MOST_FILE_BYTES + 1)
        .read_to_end(&mut bytes)
        .await
        .map_err(|error| error.to_string())?;
    within(bytes)
}

fn within(bytes: Vec<u8>) -> Result<Vec<u8>, String> {
    if bytes.len() as u64 > MOST_FILE_BYTES {
        return Err("it is larger than 1Mi, the most that is read".into());
    }
    Ok(bytes)
}
