//! What is wrong with an app, recognized from Dropbox's errors, and what its owner has to change.

use crate::client::Error;

/// Where apps are changed.
pub(crate) const APP_CONSOLE: &str = "https://www.dropbox.com/developers/apps";

/// The hint for an app with permissions for whole teams.
pub(crate) const TEAM_APP_HINT: &str = "the app has team permissions: take away all ticks under 'Team scopes' on the Permissions page of the app at \
     https://www.dropbox.com/developers/apps (or make an app without them), press Submit, and log in again; or, as the \
     admin of the team, log in for all of its members: node-tool config create NAME --team";

/// The hint for an app without permissions for whole teams.
pub(crate) const TEAM_SCOPES_HINT: &str = "tick team_info.read, members.read and team_data.member under 'Team scopes' on the Permissions page of the app at \
     https://www.dropbox.com/developers/apps, press Submit, and log in again as an admin of the team";

/// The hint for an app that sees only its own folder.
const APP_FOLDER_HINT: &str = "the app may use its own folder only: make one with access to 'Full Dropbox' at \
     https://www.dropbox.com/developers/apps, and log in with its key";

/// Returns the missing permission: of the token (401), or of the app itself (400, in plain text).
pub(crate) fn missing_scope(error: &Error) -> Option<&str> {
    match error {
        Error::Access(access) => access.required_scope(),
        Error::BadRequest(text) => {
            let (_, rest) = text.split_once("required scope '")?;
            let scope = rest.split('\'').next()?;
            let is_scope = !scope.is_empty()
                && scope
                    .bytes()
                    .all(|c| c.is_ascii_alphanumeric() || b"._".contains(&c));
            is_scope.then_some(scope)
        }
        _ => None,
    }
}

/// Returns what to change about the app, if that is the problem.
pub(crate) fn app_hint(error: &Error) -> Option<&'static str> {
    let text = match error {
        Error::BadRequest(text) | Error::LoginOver(text) | Error::AppRefused(text) => text.to_lowercase(),
        Error::Access(access) => access.to_string().to_lowercase(),
        _ => return None,
    };
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if has(&[
        "entire dropbox business team",
        "dropbox-api-select-user",
        "team_access",
        "entire dropbox team",
    ]) {
        Some(TEAM_APP_HINT)
    } else if has(&["app folder", "app_folder", "full dropbox access", "access type"]) {
        Some(APP_FOLDER_HINT)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_box_is_read_from_both_refusals() {
        let plain = "Error in call to API function \"users/get_current_account\": Your app (ID: 5444867) is not permitted to access \
             this endpoint because it does not have the required scope 'account_info.read'. The owner of the app can enable the \
             scope for the app using the Permissions tab on the App Console.";
        let body = br#"{"error_summary":"missing_scope/","error":{".tag":"missing_scope","required_scope":"files.content.read"}}"#;
        let route = shared::api::error::RouteError::from_body(body).unwrap();
        for (error, scope) in [
            (Error::BadRequest(plain.into()), Some("account_info.read")),
            (Error::Access(route), Some("files.content.read")),
            (Error::BadRequest("required scope ''".into()), None),
            (Error::BadRequest("something else".into()), None),
        ] {
            assert_eq!(missing_scope(&error), scope, "{error}");
        }
    }

    #[test]
    fn apps_of_another_kind_get_their_own_hint() {
        let team = "This API function operates on a single Dropbox account, but the OAuth 2 access token you provided is for an entire \
             Dropbox Business team.";
        for (text, hint) in [
            (team, Some(TEAM_APP_HINT)),
            ("Your app is of access type \"App folder\"", Some(APP_FOLDER_HINT)),
            ("malformed path", None),
        ] {
            assert_eq!(app_hint(&Error::BadRequest(text.into())), hint, "{text}");
        }
    }
}
