//! Instant queries to one Prometheus: bounded in time and bytes, without redirects, proxies or compression. I/O.
//!
//! [`crate::observe::prometheus`] reads raw samples of pods, with the time of each, for decisions; a table for people
//! needs only the newest value of a few aggregates.

use std::collections::HashMap;
use std::error::Error;
use std::time::Duration;

use reqwest::header::{CONTENT_ENCODING, HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect;
use serde::Deserialize;

use crate::config::MetricsSource;

/// The most bytes of one answer: some 30,000 pods.
const MOST_BYTES: usize = 16 << 20;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// Nobody answers there.
    #[error("cannot be reached: {0}")]
    Unreachable(String),
    /// The answer did not come in time.
    #[error("did not answer within {}", inferscale_core::units::Span::from_secs_f64(.0.as_secs_f64()))]
    Timeout(Duration),
    /// An answer, but not the one that was asked for.
    #[error("answered with status {0}")]
    Status(u16),
    /// More than is read.
    #[error("answered with more than {} MiB", MOST_BYTES >> 20)]
    TooLarge,
    /// Not what a Prometheus says.
    #[error("did not answer as a Prometheus does")]
    Malformed,
    /// The connection cannot be set up.
    #[error("cannot be asked: {0}")]
    Settings(String),
}

/// One series of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// Its labels.
    pub labels: HashMap<String, String>,
    /// Its newest value; always finite.
    pub value: f64,
}

impl Point {
    /// The value of a label; `None` where it is absent or empty.
    pub fn label(&self, name: &str) -> Option<&str> {
        self.labels
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }
}

/// One Prometheus that is asked.
#[derive(Clone)]
pub struct Prometheus {
    client: prometheus_http_query::Client,
    url: String,
    timeout: Duration,
}

impl Prometheus {
    /// Prepares the connection; nothing is sent yet. Token and authority files of the source are not used.
    ///
    /// # Errors
    /// When a header or the address cannot be used.
    pub fn new(source: &MetricsSource) -> Result<Self, QueryError> {
        let mut headers = HeaderMap::new();
        for (name, value) in &source.headers {
            let wrong = || QueryError::Settings(format!("header {name:?} cannot be sent"));
            let mut value = HeaderValue::from_str(value).map_err(|_| wrong())?;
            value.set_sensitive(true);
            headers.insert(HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong())?, value);
        }
        let client = reqwest::Client::builder()
            .user_agent(concat!("inferscale/", env!("CARGO_PKG_VERSION")))
            .default_headers(headers)
            .redirect(redirect::Policy::none())
            .no_proxy()
            // A small compressed body can hold any number of bytes.
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate()
            .connect_timeout(source.timeout)
            .timeout(source.timeout)
            .build()
            .map_err(|error| QueryError::Settings(root(&error)))?;
        let client = prometheus_http_query::Client::from(client, &source.url)
            .map_err(|error| QueryError::Settings(root(&error)))?;
        Ok(Self {
            client,
            url: source.url.clone(),
            timeout: source.timeout,
        })
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The newest values that `promql` selects.
    ///
    /// # Errors
    /// When there is no complete answer in time.
    pub async fn ask(&self, promql: &str) -> Result<Vec<Point>, QueryError> {
        tokio::time::timeout(self.timeout, self.exchange(promql))
            .await
            .unwrap_or(Err(QueryError::Timeout(self.timeout)))
            .and_then(|body| read(&body))
    }

