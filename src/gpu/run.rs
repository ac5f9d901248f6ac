//! The exporter as a whole: the sampling thread, the task that asks the kubelet, the server. I/O.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::library::LibraryError;
use super::pod_resources;
use super::published::Published;
use super::sampler::Sampler;
use super::serve;
use crate::runtime::chain::Chain;
use crate::runtime::http::Server;

/// What the exporter is told.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where it answers.
    pub listen: SocketAddr,
    /// NVML's file; none = found as every shared library.
    pub library: Option<PathBuf>,
    /// The kubelet's folder with its socket; none = nobody holds anything.
    pub pod_resources: Option<PathBuf>,
    /// Whether to wait for a driver that is not there at the start, instead of ending.
    pub wait_for_driver: bool,
    /// Between two looks.
    pub interval: Duration,
    /// The node's name, when DCGM's names are wanted, too.
    pub dcgm_host: Option<String>,
    /// The node's `/proc`, when processes are wanted.
    pub host_proc: Option<PathBuf>,
    /// The kubelet's folder with a folder for each pod's logs: it gives the names of processes' pods.
    pub pod_logs: Option<PathBuf>,
}

/// Why the exporter ended.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// There is no NVML, and nobody wants to wait for it.
    #[error(transparent)]
    Library(#[from] LibraryError),
    /// The address cannot be taken.
    #[error("{0}: choose another one with --listen")]
    Listen(#[source] io::Error),
    /// The sampling thread cannot be started.
    #[error("cannot start a thread")]
    Thread(#[source] io::Error),
    /// The sampling thread ended by itself.
    #[error("the thread that reads the GPUs ended: this is a bug, or NVML lacks a function that every version has")]
    Ended,
}

/// At the end a call into NVML is waited for this long.
const GOODBYE: Duration = Duration::from_secs(2);

/// Runs until `stop`.
///
/// # Errors
/// When the address is taken, or there is no NVML and it shall not be waited for.
pub async fn run(config: Config, stop: CancellationToken) -> Result<(), Failure> {
    let published = Arc::new(Published::new(config.interval, config.pod_resources.is_some()));
    let server = Server::bind(config.listen).await.map_err(Failure::Listen)?;
    if let Ok(address) = server.address() {
        tracing::info!(%address, interval = ?config.interval, "gpu-exporter answers");
    }
    let serving = tokio::spawn(server.serve(serve::router(Arc::clone(&published)), stop.clone()));
    if let Some(folder) = config.pod_resources.clone() {
        tokio::spawn(ask_kubelet(
            folder,
            config.interval,
            Arc::clone(&published),
            stop.clone(),
        ));
    }
    let (told, mut ended) = oneshot::channel();
    let sampler = Sampler::new(config, published, stop.clone());
    std::thread::Builder::new()
        .name("nvml".to_owned())
        .spawn(move || drop(told.send(sampler.run())))
        .map_err(Failure::Thread)?;
    let outcome = tokio::select! {
        outcome = &mut ended => outcome,
        () = stop.cancelled() => match tokio::time::timeout(GOODBYE, ended).await {
            Ok(outcome) => outcome,
            // A call into NVML hangs; the process ends all the same.
            Err(_) => Ok(Ok(())),
        },
    };
    let stopped = stop.is_cancelled();
    stop.cancel();
    let _ = serving.await;
    match outcome {
        Ok(Ok(())) if stopped => Ok(()),
        Ok(Err(error)) => Err(error.into()),
        Ok(Ok(())) | Err(_) => Err(Failure::Ended),
    }
}

/// Asks who holds which devices: pods come and go more slowly than GPUs change their minds.
async fn ask_kubelet(folder: PathBuf, interval: Duration, published: Arc<Published>, stop: CancellationToken) {
    let pause = (interval * 5).clamp(Duration::from_millis(100), Duration::from_secs(15));
    let mut failing = false;
    loop {
        let answer = tokio::select! {
            answer = pod_resources::list(&folder) => answer,
            () = stop.cancelled() => return,
        };
        let answer = answer.map_err(|error| Chain(&error).to_string());
        match &answer {
            Err(error) if !failing => tracing::warn!(%error, "the pods that hold GPUs are not known"),
            Ok(_) if failing => tracing::info!("the kubelet answers again"),
            _ => {}
        }
        failing = answer.is_err();
        published.heard(answer);
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.cancelled() => return,
        }
    }
}
