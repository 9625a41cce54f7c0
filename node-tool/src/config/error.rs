//! What can go wrong with the config file.

use std::{io, path::PathBuf};

use super::{crypt::CryptError, environment::VariableError, password::PasswordError};

/// What can go wrong with the config file.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Reading, writing or renaming.
    #[error("{doing} '{}': {source}", path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// To which file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// Not our TOML.
    #[error("'{}' is not a config file of node-tool: {reason}", path.display())]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// Where and why.
        reason: String,
    },
    /// A directory, a device, a socket: nothing that can hold a config.
    #[error("'{}' is {kind}, not a file", path.display())]
    NotAFile {
        /// What was named.
        path: PathBuf,
        /// What is there.
        kind: &'static str,
    },
    /// There is no file to save to.
    #[error("the config is {0}: nothing would be kept")]
    NotKept(String),
    /// Another user's file.
    #[error("'{}' belongs to another user (id {owner}), and only they can change it", path.display())]
    Foreign {
        /// Which file.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
    },
    /// The centre's file, which everybody reads.
    #[error("'{}' is the file with the settings of this site, which everybody reads: no login is kept there", .0.display())]
    Site(PathBuf),
    /// rclone's file, which is in force instead of ours.
    #[error("'{}' is rclone's, and is never changed here", .0.display())]
    OfRclone(PathBuf),
    /// Encrypted, and can't be opened.
    #[error("'{}': {source}", path.display())]
    Password {
        /// Which file.
        path: PathBuf,
        /// Why there is no password.
        source: PasswordError,
    },
    /// Encrypted, and not opened by this password.
    #[error("'{}' could not be opened: {source}", path.display())]
    Crypt {
        /// Which file.
        path: PathBuf,
        /// The reason.
        source: CryptError,
    },
    /// A variable about remotes.
    #[error(transparent)]
    Variable(#[from] VariableError),
    /// Another process kept the lock.
    #[error("another process keeps '{}' locked", .0.display())]
    Locked(PathBuf),
}
