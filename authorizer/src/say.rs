//! The only place that prints: the grant goes to stdout, everything else to stderr.

use std::io::{self, IsTerminal, Write};

use shared::{failure::Failure, secret::Secret};

/// Prints a result.
pub fn result(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush()); // a reader that went away is no error
}

/// Prints a line for the person at the terminal.
pub fn note(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}"); // where else could it be told?
}

/// Prints what is to be pasted: between marker lines on a terminal, alone otherwise.
///
/// # Errors
/// When stdout can't be written.
pub fn paste(text: &Secret, before: &str, after: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let written = if out.is_terminal() {
        writeln!(out, "\n{before}\n{}\n{after}\n", text.expose())
    } else {
        writeln!(out, "{}", text.expose())
    };
    written.and_then(|()| out.flush()).map_err(|e| {
        Failure::new("could not print the grant")
            .why(e)
            .next("run it again, without redirecting its output")
    })
}
