//! The `team` routes, for tokens of whole teams: the team, its members, and who is the admin.

use serde_json::{Value, json};

use super::account::{Account, TEAM_ID, TEAM_NAME, sharing_policies};
use super::answer::{Failure, Reply, wire};
use super::state::State;
use super::tree::AccountId;

impl State {
    /// The member of the team who has this id.
    pub fn member(&self, id: &str) -> Option<AccountId> {
        self.accounts
            .iter()
            .position(|account| account.in_team && account.member_id() == id)
    }
}

/// `team/get_info`.
pub fn info(state: &State) -> Reply {
    let members = state.accounts.iter().filter(|account| account.in_team).count();
    Ok(json!({
        "name": TEAM_NAME,
        "team_id": TEAM_ID,
        "num_licensed_users": members,
        "num_provisioned_users": members,
        "num_used_licenses": members,
        "policies": {
            "sharing": sharing_policies(state.link_policy.is_team_only),
            "emm_state": {".tag": "disabled"},
            "office_addin": {".tag": "disabled"},
            "suggest_members_policy": {".tag": "enabled"},
            "top_level_content_policy": {".tag": "admin_only"},
        },
    }))
}

/// `team/token/get_authenticated_admin`: Ann, who allows everything here.
pub fn admin(state: &State) -> Reply {
    let admin = state.accounts.first().filter(|account| account.in_team);
    let admin = admin.ok_or_else(|| Failure::Route(json!({".tag": "mapping_not_found"})))?;
    Ok(json!({"admin_profile": profile(admin)?}))
}

/// `team/members/get_info_v2`.
pub fn members(state: &State, arg: &Value) -> Reply {
    let mut found = Vec::new();
    for selector in arg["members"].as_array().into_iter().flatten() {
        let tag = selector[".tag"].as_str().unwrap_or_default();
        let wanted = selector[tag].as_str().unwrap_or_default();
        let is_wanted = |account: &&Account| match tag {
            "team_member_id" => account.member_id() == wanted,
            "email" => account.email.eq_ignore_ascii_case(wanted),
            _ => false,
        };
        let mut members = state.accounts.iter().filter(|account| account.in_team);
        found.push(match members.find(is_wanted) {
            Some(account) => json!({".tag": "member_info", "profile": profile(account)?, "roles": []}),
            None => json!({".tag": "id_not_found", "id_not_found": wanted}),
        });
    }
    Ok(json!({"members_info": found}))
}

/// `team/members/get_info`: the list alone, with each member's one role.
pub fn members_1(state: &State, arg: &Value) -> Reply {
    let mut found = members(state, arg)?["members_info"].take();
    let admin = state.accounts.first().map(Account::member_id).unwrap_or_default();
    for item in found.as_array_mut().into_iter().flatten() {
        let is_admin = item["profile"]["team_member_id"] == json!(admin);
        if let Some(member) = item.as_object_mut()
            && member.remove("roles").is_some()
        {
            let role = if is_admin { "team_admin" } else { "member_only" };
            member.insert("role".into(), json!({".tag": role}));
        }
    }
    Ok(found)
}

fn profile(account: &Account) -> Reply {
    let status = if account.suspended { "suspended" } else { "active" };
    Ok(json!({
        "team_member_id": account.member_id(),
        "account_id": account.id,
        "email": account.email,
        "email_verified": true,
        "secondary_emails": [],
        "status": {".tag": status},
        "name": wire(&account.name())?,
        "membership_type": {".tag": "full"},
        "groups": [],
        "member_folder_id": account.home.0.to_string(),
        "root_folder_id": account.root.0.to_string(),
    }))
}
