//! Errors, and whether trying again helps.

use std::{fmt, io, sync::Arc};

/// A result of the engine or of a store.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The kind of an error, as far as a caller has to distinguish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// It doesn't exist, or no longer.
    NotFound,
    /// It already exists.
    AlreadyExists,
    /// A folder is not empty.
    NotEmpty,
    /// The file is not, or no longer, what was listed.
    Changed,
    /// The store can't have this name.
    InvalidName,
    /// Anything else.
    Other,
}

/// Whether the same command may succeed later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Retry {
    /// Probably: throttling, the network, contention, a server error.
    Later,
    /// Something has to be changed first: a name, a permission, free space.
    Never,
    /// Unknown, or a person should check first.
    Unknown,
}

impl Retry {
    /// Returns whether trying again helps several failures: `Later` means that it may help all of them, `Never` that it can help
    /// none. `None` means that there were none.
    pub fn of_all(failures: impl IntoIterator<Item = Self>) -> Option<Self> {
        let mut failures = failures.into_iter();
        let first = failures.next()?;
        Some(match failures.all(|retry| retry == first) {
            true => first,
            false => Self::Unknown,
        })
    }
}

/// An error of a store, or of one step of a run.
#[derive(Clone, Debug)]
pub struct Error {
    kind: ErrorKind,
    retry: Retry,
    ends_run: bool,
    message: String,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// Returns an error with a reason in words.
    pub fn new(retry: Retry, message: impl Into<String>) -> Self {
        Self {
            kind: ErrorKind::Other,
            retry,
            ends_run: false,
            message: message.into(),
            source: None,
        }
    }

    /// Returns an error that has a cause of a store's own type, which [`Error::cause`] finds again.
    pub fn from_cause(retry: Retry, cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self {
            message: cause.to_string(),
            source: Some(Arc::new(cause)),
            ..Self::new(retry, "")
        }
    }

    /// Sets its kind.
    #[must_use]
    pub fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.kind = kind;
        self
    }

    /// Sets whether nothing else can succeed after it, such as when a login has ended.
    #[must_use]
    pub fn with_ends_run(mut self, ends_run: bool) -> Self {
        self.ends_run = ends_run;
        self
    }

    /// Returns the error with what was being done before the reason.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<String>) -> Self {
        self.message = message.into();
        self
    }

    /// Returns its kind.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Returns whether trying again helps.
    pub fn retry(&self) -> Retry {
        self.retry
    }

    /// Returns whether nothing else can succeed after it.
    pub fn ends_run(&self) -> bool {
        self.ends_run
    }

    /// Returns the store's own error, if it is of this type.
    pub fn cause<E: std::error::Error + 'static>(&self) -> Option<&E> {
        self.source.as_ref()?.downcast_ref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

// The cause is not a `source` in the sense of the trait: its message is this error's own.
impl std::error::Error for Error {}

/// Content changed while it was read; inside an [`io::Error`].
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("it changed while it was read")]
pub struct Changed;

/// Returns whether an error says that content changed while it was read.
pub fn is_change(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<Changed>())
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        let kind = match error.kind() {
            _ if is_change(&error) => ErrorKind::Changed,
            io::ErrorKind::NotFound => ErrorKind::NotFound,
            io::ErrorKind::AlreadyExists => ErrorKind::AlreadyExists,
            io::ErrorKind::DirectoryNotEmpty => ErrorKind::NotEmpty,
            io::ErrorKind::InvalidFilename => ErrorKind::InvalidName,
            _ => ErrorKind::Other,
        };
        Self::from_cause(retry_of(&error), error).with_kind(kind)
    }
}

/// Returns whether trying again helps against an error of the operating system.
fn retry_of(error: &io::Error) -> Retry {
    match error.kind() {
        _ if is_change(error) => Retry::Later,
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
        | io::ErrorKind::HostUnreachable => Retry::Later,
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
        | io::ErrorKind::TooManyLinks => Retry::Never,
        _ => Retry::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_system_say_whether_trying_again_helps() {
        for (error, retry, kind) in [
            (
                io::ErrorKind::PermissionDenied.into(),
                Retry::Never,
                ErrorKind::Other,
            ),
            (io::ErrorKind::StorageFull.into(), Retry::Never, ErrorKind::Other),
            (
                io::ErrorKind::InvalidFilename.into(),
                Retry::Never,
                ErrorKind::InvalidName,
            ),
            (
                io::ErrorKind::NotFound.into(),
                Retry::Unknown,
                ErrorKind::NotFound,
            ),
            (io::ErrorKind::TimedOut.into(), Retry::Later, ErrorKind::Other),
            (io::Error::other(Changed), Retry::Later, ErrorKind::Changed),
            (io::Error::other("something"), Retry::Unknown, ErrorKind::Other),
        ] {
            let error = Error::from(error);
            assert_eq!((error.retry(), error.kind()), (retry, kind), "{error}");
            assert!(!error.ends_run());
        }
    }

    #[test]
    fn the_stores_own_error_is_found_again() {
        let error = Error::from(io::Error::from(io::ErrorKind::NotFound));
        assert_eq!(
            error.cause::<io::Error>().map(io::Error::kind),
            Some(io::ErrorKind::NotFound)
        );
        assert!(error.cause::<fmt::Error>().is_none());
        assert!(Error::new(Retry::Never, "x").cause::<io::Error>().is_none());
    }
}
