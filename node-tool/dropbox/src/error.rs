//! Errors, as kinds that a caller can match on, and what each means for the rest of a run.

use std::time::Duration;

use crate::{LinkProblem, api::error::RouteError};

/// Maximum pause that is waited for. If Dropbox asks for a longer one, the run ends.
const MAX_PAUSE: Duration = Duration::from_secs(900);

/// Why a call failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The route's own error (HTTP 404, 409), or that of one entry of a batch.
    #[error("{}", say_route(.0))]
    Route(RouteError),
    /// A shared link doesn't open.
    #[error("{0}")]
    Link(LinkProblem),
    /// A shared folder can't be found by what was typed.
    #[error("{0}")]
    SharedFolder(String),
    /// The login has ended: its token is not accepted any more.
    #[error("Dropbox no longer accepts this login ({0})")]
    LoginOver(String),
    /// The app isn't accepted: it is disabled or unknown, or its tokens need its secret (`invalid_client`).
    #[error("Dropbox doesn't accept the app of this login ({0})")]
    AppRefused(String),
    /// The token may not do this (HTTP 401, 403).
    #[error("{}", say_access(.0))]
    Access(RouteError),
    /// The request was refused as it is (HTTP 400).
    #[error("Dropbox refused the request: {0}")]
    BadRequest(String),
    /// The argument can't be expressed in JSON, such as a time that Dropbox can't keep. Nothing was sent.
    #[error("{0}")]
    Unsayable(String),
    /// The account's root is another one than before, or the account can't see a namespace (HTTP 422).
    #[error("{}", say_root(.0))]
    PathRoot(RouteError),
    /// The team of the login has no member with this e-mail address.
    #[error("the team has no member {0}")]
    NoMember(String),
    /// Dropbox asks to slow down (HTTP 429).
    #[error("{}", say_pause(*after, "Dropbox asked to slow down, too often".into()))]
    RateLimited {
        /// How long nothing should be sent, if Dropbox says so.
        after: Option<Duration>,
        /// Whether the reason is lock contention (`too_many_write_operations`), not a quota.
        contention: bool,
    },
    /// Dropbox failed (HTTP 408, 5xx).
    #[error("{}", say_pause(*after, format!("Dropbox had a problem of its own (HTTP {status})")))]
    Server {
        /// The HTTP status.
        status: u16,
        /// How long nothing should be sent, if Dropbox says so.
        after: Option<Duration>,
    },
    /// There is no answer, or only a part of one.
    #[error("{0}")]
    Network(NetworkError),
    /// The answer is not one of Dropbox.
    #[error("the answer did not come from Dropbox: {0}")]
    NotDropbox(String),
    /// Something on the way answers in Dropbox's place, such as a network's login page or a filter.
    #[error("something else than Dropbox answers: {0}")]
    Portal(String),
    /// Dropbox's answer isn't what the route promises. Another try would bring the same.
    #[error("Dropbox's answer can't be used: {0}")]
    Unreadable(String),
    /// A job on the server took longer than this. It may still finish.
    #[error("Dropbox has not finished it in {} s, and may still do so", .0.as_secs())]
    Unfinished(Duration),
    /// What is kept of the login can't be sent. Nothing was sent.
    #[error("{0}")]
    BadLogin(String),
    /// The body could not be read.
    #[error("could not read it: {0}")]
    Source(String),
    /// The body has changed since its hash was computed.
    #[error("it changed while it was read")]
    Changed,
}

