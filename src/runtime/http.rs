//! The HTTP server of every long-running command, bounded in connections and time; and what the operator answers on
//! it: `/livez`, `/readyz`, `/metrics`. I/O.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::metrics::OperatorMetrics;
use super::readiness::Readiness;

/// Connections served at once; more wait in the kernel's queue.
const MOST_CONNECTIONS: usize = 64;
/// The most bytes of a request's head.
const MOST_HEAD_BYTES: usize = 16 << 10;

/// How long a client may take.
#[derive(Debug, Clone, Copy)]
struct Limits {
    /// For the head of a request, the wait for it on an open connection included.
    head: Duration,
    /// For a connection as a whole: then it is closed after the answer in progress.
    connection: Duration,
    /// For that answer.
    goodbye: Duration,
}

const LIMITS: Limits = Limits {
    // Longer than a usual scrape interval, so that Prometheus keeps its connection.
    head: Duration::from_secs(35),
    connection: Duration::from_secs(300),
    goodbye: Duration::from_secs(2),
};

/// A bound server that does not answer yet.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    limits: Limits,
}

impl Server {
    /// Takes the address.
    ///
    /// # Errors
    /// When it is taken already or not ours.
    pub async fn bind(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address)
            .await
            .map_err(|error| io::Error::new(error.kind(), format!("cannot listen on {address}: {error}")))?;
        Ok(Self {
            listener,
            limits: LIMITS,
        })
    }

    /// The address, with the port that was chosen where 0 was asked for.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Answers until the token is cancelled; answers in progress are then finished.
    pub async fn serve(self, router: Router, stop: CancellationToken) {
        let slots = Arc::new(Semaphore::new(MOST_CONNECTIONS));
        let mut connections = JoinSet::new();
        loop {
            while connections.try_join_next().is_some() {}
            let accepted = async {
                let slot = Arc::clone(&slots).acquire_owned().await.ok()?;
                Some((self.listener.accept().await, slot))
            };
            let accepted = tokio::select! {
                () = stop.cancelled() => break,
                accepted = accepted => accepted,
            };
            let Some((Ok((stream, _)), slot)) = accepted else {
                // Out of file descriptors, or the client is gone again: neither is worth a busy loop.
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            };
            let (router, stop, limits) = (router.clone(), stop.clone(), self.limits);
            connections.spawn(async move {
                answer(stream, router, limits, stop).await;
                drop(slot);
            });
        }
        while connections.join_next().await.is_some() {}
    }
}

/// Serves one connection to its end. Whatever goes wrong on it is the client's business.
async fn answer(stream: TcpStream, router: Router, limits: Limits, stop: CancellationToken) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .max_buf_size(MOST_HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => return,
        () = tokio::time::sleep(limits.connection) => {}
        () = stop.cancelled() => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = tokio::time::timeout(limits.goodbye, connection).await;
}

/// What the operator answers.
pub fn router(readiness: Readiness, metrics: Arc<OperatorMetrics>) -> Router {
    Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz).with_state(readiness))
        .route("/metrics", get(exposition).with_state(metrics))
}

async fn readyz(State(readiness): State<Readiness>) -> impl IntoResponse {
    let status = if readiness.is_ready() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, readiness.report())
}

