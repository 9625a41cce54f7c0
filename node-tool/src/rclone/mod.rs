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
