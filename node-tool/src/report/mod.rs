//! The only place that prints. Results go to stdout, everything else to stderr; a reader that went away
//! (`| head`) is no error.

pub mod format;
mod lines;
mod progress;
mod summary;

use std::{
    fs::File,
    io::{self, IsTerminal, Write},
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

/// Where log lines go, and how.
#[derive(Debug, Default)]
pub struct Log {
    /// As JSON.
    pub json: bool,
    /// Into this file instead of stderr.
    pub file: Option<File>,
}

static LOG: OnceLock<Log> = OnceLock::new();

/// Says where log lines go, once, before the first of them.
pub fn log_to(log: Log) {
    let _ = LOG.set(log); // the first word counts
}

fn log() -> &'static Log {
    LOG.get_or_init(Log::default)
}

/// Prints an error with its cause and next step.
pub fn error(failure: &Failure) {
    say("error", "", &failure.to_string());
}

/// Prints a warning.
pub fn warn(text: &str) {
    say("warning", "warning: ", &shared::failure::printable(text));
}

/// Prints a line for the person at the terminal.
pub fn note(text: &str) {
    say("notice", "", text);
}

/// These are for people: they go to stderr even where the log has a file.
fn say(level: &str, before: &str, text: &str) {
    let log = log();
    let line = if log.json {
        lines::json(level, "", text)
    } else {
        format!("{before}{text}\n")
    };
    if log.file.is_some() {
        to_log(&line);
    }
    to_stderr(&line);
}

fn to_log(line: &str) {
    match &log().file {
        Some(file) => {
            let mut file = file;
            let _ = file.write_all(line.as_bytes()); // a full disk is no reason to stop
        }
        None => to_stderr(line),
    }
}

/// Writes a result to stdout, at once.
///
/// # Errors
/// When stdout can't be written, but not when its reader went away.
pub fn result(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    forgive(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}

/// Writes many lines to stdout, in large blocks; on a terminal without what could drive it.
///
/// # Errors
/// As [`result`].
pub fn results(lines: impl Iterator<Item = String>) -> Result<(), Failure> {
    let mut out = io::BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let is_shown = io::stdout().is_terminal();
    for line in lines {
        let line = match is_shown && line.contains(|c: char| c.is_control() && c != '\t') {
            true => shared::failure::printable(&line),
            false => line,
        };
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

/// Returns a word as a person would type it in a shell.
pub fn quoted(word: &str) -> std::borrow::Cow<'_, str> {
    // Only a NUL can't be typed.
    shlex::try_quote(word).unwrap_or(std::borrow::Cow::Borrowed(word))
}