/// How the network failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NetworkError {
    /// Nothing was sent.
    #[error("no connection to {host}: {reason}")]
    Connect {
        /// The other end.
        host: String,
        /// Why.
        reason: String,
    },
    /// The certificate of the other end isn't trusted. Nothing was sent.
    #[error("{host} can't show that it is Dropbox: {reason}")]
    Untrusted {
        /// The other end.
        host: String,
        /// What is wrong with its certificate.
        reason: String,
    },
    /// The proxy refuses, or can't be used. Nothing was sent.
    #[error("the proxy can't be used: {0}")]
    Proxy(String),
    /// Secure connections can't be set up. Nothing was sent.
    #[error("secure connections can't be set up: {0}")]
    NoTls(String),
    /// The connection broke. The request may or may not have been carried out.
    #[error("the connection to {host} broke: {reason}")]
    Broken {
        /// The other end.
        host: String,
        /// Why.
        reason: String,
    },
    /// There was no answer in time, or nothing moved for too long.
    #[error("{0} did not answer in time")]
    Timeout(String),
}

/// What an error means for the rest of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The same call may succeed.
    TryAgain,
    /// Final for this file; others go on.
    SkipFile,
    /// Nothing else can succeed.
    StopRun,
}

impl Error {
    /// Returns what it means for the rest of the work.
    pub fn fate(&self) -> Fate {
        match self {
            _ if self.is_refused_for_long() => Fate::StopRun,
            Self::Network(
                NetworkError::Untrusted { .. } | NetworkError::Proxy(_) | NetworkError::NoTls(_),
            ) => Fate::StopRun,
            Self::RateLimited { .. }
            | Self::Server { .. }
            | Self::Network(_)
            | Self::NotDropbox(_)
            | Self::Portal(_) => Fate::TryAgain,
            Self::Link(problem) if problem.is_of_one_file() => Fate::SkipFile,
            Self::BadLogin(_)
            | Self::LoginOver(_)
            | Self::AppRefused(_)
            | Self::Access(_)
            | Self::NoMember(_)
            | Self::PathRoot(_)
            | Self::Link(_)
            | Self::SharedFolder(_) => Fate::StopRun,
            Self::Route(error) if error.has("insufficient_space") || error.has("insufficient_quota") => {
                Fate::StopRun
            }
            Self::Route(error)
                if [
                    "too_many_write_operations",
                    "internal_error",
                    "too_many_shared_folder_targets",
                ]
                .iter()
                .any(|tag| error.has(tag)) =>
            {
                Fate::TryAgain
            }
            Self::Route(_)
            | Self::BadRequest(_)
            | Self::Unsayable(_)
            | Self::Unreadable(_)
            | Self::Unfinished(_)
            | Self::Source(_)
            | Self::Changed => Fate::SkipFile,
        }
    }

    /// Returns whether Dropbox only had too much to do: too many calls, or others that write at the same time. Nothing was done.
    pub fn is_busy(&self) -> bool {
        match self {
            Self::RateLimited { .. } => true,
            Self::Route(error) => error.has("too_many_write_operations"),
            _ => false,
        }
    }

    /// Returns whether nothing else can succeed once this has been tried.
    pub fn ends_run(&self) -> bool {
        self.fate() == Fate::StopRun || matches!(self, Self::Portal(_))
    }

    /// Returns whether Dropbox asks for a longer pause than is waited for.
    pub fn is_refused_for_long(&self) -> bool {
        self.retry_after().is_some_and(|after| after > MAX_PAUSE)
    }

    /// Returns the pause that Dropbox asks for.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { after, .. } | Self::Server { after, .. } => *after,
            _ => None,
        }
    }

    /// Returns whether the request may have been carried out although the answer is missing.
    pub fn is_unknown(&self) -> bool {
        match self {
            Self::Server { .. } | Self::NotDropbox(_) | Self::Portal(_) | Self::Unreadable(_) => true,
            Self::Network(error) => matches!(error, NetworkError::Broken { .. } | NetworkError::Timeout(_)),
            _ => false,
        }
    }

    /// Returns the route's error, if it is one.
    pub fn route(&self) -> Option<&RouteError> {
        match self {
            Self::Route(error) => Some(error),
            _ => None,
        }
    }

    /// Returns whether a cursor is no longer valid: its list has to be begun anew.
    pub fn is_reset(&self) -> bool {
        self.route().is_some_and(|error| error.has("reset"))
    }

    /// Returns whether the path leads to nothing.
    pub fn is_not_found(&self) -> bool {
        self.route().is_some_and(|e| e.ends_with(&["not_found"]))
    }
}

