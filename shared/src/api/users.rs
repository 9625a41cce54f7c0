//! The `users` namespace: who is connected, and how much room there is.

use serde::Deserialize;

use super::{Nothing, Route};

/// Who the token belongs to.
pub const GET_CURRENT_ACCOUNT: Route<Nothing, Account> = Route::rpc("users/get_current_account");
/// How much is used and allowed.
pub const GET_SPACE_USAGE: Route<Nothing, SpaceUsage> = Route::rpc("users/get_space_usage");

/// `users.FullAccount`, as far as it is used.
#[derive(Clone, Debug, Deserialize)]
pub struct Account {
    /// `dbid:…`
    pub account_id: String,
    /// What the person is called.
    pub name: Name,
    /// E-mail address.
    pub email: String,
    /// Which namespaces the account starts from.
    pub root_info: RootInfo,
}

/// `users.Name`
#[derive(Clone, Debug, Deserialize)]
pub struct Name {
    /// For showing.
    pub display_name: String,
}

/// `common.RootInfo`: look at the ids, not at the tag (dropbox-api.md §6.7).
#[derive(Clone, Debug, Deserialize)]
pub struct RootInfo {
    /// The namespace of `/` when the root is asked for.
    pub root_namespace_id: String,
    /// The member's own folder.
    pub home_namespace_id: String,
    /// Where the member's folder is below the root.
    #[serde(default)]
    pub home_path: Option<String>,
}

/// `users.SpaceUsage`, in bytes.
#[derive(Clone, Debug, Deserialize)]
pub struct SpaceUsage {
    /// Used by this account.
    pub used: u64,
    /// What it may use.
    pub allocation: Allocation,
}

/// `users.SpaceAllocation`; both members are structs, so their fields stand beside the tag.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Allocation {
    /// Allowed for the account or for the whole team.
    #[serde(default)]
    pub allocated: u64,
    /// Used by the whole team; only in teams.
    #[serde(default)]
    pub used: Option<u64>,
    /// This member's own limit in a team; 0 is none.
    #[serde(default)]
    pub user_within_team_space_allocated: u64,
}
