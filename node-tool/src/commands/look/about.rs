//! `about`: how much space the account has, what kind of account it is, and what the app may do there.
//!
//! Standard output is rclone's; the rest is for people.

use crate::{as_rclone, client::Client};
use shared::{
    api::users::{Account, SpaceUsage},
    exit,
    failure::Failure,
};

use super::{App, failed, remote};
use crate::report::{
    self,
    json::{self, About, Object},
};

/// The arguments of `about`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Standard output is what rclone prints; whose account it is, where its paths start, a member's own limit and what the \
                  app may do go to standard error (not with -q).\n\nExample: node-tool about dbx:"
)]
pub struct Args {
    /// The account: NAME:
    #[arg(value_parser = crate::commands::place())]
    path: String,
    /// Print exact numbers of bytes
    #[arg(long)]
    full: bool,
}

impl From<&SpaceUsage> for About {
    fn from(space: &SpaceUsage) -> Self {
        let total = space.allocation.allocated;
        // In a team, all members' files count against the team's space.
        let used = space.allocation.used.unwrap_or(space.used);
        Self {
            total,
            used,
            free: total.saturating_sub(used),
        }
    }
}

/// Runs `about`.
///
/// # Errors
/// When Dropbox can't be asked.
pub async fn run(args: &Args, app: &App) -> Result<u8, Failure> {
    let (side, client, _) = remote(&args.path, app)?;
    let space = client.space_usage().await.map_err(failed("ask about", &side))?;
    let usage = About::from(&space);
    if as_rclone::is_on() && json::is_own() {
        // In its form, to the byte.
        report::result(&format!(
            "{{\n\t\"total\": {},\n\t\"used\": {},\n\t\"free\": {}\n}}\n",
            usage.total, usage.used, usage.free
        ))?;
        return Ok(exit::SUCCESS);
    }
    if json::is_on() {
        json::print_only(&Object::About(usage))?;
        return Ok(exit::SUCCESS);
    }
    let size = |bytes: u64| {
        if args.full {
            bytes.to_string()
        } else {
            report::format::size(bytes)
        }
    };
    report::result(&format!(
        "Total:   {}\nUsed:    {}\nFree:    {}\n",
        size(usage.total),
        size(usage.used),
        size(usage.free)
    ))?;
    if !app.quiet {
        describe(&client, &space, size).await;
    }
    Ok(exit::SUCCESS)
}

/// Says whose account it is, as far as Dropbox tells.
async fn describe(client: &Client, space: &SpaceUsage, size: impl Fn(u64) -> String) {
    match client.current_account().await {
        Ok(account) => {
            report::note(&format!("Account: {}", whose(&account)));
            let start = client.space().await;
            report::note(&format!("Root:    {}", root(&account, start.as_deref())));
        }
        Err(error) => tracing::info!("whose account it is can't be found out: {error}"),
    }
    if let Some(line) = member(space, size) {
        report::note(&format!("Member:  {line}"));
    }
    let scopes = client.credentials().await.scopes;
    if !scopes.is_empty() {
        report::note(&format!("App:     may {}", scopes.join(", ")));
    }
}

/// `Ann Example <ann@example.org>, in the team 'Sandbox University'`
fn whose(account: &Account) -> String {
    let what = match (&account.team, account.account_type.tag.as_str()) {
        (Some(team), _) => format!("in the team '{}'", team.name),
        (None, "") => "personal".into(),
        (None, plan) => format!("personal ({plan})"),
    };
    format!("{} <{}>, {what}", account.name.display_name, account.email)
}

/// Returns what kind of root the account has; `start` is the namespace that the remote's paths start in, if that isn't the own
/// folder.
fn root(account: &Account, start: Option<&str>) -> String {
    let info = &account.root_info;
    let (root, home) = (&info.root_namespace_id, &info.home_namespace_id);
    if root == home {
        let elsewhere = start.filter(|start| start != home);
        let elsewhere = elsewhere.map(|start| format!("; paths start in namespace {start}"));
        return format!("own folder (namespace {home}){}", elsewhere.unwrap_or_default());
    }
    let path = info.home_path.as_deref();
    let path = path.map(|path| format!(" '{path}'")).unwrap_or_default();
    let from = match start {
        None => "the own folder".to_owned(),
        Some(start) if start == root => "the team's space".to_owned(),
        Some(start) => format!("namespace {start}"),
    };
    format!(
        "the team's space (namespace {root}), with the own folder{path} (namespace {home}) in it; paths start at {from}"
    )
}

/// Returns a member's part of the team's space. `None` outside of teams.
fn member(space: &SpaceUsage, size: impl Fn(u64) -> String) -> Option<String> {
    let allocation = &space.allocation;
    allocation.used?;
    let used = format!("{} used", size(space.used));
    let limit = allocation.user_within_team_space_allocated;
    Some(
        match (limit, allocation.user_within_team_space_limit_type.tag.as_str()) {
            (0, _) | (_, "off") => format!("{used}, no limit of its own"),
            (_, "alert_only") => format!("{used} of {}; beyond it, a warning", size(limit)),
            _ => format!("{used} of {}; beyond it, nothing is stored", size(limit)),
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(json: &str) -> Account {
        let text =
            format!(r#"{{"account_id":"dbid:1","name":{{"display_name":"Ann"}},"email":"a@b.org",{json}}}"#);
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn an_account_is_named_with_its_root() {
        let own = r#""account_type":{".tag":"pro"},"root_info":{".tag":"user","root_namespace_id":"1","home_namespace_id":"1"}"#;
        let own = account(own);
        assert_eq!(whose(&own), "Ann <a@b.org>, personal (pro)");
        assert_eq!(root(&own, None), "own folder (namespace 1)");
        assert_eq!(
            root(&own, Some("7")),
            "own folder (namespace 1); paths start in namespace 7"
        );
        let team = r#""team":{"id":"t","name":"Lab"},"root_info":{".tag":"team","root_namespace_id":"2","home_namespace_id":"1","home_path":"/Ann"}"#;
        let team = account(team);
        assert_eq!(whose(&team), "Ann <a@b.org>, in the team 'Lab'");
        for (start, end) in [
            (None, "the own folder"),
            (Some("2"), "the team's space"),
            (Some("9"), "namespace 9"),
        ] {
            assert_eq!(
                root(&team, start),
                format!(
                    "the team's space (namespace 2), with the own folder '/Ann' (namespace 1) in it; paths start at {end}"
                )
            );
        }
    }

    #[test]
    fn a_members_limit_is_named_with_what_it_does() {
        let line = |limit: u64, kind: &str| {
            let json = format!(
                r#"{{"used":3,"allocation":{{".tag":"team","used":5,"allocated":9,"user_within_team_space_allocated":{limit},"user_within_team_space_limit_type":{{".tag":"{kind}"}}}}}}"#
            );
            member(&serde_json::from_str(&json).unwrap(), |bytes| bytes.to_string())
        };
        assert_eq!(line(0, "off").as_deref(), Some("3 used, no limit of its own"));
        assert_eq!(
            line(4, "stop_sync").as_deref(),
            Some("3 used of 4; beyond it, nothing is stored")
        );
        assert_eq!(
            line(4, "alert_only").as_deref(),
            Some("3 used of 4; beyond it, a warning")
        );
        let alone: SpaceUsage =
            serde_json::from_str(r#"{"used":3,"allocation":{".tag":"individual","allocated":9}}"#).unwrap();
        assert_eq!(member(&alone, |bytes| bytes.to_string()), None);
    }
}
