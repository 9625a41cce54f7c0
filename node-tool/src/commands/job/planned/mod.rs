//! Plans as files: `--plan-out` writes one, `run` carries it out, by as many processes as there are.

mod ending;
mod part;
mod site;
mod status;
mod take;
mod work;
mod write;

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use engine::plan::shard::Part;
use shared::{duration, exit, failure::Failure};

use super::App;
use crate::plan_dir::PlanDir;

pub(super) use write::{Planned, write};

/// The arguments of `run`.
#[derive(Debug, clap::Args)]
#[command(after_help = RUN_HELP)]
pub struct Args {
    /// The folder that --plan-out has made
    #[arg(value_name = "PLAN", value_hint = clap::ValueHint::DirPath)]
    plan: PathBuf,
    /// Copy part I of N only, such as 2/16 [default in a job array, or in several tasks of srun: its own]
    #[arg(long, value_name = "I/N", conflicts_with_all = ["take", "status", "finish"])]
    part: Option<Part>,
    /// Copy what no other process is at, and nothing else: start as many as you like
    #[arg(long, conflicts_with_all = ["status", "finish"])]
    take: bool,
    /// Delete, and remove from the source, what the plan says, once everything is copied
    #[arg(long, conflicts_with = "status")]
    finish: bool,
    /// Show how far all processes are
    #[arg(long)]
    status: bool,
    /// Stop after this long, such as 90s or 1h30m (exit code 10)
    #[arg(long, help_heading = "Limits", value_name = "DURATION", value_parser = duration::parse)]
    max_duration: Option<Duration>,
    /// Show progress
    #[arg(short = 'P', long, help_heading = "Output")]
    progress: bool,
}

const RUN_HELP: &str = "\
Without a flag it copies what is still to be copied, and then does what --finish does.
The same command continues a plan that was stopped or killed: what was copied stays copied.
A file that changed since the plan was made, on either side, is reported and left.

Examples:
  node-tool sync results dbx:results --plan-out plan
  node-tool run plan
  node-tool run plan --part 1/4
  node-tool run plan --status";

/// Which copies a process takes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Share {
    /// All that nobody else is at, and what comes last.
    Everything,
    /// All that nobody else is at.
    Free,
    /// One part.
    Part(Part),
}

/// Carries out a plan, or shows how far it is.
///
/// # Errors
/// When nothing could be done. Failures of single files are reported at the end, and by the exit code.
pub async fn run(args: &Args, app: &App) -> Result<u8, Failure> {
    let (dir, file) = PlanDir::open(&args.plan)?;
    if args.status {
        return status::show(&dir, &file);
    }
    let limits = Limits {
        deadline: args.max_duration.map(|most| Instant::now() + most),
        shows_progress: args.progress,
    };
    if args.finish {
        return ending::run(&dir, &file, limits, app).await;
    }
    let share = match args.part {
        Some(part) => Share::Part(part),
        None if args.take => Share::Free,
        None => match part::here().map_err(Failure::usage)? {
            Some(part) => Share::Part(part),
            None => Share::Everything,
        },
    };
    let code = work::run(&dir, &file, share, limits, app).await?;
    match (share, code) {
        (Share::Everything, exit::SUCCESS) => ending::after_copies(&dir, &file, limits, app).await,
        _ => Ok(code),
    }
}

/// What of the command line counts for one process.
#[derive(Clone, Copy, Debug)]
struct Limits {
    /// When to stop.
    deadline: Option<Instant>,
    /// Whether progress is shown.
    shows_progress: bool,
}
