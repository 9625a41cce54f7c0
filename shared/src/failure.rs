//! How both programs say that something went wrong: what happened, why, and what to type next.

use std::fmt;

use crate::exit;
pub use crate::plain::printable;
use crate::plain::without_error_numbers;

/// An error at the edge of a program, ready to be shown.
///
/// ```text
/// error: could not upload 'results/run7.h5'
///   why: Dropbox says the account is full (insufficient_space)
///   next: free some space, then repeat the command; finished files are not sent again
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    what: String,
    why: Vec<String>,
    next: Vec<String>,
    code: u8,
}

impl Failure {
    /// Says what could not be done.
    pub fn new(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            why: Vec::new(),
            next: Vec::new(),
            code: exit::ERROR,
        }
    }

    /// Says what about the command line or the configuration is wrong.
    pub fn usage(what: impl Into<String>) -> Self {
        Self::new(what).code(exit::USAGE)
    }

    /// Adds the cause.
    #[must_use]
    pub fn why(mut self, why: impl fmt::Display) -> Self {
        self.why.push(without_error_numbers(&why.to_string()));
        self
    }

    /// Adds a next step.
    #[must_use]
    pub fn next(mut self, next: impl fmt::Display) -> Self {
        self.next.push(next.to_string());
        self
    }

    /// Sets the exit code (see [`exit`]).
    #[must_use]
    pub fn code(mut self, code: u8) -> Self {
        self.code = code;
        self
    }

    /// The exit code.
    pub fn exit_code(&self) -> u8 {
        self.code
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", printable(&self.what))?;
        for (label, lines) in [("why", &self.why), ("next", &self.next)] {
            for line in lines {
                write!(f, "\n  {label}: {}", printable(line))?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_why_and_next() {
        let failure = Failure::new("could not open 'a\u{1b}[2J'")
            .why("it is gone")
            .next("look for it")
            .code(exit::FILE_NOT_FOUND);
        assert_eq!(
            failure.to_string(),
            "error: could not open 'a\\u{1b}[2J'\n  why: it is gone\n  next: look for it"
        );
        assert_eq!(failure.exit_code(), 4);
    }
}
