//! The `team` namespace: for apps of whole teams, whose tokens belong to no person.

use serde::{Deserialize, Serialize};

use super::{
    Nothing, Route, Tag,
    users::{Name, Team},
};

/// Returns the team of the token.
pub const GET_TEAM: Route<Nothing, Team> = Route::rpc("team/get_info");
/// Returns who authorized the token.
pub const GET_ADMIN: Route<Nothing, Admin> = Route::rpc("team/token/get_authenticated_admin");
/// Returns members of the team.
pub const GET_MEMBERS: Route<MembersArg, Members> = Route::rpc("team/members/get_info_v2");

/// `team.MembersGetInfoV2Arg`
#[derive(Clone, Debug, Serialize)]
pub struct MembersArg {
    /// Whom to look for.
    pub members: Vec<Selector>,
}

/// `team.UserSelectorArg`
#[derive(Clone, Debug, Serialize)]
#[serde(tag = ".tag", rename_all = "snake_case")]
pub enum Selector {
    /// By e-mail address.
    Email {
        /// The address.
        email: String,
    },
}

/// `team.MembersGetInfoV2Result`
#[derive(Clone, Debug, Deserialize)]
pub struct Members {
    /// What was found, in the order of the argument.
    pub members_info: Vec<Found>,
}

/// `team.MembersGetInfoItemV2`
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = ".tag", rename_all = "snake_case")]
pub enum Found {
    /// A member.
    MemberInfo {
        /// Who it is.
        profile: Profile,
    },
    /// There is no such member, or the answer is newer than this program.
    #[serde(other)]
    Nobody,
}

/// `team.TokenGetAuthenticatedAdminResult`
#[derive(Clone, Debug, Deserialize)]
pub struct Admin {
    /// Who it is.
    pub admin_profile: Profile,
}

/// `team.TeamMemberProfile`, as far as it is used.
#[derive(Clone, Debug, Deserialize)]
pub struct Profile {
    /// The id as a member: `dbmid:…`.
    pub team_member_id: String,
    /// The id of the account: `dbid:…`.
    #[serde(default)]
    pub account_id: Option<String>,
    /// The e-mail address.
    pub email: String,
    /// The name of the person.
    pub name: Name,
    /// `active`, `invited`, `suspended` or `removed`.
    pub status: Tag,
    /// The namespace of the member's own folder.
    #[serde(default)]
    pub member_folder_id: Option<String>,
}
