//! Names of temporary files.

/// What a temporary file's name has around its digits.
const PREFIX: &str = ".node-tool.";
const SUFFIX: &str = ".partial";

/// Returns the name of a temporary file with 16 hexadecimal digits of its own.
pub(super) fn name_of(digits: &str) -> String {
    format!("{PREFIX}{digits}{SUFFIX}")
}

/// Returns a name that is short, hidden, and shows whose it is.
pub fn temporary_name() -> String {
    name_of(&format!("{:016x}", rand::random::<u64>()))
}

/// Returns whether a file's name is that of a download that is in progress or was killed.
pub(super) fn is_leftover(name: &str) -> bool {
    let digits = name
        .strip_prefix(PREFIX)
        .and_then(|rest| rest.strip_suffix(SUFFIX));
    digits.is_some_and(|digits| digits.len() == 16 && digits.bytes().all(|b| b.is_ascii_hexdigit()))
}
