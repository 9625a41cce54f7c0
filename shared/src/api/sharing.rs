//! The `sharing` namespace: links.

use serde::{Deserialize, Serialize};

use super::{Nothing, Route};

/// Creates a link that others can open.
pub const CREATE_LINK: Route<CreateLinkArg, Link> =
    Route::rpc_once("sharing/create_shared_link_with_settings");
/// Lists the links to a path.
pub const LIST_LINKS: Route<ListLinksArg, Links> = Route::rpc("sharing/list_shared_links");
/// Revokes a link.
pub const REVOKE_LINK: Route<RevokeLinkArg, Nothing> = Route::rpc("sharing/revoke_shared_link");

/// `sharing.CreateSharedLinkWithSettingsArg`
#[derive(Clone, Debug, Serialize)]
pub struct CreateLinkArg {
    /// The path.
    pub path: String,
}

/// `sharing.ListSharedLinksArg`
#[derive(Clone, Debug, Serialize)]
pub struct ListLinksArg {
    /// The path.
    pub path: String,
    /// Excludes links to the folders above it.
    pub direct_only: bool,
}

/// `sharing.ListSharedLinksResult`, as far as it is used.
#[derive(Clone, Debug, Deserialize)]
pub struct Links {
    /// All links; a path has few.
    pub links: Vec<Link>,
}

/// `sharing.SharedLinkMetadata`, as far as it is used.
#[derive(Clone, Debug, Deserialize)]
pub struct Link {
    /// The address of the link.
    pub url: String,
}

/// `sharing.RevokeSharedLinkArg`
#[derive(Clone, Debug, Serialize)]
pub struct RevokeLinkArg {
    /// The address of the link.
    pub url: String,
}
