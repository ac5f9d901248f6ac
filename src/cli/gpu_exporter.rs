//! `inferscale gpu-exporter`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;

use crate::gpu;
use crate::runtime::shutdown;
use crate::runtime::telemetry::{self, LogFormat};

/// Arguments of `gpu-exporter`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where /metrics, /healthz and /livez answer
    #[arg(long, value_name = "ADDRESS", default_value = "0.0.0.0:9400")]
    listen: SocketAddr,
    /// NVIDIA's library, where it is not found as libnvidia-ml.so.1
    #[arg(long, value_name = "FILE")]
    nvml_library: Option<PathBuf>,
    /// The kubelet's folder with its socket, to tell whose pods hold the GPUs: /var/lib/kubelet/pod-resources
    #[arg(long, value_name = "DIR")]
    pod_resources: Option<PathBuf>,
    /// Wait for a driver that is not there yet, instead of ending
    #[arg(long)]
    wait_for_driver: bool,
    /// Time between two looks at the GPUs, such as 500ms or 1s; from 100ms to 5m
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = interval)]
    interval: Duration,
    /// Publish the figures under the names, units and labels of NVIDIA's dcgm-exporter, too
    #[arg(long)]
    dcgm_names: bool,
    /// The node's name in the labels that dcgm-exporter has
    #[arg(long, value_name = "NAME", env = "NODE_NAME", default_value = "")]
    node_name: String,
    /// The node's /proc, to tell the GPU memory of each pod's processes; needs hostPID
    #[arg(long, value_name = "DIR")]
    host_proc: Option<PathBuf>,
    /// The node's /var/log/pods, for the names of those pods
    #[arg(long, value_name = "DIR", requires = "host_proc")]
    pod_logs: Option<PathBuf>,
    /// How log lines look
    #[arg(long, value_enum, default_value_t)]
    log_format: LogFormat,
}

fn interval(text: &str) -> Result<Duration, String> {
    let units = [("ms", 1.0), ("s", 1e3), ("m", 6e4)];
    let milliseconds = units.iter().find_map(|(unit, factor)| {
        let number: f64 = text.strip_suffix(unit)?.parse().ok()?;
        Some(number * factor)
    });
    match milliseconds {
        Some(time) if (100.0..=300_000.0).contains(&time) => Ok(Duration::from_secs_f64(time / 1e3)),
        _ => Err("it must be a time from 100ms to 5m, such as 500ms or 1s".to_owned()),
    }
}

pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    telemetry::init(args.log_format, std::env::var("RUST_LOG").ok().as_deref())?;
    let config = gpu::Config {
        listen: args.listen,
        library: args.nvml_library,
        pod_resources: args.pod_resources,
        wait_for_driver: args.wait_for_driver,
        interval: args.interval,
        dcgm_host: args.dcgm_names.then_some(args.node_name),
        host_proc: args.host_proc,
        pod_logs: args.pod_logs,
    };
    // One thread serves; the GPUs are read on another.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    runtime.block_on(async {
        let stop = shutdown::on_signal().context("cannot listen for signals")?;
        gpu::run(config, stop).await?;
        Ok(ExitCode::SUCCESS)
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("100ms", Some(100))]
    #[case("1s", Some(1000))]
    #[case("1.5s", Some(1500))]
    #[case("5m", Some(300_000))]
    #[case("99ms", None)]
    #[case("6m", None)]
    #[case("1", None)]
    #[case("-1s", None)]
    #[case("NaNs", None)]
    fn an_interval_is_a_time_with_a_unit(#[case] text: &str, #[case] milliseconds: Option<u64>) {
        assert_eq!(interval(text).ok(), milliseconds.map(Duration::from_millis));
    }
}
