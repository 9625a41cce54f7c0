//! The `sharing` namespace: links.

use serde::{Deserialize, Serialize};

use super::{Nothing, Route};

/// Makes a link that others can open.
pub const CREATE_LINK: Route<CreateLinkArg, Link> =
    Route::rpc_once("sharing/create_shared_link_with_settings");
/// The links there are.
pub const LIST_LINKS: Route<ListLinksArg, Links> = Route::rpc("sharing/list_shared_links");
/// Ends a link.
pub const REVOKE_LINK: Route<RevokeLinkArg, Nothing> = Route::rpc("sharing/revoke_shared_link");

/// `sharing.CreateSharedLinkWithSettingsArg`
#[derive(Clone, Debug, Serialize)]
pub struct CreateLinkArg {
    /// To what.
    pub path: String,
}

/// `sharing.ListSharedLinksArg`
#[derive(Clone, Debug, Serialize)]
pub struct ListLinksArg {
    /// To what.
    pub path: String,
    /// Not those to the folders around it.
    pub direct_only: bool,
}

/// `sharing.ListSharedLinksResult`, as far as it is used.
#[derive(Clone, Debug, Deserialize)]
pub struct Links {
    /// All of them: there are few to one path.
    pub links: Vec<Link>,
}

/// `sharing.SharedLinkMetadata`, as far as it is used.
#[derive(Clone, Debug, Deserialize)]
pub struct Link {
    /// The address.
    pub url: String,
}

/// `sharing.RevokeSharedLinkArg`
#[derive(Clone, Debug, Serialize)]
pub struct RevokeLinkArg {
    /// Which.
    pub url: String,
}