    async fn exchange(&self, promql: &str) -> Result<Vec<u8>, QueryError> {
        // The server stops working on what nobody waits for.
        let limit = i64::try_from(self.timeout.as_millis()).unwrap_or(i64::MAX);
        let query = self.client.query(promql).timeout(limit);
        let mut response = query.post_raw().await.map_err(|error| self.failed(&error))?;
        if !response.status().is_success() {
            return Err(QueryError::Status(response.status().as_u16()));
        }
        if response
            .headers()
            .get(CONTENT_ENCODING)
            .is_some_and(|e| e != "identity")
        {
            return Err(QueryError::Malformed);
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.failed(&error))? {
            if body.len() + chunk.len() > MOST_BYTES {
                return Err(QueryError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    fn failed(&self, error: &(dyn Error + 'static)) -> QueryError {
        let mut next = Some(error);
        while let Some(cause) = next {
            if cause
                .downcast_ref::<reqwest::Error>()
                .is_some_and(reqwest::Error::is_timeout)
            {
                return QueryError::Timeout(self.timeout);
            }
            next = cause.source();
        }
        QueryError::Unreachable(root(error))
    }
}

/// The innermost cause: the outer ones repeat the address.
fn root(error: &dyn Error) -> String {
    let mut last = error;
    while let Some(inner) = last.source() {
        last = inner;
    }
    last.to_string()
}

#[derive(Deserialize)]
struct Answer {
    data: Data,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    result_type: String,
    result: Vec<Series>,
}

#[derive(Deserialize)]
struct Series {
    metric: HashMap<String, String>,
    value: (f64, String),
}

/// Reads an instant vector. Values that are no number are left out.
fn read(body: &[u8]) -> Result<Vec<Point>, QueryError> {
    let answer: Answer = serde_json::from_slice(body).map_err(|_| QueryError::Malformed)?;
    if answer.data.result_type != "vector" {
        return Err(QueryError::Malformed);
    }
    let points = answer.data.result.into_iter().filter_map(|series| {
        let value: f64 = series.value.1.parse().ok()?;
        value.is_finite().then_some(Point {
            labels: series.metric,
            value,
        })
    });
    Ok(points.collect())
}

#[cfg(test)]
mod tests {
    use wiremock::matchers::{body_string_contains, method, path};
    use wiremock::{Mock, MockServer, ResponseTemplate};

    use super::*;

    async fn asked(answer: ResponseTemplate) -> Result<Vec<Point>, QueryError> {
        let server = MockServer::start().await;
        Mock::given(method("POST"))
            .and(path("/api/v1/query"))
            .and(body_string_contains("query=up"))
            .respond_with(answer)
            .mount(&server)
            .await;
        let mut source = MetricsSource::new("default", &server.uri());
        source.timeout = Duration::from_millis(400);
        Prometheus::new(&source).unwrap().ask("up").await
    }

    fn body(result: &str) -> ResponseTemplate {
        ResponseTemplate::new(200).set_body_string(format!(
            r#"{{"status":"success","data":{{"resultType":"vector","result":{result}}}}}"#
        ))
    }

    #[tokio::test]
    async fn reads_values_and_leaves_out_what_is_no_number() {
        let points = asked(body(
            r#"[{"metric":{"pod":"a"},"value":[1.5,"2"]},{"metric":{},"value":[1,"NaN"]},{"metric":{},"value":[1,"+Inf"]}]"#,
        ))
        .await
        .unwrap();
        assert_eq!(points.len(), 1);
        assert_eq!((points[0].label("pod"), points[0].value), (Some("a"), 2.0));
    }

    #[tokio::test]
    async fn a_slow_answer_is_not_waited_for() {
        let error = asked(body("[]").set_delay(Duration::from_secs(5))).await.unwrap_err();
        assert_eq!(error.to_string(), "did not answer within 400ms");
    }

    #[tokio::test]
    async fn a_huge_answer_is_not_read_to_its_end() {
        let huge = ResponseTemplate::new(200).set_body_bytes(vec![b' '; MOST_BYTES + 1]);
        let error = asked(huge).await.unwrap_err();
        assert!(
            matches!(error, QueryError::TooLarge | QueryError::Timeout(_)),
            "{error}"
        );
    }

    #[tokio::test]
    async fn what_is_no_answer_is_an_error() {
        for (answer, says) in [
            (ResponseTemplate::new(503), "answered with status 503"),
            (
                ResponseTemplate::new(302).insert_header("location", "http://127.0.0.1:1/"),
                "answered with status 302",
            ),
            (
                ResponseTemplate::new(200).set_body_string("<html>"),
                "did not answer as a Prometheus does",
            ),
            (
                ResponseTemplate::new(200)
                    .set_body_string(r#"{"status":"success","data":{"resultType":"scalar","result":[]}}"#),
                "did not answer as a Prometheus does",
            ),
        ] {
            assert_eq!(asked(answer).await.unwrap_err().to_string(), says);
        }
    }

    #[tokio::test]
    async fn nobody_there_is_said_without_repeating_the_address() {
        // A port that was free a moment ago.
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let source = MetricsSource::new("default", &format!("http://127.0.0.1:{port}"));
        let error = Prometheus::new(&source)
            .unwrap()
            .ask("up")
            .await
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("cannot be reached: ") && !error.contains("http"),
            "{error}"
        );
    }
}
