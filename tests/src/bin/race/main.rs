//! The race: node-tool beside rclone, one after the other on the same strict Dropbox, over TLS at the real host names.
//!
//! It enters a private mount namespace with a hosts file of its own (so it needs root), plays each work for each runner
//! on a fresh sandbox, checks the trees that result, and prints a table in Markdown.

mod runners;
mod table;
mod works;

use std::{
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use anyhow::Context as _;
use clap::Parser;
use sandbox::NAMES;

use runners::Runner;
use works::{WORKS, Work};

/// Race node-tool and rclone on the sandbox, with the latencies of a campus network, and print a table
#[derive(Parser)]
struct Args {
    /// Only works whose name contains this; may be repeated
    #[arg(long, value_name = "TEXT")]
    only: Vec<String>,
    /// Only runners whose name contains this; may be repeated
    #[arg(long, value_name = "TEXT")]
    runner: Vec<String>,
    /// rclone; by default $RCLONE, or the one of tests/peers, which is installed if it isn't there
    #[arg(long, value_name = "PATH")]
    rclone: Option<PathBuf>,
    /// Works of a tenth of the size, to see whether everything runs
    #[arg(long)]
    small: bool,
    /// Show what the runners print
    #[arg(long)]
    verbose: bool,
}

/// Set where the hosts file is already ours.
const INSIDE: &str = "RACE_INSIDE";

fn main() -> anyhow::Result<ExitCode> {
    let args = Args::parse();
    if std::env::var_os(INSIDE).is_none() {
        anyhow::ensure!(
            rustix::process::geteuid().is_root(),
            "the race needs root, for a private hosts file and port 443"
        );
        return Err(enter().into());
    }
    let runners: Vec<Runner> = Runner::all(&rclone(&args)?)?
        .into_iter()
        .filter(|runner| chosen(&args.runner, runner.name))
        .collect();
    let works: Vec<&Work> = WORKS
        .iter()
        .filter(|work| chosen(&args.only, work.name))
        .collect();
    let mut table = table::Table::begin(&runners)?;
    for work in works {
        for runner in runners.iter().filter(|runner| work.takes(runner)) {
            let run = work.play(runner, args.small, args.verbose)?;
            table.row(work, runner, &run);
        }
    }
    Ok(table.end())
}

fn chosen(wanted: &[String], name: &str) -> bool {
    wanted.is_empty() || wanted.iter().any(|part| name.contains(part.as_str()))
}

/// Runs itself again where Dropbox's names mean this machine; comes back only if that fails.
fn enter() -> std::io::Error {
    let script = format!(
        r#"hosts=$(mktemp); echo "127.0.0.1 localhost {}" > "$hosts"; mount --bind "$hosts" /etc/hosts; rm "$hosts"; exec "$@""#,
        NAMES.join(" ")
    );
    let me = match std::env::current_exe() {
        Ok(me) => me,
        Err(error) => return error,
    };
    Command::new("unshare")
        .args(["--mount", "bash", "-c", &script, "race"])
        .arg(me)
        .args(std::env::args_os().skip(1))
        .env(INSIDE, "1")
        .env_remove("DROPBOX_URL")
        .exec()
}

/// Where rclone is; fetched with pip if it is nowhere.
fn rclone(args: &Args) -> anyhow::Result<PathBuf> {
    if let Some(path) = args
        .rclone
        .clone()
        .or(std::env::var_os("RCLONE").map(PathBuf::from))
    {
        return Ok(path);
    }
    let peers = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers");
    let rclone = peers.join(".venv/bin/rclone");
    if !rclone.exists() {
        let install = "python3 -m venv .venv && .venv/bin/pip install --quiet -r requirements.txt";
        let status = Command::new("sh")
            .args(["-c", install])
            .current_dir(&peers)
            .status()?;
        anyhow::ensure!(
            status.success(),
            "rclone can't be installed with pip; name one with --rclone"
        );
    }
    rclone.canonicalize().context("no rclone")
}
