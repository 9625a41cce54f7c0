//! `config edit`: the settings of a remote that are not its login.

use shared::{exit, failure::Failure, plain::quoted};

use super::{
    super::{App, ask, config_failure, dropbox_failure},
    root::{self, Wish},
};
use crate::{
    config::{Root, check_name},
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
}

/// Changes what is asked for, or asks what to change.
pub(super) async fn run(args: &Args, app: &App) -> Result<u8, Failure> {
    let mut config = app.store.load().map_err(config_failure)?;
    let Some(remote) = config.remotes.remove(&args.name) else {
        return Err(app.unknown_remote(&args.name, config.remotes.keys()));
    };
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
    report::result(&format!("{}: starts at {place}\n", args.name))?;
    Ok(exit::SUCCESS)
}