async fn exposition(State(metrics): State<Arc<OperatorMetrics>>) -> impl IntoResponse {
    const KIND: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    match metrics.encode() {
        Ok(text) => (StatusCode::OK, [(header::CONTENT_TYPE, KIND)], text),
        Err(_) => (
            StatusCode::INTERNAL_SERVER_ERROR,
            [(header::CONTENT_TYPE, "text/plain")],
            "the metrics cannot be written\n".to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    struct Running {
        address: SocketAddr,
        readiness: Readiness,
        stop: CancellationToken,
        task: tokio::task::JoinHandle<()>,
    }

    async fn run(limits: Limits) -> Running {
        let mut server = Server::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        server.limits = limits;
        let (readiness, stop) = (Readiness::default(), CancellationToken::new());
        Running {
            address: server.address().unwrap(),
            task: tokio::spawn(server.serve(
                router(readiness.clone(), Arc::new(OperatorMetrics::new())),
                stop.clone(),
            )),
            readiness,
            stop,
        }
    }

    async fn get(address: SocketAddr, path: &str) -> (u16, String) {
        let answer = reqwest::Client::builder().no_proxy().build().unwrap();
        let answer = answer.get(format!("http://{address}{path}")).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    #[tokio::test]
    async fn readyz_says_what_is_missing_while_livez_is_fine() {
        let server = run(LIMITS).await;
        let part = server.readiness.part("cluster stores", "listing");
        assert_eq!(get(server.address, "/livez").await, (200, "ok\n".into()));
        let missing = get(server.address, "/readyz").await;
        assert_eq!(missing, (503, "missing: cluster stores (listing)\n".into()));
        part.ready();
        assert_eq!(
            get(server.address, "/readyz").await,
            (200, "ok: cluster stores\n".into())
        );
        assert_eq!(get(server.address, "/").await.0, 404);
    }

    #[tokio::test]
    async fn metrics_are_open_metrics_to_the_end() {
        let server = run(LIMITS).await;
        let (status, text) = get(server.address, "/metrics").await;
        assert_eq!(status, 200);
        assert!(text.contains("# TYPE inferscale_tick_duration_seconds histogram") && text.ends_with("# EOF\n"));
    }

    #[tokio::test]
    async fn a_client_that_never_finishes_its_request_is_cut_off() {
        let limits = Limits {
            head: Duration::from_millis(200),
            ..LIMITS
        };
        let server = run(limits).await;
        let mut slow = TcpStream::connect(server.address).await.unwrap();
        slow.write_all(b"GET /livez HTTP/1.1\r\nX-A: ").await.unwrap();
        let mut rest = Vec::new();
        tokio::time::timeout(Duration::from_secs(5), slow.read_to_end(&mut rest))
            .await
            .expect("it is still connected")
            .unwrap();
    }

    #[tokio::test]
    async fn a_connection_does_not_live_for_ever() {
        let limits = Limits {
            connection: Duration::from_millis(200),
            ..LIMITS
        };
        let server = run(limits).await;
        let mut idle = TcpStream::connect(server.address).await.unwrap();
        idle.write_all(b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        let mut rest = Vec::new();
        tokio::time::timeout(Duration::from_secs(5), idle.read_to_end(&mut rest))
            .await
            .expect("it is still connected")
            .unwrap();
        assert!(rest.starts_with(b"HTTP/1.1 200 OK"));
    }

    #[tokio::test]
    async fn many_idle_connections_end_and_leave_room() {
        let limits = Limits {
            head: Duration::from_millis(300),
            ..LIMITS
        };
        let server = run(limits).await;
        let mut idle = Vec::new();
        for _ in 0..MOST_CONNECTIONS * 2 {
            idle.push(TcpStream::connect(server.address).await.unwrap());
        }
        let answer = tokio::time::timeout(Duration::from_secs(5), get(server.address, "/livez")).await;
        assert_eq!(answer.unwrap().0, 200);
    }

    #[tokio::test]
    async fn a_head_without_end_is_refused() {
        let server = run(LIMITS).await;
        let mut greedy = TcpStream::connect(server.address).await.unwrap();
        let mut head = b"GET /livez HTTP/1.1\r\n".to_vec();
        head.extend(b"X-A: bbbbbbbbbbbbbbbbbbbbbbbbbbbbb\r\n".repeat(2000));
        let _ = greedy.write_all(&head).await;
        let mut rest = Vec::new();
        let _ = tokio::time::timeout(Duration::from_secs(5), greedy.read_to_end(&mut rest)).await;
        assert!(!rest.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&rest));
    }

    #[tokio::test]
    async fn it_stops_when_it_is_told_to() {
        let server = run(LIMITS).await;
        let _idle = TcpStream::connect(server.address).await.unwrap();
        server.stop.cancel();
        tokio::time::timeout(Duration::from_secs(5), server.task)
            .await
            .unwrap()
            .unwrap();
        assert!(TcpStream::connect(server.address).await.is_err());
    }

    #[tokio::test]
    async fn an_address_that_is_taken_is_named() {
        let server = run(LIMITS).await;
        let error = Server::bind(server.address).await.unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("cannot listen on {}: Address already in use", server.address)),
            "{error}"
        );
    }
}
