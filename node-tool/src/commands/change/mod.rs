//! Making and removing, without copying: one file a verb.

pub mod cleanup;
pub mod delete;
pub mod mkdir;
pub mod purge;
pub mod rmdir;
pub mod touch;

use shared::failure::Failure;

use super::{App, missing, side_failure};
use crate::side::{Side, SideError};

/// Tells of an outcome, and whether it was good.
fn told(side: &Side, path: &str, what: &str, outcome: Result<(), SideError>) -> bool {
    match outcome {
        Ok(()) => {
            tracing::info!(object = %path, "{what}");
            true
        }
        Err(error) => {
            crate::report::error(&side_failure("change", &side.join(path), &error));
            false
        }
    }
}

/// A folder is needed and there is a file.
fn not_a_folder(side: &Side) -> Failure {
    Failure::new(format!("'{}' is a file", side.location()))
        .next(format!("node-tool deletefile {}", side.typed()))
}

/// A cloud document was called by its export's name, which is no name for making or removing.
fn by_its_export(side: &Side, own: &Side) -> Failure {
    Failure::new(format!("'{}' is the export of a cloud document", side.location()))
        .why(format!("the document itself is '{}'", own.location()))
        .next(format!("node-tool deletefile {}", own.location()))
}
