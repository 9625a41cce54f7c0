//! `restore`: an earlier state of a file becomes the present one, or a folder is as it was.

use engine::filter::Age;
use shared::{exit, failure::Failure};

use super::{App, below_root, failed, failed_or_missing, missing};
use crate::{
    commands::{
        change::report_step,
        job::{
            Flags,
            as_of::{self, AsOfRequest},
        },
        list::now,
    },
    flags::filter::FilterFlags,
    report::{
        self,
        json::{self, Action, Object, Outcome, Step},
    },
};

/// The arguments of `restore`.
#[derive(Debug, clap::Args)]
#[command(after_help = RESTORE_HELP)]
pub struct Args {
    /// The file or, with --as-of, the folder, which may be deleted: NAME:path
    #[arg(value_parser = crate::commands::place())]
    path: String,
    /// With --as-of: restore into this folder, and leave the other alone: NAME:path, or a local path
    #[arg(value_parser = crate::commands::place(), conflicts_with = "rev")]
    dest: Option<String>,
    /// The revision to restore: see 'node-tool revisions' [default: the last]
    #[arg(long, conflicts_with = "as_of")]
    rev: Option<String>,
    /// Restore the folder as it was at TIME: 2026-11-20T12:00 (here; with a Z in UTC), or 2h, 1d … ago
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    as_of: Option<Age>,
    /// Delete files that came since
    #[arg(long, requires = "as_of")]
    delete_new: bool,
    /// Show what would be restored, without restoring it
    #[arg(short = 'n', long)]
    dry_run: bool,
    /// Don't ask
    #[arg(short, long)]
    yes: bool,
    /// Show progress
    #[arg(short = 'P', long, help_heading = "Output")]
    progress: bool,
    #[command(flatten)]
    filter: FilterFlags,
}

const RESTORE_HELP: &str = "\
With --as-of, files that were deleted come back, and those that changed are changed back. Files that
came since stay, unless --delete-new is given or something that was there needs their place. The plan
is shown first; on a terminal it asks. Repeating it continues: what is as it was is left alone.

Dropbox keeps deleted and replaced files for 30 days, in larger plans for 180 or longer.

Examples:
  node-tool restore dbx:results/run7.h5 --rev 0153e1a2f4b00000000001a2b3c4d5
  node-tool restore dbx:project --as-of 2h --dry-run
  node-tool restore dbx:project dbx:project-yesterday --as-of 1d";

/// Restores.
///
/// # Errors
/// When there is no such state.
pub async fn run(args: &Args, app: &App) -> Result<u8, Failure> {
    match (args.as_of, &args.dest) {
        (Some(age), _) => folder(args, age, app).await,
        (None, None) => file(args, args.rev.as_deref(), app).await,
        // As other programs have it.
        (None, Some(rev)) if is_revision(rev) => file(args, Some(rev), app).await,
        (None, Some(_)) => Err(Failure::usage("a folder is restored elsewhere as of a time")
            .hint("add --as-of TIME, such as 2h, 1d or 2026-11-20T12:00")),
    }
}

/// Whether a word can be a revision (`files.Rev`).
fn is_revision(text: &str) -> bool {
    text.len() >= 9 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

async fn folder(args: &Args, age: Age, app: &App) -> Result<u8, Failure> {
    let now = now();
    let time = age
        .before(now)
        .filter(|time| *time <= now || matches!(age, Age::At(_)));
    let time =
        time.ok_or_else(|| Failure::usage("--as-of needs a time in the past, such as 2h or 2026-11-20"))?;
    let request = AsOfRequest {
        folder: &args.path,
        dest: args.dest.as_deref(),
        time,
        deletes_new: args.delete_new,
        yes: args.yes,
        flags: Flags {
            dry_run: args.dry_run,
            progress: args.progress,
            filter: args.filter.clone(),
            ..Flags::default()
        },
    };
    as_of::run(&request, app).await
}

async fn file(args: &Args, rev: Option<&str>, app: &App) -> Result<u8, Failure> {
    let (side, client, path) = below_root(&args.path, "restore", app).await?;
    let rev = match rev {
        Some(rev) => rev.to_owned(),
        None => {
            let revisions = client.revisions(&path).await;
            let revisions = revisions.map_err(failed_or_missing("look at", &side, exit::FILE_NOT_FOUND))?;
            if !revisions.is_deleted {
                return Err(
                    Failure::usage(format!("'{}' is there; which earlier state is meant?", side)).next(
                        format!("node-tool revisions {}    # then give --rev", side.typed()),
                    ),
                );
            }
            let last = revisions.entries.first().ok_or_else(|| missing(&side))?;
            last.rev.clone()
        }
    };
    if args.dry_run {
        let step = Step {
            rev: Some(rev.clone()),
            ..Step::new(Action::Restore, side.to_string())
        };
        report_step(&side.to_string(), &format!("restore as it was at {rev}"), step)?;
        return Ok(exit::SUCCESS);
    }
    let file = client
        .restore(&path, &rev)
        .await
        .map_err(|e| failed("restore", &side)(e).next(format!("node-tool revisions {}", side.typed())))?;
    json::print(&Object::Outcome(Outcome {
        size: Some(file.size),
        rev: Some(file.rev.clone()),
        content_hash: file.content_hash,
        ..Outcome::done(Action::Restore, side.to_string())
    }))?;
    report::note(&format!(
        "restored '{}' ({}) as it was at {rev}",
        side,
        report::bytes(file.size)
    ));
    Ok(exit::SUCCESS)
}
