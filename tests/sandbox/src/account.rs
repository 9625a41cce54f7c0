//! The people who use the sandbox, and the `users` routes.

use dropbox_sdk::types::common::{RootInfo, TeamRootInfo, UserRootInfo};
use dropbox_sdk::types::{users, users_common};
use serde_json::{Value, json};

use super::answer::{Failure, Reply, wire};
use super::state::{Call, State};
use super::tree::Ns;

/// The team's id.
pub const TEAM_ID: &str = "dbtid:AAFdgehTzw7WlXhZJsbGCLePe8RvQGYDr-I";
/// The team's name.
pub const TEAM_NAME: &str = "Sandbox University";

/// A person.
#[derive(Clone, Debug)]
pub struct Account {
    /// `dbid:…`, 40 characters.
    pub id: String,
    /// First name.
    pub given_name: String,
    /// Last name.
    pub surname: String,
    /// Mail address.
    pub email: String,
    /// The person's own namespace.
    pub home: Ns,
    /// The namespace that `root` means: the team's, or the person's own.
    pub root: Ns,
    /// The person's folder in the team's root.
    pub home_path: Option<String>,
    /// Member of a team.
    pub in_team: bool,
    /// How much may be stored, in bytes.
    pub quota_bytes: u64,
    /// Suspended by the team's administrator.
    pub suspended: bool,
    /// How much a member of a team may store, in bytes; 0 is no limit of one's own.
    pub member_limit_bytes: u64,
    /// What happens at that limit: `off`, `alert_only` or `stop_sync`.
    pub member_limit_type: &'static str,
}

impl Account {
    /// The name as people see it.
    pub fn display_name(&self) -> String {
        format!("{} {}", self.given_name, self.surname)
    }

    /// Which namespaces are the person's.
    pub fn root_info(&self) -> RootInfo {
        let (root, home) = (self.root.0.to_string(), self.home.0.to_string());
        match &self.home_path {
            Some(path) => RootInfo::Team(TeamRootInfo::new(root, home, path.clone())),
            None => RootInfo::User(UserRootInfo::new(root, home)),
        }
    }

    /// The id as a member of the team.
    pub fn member_id(&self) -> String {
        format!("dbmid:{}", &self.id[5..])
    }

    /// The name as the API has it.
    pub fn name(&self) -> users::Name {
        let initials = [&self.given_name, &self.surname]
            .iter()
            .filter_map(|part| part.chars().next())
            .collect();
        users::Name::new(
            self.given_name.clone(),
            self.surname.clone(),
            self.given_name.clone(),
            self.display_name(),
            initials,
        )
    }
}

/// `users/get_current_account`.
pub fn current(state: &State, call: &Call) -> Reply {
    let account = state.account(call)?;
    let kind = if account.in_team {
        users_common::AccountType::Business
    } else if state.link_policy.is_basic {
        users_common::AccountType::Basic
    } else {
        users_common::AccountType::Pro
    };
    let full = users::FullAccount::new(
        account.id.clone(),
        account.name(),
        account.email.clone(),
        true,
        account.suspended,
        "en".into(),
        "https://www.dropbox.com/referrals/sandbox".into(),
        false,
        kind,
        account.root_info(),
    )
    .with_country("DE".to_owned());
    let mut out = wire(&full)?;
    if account.in_team {
        out["team"] = team(state.link_policy.is_team_only);
        out["team_member_id"] = json!(account.member_id());
    }
    Ok(out)
}

/// What the team allows of sharing; `keeps_links` says that its links are for members only.
pub fn sharing_policies(keeps_links: bool) -> Value {
    let links = if keeps_links {
        "team_only"
    } else {
        "default_public"
    };
    json!({
        "shared_folder_member_policy": {".tag": "team"},
        "shared_folder_join_policy": {".tag": "from_anyone"},
        "shared_link_create_policy": {".tag": links},
        "group_creation_policy": {".tag": "admins_only"},
        "shared_folder_link_restriction_policy": {".tag": "anyone"},
        "enforce_link_password_policy": {".tag": "optional"},
        "default_link_expiration_days_policy": {".tag": "none"},
        "shared_link_default_permissions_policy": {".tag": "default"}
    })
}

fn team(keeps_links: bool) -> Value {
    json!({
        "id": TEAM_ID,
        "name": TEAM_NAME,
        "sharing_policies": sharing_policies(keeps_links),
        "office_addin_policy": {".tag": "disabled"},
        "top_level_content_policy": {".tag": "admin_only"}
    })
}

/// `users/get_space_usage`.
pub fn space_usage(state: &State, call: &Call) -> Reply {
    let account = state.account(call)?;
    let used = state.tree.used(call.view.account);
    let allocation = if account.in_team {
        let members = state.accounts.iter().enumerate();
        let members = members.filter(|(_, account)| account.in_team);
        let team: u64 = members.map(|(id, _)| state.tree.used(id)).sum();
        json!({
            ".tag": "team",
            "used": team,
            "allocated": account.quota_bytes,
            "user_within_team_space_allocated": account.member_limit_bytes,
            "user_within_team_space_limit_type": {".tag": account.member_limit_type},
            "user_within_team_space_used_cached": used,
        })
    } else {
        json!({".tag": "individual", "allocated": account.quota_bytes})
    };
    Ok(json!({"used": used, "allocation": allocation}))
}

/// `users/get_account`.
pub fn get(state: &State, call: &Call, arg: &Value) -> Reply {
    let id = arg["account_id"].as_str().unwrap_or_default();
    let own = state.account(call)?.id == id;
    let Some(account) = state.accounts.iter().find(|account| account.id == id) else {
        return Err(Failure::route(&users::GetAccountError::NoAccount));
    };
    let basic = users::BasicAccount::new(
        account.id.clone(),
        account.name(),
        account.email.clone(),
        true,
        account.suspended,
        own || account.in_team,
    );
    wire(&basic)
}

/// `users/features/get_values`.
pub fn features(state: &State, call: &Call, arg: &Value) -> Reply {
    let account = state.account(call)?;
    let features = arg["features"].as_array().map(Vec::as_slice).unwrap_or_default();
    if features.is_empty() {
        return Err(Failure::route(
            &users::UserFeaturesGetValuesBatchError::EmptyFeaturesList,
        ));
    }
    let values: Vec<Value> = features
        .iter()
        .filter_map(|feature| feature[".tag"].as_str())
        .map(|tag| {
            let enabled = match tag {
                "paper_as_files" => true,
                "team_shared_dropbox" => account.home_path.is_some(),
                "distinct_member_home" => account.root != account.home,
                _ => false,
            };
            json!({".tag": tag, tag: {".tag": "enabled", "enabled": enabled}})
        })
        .collect();
    Ok(json!({"values": values}))
}
