//! `inferscale top`.
// The comments of arguments are what `--help` prints: plain words, no markdown.
#![allow(clippy::doc_markdown)]

use std::io::{self, IsTerminal};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use kube::Client;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::api;
use crate::config::{MetricsSource, Presets};
use crate::runtime::shutdown;
use crate::top::plain::{self, Format};
use crate::top::query::Prometheus;
use crate::top::{Feed, Scope, address};

/// What `--interval` takes.
const INTERVAL: api::units::Range = api::units::Range {
    min: "500ms",
    max: "1h",
    such_as: "2s",
};

/// Arguments of `top`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Show this namespace; default: the one of the kubeconfig
    #[arg(short, long, value_name = "NS", conflicts_with = "all_namespaces")]
    namespace: Option<String>,
    /// Show all namespaces
    #[arg(short = 'A', long)]
    all_namespaces: bool,
    /// Where the live columns come from, such as http://localhost:9090; default: what the operator's ConfigMap says
    #[arg(long, value_name = "URL", value_parser = address::parse)]
    prometheus: Option<String>,
    /// The operator's ConfigMap
    #[arg(long, value_name = "NS/NAME", default_value = "inferscale-system/inferscale", value_parser = address::config_map)]
    config_map: (String, String),
    /// How often to look
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = interval)]
    interval: Duration,
    /// Look once, print and end
    #[arg(long)]
    once: bool,
    /// How to print; json is never interactive
    #[arg(short, long, value_enum, default_value_t, hide_default_value = true)]
    output: Format,
}

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    runtime.block_on(show(args))?;
    Ok(ExitCode::SUCCESS)
}

async fn show(args: &Args) -> anyhow::Result<()> {
    let stop = shutdown::on_signal().context("cannot listen for signals")?;
    // One line: the error's own text already holds its causes.
    let client = Client::try_default()
        .await
        .map_err(|error| anyhow::anyhow!("cannot find a cluster: set KUBECONFIG, or run this in a pod ({error})"))?;
    let scope = match (&args.namespace, args.all_namespaces) {
        (_, true) => Scope::All,
        (Some(namespace), _) => Scope::Namespace(namespace.clone()),
        (None, _) => Scope::Namespace(client.default_namespace().to_owned()),
    };
    let prometheus = match &args.prometheus {
        Some(url) => {
            Ok(Prometheus::new(&MetricsSource::new("default", url)).with_context(|| format!("--prometheus {url}"))?)
        }
        None => address::from_config_map(&client, &args.config_map).await,
    };
    let feed = Feed::new(client, scope, prometheus, Presets::embedded()?);
    tokio::select! {
        () = stop.cancelled() => Ok(()),
        ended = look(args, feed, stop.clone()) => ended,
    }
}

async fn look(args: &Args, mut feed: Feed, stop: CancellationToken) -> anyhow::Result<()> {
    // Before a screen is taken, so that a wrong kubeconfig is an ordinary error.
    let mut view = feed.look().await?;
    #[cfg(feature = "tui")]
    if !args.once && args.output == Format::Table && interactive() {
        return on_screen(args, feed, view, stop).await;
    }
    let mut pace = pace(args.interval);
    pace.tick().await;
    let mut out = io::stdout();
    let mut again = false;
    loop {
        match plain::write(&mut out, &view, args.output, width(), again) {
            // Whoever read it has seen enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            written => written.context("cannot write to standard output")?,
        }
        if args.once || stop.is_cancelled() {
            return Ok(());
        }
        again = true;
        pace.tick().await;
        view = feed.look().await?;
    }
}

#[cfg(feature = "tui")]
async fn on_screen(
    args: &Args,
    mut feed: Feed,
    first: crate::top::View,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    use std::sync::Arc;

    let (publish, views) = tokio::sync::watch::channel(Arc::new(first));
    let mut pace = pace(args.interval);
    let feeding = tokio::spawn(async move {
        pace.tick().await;
        loop {
            pace.tick().await;
            // An error is in the notes of a view; none at all only comes before the first.
            let Ok(view) = feed.look().await else { continue };
            if publish.send(Arc::new(view)).is_err() {
                return;
            }
        }
    });
    let shown = tokio::task::spawn_blocking(move || crate::top::screen::run(views, &stop, colour())).await;
    feeding.abort();
    shown
        .context("the screen has failed")?
        .context("cannot use this terminal; --once prints without one")
}

fn pace(interval: Duration) -> tokio::time::Interval {
    let mut pace = tokio::time::interval(interval);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    pace
}

/// A terminal that can do more than print lines.
#[cfg(feature = "tui")]
fn interactive() -> bool {
    let able = std::env::var("TERM").is_ok_and(|term| !term.is_empty() && term != "dumb");
    able && io::stdout().is_terminal()
}

/// https://no-color.org: any value but an empty one.
#[cfg(feature = "tui")]
fn colour() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// The width of the terminal; `None` = no terminal, so lines may be as long as need be.
fn width() -> Option<usize> {
    if !io::stdout().is_terminal() {
        return None;
    }
    #[cfg(feature = "tui")]
    if let Ok((columns, _)) = ratatui::crossterm::terminal::size() {
        return Some(usize::from(columns));
    }
    std::env::var("COLUMNS").ok()?.parse().ok()
}

fn interval(text: &str) -> Result<Duration, String> {
    let span = api::Duration::new(text)
        .span("the interval", INTERVAL)
        .map_err(|error| error.to_string())?;
    Ok(Duration::from_millis(
        u64::try_from(span.as_millis()).unwrap_or(u64::MAX),
    ))
}
