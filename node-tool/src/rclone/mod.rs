//! What rclone 1.75 has, and what becomes of it here: each of its verbs and flags by name, with its fate.
//!
//! One table, three uses: [`crate::cli`] accepts or refuses what is typed, `docs/rclone.md` is made of it (`page`), and a test
//! compares it with lists that were taken from rclone itself. What the command line really takes counts more than a row.

pub(crate) mod flags;
#[cfg(test)]
mod page;
#[cfg(test)]
mod tests;
pub(crate) mod verbs;

/// Why there is no remote control.
const NO_CONTROL: &str = "a running command can't be controlled from outside, so that nobody else can";
/// What to do instead of it.
const CONTROL_INSTEAD: &str = "-P, or --stats 10s with --use-json-log, shows how far a transfer is";