/// Returns `words`, or words about a pause that is too long to wait for.
fn say_pause(after: Option<Duration>, words: String) -> String {
    match after.filter(|after| *after > MAX_PAUSE) {
        Some(after) => format!(
            "Dropbox asks to send nothing for {} s; that is too long to wait",
            after.as_secs()
        ),
        None => words,
    }
}

/// Returns words for the tags that users meet. The tag itself is added so that it can be searched for.
fn say_route(error: &RouteError) -> String {
    if let Some(message) = error.user_message() {
        return format!("Dropbox says: {message} ({error})");
    }
    let words = match error.tags().last().copied().unwrap_or_default() {
        "not_found" => "it is not there",
        "not_file" => "it is not a file",
        "not_folder" => "it is not a folder",
        "restricted_content" => "Dropbox blocks this file for legal reasons",
        "unsupported_content_type" | "unsupported_file" => "Dropbox can't hand it out as a file",
        "locked" => "another client has locked it",
        "malformed_path" | "disallowed_name" => "Dropbox doesn't allow this name",
        "file" if error.has("conflict") => "another version of it appeared there meanwhile",
        "folder" if error.has("conflict") => "a folder of this name is there",
        "file_ancestor" => "a file is where a folder is needed",
        "no_write_permission" | "access_restricted" | "operation_suppressed" => "you may not write there",
        "team_folder" => "a team folder itself can't be changed",
        "insufficient_space" | "insufficient_quota" => "the Dropbox account is full",
        "too_many_write_operations" => "too many programs write to this account at once",
        "too_large" => "it is too large",
        "invalid_revision" => "Dropbox has no such state of it, or not any more",
        "access_denied" if error.tags().len() == 1 => {
            "it may not be shared, or the account's links are closed"
        }
        "email_not_verified" => {
            "the account's mail address isn't verified; Dropbox's settings have a button for it"
        }
        "banned_member" => "Dropbox doesn't let this account make links",
        "not_authorized" => "the account's plan, or its team, doesn't allow these settings",
        "invalid_settings" => "Dropbox can't set this for this link",
        "shared_link_not_found" | "shared_link_malformed" => "there is no such link",
        "shared_link_access_denied" => "the link isn't this account's",
        "already_mounted" => "it is mounted already",
        "unmounted" => "it isn't mounted",
        "not_a_member" | "invalid_id" => "the account has no access to it",
        "not_mountable" | "must_automount" => {
            "it can't be mounted, since it belongs to another shared folder or to the team"
        }
        "not_unmountable" => "it can't be unmounted, since it is in another shared folder",
        "download_failed" => {
            "Dropbox could not fetch the address: perhaps it needs a login, or is not public"
        }
        "invalid_url" => "Dropbox takes it for no address",
        _ => "Dropbox refused it",
    };
    format!("{words} ({error})")
}

fn say_root(error: &RouteError) -> &'static str {
    match error.root_namespace_id() {
        Some(_) => "the account's root folder has changed",
        None => "this account can't see the folder that the remote's paths start in",
    }
}

fn say_access(error: &RouteError) -> String {
    if let Some(message) = error.user_message() {
        return format!("Dropbox says: {message} ({error})");
    }
    match (
        error.required_scope(),
        error.tags().first().copied().unwrap_or_default(),
    ) {
        (Some(scope), _) => format!("the app lacks the permission '{scope}'"),
        (None, "user_suspended") => "the account is suspended; its team's administrator can lift that".into(),
        (None, "invalid_account_type") => {
            "this kind of account may not do that, or a team limit is used up".into()
        }
        (None, tag) => format!("Dropbox denied access ({tag})"),
    }
}
