//! `inferscale operator --config FILE`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;

use crate::config::{OperatorConfig, Presets, Profiles};
use crate::controller;
use crate::runtime::shutdown;
use crate::runtime::telemetry::{self, LogFormat};

/// Arguments of `operator`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The operator's configuration
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// How log lines look
    #[arg(long, value_enum, default_value_t)]
    log_format: LogFormat,
}

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    telemetry::init(args.log_format, std::env::var("RUST_LOG").ok().as_deref())?;
    let config = OperatorConfig::load(&args.config)?;
    let presets = Presets::load(config.presets_directory.as_deref())?;
    let profiles = Profiles::load(config.profiles_directory.as_deref())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    runtime.block_on(async {
        let stop = shutdown::on_signal().context("cannot listen for signals")?;
        controller::run(config, presets, profiles, stop).await?;
        Ok(ExitCode::SUCCESS)
    })
}
