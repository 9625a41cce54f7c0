//! Keeps the memory of this process private.

/// Forbids core dumps of this process, and other programs of the same user to read its memory. The dump of a crashed process
/// would contain codes and tokens; a limit of zero alone is ignored where dumps go to a program (systemd-coredump).
///
/// What the system doesn't offer is skipped: nothing depends on it.
pub fn keep_memory_private() {
    #[cfg(unix)]
    let _ = rlimit::setrlimit(rlimit::Resource::CORE, 0, 0);
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
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
        assert_eq!(rlimit::getrlimit(rlimit::Resource::CORE).unwrap(), (0, 0));
    }
}
