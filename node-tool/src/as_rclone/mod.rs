//! The program under the name `rclone`: callers that know rclone get its words, its streams and its exit codes.
//!
//! Whoever calls the program through a link of that name gets
//!
//! - errors as lines of rclone's log, and usage errors in its words (`lines`, `usage`);
//! - the block `Transferred: …` on stdout with `-P`, and in the log with `-v` (`report::format::Stats`);
//! - `version` with a first line that callers can parse (`version`);
//! - flags by the variables `RCLONE_…`, besides our own;
//! - rclone's own config file where there is none of ours (`config::rclone`), which is never written.
//!
//! All else is the same program. Everything here is text: `report` prints it.

mod lines;
mod usage;
mod version;

use std::{
    ffi::OsString,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

pub use lines::{NO_FILE_SYSTEM, of_failure};
pub use usage::usage;
pub use version::version;

/// The name that the program is called by then.
pub const NAME: &str = "rclone";
/// The prefix of the variables of flags.
pub const VARIABLE_PREFIX: &str = "RCLONE_";

/// The flag for statistics on one line.
const ONE_LINE: &str = "stats-one-line";
/// The flag for progress.
const PROGRESS: &str = "progress";

/// Whether this process was called by that name. It is known before anything else runs, and never changes then.
static IS_ON: AtomicBool = AtomicBool::new(false);
/// Whether statistics are one line.
static IS_ONE_LINE: AtomicBool = AtomicBool::new(false);
/// Whether progress was asked for.
static WITH_PROGRESS: AtomicBool = AtomicBool::new(false);
/// Verbs that change something and have no progress here; rclone prints its block for them, too.
const WITHOUT_PROGRESS: [&str; 8] = [
    "cleanup",
    "delete",
    "deletefile",
    "mkdir",
    "purge",
    "rmdir",
    "rmdirs",
    "touch",
];

/// Notes by what name the process was called, which is the first of `args`.
pub fn begin(args: &[OsString]) {
    IS_ON.store(is_name(args), Ordering::Relaxed);
}

/// Notes what is asked of statistics: `has` says whether a switch is on, by its long name.
pub fn note_statistics(has: impl Fn(&str) -> bool) {
    IS_ONE_LINE.store(has(ONE_LINE), Ordering::Relaxed);
    WITH_PROGRESS.store(has(PROGRESS), Ordering::Relaxed);
}

/// Returns whether the end of a command is a block that nothing else prints.
pub fn ends_with_block(verb: &str) -> bool {
    is_on() && WITH_PROGRESS.load(Ordering::Relaxed) && WITHOUT_PROGRESS.contains(&verb)
}

/// Returns whether statistics are to be one line instead of a block.
pub fn is_one_line() -> bool {
    IS_ONE_LINE.load(Ordering::Relaxed)
}

/// Returns whether the process was called as rclone.
pub fn is_on() -> bool {
    IS_ON.load(Ordering::Relaxed)
}

fn is_name(args: &[OsString]) -> bool {
    let name = args.first().and_then(|path| Path::new(path).file_name());
    name.is_some_and(|name| name == NAME)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_name_counts() {
        for (called, is_rclone) in [
            ("rclone", true),
            ("/usr/local/bin/rclone", true),
            ("./rclone", true),
            ("node-tool", false),
            ("/opt/rclone/node-tool", false),
            ("rclone.conf", false),
            ("", false),
        ] {
            assert_eq!(is_name(&[called.into()]), is_rclone, "{called}");
        }
        assert!(!is_name(&[]));
    }
}
