//! Logins of whole teams: whose files are meant has to be said, and only there it can be.

use shared::{failure::Failure, plain::quoted};

use crate::config::Remote;

/// Checks that `--as-member` fits a remote's login, as far as that is known.
///
/// # Errors
/// When it is the login of one person, or that of a team and no member is named.
pub(crate) fn check(name: &str, remote: &Remote, as_member: Option<&str>) -> Result<(), Failure> {
    let is_known = !remote.scopes.is_empty();
    match as_member.or(remote.member.as_deref()) {
        Some(member) if is_known && !remote.is_team() => Err(Failure::usage(format!(
            "'{name}:' can't be used as {member}"
        ))
        .why("it is the login of one person; only an app with team permissions reaches the files of others")
        .next("node-tool config create team --team --app-key KEY    # with the key of such an app, as an admin of the team")),
        None if remote.is_team() => Err(Failure::usage(format!(
            "'{name}:' is the login of a whole team; whose files are meant?"
        ))
        .hint("add --as-member EMAIL")
        .hint(format!("or, once and for all: node-tool config edit {} --member EMAIL", quoted(name)))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_named_for_teams_only() {
        let remote = |scopes: &[&str], team: bool, member: Option<&str>| Remote {
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            team,
            member: member.map(str::to_owned),
            ..Remote::default()
        };
        let (person, team) = (
            &["files.content.read"],
            &["files.content.read", "team_data.member"],
        );
        for (remote, as_member, is_fine) in [
            (remote(person, false, None), None, true),
            (remote(person, false, None), Some("a@b.org"), false),
            (remote(person, false, Some("a@b.org")), None, false),
            (remote(team, false, None), None, false),
            (remote(team, false, None), Some("a@b.org"), true),
            (remote(team, false, Some("a@b.org")), None, true),
            // Nothing is known of the login.
            (remote(&[], false, None), None, true),
            (remote(&[], false, None), Some("a@b.org"), true),
            (remote(&[], true, None), None, false),
        ] {
            assert_eq!(
                check("dbx", &remote, as_member).is_ok(),
                is_fine,
                "{remote:?} {as_member:?}"
            );
        }
    }
}
