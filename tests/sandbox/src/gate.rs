//! What every call has to pass before a route sees it: host, method, headers, token, scope and root.

use dropbox_sdk::types::auth::{AuthError, TokenScopeError};
use dropbox_sdk::types::common::PathRootError;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode};
use serde_json::Value;

use super::answer::{Failure, wire};
use super::clock::Seconds;
use super::oauth::{Access, is_for_teams};
use super::routes::{Act, AdminMode, Host, Route};
use super::schema::{self, types};
use super::state::{Call, State, auth};
use super::tree::{Ns, View};

/// The host that a request was sent to, without the port.
pub fn host(parts: &Parts) -> String {
    let header = parts.headers.get(HOST).and_then(|value| value.to_str().ok());
    let host = parts
        .uri
        .authority()
        .map(http::uri::Authority::as_str)
        .or(header)
        .unwrap_or_default();
    host.rsplit_once(':')
        .filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()))
        .map_or(host, |(h, _)| h)
        .to_owned()
}

/// Whether a host is one of Dropbox's own, and which role it has.
pub fn role(host: &str) -> Option<Option<Host>> {
    match host {
        "www.dropbox.com" | "dropbox.com" | "db.tt" => Some(None),
        "api.dropboxapi.com" | "api.dropbox.com" => Some(Some(Host::Api)),
        "content.dropboxapi.com" => Some(Some(Host::Content)),
        "notify.dropboxapi.com" => Some(Some(Host::Notify)),
        _ => None,
    }
}

/// Bytes of all request headers, names and separators included.
pub fn header_bytes(headers: &HeaderMap) -> usize {
    headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum()
}

/// Checks everything that doesn't need the body: host, method, content type.
///
/// # Errors
/// 400 as Dropbox words it.
pub fn form(parts: &Parts, route: &Route) -> Result<(), Failure> {
    if let Some(role) = role(&host(parts))
        && role != Some(route.host)
    {
        let right = format!("{}.dropboxapi.com", route.host.name());
        return Err(Failure::Bad(format!(
            "Incorrect host for this API function. You must issue the request to \"{right}\"."
        )));
    }
    let download = matches!(route.act, Act::Download(_));
    if parts.method != Method::POST && !(download && parts.method == Method::GET) {
        return Err(Failure::Bad(format!(
            "Unexpected HTTP method: \"{}\". Expecting \"POST\".",
            parts.method
        )));
    }
    if parts.uri.query().is_some() {
        return Err(Failure::Bad(
            "URL parameters are for browsers; this sandbox takes headers.".into(),
        ));
    }
    let kind = parts
        .headers
        .get(CONTENT_TYPE)
        .map_or("", |value| value.to_str().unwrap_or("?"));
    let essence = kind.split(';').next().unwrap_or_default().trim();
    let allowed: &[&str] = match route.act {
        Act::Upload(_) => &["application/octet-stream"],
        Act::Download(_) => &["", "text/plain", "application/octet-stream"],
        _ if matches!(route.arg, schema::Type::Void) => &["", "application/json"],
        _ => &["application/json"],
    };
    if !allowed.contains(&essence) {
        return Err(Failure::Bad(format!(
            "Bad HTTP \"Content-Type\" header: \"{kind}\". Expecting one of {allowed:?}."
        )));
    }
    if !matches!(route.act, Act::Upload(_) | Act::Download(_))
        && parts.headers.contains_key("dropbox-api-arg")
    {
        return Err(Failure::Bad(
            "The HTTP header \"Dropbox-API-Arg\" is not for this API function.".into(),
        ));
    }
    Ok(())
}

/// The argument of a route with content: from the header, which must be printable ASCII.
///
/// # Errors
/// 400.
pub fn header_argument(headers: &HeaderMap) -> Result<Value, Failure> {
    let mut all = headers.get_all("dropbox-api-arg").iter();
    let (Some(header), None) = (all.next(), all.next()) else {
        return Err(Failure::Bad(
            "Must provide HTTP header \"Dropbox-API-Arg\" once.".into(),
        ));
    };
    if !header.as_bytes().iter().all(|byte| (b' '..=b'~').contains(byte)) {
        let why = "HTTP header \"Dropbox-API-Arg\": could not decode input as JSON: it must be ASCII";
        return Err(Failure::Bad(why.into()));
    }
    serde_json::from_slice(header.as_bytes())
        .map_err(|_| Failure::Bad("HTTP header \"Dropbox-API-Arg\": could not decode input as JSON".into()))
}

