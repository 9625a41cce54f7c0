//! What failed, and whether repeating the command would help it.

use std::io;

use shared::exit;

use crate::{
    dropbox::{Error, Fate, NetworkError},
    local,
    side::SideError,
};

/// Whether a repetition helps a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FailureKind {
    /// The same command may well succeed later: throttling, the network, contention, a server's own trouble.
    Temporary,
    /// Something has to be changed first: a name, a permission, room.
    Permanent,
    /// It can't be told, or somebody should look first.
    Unknown,
}

/// One file or folder for which something failed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FailedFile {
    /// Its path, relative to the job's folder.
    pub path: String,
    /// Why it failed.
    pub reason: String,
    /// Whether a repetition helps.
    pub kind: FailureKind,
}

impl FailedFile {
    /// A failure of `path`.
    pub fn new(path: impl Into<String>, reason: impl Into<String>, kind: FailureKind) -> Self {
        Self {
            path: path.into(),
            reason: reason.into(),
            kind,
        }
    }

    /// Something about the file itself, its name for example, is in the way until it is changed.
    pub fn permanent(path: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::new(path, reason, FailureKind::Permanent)
    }
}

impl FailureKind {
    /// Returns the exit code of a run with these failures: [`exit::TEMPORARY`] if a repetition may help all of them,
    /// [`exit::FATAL_FOR_SOME`] if it can help none, else [`exit::ERROR`]. `None` if there were none.
    pub fn exit_code(failures: impl IntoIterator<Item = Self>) -> Option<u8> {
        let mut failures = failures.into_iter();
        let first = failures.next()?;
        Some(match first {
            Self::Temporary if failures.all(|kind| kind == first) => exit::TEMPORARY,
            Self::Permanent if failures.all(|kind| kind == first) => exit::FATAL_FOR_SOME,
            _ => exit::ERROR,
        })
    }
}

impl From<&Error> for FailureKind {
    fn from(error: &Error) -> Self {
        match error {
            Error::Network(
                NetworkError::Untrusted { .. } | NetworkError::Proxy(_) | NetworkError::NoTls(_),
            ) => Self::Permanent,
            Error::Unfinished(_) => Self::Temporary,
            _ if error.is_refused_for_long() => Self::Temporary,
            Error::Unreadable(_) => Self::Unknown,
            // Another run looks at the file anew.
            Error::Changed => Self::Temporary,
            // Somebody else's version: whether it is to be replaced is for a person to say.
            Error::Route(route) if route.has("conflict") => Self::Unknown,
            Error::Source(_) => Self::Unknown,
            _ if error.fate() == Fate::TryAgain => Self::Temporary,
            // A lost session is begun anew.
            Error::Route(route)
                if route.has("lookup_failed") || route.has("incorrect_offset") || route.has("closed") =>
            {
                Self::Temporary
            }
            // What was listed and is gone by now.
            Error::Route(route) if route.has("not_found") => Self::Unknown,
            Error::Route(route) if route.ends_with(&["content_hash_mismatch"]) => Self::Temporary,
            Error::Route(route) if route.ends_with(&["other"]) || route.tags().is_empty() => Self::Unknown,
            _ => Self::Permanent,
        }
    }
}

impl From<&io::Error> for FailureKind {
    fn from(error: &io::Error) -> Self {
        if local::is_change(error) {
            return Self::Temporary;
        }
        if error.get_ref().is_some_and(|inner| inner.is::<local::Untrue>()) {
            return Self::Permanent;
        }
        match error.kind() {
            io::ErrorKind::Interrupted
            | io::ErrorKind::WouldBlock
            | io::ErrorKind::TimedOut
            | io::ErrorKind::ResourceBusy
            | io::ErrorKind::ExecutableFileBusy
            | io::ErrorKind::Deadlock
            | io::ErrorKind::StaleNetworkFileHandle
            | io::ErrorKind::OutOfMemory
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::NotConnected
            | io::ErrorKind::NetworkDown
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::HostUnreachable => Self::Temporary,
            io::ErrorKind::PermissionDenied
            | io::ErrorKind::ReadOnlyFilesystem
            | io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge
            | io::ErrorKind::InvalidFilename
            | io::ErrorKind::IsADirectory
            | io::ErrorKind::NotADirectory
            | io::ErrorKind::Unsupported
            | io::ErrorKind::CrossesDevices
            | io::ErrorKind::TooManyLinks => Self::Permanent,
            _ => Self::Unknown,
        }
    }
}

