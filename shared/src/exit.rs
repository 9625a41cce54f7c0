//! The exit codes. They mean what rclone's mean (its documentation, "Exit code"), so that job scripts keep working.

/// Everything was done.
pub const SUCCESS: u8 = 0;
/// An error that no other code describes; for a transfer: something failed and the rest was done.
pub const ERROR: u8 = 1;
/// The command line or the configuration cannot be understood.
pub const USAGE: u8 = 2;
/// The folder was not found.
pub const DIRECTORY_NOT_FOUND: u8 = 3;
/// The file was not found.
pub const FILE_NOT_FOUND: u8 = 4;
/// All failures are temporary: the same command may succeed later.
pub const TEMPORARY: u8 = 5;
/// Something failed that repeating the command can't fix, for example for lack of a permission.
pub const FATAL_FOR_SOME: u8 = 6;
/// Nothing can succeed any more: the account is revoked, suspended or full.
pub const FATAL: u8 = 7;
/// A limit set by the user was reached.
pub const LIMIT: u8 = 8;
/// All is well and nothing had to be done; only if the command line asks for this code.
pub const NOTHING_TO_DO: u8 = 9;
/// The time limit set by the user was reached.
pub const DURATION: u8 = 10;
/// Ended by Ctrl-C or SIGTERM (128 + 2, as in shells).
pub const INTERRUPTED: u8 = 130;

/// All codes, with what they mean.
pub const MEANINGS: [(u8, &str); 12] = [
    (SUCCESS, "Everything was done."),
    (
        ERROR,
        "An error that no other code describes; for a transfer, something failed and the rest was done.",
    ),
    (
        USAGE,
        "The command line or the configuration cannot be understood.",
    ),
    (DIRECTORY_NOT_FOUND, "The folder was not found."),
    (FILE_NOT_FOUND, "The file was not found."),
    (
        TEMPORARY,
        "All failures are temporary: the same command may succeed later.",
    ),
    (
        FATAL_FOR_SOME,
        "Something failed that repeating the command can't fix, for example for lack of a permission.",
    ),
    (
        FATAL,
        "Nothing can succeed any more: the account is revoked, suspended or full.",
    ),
    (
        LIMIT,
        "A limit set by the user was reached, such as --max-transfer.",
    ),
    (
        NOTHING_TO_DO,
        "All is well and nothing had to be done, with --error-on-no-transfer.",
    ),
    (DURATION, "The time limit of --max-duration was reached."),
    (INTERRUPTED, "Ended by Ctrl-C, SIGTERM or SIGHUP."),
];
