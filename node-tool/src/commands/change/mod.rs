//! Making and removing, without copying: one file per verb.

pub mod cleanup;
pub mod delete;
pub mod mkdir;
pub mod purge;
pub mod rmdir;
pub mod touch;

use shared::failure::Failure;

use stores::Place;

use super::{App, missing, place_failure};

/// Reports an outcome, and returns whether it was a success.
fn report_outcome(place: &Place, path: &str, what: &str, outcome: engine::Result<()>) -> bool {
    match outcome {
        Ok(()) => {
            tracing::info!(object = %path, "{what}");
            true
        }
        Err(error) => {
            crate::report::error(&place_failure("change", &place.join(path), &error));
            false
        }
    }
}

/// A folder is needed and there is a file.
fn not_a_folder(side: &Place) -> Failure {
    Failure::new(format!("'{}' is a file", side)).next(format!("node-tool deletefile {}", side.typed()))
}

/// A cloud document was called by its export's name, which is no name for making or removing.
fn by_its_export(side: &Place, own: &Place) -> Failure {
    Failure::new(format!("'{}' is the export of a cloud document", side))
        .why(format!("the document itself is '{}'", own))
        .next(format!("node-tool deletefile {}", own))
}
