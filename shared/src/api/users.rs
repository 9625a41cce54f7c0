//! The `users` namespace: the account, and its space.

use serde::{Deserialize, Serialize};

use super::{Nothing, Route, Tag};

/// Returns the account of the token.
pub const GET_CURRENT_ACCOUNT: Route<Nothing, Account> = Route::rpc("users/get_current_account");
/// Returns the used and the allowed space.
pub const GET_SPACE_USAGE: Route<Nothing, SpaceUsage> = Route::rpc("users/get_space_usage");

/// Returns another account.
pub const GET_ACCOUNT: Route<AccountArg, OtherAccount> = Route::rpc("users/get_account");

/// `users.GetAccountArg`
#[derive(Clone, Debug, Serialize)]
pub struct AccountArg {
    /// The id: `dbid:…`.
    pub account_id: String,
}

/// `users.BasicAccount`, as far as it is used.
#[derive(Clone, Debug, Deserialize)]
pub struct OtherAccount {
    /// The name of the person.
    pub name: Name,
}

/// `users.FullAccount`, as far as it is used.
#[derive(Clone, Debug, Deserialize)]
pub struct Account {
    /// The id: `dbid:…`.
    pub account_id: String,
    /// The name of the person.
    pub name: Name,
    /// The e-mail address.
    pub email: String,
    /// The team that the account is a member of.
    #[serde(default)]
    pub team: Option<Team>,
    /// The plan: `basic`, `pro` or `business`, or what is newer than this program.
    #[serde(default)]
    pub account_type: Tag,
    /// The namespaces in which the paths of the account start.
    pub root_info: RootInfo,
}

/// `users.Team`, as far as it is used.
#[derive(Clone, Debug, Deserialize)]
pub struct Team {
    /// The name of the team.
    pub name: String,
}

/// `users.Name`
#[derive(Clone, Debug, Deserialize)]
pub struct Name {
    /// The name to show.
    pub display_name: String,
}

/// `common.RootInfo`. Compare the ids; the tag doesn't tell what they are.
#[derive(Clone, Debug, Deserialize)]
pub struct RootInfo {
    /// The namespace of `/` if the account's root is asked for.
    pub root_namespace_id: String,
    /// The namespace of the member's own folder.
    pub home_namespace_id: String,
    /// The path of the member's folder below the root.
    #[serde(default)]
    pub home_path: Option<String>,
}

/// `users.SpaceUsage`, in bytes.
#[derive(Clone, Debug, Deserialize)]
pub struct SpaceUsage {
    /// Space used by this account.
    pub used: u64,
    /// Space that the account may use.
    pub allocation: Allocation,
}

/// `users.SpaceAllocation`. Both members are structs, so their fields are beside the tag.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Allocation {
    /// Space allowed for the account, or for the whole team.
    #[serde(default)]
    pub allocated: u64,
    /// Space used by the whole team; only in teams.
    #[serde(default)]
    pub used: Option<u64>,
    /// This member's own limit in a team; 0 means no limit.
    #[serde(default)]
    pub user_within_team_space_allocated: u64,
    /// What happens at that limit: `off`, `alert_only` or `stop_sync`.
    #[serde(default)]
    pub user_within_team_space_limit_type: Tag,
}
