//! The race: node-tool beside rclone, one after the other on the same strict Dropbox, over TLS at the real host names.
//!
//! It enters a private mount namespace with a hosts file of its own (so it needs root), plays each job for each runner
//! on a fresh sandbox, checks the trees that result, and prints a table in Markdown.

mod jobs;
mod runners;
mod table;

use std::{path::PathBuf, process::ExitCode};

use clap::Parser;
use tests::private_hosts::{Network, enter, rclone};

use jobs::{JOBS, Job};
use runners::Runner;

/// Race node-tool and rclone on the sandbox, with the latencies of a campus network, and print a table
#[derive(Parser)]
struct Args {
    /// Only jobs whose name contains this; may be repeated
    #[arg(long, value_name = "TEXT")]
    only: Vec<String>,
    /// Only runners whose name contains this; may be repeated
    #[arg(long, value_name = "TEXT")]
    runner: Vec<String>,
    /// rclone; by default $RCLONE, or the one of tests/peers, which is installed if it isn't there
    #[arg(long, value_name = "PATH")]
    rclone: Option<PathBuf>,
    /// Another build of node-tool, to race as 'other build'
    #[arg(long, value_name = "PATH")]
    other: Option<PathBuf>,
    /// Works of a tenth of the size, to see whether everything runs
    #[arg(long)]
    small: bool,
    /// Show what the runners print
    #[arg(long)]
    verbose: bool,
}

fn main() -> anyhow::Result<ExitCode> {
    let args = Args::parse();
    enter(Network::Shared)?;
    let runners: Vec<Runner> = Runner::all(&rclone(args.rclone.as_deref())?, args.other.as_deref())?
        .into_iter()
        .filter(|runner| chosen(&args.runner, runner.name))
        .collect();
    let jobs: Vec<&Job> = JOBS.iter().filter(|job| chosen(&args.only, job.name)).collect();
    let mut table = table::Table::begin(&runners)?;
    for job in jobs {
        for runner in runners.iter().filter(|runner| job.takes(runner)) {
            let run = job.play(runner, args.small, args.verbose)?;
            table.row(job, runner, &run);
        }
    }
    Ok(table.end())
}

fn chosen(wanted: &[String], name: &str) -> bool {
    wanted.is_empty() || wanted.iter().any(|part| name.contains(part.as_str()))
}
