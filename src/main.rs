//! The `inferscale` binary: parses, chooses the TLS provider, dispatches. Everything else is in the library.

use std::process::ExitCode;

use clap::Parser;
use inferscale::cli::Cli;

fn main() -> ExitCode {
    // Two crates bring rustls; without a chosen provider the first TLS connection would panic.
    if rustls::crypto::aws_lc_rs::default_provider().install_default().is_err() {
        eprintln!("error: a TLS provider is already installed");
        return ExitCode::FAILURE;
    }
    match Cli::parse().run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
