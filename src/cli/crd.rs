//! `inferscale crd`: prints the custom resource definitions, or writes them into a directory.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;

use crate::api;

/// Arguments of `crd`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Write one file for each definition into this directory instead of printing them
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let Some(dir) = &args.dir else {
        let mut out = std::io::stdout().lock();
        for (_, definition) in api::definitions() {
            write!(out, "---\n{}", serde_yaml::to_string(&definition)?)?;
        }
        return Ok(ExitCode::SUCCESS);
    };
    std::fs::create_dir_all(dir).with_context(|| format!("cannot create the directory {}", dir.display()))?;
    for (file, definition) in api::definitions() {
        let path = dir.join(file);
        std::fs::write(&path, serde_yaml::to_string(&definition)?)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}