impl From<&SideError> for FailureKind {
    fn from(error: &SideError) -> Self {
        match error {
            SideError::Disk(error) => error.into(),
            SideError::Dropbox(error) => error.into(),
            SideError::NotEmpty | SideError::Odd | SideError::Name(_) => Self::Permanent,
        }
    }
}

#[cfg(test)]
mod tests {
    use FailureKind::{Permanent, Temporary, Unknown};
    use shared::api::error::RouteError;

    use super::*;

    #[test]
    fn the_exit_code_says_whether_a_repetition_helps() {
        for (kinds, code) in [
            (&[][..], None),
            (&[Temporary], Some(exit::TEMPORARY)),
            (&[Temporary, Temporary], Some(exit::TEMPORARY)),
            (&[Permanent, Permanent], Some(exit::FATAL_FOR_SOME)),
            (&[Permanent, Temporary], Some(exit::ERROR)),
            (&[Temporary, Permanent], Some(exit::ERROR)),
            (&[Unknown], Some(exit::ERROR)),
            (&[Temporary, Unknown], Some(exit::ERROR)),
        ] {
            assert_eq!(FailureKind::exit_code(kinds.iter().copied()), code, "{kinds:?}");
        }
    }

    #[test]
    fn dropboxs_errors_have_their_kinds() {
        let route = |json: &str| Error::Route(serde_json::from_str::<RouteError>(json).unwrap());
        for (error, kind) in [
            (
                Error::RateLimited {
                    after: None,
                    contention: true,
                },
                Temporary,
            ),
            (
                Error::Server {
                    status: 503,
                    after: None,
                },
                Temporary,
            ),
            (Error::Network(NetworkError::Timeout("x".into())), Temporary),
            (Error::NotDropbox("x".into()), Temporary),
            (Error::Changed, Temporary),
            (
                route(r#"{".tag":"path","path":{".tag":"too_many_write_operations"}}"#),
                Temporary,
            ),
            (route(r#"{".tag":"path","path":{".tag":"not_found"}}"#), Unknown),
            (
                route(r#"{".tag":"path","path":{".tag":"malformed_path"}}"#),
                Permanent,
            ),
            (
                route(r#"{".tag":"path","path":{".tag":"disallowed_name"}}"#),
                Permanent,
            ),
            (
                route(r#"{".tag":"path","path":{".tag":"no_write_permission"}}"#),
                Permanent,
            ),
            (
                route(r#"{".tag":"path","path":{".tag":"insufficient_space"}}"#),
                Permanent,
            ),
            (route(r#"{".tag":"too_large"}"#), Permanent),
            (
                route(r#"{".tag":"path","path":{".tag":"conflict","conflict":{".tag":"file"}}}"#),
                Unknown,
            ),
            (route(r#"{".tag":"other"}"#), Unknown),
            (Error::BadRequest("x".into()), Permanent),
            (Error::LoginOver("x".into()), Permanent),
        ] {
            assert_eq!(FailureKind::from(&error), kind, "{error:?}");
        }
    }

    #[test]
    fn this_machines_errors_have_their_kinds() {
        for (error, kind) in [
            (io::ErrorKind::PermissionDenied.into(), Permanent),
            (io::ErrorKind::StorageFull.into(), Permanent),
            (io::ErrorKind::InvalidFilename.into(), Permanent),
            (io::ErrorKind::NotFound.into(), Unknown),
            (io::Error::other(local::Changed), Temporary),
            (io::Error::other("something"), Unknown),
        ] {
            assert_eq!(FailureKind::from(&error), kind, "{error:?}");
        }
    }
}
