//! The only module that prints: the grant goes to stdout, everything else to stderr.

use std::io::{self, IsTerminal, Write};

use shared::{failure::Failure, secret::Secret};

/// Prints a result.
pub(crate) fn result(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush()); // a reader that went away is no error
}

/// Prints a line for the person at the terminal.
pub(crate) fn note(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}"); // there is no other place to report it
}

/// Prints what is to be pasted: between marker lines on a terminal, by itself otherwise.
///
/// # Errors
/// When stdout can't be written to.
pub(crate) fn paste(text: &Secret, before: &str, after: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let written = if out.is_terminal() {
        writeln!(out, "\n{before}\n{}\n{after}\n", text.expose())
    } else {
        writeln!(out, "{}", text.expose())
    };
    written.and_then(|()| out.flush()).map_err(|e| {
        Failure::new("could not print the grant")
            .why(e)
            .hint("run it again, without redirecting its output")
    })
}
