//! An API server in memory: a real kube client whose requests a closure answers, each remembered in its order.

use std::sync::{Arc, Mutex};

use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};

/// A request as it came.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// `PUT /apis/...`
    pub line: String,
    /// What stands after the question mark, its parts in order.
    pub query: Vec<String>,
    /// The media type of the body.
    pub media: String,
    /// The body; null = none, or no JSON.
    pub body: Value,
}

/// What becomes of a request.
#[derive(Debug, Clone)]
pub enum Answer {
    /// An answer with this code.
    Json(u16, Value),
    /// The connection breaks.
    Broken,
    /// Nothing ever comes.
    Silence,
}

impl Answer {
    /// What the API server says to a request that it refuses.
    pub fn refused(code: u16, message: &str) -> Self {
        let status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": message, "reason": "Test", "code": code,
        });
        Self::Json(code, status)
    }
}

/// The requests so far.
pub type Log = Arc<Mutex<Vec<Asked>>>;

/// The lines of the requests so far, such as `PUT /apis/...`.
pub fn lines(log: &Log) -> Vec<String> {
    log.lock().unwrap().iter().map(|asked| asked.line.clone()).collect()
}

/// A client whose every request `answer` answers.
pub fn client(mut answer: impl FnMut(&Asked) -> Answer + Send + 'static) -> (Client, Log) {
    let (service, mut handle) = tower_test::mock::pair::<http::Request<Body>, http::Response<Body>>();
    let log = Log::default();
    let seen = log.clone();
    tokio::spawn(async move {
        let mut unanswered = Vec::new();
        while let Some((request, send)) = handle.next_request().await {
            let (head, body) = request.into_parts();
            let bytes = body.collect_bytes().await.unwrap();
            let query = head.uri.query().unwrap_or_default();
            let media = head.headers.get(http::header::CONTENT_TYPE);
            let asked = Asked {
                line: format!("{} {}", head.method, head.uri.path()),
                query: query
                    .split('&')
                    .filter(|part| !part.is_empty())
                    .map(str::to_owned)
                    .collect(),
                media: media.map_or(String::new(), |m| m.to_str().unwrap().to_owned()),
                body: serde_json::from_slice(&bytes).unwrap_or_default(),
            };
            let answered = answer(&asked);
            seen.lock().unwrap().push(asked);
            match answered {
                Answer::Json(code, value) => {
                    let response = http::Response::builder().status(code);
                    send.send_response(response.body(Body::from(value.to_string().into_bytes())).unwrap());
                }
                Answer::Broken => send.send_error("connection reset by peer"),
                Answer::Silence => unanswered.push(send),
            }
        }
    });
    (Client::new(service, "default"), log)
}