/// The argument of a route without content: from the body.
///
/// # Errors
/// 400.
pub fn body_argument(parts: &Parts, route: &Route, body: &[u8]) -> Result<Value, Failure> {
    let void = matches!(route.arg, schema::Type::Void);
    if void && body.is_empty() && !parts.headers.contains_key(CONTENT_TYPE) {
        return Ok(Value::Null);
    }
    serde_json::from_slice(body)
        .map_err(|_| Failure::Bad("request body: could not decode input as JSON".into()))
}

/// The token of a request; the scheme is compared as RFC 9110 says.
fn bearer(headers: &HeaderMap) -> Result<&str, Failure> {
    let missing = || {
        Failure::Bad("Must provide HTTP header \"Authorization\" or URL parameter \"authorization\".".into())
    };
    let text = headers
        .get(AUTHORIZATION)
        .ok_or_else(missing)?
        .to_str()
        .unwrap_or_default();
    match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(token),
        _ => Err(Failure::Bad(
            "Invalid authorization value in HTTP header \"Authorization\". Expecting \"Bearer …\".".into(),
        )),
    }
}

/// The access token as it was sent, for revoking.
pub fn token(headers: &HeaderMap) -> String {
    bearer(headers).unwrap_or_default().to_owned()
}

/// Who calls a route that needs a person, and from which root.
///
/// # Errors
/// 400, 401, 422.
pub fn caller(state: &State, headers: &HeaderMap, route: &Route) -> Result<Call, Failure> {
    let now = state.clock.now();
    let access = access(state, headers, now)?;
    let is_team = is_for_teams(&access.scopes);
    let account = if is_team {
        member(state, headers, route, access)?
    } else {
        if let Some(name) = SELECT_HEADERS.iter().find(|name| headers.contains_key(**name)) {
            return Err(Failure::Bad(format!("HTTP header \"{name}\" is for team apps.")));
        }
        access.account
    };
    may(state, access, route.scope)?;
    let is_admin = headers.contains_key(SELECT_ADMIN);
    if !is_admin {
        state.person(account)?;
    }
    let (account, root) = match (is_admin, root(state, headers, account, route)?) {
        (_, Some((owner, root))) => (owner, root),
        (_, None) => (
            account,
            state.accounts.get(account).map_or(Ns(0), |account| account.home),
        ),
    };
    Ok(Call {
        view: View { account, root },
        now,
    })
}

/// The headers that say on whose behalf a team's app calls.
const SELECT_USER: &str = "dropbox-api-select-user";
const SELECT_ADMIN: &str = "dropbox-api-select-admin";
const SELECT_HEADERS: [&str; 2] = [SELECT_USER, SELECT_ADMIN];

/// The token of a request, if it is alive.
fn access<'a>(state: &'a State, headers: &HeaderMap, now: Seconds) -> Result<&'a Access, Failure> {
    let access = state
        .oauth
        .access(bearer(headers)?)
        .ok_or_else(|| auth(&AuthError::InvalidAccessToken))?;
    if access.until <= now {
        return Err(auth(&AuthError::ExpiredAccessToken));
    }
    Ok(access)
}

/// Whether app and token may do what needs a scope.
fn may(state: &State, access: &Access, scope: Option<&str>) -> Result<(), Failure> {
    let app = state.oauth.apps.get(&access.app);
    if let Some(scope) = scope.filter(|scope| app.is_some_and(|app| !app.scopes.contains(*scope))) {
        return Err(Failure::Bad(format!(
            "Your app (ID: 5444867) is not permitted to access this endpoint because it does not have the required scope '{scope}'. \
             The owner of the app can enable the scope for the app using the Permissions tab on the App Console."
        )));
    }
    match scope.filter(|scope| !access.scopes.contains(*scope)) {
        Some(scope) => Err(auth(&AuthError::MissingScope(TokenScopeError::new(
            scope.to_owned(),
        )))),
        None => Ok(()),
    }
}

