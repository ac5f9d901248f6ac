//! A kubelet for tests: for every pod with the annotation `inferscale.dev/process` it runs that process on the pod's
//! own loopback address and reports the pod's status. See README.md; never run it against a cluster that matters.
//!
//! | module | does | I/O |
//! |---|---|---|
//! | `annotation` | what a pod asks for, checked and filled in | no |
//! | `state` | a process's state, and the pod status that follows from it | no |
//! | `guard` | a small process above each real one, which ends it when this program is gone | processes |
//! | `process` | starts, stops and observes one process through its guard | processes, log file |
//! | `probe` | asks the health address | HTTP |
//! | `pod` | the life of one pod: start, health, crash, delete | all of these, API |
//! | `node` | the watch: one `pod` task a pod | API |

mod annotation;
mod guard;
mod node;
mod pod;
mod probe;
mod process;
mod state;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use tokio_util::sync::CancellationToken;

/// Runs the processes that pods name in their annotation `inferscale.dev/process`. For tests only.
#[derive(Debug, Parser)]
#[command(
    version,
    about,
    subcommand_negates_reqs = true,
    args_conflicts_with_subcommands = true
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    options: Options,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs one command and kills it, with all it started, when standard input closes. Used by the program itself.
    #[command(hide = true)]
    Guard {
        #[arg(last = true, required = true)]
        command: Vec<String>,
    },
}

/// What the user may choose.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// Run processes of pods in this namespace and no other; may be given several times
    #[arg(long = "namespace", short = 'n', required = true, value_name = "NAMESPACE")]
    namespaces: Vec<String>,
    /// Folder for one log file a pod, named after namespace and pod
    #[arg(long, value_name = "DIR", default_value = "process-node-logs")]
    log_dir: PathBuf,
    /// Milliseconds between two health checks of a pod
    #[arg(long, value_name = "MS", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(50..=60_000))]
    probe_period_ms: u64,
    /// Milliseconds before the first restart of a crashed process; doubles with each crash, up to 30 times as long
    #[arg(long, value_name = "MS", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(10..=60_000))]
    backoff_ms: u64,
    /// Seconds that the processes get to end when this program is stopped
    #[arg(long, value_name = "S", default_value_t = 10, value_parser = clap::value_parser!(u64).range(0..=600))]
    stop_timeout_s: u64,
}

impl Options {
    fn probe_period(&self) -> Duration {
        Duration::from_millis(self.probe_period_ms)
    }

    fn backoff(&self) -> Duration {
        Duration::from_millis(self.backoff_ms)
    }

    fn stop_timeout(&self) -> Duration {
        Duration::from_secs(self.stop_timeout_s)
    }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Some(Command::Guard { command }) = cli.command {
        return guard::run(&command);
    }
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_default_env()
                .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info,kube=warn")),
        )
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();
    // Two crates bring rustls; without a chosen provider the first TLS connection would panic.
    if rustls::crypto::aws_lc_rs::default_provider().install_default().is_err() {
        eprintln!("error: a TLS provider is already installed");
        return ExitCode::FAILURE;
    }
    let outcome = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(node::NodeError::Runtime)
        .and_then(|runtime| runtime.block_on(watch_until_signal(cli.options)));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Works until SIGTERM or Ctrl-C, then stops every process.
async fn watch_until_signal(options: Options) -> Result<(), node::NodeError> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).map_err(node::NodeError::Runtime)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(node::NodeError::Runtime)?;
    let stop = CancellationToken::new();
    let asked = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("asked to stop");
        asked.cancel();
    });
    node::run(options, stop).await
}
