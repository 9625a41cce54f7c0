//! `config rename` and `config copy`: a remote under another name, or under two.

use shared::{exit, failure::Failure, plain::quoted};

use super::super::{App, config_failure};
use crate::{config::check_name, report};

/// The arguments of both.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The remote's name
    #[arg(value_parser = check_name)]
    pub(super) from: String,
    /// The new name
    #[arg(value_parser = check_name)]
    pub(super) to: String,
}

/// Renames a remote.
pub(super) fn rename(args: &Args, app: &App) -> Result<u8, Failure> {
    put(args, app, false)?;
    report::said(&format!("Renamed {}: to {}:\n", args.from, args.to))?;
    Ok(exit::SUCCESS)
}

/// Copies a remote.
pub(super) fn copy(args: &Args, app: &App) -> Result<u8, Failure> {
    put(args, app, true)?;
    report::said(&format!(
        "Copied {}: to {}:; both use the same login\n",
        args.from, args.to
    ))?;
    Ok(exit::SUCCESS)
}

fn put(Args { from, to }: &Args, app: &App, keep: bool) -> Result<(), Failure> {
    if from == to {
        let show = format!("node-tool config show {}", quoted(from));
        return Err(Failure::usage(format!("'{from}:' has this name already")).next(show));
    }
    let change = app.store.update(|config| {
        let Some(remote) = config.remotes.get(from).cloned() else {
            return Err(app.unknown_remote(from, config.remotes.keys()));
        };
        if config.remotes.contains_key(to) {
            return Err(Failure::usage(format!("the remote '{to}:' is there already"))
                .why("choose another name, or delete that one first")
                .next("node-tool config list   shows the names that are taken"));
        }
        config.remotes.insert(to.clone(), remote);
        if !keep {
            config.remotes.remove(from);
        }
        Ok(())
    });
    change.map_err(config_failure)?
}