/// On whose behalf the app of a team calls a route that needs a person.
fn member(state: &State, headers: &HeaderMap, route: &Route, access: &Access) -> Result<usize, Failure> {
    let named = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    if named(SELECT_USER).or(named(SELECT_ADMIN)).is_some() {
        may(state, access, Some("team_data.member"))?;
    }
    match (named(SELECT_USER), named(SELECT_ADMIN)) {
        (None, None) if matches!(route.act, Act::Revoke) => Ok(access.account),
        (None, None) => Err(Failure::Bad(
            "This API function operates on a single Dropbox account, but the OAuth 2 access token you provided is for an entire \
             Dropbox Business team.  Since your API app key has team member file access permissions, you can operate on a team \
             member's Dropbox by providing the \"Dropbox-API-Select-User\" HTTP header or \"select_user\" URL parameter to specify \
             the exact user <https://www.dropbox.com/developers/documentation/http/teams>."
                .into(),
        )),
        (Some(_), Some(_)) => Err(Failure::Bad(
            "Only one of the HTTP headers \"Dropbox-API-Select-User\" and \"Dropbox-API-Select-Admin\" can be used.".into(),
        )),
        (Some(id), None) => {
            let member = state.member(id);
            member.ok_or_else(|| auth(&AuthError::InvalidSelectUser))
        }
        (None, Some(_)) if route.admin_mode().is_none() => Err(Failure::Bad(
            "This API function doesn't take the HTTP header \"Dropbox-API-Select-Admin\".".into(),
        )),
        // Ann alone is an admin.
        (None, Some(id)) => match state.member(id) {
            Some(0) => Ok(0),
            _ => Err(auth(&AuthError::InvalidSelectAdmin)),
        },
    }
}

/// Checks the token of a route that is about a whole team.
///
/// # Errors
/// 400, 401.
pub fn team(state: &State, headers: &HeaderMap, route: &Route) -> Result<(), Failure> {
    let access = access(state, headers, state.clock.now())?;
    may(state, access, route.scope)?;
    if !is_for_teams(&access.scopes) {
        return Err(Failure::Bad(
            "This API function operates on a Dropbox Business team, but the OAuth 2 access token you provided is for an individual \
             Dropbox account."
                .into(),
        ));
    }
    match SELECT_HEADERS.iter().find(|name| headers.contains_key(**name)) {
        Some(name) => Err(Failure::Bad(format!(
            "HTTP header \"{name}\" is not for this API function."
        ))),
        None => Ok(()),
    }
}

/// The namespace that paths start in, and whose eyes see it; `None` is the own folder. An admin sees each member's folder with the
/// routes for the whole team.
fn root(
    state: &State,
    headers: &HeaderMap,
    id: usize,
    route: &Route,
) -> Result<Option<(usize, Ns)>, Failure> {
    let Some(header) = headers.get("dropbox-api-path-root") else {
        return Ok(None);
    };
    let bad = |why: String| Failure::Bad(format!("HTTP header \"Dropbox-API-Path-Root\": {why}"));
    let value = serde_json::from_slice(header.as_bytes())
        .map_err(|_| bad("could not decode input as JSON".into()))?;
    let value = schema::check(types::PATH_ROOT, value).map_err(bad)?;
    let account = state
        .accounts
        .get(id)
        .ok_or_else(|| auth(&AuthError::InvalidAccessToken))?;
    let named = |tag: &str| value[tag].as_str().and_then(|text| text.parse().ok()).map(Ns);
    let refuse = |error: &PathRootError| match wire(error) {
        Ok(value) => Failure::PathRoot(value),
        Err(failure) => failure,
    };
    let owner = |ns: Ns| {
        let is_whole = headers.contains_key(SELECT_ADMIN) && route.admin_mode() == Some(AdminMode::WholeTeam);
        let mut members = state.accounts.iter().enumerate();
        let owner = members.find(|(_, member)| member.in_team && member.home == ns);
        owner.filter(|_| is_whole).map(|(owner, _)| owner)
    };
    match value[".tag"].as_str() {
        Some("root") if named("root") == Some(account.root) => Ok(Some((id, account.root))),
        Some("root") => Err(refuse(&PathRootError::InvalidRoot(account.root_info()))),
        Some("namespace_id") => match named("namespace_id") {
            Some(ns) if state.tree.may_see(id, ns) => Ok(Some((id, ns))),
            other => match other.and_then(|ns| Some((owner(ns)?, ns))) {
                Some(whole) => Ok(Some(whole)),
                None => Err(refuse(&PathRootError::NoPermission)),
            },
        },
        _ => Ok(None),
    }
}

/// An answer for addresses that don't exist.
pub fn unknown(name: &str) -> Failure {
    Failure::Plain(
        StatusCode::BAD_REQUEST,
        "text/plain; charset=utf-8",
        format!("Unknown API function: \"{name}\""),
    )
}
