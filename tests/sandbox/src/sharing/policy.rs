//! Which settings of links an account may choose: its plan's, and its team's.

use serde_json::{Value, json};

use super::super::account::Account;
use super::{Audience, SharedLink};

/// What plan and team allow. The default is a plan with all settings.
#[derive(Clone, Copy, Debug, Default)]
pub struct LinkPolicy {
    /// A basic plan: public links without expiry, password or a ban on downloads.
    pub is_basic: bool,
    /// The team keeps its links to itself.
    pub is_team_only: bool,
}

impl LinkPolicy {
    /// Why an audience can't be chosen. `None` if it can.
    pub fn disallowed(self, audience: Audience, account: &Account) -> Option<&'static str> {
        match audience {
            Audience::Team if !account.in_team => Some("user_not_on_team"),
            Audience::Team => None,
            _ if account.in_team && self.is_team_only && audience == Audience::Public => {
                Some("restricted_by_team")
            }
            Audience::NoOne if self.is_basic => Some("user_account_type"),
            Audience::Public | Audience::NoOne => None,
        }
    }

    /// Whom a link reaches in the end.
    pub fn effective(self, audience: Audience, account: &Account) -> Audience {
        match audience {
            Audience::Public if account.in_team && self.is_team_only => Audience::Team,
            other => other,
        }
    }

    /// `LinkPermissions` as the account `caller` sees them.
    pub fn permissions(self, link: &SharedLink, caller: &Account, is_owner: bool) -> Value {
        let audience = self.effective(link.audience, caller);
        let option = |audience: Audience| {
            let why = self.disallowed(audience, caller);
            let mut option =
                json!({"audience": {".tag": audience.tag()}, "allowed": is_owner && why.is_none()});
            if is_owner && let Some(why) = why {
                option["disallowed_reason"] = json!({".tag": why});
            } else if !is_owner {
                option["disallowed_reason"] = json!({".tag": "permission_denied"});
            }
            option
        };
        let may_set = is_owner && !self.is_basic;
        let mut out = json!({
            "can_revoke": is_owner,
            "effective_audience": {".tag": audience.tag()},
            "link_access_level": {".tag": if link.is_editor { "editor" } else { "viewer" }},
            "visibility_policies": [],
            "can_set_expiry": may_set,
            "can_remove_expiry": may_set && link.expires.is_some(),
            "allow_download": link.allow_download,
            "can_allow_download": may_set,
            "can_disallow_download": may_set,
            "allow_comments": false,
            "team_restricts_comments": false,
            "audience_options": [option(Audience::Public), option(Audience::Team), option(Audience::NoOne)],
            "can_set_password": may_set,
            "can_remove_password": may_set && link.password.is_some(),
            "require_password": link.password.is_some(),
            "can_use_extended_sharing_controls": may_set,
        });
        if !is_owner {
            out["revoke_failure_reason"] = json!({".tag": "owner_only"});
        }
        out
    }
}
