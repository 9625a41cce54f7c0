//! How both programs say that something went wrong: what happened, why, and what to do next.

use std::{borrow::Cow, fmt};

use crate::exit;
pub use crate::plain::printable;
use crate::plain::without_error_numbers;

/// An error at the edge of a program, ready to be shown.
///
/// ```text
/// error: could not upload 'results/run7.h5'
///   why: Dropbox says the account is full (insufficient_space)
///   next: node-tool about dbx:
///   hint: free some space, then repeat the command; finished files are not sent again
/// ```
///
/// What follows `next:` is a command that can be typed as it is; what needs a person's thought follows `hint:`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    what: String,
    why: Vec<String>,
    advice: Vec<Advice>,
    code: u8,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Advice {
    /// A command that can be typed as it is.
    Command(String),
    /// What needs a person's thought.
    Hint(String),
}

impl Failure {
    /// Returns a failure to do `what`.
    pub fn new(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            why: Vec::new(),
            advice: Vec::new(),
            code: exit::ERROR,
        }
    }

    /// Returns a failure that lies in the command line or the configuration.
    pub fn usage(what: impl Into<String>) -> Self {
        Self::new(what).code(exit::USAGE)
    }

    /// Adds the cause.
    #[must_use]
    pub fn why(mut self, why: impl fmt::Display) -> Self {
        self.why.push(without_error_numbers(&why.to_string()));
        self
    }

    /// Adds a command that works in this situation. What follows it after three spaces becomes a comment.
    #[must_use]
    pub fn next(mut self, command: impl fmt::Display) -> Self {
        let command = command.to_string();
        debug_assert!(is_command(&command), "'{command}' is a hint");
        self.advice
            .push(Advice::Command(with_comment(&command).into_owned()));
        self
    }

    /// Adds what a person may do, in words. [`next`](Self::next) is for a command by itself.
    #[must_use]
    pub fn hint(mut self, text: impl fmt::Display) -> Self {
        self.advice.push(Advice::Hint(text.to_string()));
        self
    }

    /// Adds a command or a hint.
    #[must_use]
    pub fn advise(self, advice: Advice) -> Self {
        match advice {
            Advice::Command(command) => self.next(command),
            Advice::Hint(text) => self.hint(text),
        }
    }

    /// Sets the exit code (see [`exit`]).
    #[must_use]
    pub fn code(mut self, code: u8) -> Self {
        self.code = code;
        self
    }

    /// Returns what could not be done.
    pub fn what(&self) -> &str {
        &self.what
    }

    /// Returns the causes.
    pub fn reasons(&self) -> &[String] {
        &self.why
    }

    /// Returns what to do next, in order.
    pub fn advice(&self) -> &[Advice] {
        &self.advice
    }

    /// Returns the exit code.
    pub fn exit_code(&self) -> u8 {
        self.code
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", printable(&self.what))?;
        for line in &self.why {
            write!(f, "\n  why: {}", printable(line))?;
        }
        for advice in &self.advice {
            match advice {
                Advice::Command(line) => write!(f, "\n  next: {}", printable(line))?,
                Advice::Hint(line) => write!(f, "\n  hint: {}", printable(line))?,
            }
        }
        Ok(())
    }
}

/// Makes a comment of what follows a command after three spaces, so that the whole line can be typed.
fn with_comment(line: &str) -> Cow<'_, str> {
    let is_outside = |at: &usize| line[..*at].matches('\'').count().is_multiple_of(2);
    let gap = line.match_indices("   ").map(|(at, _)| at).find(is_outside);
    match gap.map(|at| (&line[..at], line[at..].trim_start())) {
        Some((command, said)) if !said.starts_with('#') => Cow::Owned(format!("{command}    # {said}")),
        _ => Cow::Borrowed(line),
    }
}

/// Returns whether a line begins with a program that the two programs advise to run, or with a word of the shell.
fn is_command(line: &str) -> bool {
    const COMMANDS: [&str; 12] = [
        "node-tool",
        "authorizer",
        "rclone",
        "rsync",
        "mv",
        "ssh",
        "chmod",
        "date",
        "unset",
        "export",
        "cp",
        "curl",
    ];
    let first = line.split(' ').next().unwrap_or_default();
    COMMANDS.contains(&first)
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_why_and_next() {
        let failure = Failure::new("could not open 'a\u{1b}[2J'")
            .why("it is gone")
            .next("node-tool lsd 'a   b:'   lists it")
            .hint("look for it")
            .code(exit::FILE_NOT_FOUND);
        assert_eq!(
            failure.to_string(),
            "error: could not open 'a\\u{1b}[2J'\n  why: it is gone\n  next: node-tool lsd 'a   b:'    # lists it\n  hint: look for it"
        );
        assert_eq!(failure.exit_code(), 4);
    }
}
