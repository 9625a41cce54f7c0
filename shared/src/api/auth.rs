//! The `auth` and `check` namespaces.

use super::{Nothing, Route};

/// Ends the access token, its refresh token and all other access tokens of that refresh token.
pub const REVOKE: Route<Nothing, Nothing> = Route::rpc("auth/token/revoke");
