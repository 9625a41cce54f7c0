//! What is reported about a job.

use std::collections::BTreeMap;

use engine::{
    filter::Filter,
    listing::Listing,
    plan::{Plan, Refusal},
    run::{Stop, Tally},
};
use shared::{exit, failure::Failure};
use stores::Place;

use super::Flags;
use crate::{
    commands::{exit_code, missing},
    report::{self, Summary},
};

/// Maximum number of failed files that are listed one by one.
const MAX_LISTED: usize = 50;

/// Returns the exit code of a run.
pub(super) fn code(tally: &Tally, is_idle: bool, flags: &Flags) -> u8 {
    match exit_code(tally.retry()) {
        Some(code) => code,
        None if is_idle && flags.error_on_no_transfer => exit::NOTHING_TO_DO,
        None => exit::SUCCESS,
    }
}

/// Logs what was left out of a listing and is no error.
pub(super) fn skipped(listing: &Listing) {
    for left_out in &listing.skipped {
        tracing::warn!(object = %left_out.path, "skipped, {}", left_out.reason);
    }
}

/// Reports the cloud documents of the target that a sync leaves there.
pub(super) fn kept_documents(target: &Listing, filter: &Filter, place: &Place) {
    if !target.unreadable.is_empty() {
        return; // nothing is deleted at all
    }
    let selection = filter.selection(&target.entries);
    let kept = target.entries.iter().zip(selection);
    let kept = kept.filter(|(entry, is_in)| *is_in && entry.document().is_some());
    let paths: Vec<String> = kept.map(|(entry, _)| format!("'{}'", entry.path)).collect();
    if paths.is_empty() {
        return;
    }
    report::note(&format!(
        "cloud documents in '{place}' are left as they are, since no file can replace them: {}",
        some(&paths)
    ));
}

/// Returns the first three, and an ellipsis for more.
fn some(words: &[String]) -> String {
    let more = if words.len() > 3 { ", …" } else { "" };
    format!("{}{more}", words[..words.len().min(3)].join(", "))
}

/// Names the files that can't be copied, before anything moves.
pub(super) fn obstacles(plan: &Plan, target: &Place) {
    let mut reasons: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for obstacle in &plan.obstacles {
        let paths = reasons.entry(&obstacle.reason).or_default();
        paths.push(format!("'{}'", obstacle.path));
    }
    for (reason, paths) in reasons {
        let files = report::files(paths.len() as u64);
        report::warn(&format!("{files} can't be copied: {reason}: {}", some(&paths)));
    }
    if let Some(way) = plan.obstacles.iter().find_map(|o| o.in_the_way.as_deref()) {
        let old = target.join(&format!("{way}.old"));
        let (now, new) = (target.join(way).typed(), old.typed());
        let rename = if target.is_local() {
            "mv"
        } else {
            "node-tool moveto"
        };
        report::note(&format!("  next: {rename} {now} {new}"));
    }
    if plan.obstacles.iter().any(|obstacle| obstacle.is_folder_link) {
        report::note("  or go through symlinks that lead to folders: -K (--keep-dirlinks)");
    }
}

/// Returns the failure for a plan that is not made.
pub(super) fn refusal(refusal: Refusal, source: &Place, target: &Place) -> Failure {
    match refusal {
        Refusal::NoSource => missing(source),
        Refusal::TargetIsFile => Failure::usage(format!("'{target}' is a file")).code(exit::ERROR),
        Refusal::EmptySource { deletes } => Failure::new(format!("'{source}' is empty; nothing was deleted"))
            .why(format!(
                "sync would delete all {} of the target",
                report::files(deletes)
            ))
            .next(format!(
                "node-tool delete {}    # if that is meant",
                target.typed()
            )),
        Refusal::TooManyDeletes { deletes, max } => Failure::new(format!(
            "{} would be deleted, more than --max-delete {max} allows; nothing was changed",
            report::files(deletes)
        ))
        .hint("look at them with --dry-run")
        .code(exit::FATAL),
        Refusal::TooManyBytes { bytes, max } => Failure::new(format!(
            "{} would be deleted, more than --max-delete-size {} allows; nothing was changed",
            report::bytes(bytes),
            report::bytes(max)
        ))
        .hint("look at them with --dry-run")
        .code(exit::FATAL),
    }
}

/// Lists what failed, up to a maximum, and reports the outcome of the run.
///
/// # Errors
/// When stdout can't be written.
pub(super) fn end(
    summary: &Summary<'_>,
    total_bytes: u64,
    with_progress: bool,
    quiet: bool,
) -> Result<(), Failure> {
    failures(summary.tally);
    let is_wanted = !quiet || !summary.tally.failed.is_empty();
    report::outcome(summary, total_bytes, with_progress, is_wanted)
}

/// Lists what failed, up to a maximum.
pub(super) fn failures(tally: &Tally) {
    let failed = tally
        .failed
        .iter()
        .map(|failed| (failed.path.as_str(), failed.error.to_string()));
    let mut failed: Vec<_> = failed.collect();
    failed.sort();
    for (path, reason) in failed.iter().take(MAX_LISTED) {
        report::failed(path, reason);
    }
    if failed.len() > MAX_LISTED {
        let more = failed.len() - MAX_LISTED;
        report::note(&format!("… and {more} more; repeat with -v to see them all"));
    }
}

/// Returns the failure for what stopped a run early; `next` is how to continue it.
pub(super) fn stopped(stop: Stop, remote: &str, next: &str) -> Failure {
    let failed = |what, error| crate::commands::engine_failure(what, &error, remote);
    let continued = |failure: Failure| match next {
        "" => failure.hint("repeat the command to continue; finished files are not sent again"),
        command => failure.next(format!(
            "{command}   continues; finished files are not sent again"
        )),
    };
    match stop {
        Stop::CopyFailed(error) => failed("could not copy everything", error),
        Stop::DeleteFailed(error) => failed("could not delete everything", error),
        Stop::Requested(signal) => {
            continued(Failure::new(format!("stopped by {signal}"))).code(exit::INTERRUPTED)
        }
        Stop::Deadline => continued(Failure::new("stopped after --max-duration")).code(exit::DURATION),
    }
}

/// Returns the failure for a run that --max-transfer stopped.
pub(super) fn over_limit(tally: &Tally) -> Failure {
    let hint = match tally.copied {
        0 => "the first file is larger than that: give a larger --max-transfer, or --order-by size",
        _ => "repeat the command to continue; finished files are not sent again",
    };
    Failure::new("stopped before --max-transfer was exceeded")
        .hint(hint)
        .code(exit::LIMIT)
}
