//! The engine's errors for those of the Dropbox client.

use dropbox::{Error, Fate, NetworkError};
use engine::{ErrorKind, Retry};

/// Returns the engine's error for one of the client, which stays its cause.
pub fn dropbox_error(error: Error) -> engine::Error {
    let (retry, kind, ends_run) = (retry_of(&error), kind_of(&error), error.ends_run());
    engine::Error::from_cause(retry, error)
        .with_kind(kind)
        .with_ends_run(ends_run)
}

fn kind_of(error: &Error) -> ErrorKind {
    match error {
        Error::Changed => ErrorKind::Changed,
        Error::Route(route) if route.has("conflict") => ErrorKind::AlreadyExists,
        Error::Route(route) if route.ends_with(&["not_found"]) => ErrorKind::NotFound,
        _ => ErrorKind::Other,
    }
}

fn retry_of(error: &Error) -> Retry {
    match error {
        Error::Network(NetworkError::Untrusted { .. } | NetworkError::Proxy(_) | NetworkError::NoTls(_)) => {
            Retry::Never
        }
        Error::Unfinished(_) => Retry::Later,
        _ if error.is_refused_for_long() => Retry::Later,
        Error::Unreadable(_) => Retry::Unknown,
        // Another run looks at the file again.
        Error::Changed => Retry::Later,
        // Another client's version: only a person can decide whether to replace it.
        Error::Route(route) if route.has("conflict") => Retry::Unknown,
        Error::Source(_) => Retry::Unknown,
        _ if error.fate() == Fate::TryAgain => Retry::Later,
        // A lost session is started again.
        Error::Route(route)
            if route.has("lookup_failed") || route.has("incorrect_offset") || route.has("closed") =>
        {
            Retry::Later
        }
        // What was listed is gone.
        Error::Route(route) if route.has("not_found") || route.has("shared_link_not_found") => Retry::Unknown,
        Error::Route(route) if route.ends_with(&["content_hash_mismatch"]) => Retry::Later,
        Error::Route(route) if route.ends_with(&["other"]) || route.tags().is_empty() => Retry::Unknown,
        _ => Retry::Never,
    }
}

#[cfg(test)]
mod tests {
    use Retry::{Later, Never, Unknown};
    use shared::api::error::RouteError;

    use super::*;

    #[test]
    fn errors_say_whether_trying_again_helps() {
        let route = |json: &str| Error::Route(serde_json::from_str::<RouteError>(json).unwrap());
        for (error, retry) in [
            (
                Error::RateLimited {
                    after: None,
                    contention: true,
                },
                Later,
            ),
            (
                Error::Server {
                    status: 503,
                    after: None,
                },
                Later,
            ),
            (Error::Network(NetworkError::Timeout("x".into())), Later),
            (Error::NotDropbox("x".into()), Later),
            (Error::Changed, Later),
            (
                route(r#"{".tag":"path","path":{".tag":"too_many_write_operations"}}"#),
                Later,
            ),
            (route(r#"{".tag":"path","path":{".tag":"not_found"}}"#), Unknown),
            (
                route(r#"{".tag":"path","path":{".tag":"malformed_path"}}"#),
                Never,
            ),
            (
                route(r#"{".tag":"path","path":{".tag":"disallowed_name"}}"#),
                Never,
            ),
            (
                route(r#"{".tag":"path","path":{".tag":"no_write_permission"}}"#),
                Never,
            ),
            (
                route(r#"{".tag":"path","path":{".tag":"insufficient_space"}}"#),
                Never,
            ),
            (route(r#"{".tag":"too_large"}"#), Never),
            (
                route(r#"{".tag":"path","path":{".tag":"conflict","conflict":{".tag":"file"}}}"#),
                Unknown,
            ),
            (route(r#"{".tag":"other"}"#), Unknown),
            (Error::BadRequest("x".into()), Never),
            (Error::LoginOver("x".into()), Never),
        ] {
            let words = error.to_string();
            let error = dropbox_error(error);
            assert_eq!(error.retry(), retry, "{words}");
            assert_eq!(error.to_string(), words);
            assert!(error.cause::<Error>().is_some());
        }
    }

    #[test]
    fn what_the_engine_tells_apart_has_its_kind() {
        let route = |json: &str| Error::Route(serde_json::from_str::<RouteError>(json).unwrap());
        for (error, kind) in [
            (
                route(r#"{".tag":"to","to":{".tag":"conflict","conflict":{".tag":"file"}}}"#),
                ErrorKind::AlreadyExists,
            ),
            (
                route(r#"{".tag":"to","to":{".tag":"conflict","conflict":{".tag":"folder"}}}"#),
                ErrorKind::AlreadyExists,
            ),
            (
                route(r#"{".tag":"path","path":{".tag":"not_found"}}"#),
                ErrorKind::NotFound,
            ),
            (Error::Changed, ErrorKind::Changed),
        ] {
            assert_eq!(dropbox_error(error.clone()).kind(), kind, "{error:?}");
        }
    }
}
