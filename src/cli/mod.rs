//! The command line: one file a subcommand, each with its arguments and one `run`.
//!
//! Errors go to stderr. Exit codes: 0 = done, 1 = failed, 2 = wrong usage.

mod completion;
mod crd;
#[cfg(feature = "laboratory")]
mod emulate;
mod operator;
#[cfg(feature = "laboratory")]
mod simulate;
mod top;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Keeps AI models inside their latency objective at the lowest GPU cost.
#[derive(Debug, Parser)]
#[command(name = "inferscale", version, about, propagate_version = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print the completion script of a shell
    Completion(completion::Args),
    /// Print the custom resource definitions, or write them into a directory
    Crd(crd::Args),
    /// Stand in for the engines of pods with loopback addresses, and play traces on them
    #[cfg(feature = "laboratory")]
    Emulate(emulate::Args),
    /// Run the operator in a cluster
    Operator(operator::Args),
    /// Try policies on a trace of traffic, and compare what they reach and cost
    #[cfg(feature = "laboratory")]
    Simulate(simulate::Args),
    /// Show the fleet as a table that renews itself
    Top(top::Args),
}

impl Cli {
    /// Runs the chosen subcommand to its end.
    ///
    /// # Errors
    /// Whatever the subcommand could not do, as one chain for people.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Completion(args) => Ok(completion::run(&args)),
            Command::Crd(args) => crd::run(&args),
            #[cfg(feature = "laboratory")]
            Command::Emulate(args) => emulate::run(args),
            Command::Operator(args) => operator::run(&args),
            #[cfg(feature = "laboratory")]
            Command::Simulate(args) => simulate::run(&args),
            Command::Top(args) => top::run(&args),
        }
    }
}
