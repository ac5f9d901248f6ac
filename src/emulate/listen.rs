//! HTTP on the addresses of emulated pods and of the router: `/metrics` and `/health`. I/O: loopback sockets.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::exposition::CONTENT_TYPE;

/// The port of vLLM's API, and so of its metrics.
pub(super) const PORT: u16 = 8000;
/// A scrape that finds no answer within this time gets an error, as with a hung engine.
const PATIENCE: Duration = Duration::from_secs(2);

/// Whose page is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Whose {
    Router,
    /// A pod's, by its uid.
    Pod(String),
}

/// Somebody asks for a page; no answer or `None` = there is none (any more).
#[derive(Debug)]
pub(super) struct Scrape {
    pub whose: Whose,
    pub reply: oneshot::Sender<Option<String>>,
}

/// Why an address cannot be listened on, for people; and whether trying again may help.
pub(super) struct CannotListen {
    pub message: String,
    pub passing: bool,
}

/// Takes the address of a pod.
pub(super) async fn bind(pod: &str, address: SocketAddr) -> Result<TcpListener, CannotListen> {
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        io::ErrorKind::AddrNotAvailable => CannotListen {
            message: format!(
                "pod {pod} has the address {}, which is not an address of this machine, so its engine cannot be \
                 emulated here and it gets no requests. `inferscale emulate` needs pods with loopback addresses: use \
                 the cluster of e2e/cluster/up, or start KWOK with --cidr=127.128.0.0/16",
                address.ip()
            ),
            passing: false,
        },
        io::ErrorKind::AddrInUse => CannotListen {
            message: format!(
                "{address}, the address of pod {pod}, is taken by another process: it gets no requests until that \
                 one ends (`ss -ltnp` shows it)"
            ),
            passing: true,
        },
        _ => CannotListen {
            message: format!("cannot listen on {address}, the address of pod {pod}: {error}"),
            passing: false,
        },
    })
}

/// Answers on a listener until `stop`.
pub(super) fn serve(listener: TcpListener, whose: Whose, scrapes: mpsc::Sender<Scrape>, stop: CancellationToken) {
    let app = Router::new()
        .route("/metrics", get(metrics))
        .route("/health", get(|| async { StatusCode::OK }))
        .with_state((whose, scrapes));
    tokio::spawn(async move {
        let served = axum::serve(listener, app).with_graceful_shutdown(stop.cancelled_owned());
        if let Err(error) = served.await {
            eprintln!("emulate: an HTTP server ended: {error}");
        }
    });
}

async fn metrics(State((whose, scrapes)): State<(Whose, mpsc::Sender<Scrape>)>) -> Response {
    let (reply, answer) = oneshot::channel();
    let page = tokio::time::timeout(PATIENCE, async {
        scrapes.send(Scrape { whose, reply }).await.ok()?;
        answer.await.ok().flatten()
    });
    match page.await {
        Ok(Some(page)) => ([(header::CONTENT_TYPE, CONTENT_TYPE)], page).into_response(),
        Ok(None) | Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}
