//! The exit codes: rclone's meanings (its documentation, "Exit code"), so that job scripts carry over.

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
/// Too many tries: the same command may well succeed later.
pub const TEMPORARY: u8 = 5;
/// Nothing that a repetition would cure, for example no permission.
pub const FATAL_FOR_SOME: u8 = 6;
/// The account cannot go on: revoked, suspended, full.
pub const FATAL: u8 = 7;
/// A limit set by the user was reached.
pub const LIMIT: u8 = 8;
/// All is well and nothing had to be done; only if asked for.
pub const NOTHING_TO_DO: u8 = 9;
/// The time set by the user is over.
pub const DURATION: u8 = 10;
/// Ended by Ctrl-C or SIGTERM (128 + 2, as shells count).
pub const INTERRUPTED: u8 = 130;
