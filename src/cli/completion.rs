//! `inferscale completion SHELL`.

use std::process::ExitCode;

use clap::CommandFactory;

/// Arguments of `completion`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The shell to complete in
    shell: clap_complete::Shell,
}

pub fn run(args: &Args) -> ExitCode {
    clap_complete::generate(
        args.shell,
        &mut super::Cli::command(),
        "inferscale",
        &mut std::io::stdout(),
    );
    ExitCode::SUCCESS
}
