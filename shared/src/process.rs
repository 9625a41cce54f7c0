//! Keeps the memory of this process private.

#[cfg(unix)]
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

#[cfg(unix)]
const NOTHING: Rlimit = Rlimit {
    current: Some(0),
    maximum: Some(0),
};

/// Forbids core dumps of this process, and other programs of the same user to read its memory. The dump of a crashed process
/// would contain codes and tokens; a limit of zero alone is ignored where dumps go to a program (systemd-coredump).
///
/// What the system doesn't offer is skipped: nothing depends on it.
pub fn keep_memory_private() {
    #[cfg(unix)]
    let _ = setrlimit(Resource::Core, NOTHING);
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}

/// Raises the number of files that this process may have open to `wanted`, as far as the system lets it. Never lowers it. Returns how
/// many it may have open then; `None` where the system has no such limit (Windows counts no sockets).
pub fn raise_open_files(wanted: u64) -> Option<u64> {
    #[cfg(unix)]
    {
        let now = getrlimit(Resource::Nofile);
        let allowed = now.maximum.unwrap_or(u64::MAX);
        let current = now.current.unwrap_or(u64::MAX);
        let raised = Rlimit {
            current: Some(wanted.min(allowed)),
            maximum: now.maximum,
        };
        if raised.current > Some(current) && setrlimit(Resource::Nofile, raised).is_ok() {
            return raised.current;
        }
        Some(current)
    }
    #[cfg(not(unix))]
    {
        let _ = wanted;
        None
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    #[test]
    fn memory_is_neither_dumped_nor_read() {
        keep_memory_private();
        assert_eq!(
            rustix::process::dumpable_behavior().unwrap(),
            rustix::process::DumpableBehavior::NotDumpable
        );
        assert_eq!(getrlimit(Resource::Core), NOTHING);
    }

    #[test]
    fn open_files_are_raised_as_far_as_allowed_and_never_lowered() {
        let most = getrlimit(Resource::Nofile).maximum;
        assert_eq!(raise_open_files(u64::MAX), Some(most.unwrap_or(u64::MAX)));
        assert_eq!(raise_open_files(1), Some(most.unwrap_or(u64::MAX)));
    }
}
