//! The only place that prints. Results go to stdout, everything else to stderr; a reader that went away
//! (`| head`) is no error.

pub mod format;
mod lines;
mod progress;
mod summary;

use std::{
    io::{self, Write},
    sync::OnceLock,
};

use indicatif::MultiProgress;
use shared::failure::Failure;

pub use lines::start_logging;
pub use progress::Progress;
pub use summary::{Summary, bytes, files};

/// All bars of the process, so that a line never lands in the middle of one.
fn bars() -> &'static MultiProgress {
    static BARS: OnceLock<MultiProgress> = OnceLock::new();
    BARS.get_or_init(MultiProgress::new)
}

/// Prints an error with its cause and next step.
pub fn error(failure: &Failure) {
    to_stderr(&format!("{failure}\n"));
}

/// Prints a warning.
pub fn warn(text: &str) {
    to_stderr(&format!("warning: {}\n", shared::failure::printable(text)));
}

/// Prints a line for the person at the terminal.
pub fn note(text: &str) {
    to_stderr(&format!("{text}\n"));
}

/// Writes a result to stdout, at once.
///
/// # Errors
/// When stdout can't be written, but not when its reader went away.
pub fn result(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    forgive(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}

/// Writes many lines to stdout, in large blocks.
///
/// # Errors
/// As [`result`].
pub fn results(lines: impl Iterator<Item = String>) -> Result<(), Failure> {
    let mut out = io::BufWriter::with_capacity(1 << 16, io::stdout().lock());
    for line in lines {
        if let Err(error) = writeln!(out, "{line}") {
            return forgive(Err(error));
        }
    }
    forgive(out.flush())
}

fn forgive(written: io::Result<()>) -> Result<(), Failure> {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::new("could not write the result").why(error))
        }
        _ => Ok(()),
    }
}

fn to_stderr(text: &str) {
    bars().suspend(|| {
        let _ = io::stderr().lock().write_all(text.as_bytes()); // where else could it be told?
    });
}
