//! The only place that prints. Results go to stdout, everything else to stderr; a reader that went away
//! (`| head`) is no error.
//!
//! What a person sees is cleaned here, and only here, of what names could do to a terminal: all of stderr, and stdout where it
//! is a terminal. A pipe or a file gets the bytes as they are.

mod echo;
pub mod format;
mod layout;
mod lines;
mod progress;
mod summary;

use std::{
    fs::File,
    io::{self, IsTerminal, Write},
    sync::OnceLock,
};

use indicatif::MultiProgress;
use shared::{
    failure::Failure,
    plain::{printable, printable_json, printable_lines, without_error_numbers},
};

use shared::raw;

pub use lines::start_logging;
pub use progress::Progress;
pub use summary::{Summary, bytes, files};

/// All bars of the process, so that a line is never printed in the middle of one.
fn bars() -> &'static MultiProgress {
    static BARS: OnceLock<MultiProgress> = OnceLock::new();
    BARS.get_or_init(MultiProgress::new)
}

/// Removes all bars for good: only the last lines follow.
pub fn end_progress() {
    let _ = bars().clear(); // a terminal that is gone needs nothing
    bars().set_draw_target(indicatif::ProgressDrawTarget::hidden());
    echo::show();
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

/// Sets where log lines go. Called once, before the first of them.
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
    say("warning", "warning: ", &printable(&without_error_numbers(text)));
}

/// Prints a line for the person at the terminal.
pub fn note(text: &str) {
    say("notice", "", &printable(&without_error_numbers(text)));
}

/// Prints lines for the person at the terminal.
pub fn notes(text: &str) {
    say("notice", "", &printable_lines(text));
}

/// Prints an error of clap; without colours if it quotes control characters of the command line.
pub fn usage(error: &clap::Error) {
    let plain = error.render().to_string();
    let clean = printable_lines(&plain);
    if error.use_stderr() && clean != plain {
        to_stderr(&clean);
    } else {
        let _ = error.print(); // as everywhere: a reader that went away is no error
    }
}

/// Shows a prompt on stdout, after which the person types.
///
/// # Errors
/// When stdout can't be written.
pub fn prompt(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    write!(out, "{}", printable(text))?;
    out.flush()
}

/// These are for people: they go to stderr even where the log has a file. `text` is clean.
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
    let clean;
    let shown = if io::stdout().is_terminal() {
        clean = printable_lines(text);
        &clean
    } else {
        text
    };
    let mut out = io::stdout().lock();
    forgive(out.write_all(shown.as_bytes()).and_then(|()| out.flush()))
}

/// Writes many lines to stdout, in large blocks.
///
/// # Errors
/// As [`result`].
pub fn results(lines: impl Iterator<Item = String>) -> Result<(), Failure> {
    many(lines, printable)
}

/// The same for lines of JSON, which stay JSON.
///
/// # Errors
/// As [`result`].
pub fn json_results(lines: impl Iterator<Item = String>) -> Result<(), Failure> {
    many(lines, printable_json)
}

fn many(lines: impl Iterator<Item = String>, clean: impl Fn(&str) -> String) -> Result<(), Failure> {
    let is_shown = io::stdout().is_terminal();
    let mut out = io::BufWriter::with_capacity(1 << 16, io::stdout().lock());
    for line in lines {
        let line = if is_shown { clean(&line) } else { line };
        // A pipe gets a name's own bytes.
        let mut bytes = raw::bytes(&line);
        bytes.push(b'\n');
        if let Err(error) = out.write_all(&bytes) {
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
        let _ = io::stderr().lock().write_all(text.as_bytes()); // there is nowhere else to report it
    });
}
