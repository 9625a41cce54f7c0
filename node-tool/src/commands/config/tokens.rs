//! Whole tokens that come from elsewhere, put into a remote.

use shared::{failure::Failure, grant::TokenGrant, secret::Secret};

use super::recognise::RcloneToken;
use crate::config::Remote;

/// Takes a token over from the authorizer.
pub(super) fn keep_token(remote: &mut Remote, token: TokenGrant) {
    remote.forget_login();
    remote.access_token = Some(token.access_token);
    remote.refresh_token = token.refresh_token;
    remote.expires_at = token.expires_at;
    remote.scopes = token.scopes;
    remote.account_id = token.account_id;
    remote.app_secret = token.app_secret;
}

/// Takes a token over from rclone.
///
/// # Errors
/// When its expiry is no time.
pub(super) fn keep_rclone_token(remote: &mut Remote, token: RcloneToken) -> Result<(), Failure> {
    let expiry = token
        .expiry
        .as_deref()
        .filter(|text| !text.is_empty())
        .map(str::parse::<jiff::Timestamp>)
        .transpose();
    let expiry = expiry.map_err(|e| Failure::usage("the JSON's 'expiry' is not a time").why(e))?;
    remote.forget_login();
    remote.access_token = Some(token.access_token).filter(|token| !token.is_empty());
    remote.refresh_token = token.refresh_token.filter(|token: &Secret| !token.is_empty());
    // Go's zero time, of the year 1, is a token without an end.
    remote.expires_at = expiry.map(jiff::Timestamp::as_second).filter(|at| *at > 0);
    Ok(())
}
