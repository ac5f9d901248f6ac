//! `/metrics`, `/healthz` and `/livez`. No I/O of its own.

use std::io::Write as _;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::health;
use super::published::Published;

const KIND: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What the server answers.
pub fn router(published: Arc<Published>) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(healthz))
        .route("/livez", get(livez))
        .with_state(published)
}

/// 200 also without a driver: the exporter's own metrics say that there is none.
async fn metrics(State(published): State<Arc<Published>>, headers: HeaderMap) -> Response {
    let mut text = published
        .sample()
        .map_or_else(String::new, |sample| sample.text.clone());
    text += &published.own();
    if !takes_gzip(&headers) {
        return ([(header::CONTENT_TYPE, KIND)], text).into_response();
    }
    let headers = [(header::CONTENT_TYPE, KIND), (header::CONTENT_ENCODING, "gzip")];
    (headers, gzip(&text)).into_response()
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    // Writing into memory cannot fail.
    let _ = encoder.write_all(text.as_bytes());
    encoder.finish().unwrap_or_default()
}

fn takes_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers
        .get(header::ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    accepted.split(',').any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let refused = weight
            .trim()
            .strip_prefix("q=")
            .is_some_and(|weight| weight.trim().parse() == Ok(0.0));
        name.trim().eq_ignore_ascii_case("gzip") && !refused
    })
}

async fn healthz(State(published): State<Arc<Published>>) -> impl IntoResponse {
    let (healthy, text) = health::report(&published);
    (
        if healthy {
            StatusCode::OK
        } else {
            StatusCode::SERVICE_UNAVAILABLE
        },
        text,
    )
}

/// A restart helps against a call into the driver that hangs, and against nothing else that `/healthz` reports.
async fn livez(State(published): State<Arc<Published>>) -> impl IntoResponse {
    if published.is_alive() {
        (StatusCode::OK, "ok\n".to_owned())
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, health::report(&published).1)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("gzip", true)]
    #[case("deflate, GZIP;q=0.5", true)]
    #[case("gzip;q=0", false)]
    #[case("gzip; q=0.0, br", false)]
    #[case("br", false)]
    #[case("", false)]
    fn compresses_only_for_who_takes_it(#[case] accepted: &str, #[case] expected: bool) {
        let headers = HeaderMap::from_iter([(header::ACCEPT_ENCODING, accepted.parse().unwrap())]);
        assert_eq!(takes_gzip(&headers), expected);
    }
}
