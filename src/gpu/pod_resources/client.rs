//! One call of `List`, bounded in time and bytes. I/O: the kubelet's socket.

use std::path::Path;
use std::time::Duration;

use axum::http::uri::PathAndQuery;
use tonic::transport::Endpoint;
use tonic_prost::ProstCodec;

use super::messages::{ListRequest, ListResponse};

/// The socket's name in the kubelet's folder. The folder is what is mounted: a kubelet that starts anew makes another
/// socket of this name.
const SOCKET: &str = "kubelet.sock";
/// Of one call, the connection included.
const MOST_TIME: Duration = Duration::from_secs(5);
/// Of one answer: a node with 500 pods of 20 devices each needs 1 MiB.
const MOST_BYTES: usize = 8 << 20;

/// Why the pods' devices are not known.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// No socket, or nobody behind it.
    #[error(
        "cannot connect to {socket}: {reason}. Mount the kubelet's folder /var/lib/kubelet/pod-resources and name it \
         with --pod-resources"
    )]
    Connect {
        /// Its path.
        socket: String,
        /// As the system says it.
        reason: String,
    },
    /// It does not answer.
    #[error("{socket} does not answer within {seconds} s: the kubelet hangs")]
    Timeout {
        /// Its path.
        socket: String,
        /// The limit.
        seconds: u64,
    },
    /// It answers, but not with what was asked for.
    #[error("{socket} gives no list of pods: {reason}")]
    Answer {
        /// Its path.
        socket: String,
        /// As gRPC says it, on one line.
        reason: String,
    },
}

/// Asks the kubelet behind `folder` once, on a connection of its own.
///
/// # Errors
/// When there is no kubelet, it hangs, or it answers with something else or too much.
pub async fn list(folder: &Path) -> Result<ListResponse, ListError> {
    let socket = folder.join(SOCKET).display().to_string();
    match tokio::time::timeout(MOST_TIME, ask(&socket)).await {
        Ok(answer) => answer,
        Err(_) => Err(ListError::Timeout {
            socket,
            seconds: MOST_TIME.as_secs(),
        }),
    }
}

async fn ask(socket: &str) -> Result<ListResponse, ListError> {
    let connect = |error: tonic::transport::Error| ListError::Connect {
        socket: socket.to_owned(),
        reason: last_cause(&error),
    };
    let endpoint = Endpoint::from_shared(format!("unix://{socket}")).map_err(connect)?;
    let channel = endpoint.connect().await.map_err(connect)?;
    let answer = |reason: String| ListError::Answer {
        socket: socket.to_owned(),
        reason: reason
            .chars()
            .take(200)
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect(),
    };
    let mut client = tonic::client::Grpc::new(channel).max_decoding_message_size(MOST_BYTES);
    client.ready().await.map_err(|error| answer(last_cause(&error)))?;
    let method = PathAndQuery::from_static("/v1.PodResourcesLister/List");
    let response = client.unary(tonic::Request::new(ListRequest {}), method, ProstCodec::default());
    let response: tonic::Response<ListResponse> = response
        .await
        .map_err(|status| answer(format!("{}: {}", status.code(), status.message())))?;
    Ok(response.into_inner())
}

/// The cause at the end of the chain is the system's.
fn last_cause(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(cause) = error.source() {
        error = cause;
    }
    error.to_string()
}
