//! `inferscale simulate`: tries policies on a trace before anybody trusts one.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread::available_parallelism;

use anyhow::Context;

use crate::simulate::policies::Named;
use crate::simulate::progress::Progress;
use crate::simulate::report::{self, Format, Report};
use crate::simulate::run::{self, Wanted};
use crate::simulate::scenario::Scenario;

/// Arguments of `simulate`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What is simulated: loads, manifests, world, policies
    #[arg(short, long, value_name = "SCENARIO.YAML")]
    file: PathBuf,
    /// Try these policies instead of the file's, such as inferscale,hpa-rps:0.7
    #[arg(long, value_name = "POLICY", value_delimiter = ',')]
    policy: Vec<Named>,
    /// How results are printed
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Write results.json into this folder, and report.html with --format html; the table is printed
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Simulate with these seeds instead of the file's
    #[arg(long, value_name = "SEED", value_delimiter = ',')]
    seed: Vec<u64>,
    /// Worlds at once; as many as there are processors when absent
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: Option<u16>,
}

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let scenario = Scenario::read(&args.file)?;
    let wanted = Wanted {
        policies: or(&args.policy, &scenario.policies),
        seeds: or(&args.seed, &[scenario.seed]),
        jobs: args
            .jobs
            .map_or_else(|| available_parallelism().map_or(1, usize::from), usize::from),
        timeline: args.format == Format::Html,
    };
    let rows = run::run(&scenario, &wanted, &Progress::on_terminal())?;
    let report = Report {
        scenario: &scenario,
        rows: &rows,
    };
    let Some(folder) = &args.out else {
        match args.format {
            Format::Table => print!("{}", report::table(&report)),
            Format::Json => print!("{}", report::json(&report)),
            Format::Html => print!("{}", report::html(&report)),
        }
        return Ok(ExitCode::SUCCESS);
    };
    let write = |name: &str, text: String| {
        let file = folder.join(name);
        fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))
    };
    fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    write("results.json", report::json(&report))?;
    if args.format == Format::Html {
        write("report.html", report::html(&report))?;
    }
    print!("{}", report::table(&report));
    Ok(ExitCode::SUCCESS)
}

/// What was asked for on the command line, else what the file says.
fn or<T: Clone>(asked: &[T], file: &[T]) -> Vec<T> {
    if asked.is_empty() {
        file.to_vec()
    } else {
        asked.to_vec()
    }
}
