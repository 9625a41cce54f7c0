//! `touch`: makes an empty file, or changes a file's time.

use engine::entry::Modified;
use shared::{exit, failure::Failure};
use stores::TouchError;

use super::{App, place_failure, report_step};
use crate::report::json::{self, Action, Object, Outcome, Step};

/// The arguments of `touch`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: node-tool touch dbx:results/DONE")]
pub struct Args {
    /// The file: NAME:path, or a local path
    #[arg(value_parser = crate::commands::place())]
    path: String,
    /// Don't make a file that isn't there
    #[arg(short = 'C', long)]
    no_create: bool,
    /// The time to set: 2006-01-02T15:04:05 (UTC), 2006-01-02 or 060102 [default: now]
    #[arg(short, long, value_parser = timestamp)]
    timestamp: Option<Modified>,
    /// Show what would be changed, without changing it
    #[arg(short = 'n', long)]
    dry_run: bool,
}

/// Touches.
///
/// # Errors
/// When the file can't be made or its time can't be changed.
pub async fn run(args: &Args, app: &App) -> Result<u8, Failure> {
    let side = app.place(&args.path)?;
    let time = args.timestamp.unwrap_or_else(super::super::list::now);
    let there = side
        .stat()
        .await
        .map_err(|e| place_failure("look at", &side, &e))?;
    if args.dry_run {
        report_step(&side.to_string(), "touch", Step::new(Action::Touch, ""))?;
        return Ok(exit::SUCCESS);
    }
    match &there {
        None if args.no_create => return Ok(exit::SUCCESS),
        Some(at) if at.file().is_none() => return Err(Failure::usage(format!("'{side}' is a folder"))),
        _ => {}
    }
    let touched = side.touch(there.as_ref().and_then(|at| at.file()), time).await;
    touched.map_err(|error| match error {
        TouchError::Make(error) => place_failure("make", &side, &error),
        TouchError::Touch(error, None) => place_failure("touch", &side, &error),
        TouchError::Touch(error, Some(left)) => place_failure("touch", &side, &error).next(format!(
            "node-tool deletefile {left}   removes an empty file that was left behind"
        )),
        TouchError::HasContent => Failure::new(format!("could not touch '{side}'"))
            .why("Dropbox sets a file's time only when its content is uploaded")
            .hint("copy a file with that time to it"),
    })?;
    json::print(&Object::Outcome(Outcome::done(Action::Touch, "")))?;
    Ok(exit::SUCCESS)
}

fn timestamp(text: &str) -> Result<Modified, String> {
    use jiff::{civil::DateTime, tz::TimeZone};
    let short = jiff::fmt::strtime::parse("%y%m%d", text)
        .and_then(|t| t.to_date())
        .map(DateTime::from);
    let time = text.parse::<DateTime>().or(short).ok();
    let time = time.and_then(|time| time.to_zoned_datetime(TimeZone::UTC).ok());
    match time.or_else(|| text.parse().ok()) {
        Some(time) => Ok(Modified {
            seconds: time.timestamp().as_second(),
            nanoseconds: 0,
        }),
        None => Err("give a time such as 2006-01-02T15:04:05".into()),
    }
}
