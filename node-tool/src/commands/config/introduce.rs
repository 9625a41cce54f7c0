//! Asking who is connected, and where its paths start.

use shared::{api::users::SpaceUsage, exit, failure::Failure};

use super::super::TEAM_SCOPES_HINT;
use super::{
    login::Login,
    root::{self, Wish},
    service::{self, Unanswered},
    show::who,
};
use crate::{config::Remote, report};

/// What listing, reading and writing need, and what for.
const SCOPES: [(&str, &str); 4] = [
    ("account_info.read", "to say who is connected"),
    ("files.metadata.read", "to list"),
    ("files.content.read", "to copy from Dropbox"),
    ("files.content.write", "to copy to Dropbox"),
];

/// What the login of a whole team needs besides.
const TEAM_SCOPES: [(&str, &str); 3] = [
    ("team_info.read", "to say which team is connected"),
    ("members.read", "to find a member by e-mail address"),
    ("team_data.member", "to use the files of members"),
];

/// Why it isn't known.
pub(super) enum Problem {
    /// Dropbox.
    Dropbox(Unanswered),
    /// The root that was asked for can't be.
    Choice(Failure),
}

/// Asks, and puts the answer into `remote`. Returns what to report about it.
pub(super) async fn ask(login: &Login<'_>, remote: &mut Remote, wish: Wish) -> Result<String, Problem> {
    let Login { app, name, .. } = login;
    remote.root_namespace_id = None;
    // If the box for it isn't ticked, it is named later, with the other missing ones.
    let found = service::account(app, name, remote, SCOPES[0].0).await;
    let found = found.map_err(Problem::Dropbox)?;
    let Some((account, space)) = found else {
        remote.display_name = None;
        remote.email = None;
        if remote.scopes.is_empty() {
            remote.scopes = SCOPES[1..].iter().map(|(scope, _)| (*scope).to_owned()).collect();
        }
        return Ok(format!("Connected {name}:\n"));
    };
    remote.learn(&account.root_info);
    let home = login.again.with("--root home");
    remote.root_namespace_id = root::choose(name, &account, wish, login.how.may_ask(), &home)
        .await
        .map_err(Problem::Choice)?;
    remote.account_id = Some(account.account_id);
    remote.display_name = Some(account.name.display_name);
    remote.email = Some(account.email);
    let used = space
        .map(|space| format!("{}\n", space_used(&space)))
        .unwrap_or_default();
    Ok(format!("Connected {name}: {}\n{used}", who(remote)))
}

/// Asks which team is connected. Returns what to report about it.
pub(super) async fn ask_team(login: &Login<'_>, remote: &mut Remote) -> Result<String, Problem> {
    let Login { app, name, .. } = login;
    remote.team = true;
    let found = service::team(app, name, remote).await;
    let Some(team) = found.map_err(Problem::Dropbox)? else {
        let failure = Failure::usage("this app isn't for teams")
            .why("Dropbox gave a token for one person, or one that may not say which team it is for")
            .hint(TEAM_SCOPES_HINT)
            .next(login.again.command())
            .code(exit::FATAL);
        return Err(Problem::Choice(failure));
    };
    remote.display_name = Some(team.name);
    remote.email = None;
    Ok(format!("Connected {name}: the team {}\n", who(remote)))
}

/// `Space used: 1.500 GiB of 2 TiB`
fn space_used(space: &SpaceUsage) -> String {
    let used = format!("Space used: {}", report::bytes(space.used));
    match space.allocation.allocated {
        0 => used,
        allocated => format!("{used} of {}", report::bytes(allocated)),
    }
}

/// Returns the boxes to tick, one per line. Nothing is known of a token that came without its scopes.
pub(super) fn missing_scopes(remote: &Remote) -> Option<String> {
    let granted = &remote.scopes;
    let of_teams = TEAM_SCOPES.iter().filter(|_| remote.team);
    let missing = SCOPES
        .iter()
        .chain(of_teams)
        .filter(|(scope, _)| !granted.is_empty() && !granted.iter().any(|g| g == scope))
        .map(|(scope, purpose)| format!("  {scope}  {purpose}"));
    let lines: Vec<String> = missing.collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}
