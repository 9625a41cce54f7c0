//! `config edit`: the settings of a remote that are not its login.

use shared::{exit, failure::Failure, plain::quoted};

use super::{
    super::{App, ask, config_failure, dropbox_failure},
    root::{self, Wish},
};
use crate::{
    app_team,
    config::{Remote, Root, check_name},
    report, terminal,
};

/// The arguments of `config edit`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: node-tool config edit dbx --root team\nThe login itself: node-tool config reconnect dbx:"
)]
pub struct Args {
    /// The remote's name
    #[arg(value_parser = check_name)]
    pub(super) name: String,
    /// Start at your own folder, or at the team's space
    #[arg(long, value_enum)]
    pub(super) root: Option<Root>,
    /// With the login of a team: whose files are meant without --as-member; an empty EMAIL removes it
    #[arg(long, value_name = "EMAIL", conflicts_with = "root")]
    pub(super) member: Option<String>,
}

/// Changes what is asked for, or asks what to change.
pub(super) async fn run(args: &Args, app: &App) -> Result<u8, Failure> {
    let mut config = app.store.load().map_err(config_failure)?;
    let Some(remote) = config.remotes.remove(&args.name) else {
        return Err(app.unknown_remote(&args.name, config.remotes.keys()));
    };
    if let Some(member) = &args.member {
        return edit_member(&args.name, &remote, member, app).await;
    }
    let wanted = match args.root {
        Some(root) => root,
        None if terminal::is_there() => ask::root("root (home or team)", remote.root()).await?,
        None => {
            return Err(Failure::usage("nothing to change was given").next(format!(
                "node-tool config edit {} --root home   or, in a team, --root team",
                quoted(&args.name)
            )));
        }
    };
    let client = app.client(&args.name)?;
    let account = client.current_account().await;
    let account = account.map_err(|e| dropbox_failure("could not ask about the account", &e, &args.name))?;
    let home = format!("node-tool config edit {} --root home", quoted(&args.name));
    let namespace = root::choose(&args.name, &account, Wish::Must(wanted), false, &home).await?;
    app.store
        .update(|config| {
            if let Some(kept) = config.remotes.get_mut(&args.name) {
                (kept.root_namespace_id, kept.namespace_id) = (namespace, None);
                kept.learn(&account.root_info);
            }
        })
        .map_err(config_failure)?;
    let place = if wanted == Root::Team {
        "the team space"
    } else {
        "your own folder"
    };
    report::said(&format!("{}: starts at {place}\n", args.name))?;
    Ok(exit::SUCCESS)
}

/// Changes whose files are meant with the login of a team.
async fn edit_member(name: &str, remote: &Remote, member: &str, app: &App) -> Result<u8, Failure> {
    let member = Some(member.to_owned()).filter(|member| !member.is_empty());
    if let Some(member) = &member {
        app_team::check(name, remote, Some(member))?;
        let found = app.client(name)?.member(member).await;
        let found = found.map_err(|e| dropbox_failure(format!("could not look for {member}"), &e, name))?;
        if found.is_none() {
            return Err(Failure::usage(format!("the team has no member {member}")));
        }
    }
    let said = match &member {
        Some(member) => format!("{name}: is the files of {member}\n"),
        None => format!("{name}: needs --as-member EMAIL\n"),
    };
    app.store
        .update(|config| {
            if let Some(kept) = config.remotes.get_mut(name) {
                kept.member = member;
            }
        })
        .map_err(config_failure)?;
    report::said(&said)?;
    Ok(exit::SUCCESS)
}
