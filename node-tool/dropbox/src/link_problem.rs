//! Why a shared link doesn't open, in words.

use std::fmt;

use crate::api::files::Time;

/// Why a link doesn't open, or what it leads to can't be had. Dropbox has few words for it: `shared_link_access_denied` stands
/// for most of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkProblem {
    /// There is no such link any more, or nothing at the path below it.
    NotFound,
    /// It doesn't open for this account, or not any more.
    Denied {
        /// Whether a password was given.
        with_password: bool,
    },
    /// It has ended.
    Expired(Time),
    /// It needs a password.
    Password {
        /// Whether one was given.
        with_password: bool,
    },
    /// It is the account's own, and neither its end nor a password is why it doesn't open.
    Closed,
    /// It opens, and Dropbox doesn't hand out what it leads to.
    Blocked,
    /// It opens, downloads are allowed, and Dropbox doesn't hand out this file.
    Withheld {
        /// The size of the file in bytes.
        size_bytes: u64,
    },
    /// Its owner doesn't allow downloads.
    NoDownload,
    /// It leads to something that isn't handed out as a file.
    Unsupported,
    /// A link for invited people takes neither a path nor a password.
    Private,
    /// It is a short link, and doesn't lead to a shared link.
    LeadsNowhere,
}

impl LinkProblem {
    /// Returns whether it is about one file, so that others behind the link may be had.
    pub fn is_of_one_file(self) -> bool {
        matches!(self, Self::Withheld { .. })
    }
}

impl fmt::Display for LinkProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotFound => "there is no such link: it was revoked, what it led to is gone, or its address isn't whole",
            Self::Denied { with_password: false } => {
                "the link doesn't open: it needs a password, has expired, was closed by Dropbox, or is for other people only"
            }
            Self::Denied { with_password: true } => {
                "the link doesn't open: the password is wrong, or it has expired, was closed by Dropbox, or is for other people only"
            }
            Self::Expired(end) => return write!(f, "the link expired at {end}"),
            Self::Password { with_password: false } => "the link needs a password",
            Self::Password { with_password: true } => "the password of the link is wrong",
            Self::Closed => "Dropbox has closed the link",
            Self::Blocked => "the link opens, but Dropbox blocks what it leads to, for legal reasons for example",
            Self::Withheld { size_bytes } => {
                return write!(
                    f,
                    "the link opens, but Dropbox doesn't hand out this file of {size_bytes} bytes: it is too large, blocked, or the link's \
                     traffic is used up for today"
                );
            }
            Self::NoDownload => "the link's owner lets it be viewed in a browser, but not downloaded",
            Self::Unsupported => "the link leads to a cloud document, which Dropbox hands out in a browser only",
            Self::Private => "the link is for invited people; such a link takes no password, and no path below it",
            Self::LeadsNowhere => "the short link doesn't lead to a shared link, or not any more",
        })
    }
}
