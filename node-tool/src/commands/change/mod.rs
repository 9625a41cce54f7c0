//! Making and removing, without copying: one file per verb.

pub mod cleanup;
pub mod copyurl;
pub mod delete;
pub mod mkdir;
pub mod purge;
pub mod rcat;
pub mod rmdir;
pub mod touch;

use shared::{exit, failure::Failure};

use stores::{Place, Written};

use super::{App, missing, place_failure};
use crate::report::{
    self,
    json::{self, Action, Object, Outcome, Step},
};

/// Reports an outcome, and returns whether it was a success.
fn report_outcome(place: &Place, path: &str, action: Action, outcome: engine::Result<()>) -> bool {
    let is_done = outcome.is_ok();
    let object = match outcome {
        Ok(()) => {
            tracing::info!(object = %path, object_type = report::object_type(place), "{}", words(action));
            Outcome::done(action, path)
        }
        Err(error) => {
            report::error(&place_failure("change", &place.join(path), &error));
            Outcome::failed(action, path, &error)
        }
    };
    let _ = json::print(&Object::Outcome(object)); // a reader sees that the total is missing
    json::count(|total| {
        let count = match is_done {
            true => &mut total.files,
            false => &mut total.failed,
        };
        json::add(count, 1);
    });
    is_done
}

/// Returns what the log says of something that was done.
fn words(action: Action) -> &'static str {
    match action {
        Action::Delete => "Deleted",
        Action::Mkdir => "Made directory",
        Action::Rmdir => "Removed directory",
        Action::Purge => "Purged",
        Action::Touch => "Touched",
        _ => "Done",
    }
}

/// Reports something that `--dry-run` leaves undone; `what` names it in the log.
pub(in crate::commands) fn report_step(path: &str, what: &str, step: Step) -> Result<(), Failure> {
    if json::is_on() {
        return json::print(&Object::Step(step));
    }
    tracing::warn!(object = %path, "Skipped {what} as --dry-run is set");
    Ok(())
}

/// Refuses to write a file into a folder that the account may only read, before its bytes are read.
pub(in crate::commands) async fn refuse_read_only(what: &str, side: &Place) -> Result<(), Failure> {
    // What was there was looked at before; one call less than asking for the file itself.
    let Some((folder, _)) = side.split() else {
        return Ok(());
    };
    let refusal = folder.asked_write_refusal().await;
    match refusal.map_err(|error| place_failure("look at", &folder, &error))? {
        Some(reason) => Err(Failure::new(format!("could not {what} '{side}'"))
            .why(reason)
            .code(exit::FATAL_FOR_SOME)),
        None => Ok(()),
    }
}

/// Reports a file that was made of a stream or an address.
pub(in crate::commands) fn report_written(path: &str, written: &Written) -> Result<(), Failure> {
    json::count(|total| {
        json::add(&mut total.files, 1);
        json::add(&mut total.bytes, written.size_bytes);
    });
    json::print(&Object::Outcome(Outcome {
        size: Some(written.size_bytes),
        rev: written.version.clone(),
        content_hash: Some(written.checksum),
        ..Outcome::done(Action::Write, path)
    }))
}

/// A folder is needed and there is a file.
fn not_a_folder(side: &Place) -> Failure {
    Failure::new(format!("'{}' is a file", side)).next(format!("node-tool deletefile {}", side.typed()))
}

/// A cloud document was called by its export's name, which is no name for making or removing.
pub(in crate::commands) fn by_its_export(side: &Place, own: &Place) -> Failure {
    Failure::new(format!("'{}' is the export of a cloud document", side))
        .why(format!("the document itself is '{}'", own))
        .next(format!("node-tool deletefile {}", own.typed()))
}
