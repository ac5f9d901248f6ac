//! `inferscale emulate`: engines behind the addresses of pods, and a router that plays traces on them.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::config::Profiles;
use crate::emulate::drive::{self, End};
use crate::emulate::scenario::{LoadSpec, Scenario};
use crate::emulate::timelapse::{self, Arrival};
use crate::emulate::world::World;
use crate::trace::requests;

/// Arguments of `emulate`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What is played: loads, their traces, their pods, the speed
    #[arg(short, long, value_name = "WORLD.YAML")]
    file: PathBuf,
    /// Emulate pods of this namespace only
    #[arg(long, value_name = "NAMESPACE")]
    namespace: Option<String>,
    /// Where the router shows its own metrics
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9900")]
    listen: SocketAddr,
    /// Play another trace for a load (several times for several loads)
    #[arg(long, value_name = "LOAD=FILE", value_parser = load_and_file)]
    trace: Vec<(String, PathBuf)>,
    /// Play this many times faster than the file says
    #[arg(long, value_name = "FACTOR")]
    speed: Option<f64>,
    /// Write the summary as JSON into this file, too
    #[arg(long, value_name = "FILE")]
    summary_json: Option<PathBuf>,
    /// Go on answering after the traces are over, until the process is stopped
    #[arg(long)]
    stay: bool,
    /// How many seconds requests may still run after the last arrival
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    drain: u64,
}

fn load_and_file(text: &str) -> Result<(String, PathBuf), String> {
    let (load, file) = text
        .split_once('=')
        .ok_or("it must be LOAD=FILE, such as chat=traces/chat.csv.gz")?;
    Ok((load.to_owned(), file.into()))
}

pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let loads = loads(&args)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    runtime.block_on(play(args, loads))
}

/// Reads everything that is played, before anything is touched.
fn loads(args: &Args) -> anyhow::Result<Vec<(LoadSpec, Vec<Arrival>)>> {
    let mut scenario = Scenario::read(&args.file)?;
    for (name, file) in &args.trace {
        let Some(load) = scenario.loads.iter_mut().find(|load| load.name == *name) else {
            let known: Vec<_> = scenario.loads.iter().map(|load| load.name.as_str()).collect();
            bail!(
                "--trace names the load {name}, but {} has only {}",
                args.file.display(),
                known.join(", ")
            );
        };
        load.trace.clone_from(file);
    }
    if let Some(speed) = args.speed {
        if !(speed > 0.0 && speed <= 1000.0) {
            bail!("--speed is {speed} but must be a number above 0 and at most 1000");
        }
        scenario.speed = speed;
    }
    let loads = std::mem::take(&mut scenario.loads);
    let play = |load: LoadSpec| {
        let trace = requests::read(&load.trace)?;
        let arrivals = timelapse::arrivals(&trace, scenario.speed, load.rescale, scenario.seed);
        let last = arrivals.last().map_or(0.0, |arrival| arrival.at_ms / 1000.0);
        eprintln!(
            "emulate: load {}: {} requests in {last:.0} s, from {} at {} times its speed",
            load.name,
            arrivals.len(),
            load.trace.display(),
            scenario.speed,
        );
        Ok((load, arrivals))
    };
    loads.into_iter().map(play).collect()
}

async fn play(args: Args, loads: Vec<(LoadSpec, Vec<Arrival>)>) -> anyhow::Result<ExitCode> {
    let profiles = Profiles::embedded()?;
    let router = TcpListener::bind(args.listen)
        .await
        .with_context(|| format!("cannot listen on {}: choose another address with --listen", args.listen))?;
    let client = kube::Client::try_default()
        .await
        .map_err(|error| anyhow!("cannot find a cluster: {error}. Set KUBECONFIG to a kubeconfig file"))?;
    let version = tokio::time::timeout(Duration::from_secs(10), client.apiserver_version()).await;
    version
        .context("the API server does not answer within 10 s")?
        .context("cannot reach the API server")?;
    let (teller, changes) = mpsc::channel(256);
    let watching = tokio::spawn(drive::watch(client, args.namespace, teller));
    let end = End {
        stay: args.stay,
        drain: Duration::from_secs(args.drain),
    };
    let summary = drive::drive(World::new(loads), profiles, changes, router, stopped(), end).await;
    watching.abort();
    print!("{summary}");
    if let Some(file) = &args.summary_json {
        fs::write(file, serde_json::to_string_pretty(&summary)? + "\n")
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Completes on Ctrl-C or SIGTERM.
async fn stopped() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut term) = signal(SignalKind::terminate()) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = term.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}
