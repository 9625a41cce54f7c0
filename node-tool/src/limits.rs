//! What the system allows this process: open files, sizes of files, and which signals it takes.

use std::sync::OnceLock;

use rustix::process::{Resource, Signal, getrlimit};

/// Open files that are neither connections nor content: the standard ones, the runtime's, logs, locks, name lookups.
const OTHER_FILES: u64 = 16;
/// What a connection may take: itself, one that is idle, the file that it fills, the folder that is open for a moment, a name
/// lookup, and one to spare.
const PER_CONNECTION: u64 = 6;
/// More files of content than this are never open at once.
const MAX_FILES: u64 = 1024;

/// How much may be open at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenFiles {
    /// Connections that carry calls.
    pub connections: usize,
    /// Files whose content comes or goes.
    pub files: usize,
}

impl OpenFiles {
    /// What is left of `limit` open files of a process.
    fn of(limit: u64) -> Self {
        let left = limit.saturating_sub(OTHER_FILES);
        let connections = (left / PER_CONNECTION).max(1);
        let files = (left.saturating_sub(2 * connections) / 2).clamp(2, MAX_FILES);
        let count = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        Self {
            connections: count(connections),
            files: count(files),
        }
    }

    /// What this process may have open, as [`begin`] found it.
    pub fn here() -> Self {
        static HERE: OnceLock<OpenFiles> = OnceLock::new();
        *HERE.get_or_init(|| Self::of(getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)))
    }
}

/// Sets the limits of the process at its start: as many open files as allowed, and no core dump, which
/// would hold tokens.
pub fn begin() {
    shared::process::keep_memory_private();
    shared::process::raise_open_files(u64::MAX);
    OpenFiles::here();
}

/// Handles SIGXFSZ from now on, which would end the process: a file that would be larger than 'ulimit -f' allows is
/// an error of that file. Needs a runtime.
pub fn hear_of_large_files() {
    use tokio::signal::unix::{SignalKind, signal};
    // Once asked for, a signal has its default action no more.
    let _ = signal(SignalKind::from_raw(Signal::XFSZ.as_raw()));
}

/// Whether a signal was ignored when the process began, as SIGHUP is below `nohup`: then it stays so.
pub fn is_ignored(signal: Signal) -> bool {
    std::fs::read_to_string("/proc/self/status").is_ok_and(|status| ignores(&status, signal.as_raw()))
}

fn ignores(status: &str, signal: i32) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_open_at_once_fits_into_the_limit() {
        for limit in [0, 16, 20, 24, 32, 64, 128, 256, 1024, 4096, 1 << 20, u64::MAX] {
            let OpenFiles { connections, files } = OpenFiles::of(limit);
            assert!(connections >= 1 && files >= 2, "{limit}");
            if limit >= 24 {
                let most = OTHER_FILES + 2 * connections as u64 + files as u64;
                assert!(most <= limit, "{limit}: {connections} and {files}");
            }
        }
        assert_eq!(
            OpenFiles::of(32),
            OpenFiles {
                connections: 2,
                files: 6
            }
        );
        assert!(
            OpenFiles::of(1024).connections >= 96,
            "the usual limit costs nothing"
        );
    }

    #[test]
    fn an_ignored_signal_is_known() {
        let status = "Name:\tx\nSigIgn:\t0000000000001001\nSigCgt:\t0000000000000000\n";
        assert!(ignores(status, 1) && ignores(status, 13));
        assert!(!ignores(status, 2) && !ignores("nothing", 1));
    }
}
