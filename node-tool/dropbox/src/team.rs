//! Apps of whole teams: their tokens belong to no person, so each call says on whose behalf it is.
//!
//! A member who is suspended can't be called for. But an admin may read everything in the team, so the folder of a member who has
//! left is read on behalf of the admin who authorized the app.

use crate::{
    Client, Error, PathRoot,
    api::{
        Nothing,
        team::{Found, GET_ADMIN, GET_MEMBERS, GET_TEAM, MembersArg, Profile, Selector},
        users::Team,
    },
};

/// On whose behalf calls are.
#[derive(Clone, Debug)]
pub(crate) struct Behalf {
    /// The header that says so.
    pub(crate) header: &'static str,
    /// Its value.
    pub(crate) member_id: String,
    /// Where the paths of all calls start. `None` means where they usually do.
    pub(crate) root: Option<PathRoot>,
}

impl Client {
    /// Returns the team that the login is for.
    ///
    /// # Errors
    /// When it isn't for a team, or Dropbox can't be asked.
    pub async fn team(&self) -> Result<Team, Error> {
        self.rpc(&GET_TEAM, &Nothing).await
    }

    /// Returns the member of the team with this e-mail address. `None` if there is none.
    ///
    /// # Errors
    /// When the login isn't for a team, or Dropbox can't be asked.
    pub async fn member(&self, email: &str) -> Result<Option<Profile>, Error> {
        let arg = MembersArg {
            members: vec![Selector::Email {
                email: email.to_owned(),
            }],
        };
        let found = self.rpc(&GET_MEMBERS, &arg).await?.members_info.pop();
        Ok(match found {
            Some(Found::MemberInfo { profile }) => Some(profile),
            Some(Found::Nobody) | None => None,
        })
    }

    /// Finds out on whose behalf calls for the member `email` are.
    pub(crate) async fn find_behalf(&self, email: &str) -> Result<Behalf, Error> {
        let member = self.member(email).await?;
        let member = member.ok_or_else(|| Error::NoMember(email.to_owned()))?;
        if let Some(account) = &member.account_id {
            self.login.auth.act_for(account).await;
        }
        let folder = member
            .member_folder_id
            .filter(|_| member.status.tag == "suspended");
        let Some(folder) = folder else {
            return Ok(Behalf {
                header: "Dropbox-API-Select-User",
                member_id: member.team_member_id,
                root: None,
            });
        };
        let admin = self.rpc(&GET_ADMIN, &Nothing).await?.admin_profile;
        tracing::info!(
            "{email} is suspended: the folder is read on behalf of {}, and can't be changed",
            admin.email
        );
        Ok(Behalf {
            header: "Dropbox-API-Select-Admin",
            member_id: admin.team_member_id,
            root: Some(PathRoot::Namespace(folder)),
        })
    }
}
