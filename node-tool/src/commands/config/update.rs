//! `config update`: settings of a remote, in rclone's form; and `config touch`, which makes the file.

use shared::{exit, failure::Failure, plain::quoted};

use super::{
    super::{App, config_failure},
    pairs::Pairs,
};
use crate::{config::check_name, report};

/// The arguments of `config update`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Settings: root_namespace (the namespace that paths start in), encoding, export_formats. The app and the login change \
                  with 'node-tool config reconnect', the start of paths with 'node-tool config edit'.\n\n\
                  Example: node-tool config update dbx export_formats=md"
)]
pub struct Args {
    /// The remote's name
    #[arg(value_parser = check_name)]
    pub(super) name: String,
    /// Settings: key=value, or key value
    #[arg(required = true, value_name = "KEY=VALUE")]
    settings: Vec<String>,
}

/// Changes settings.
pub(super) fn run(args: &Args, app: &App) -> Result<u8, Failure> {
    let name = &args.name;
    let config = app.store.load().map_err(config_failure)?;
    if !config.remotes.contains_key(name) {
        return Err(app.unknown_remote(name, config.remotes.keys()));
    }
    let pairs = Pairs::read(&args.settings, name)?;
    if let Some(app_key) = &pairs.app_key {
        return Err(Failure::usage("another app needs a new login").next(format!(
            "node-tool config reconnect {} --app-key {}",
            quoted(&format!("{name}:")),
            quoted(app_key)
        )));
    }
    apply(&pairs, name, app)?;
    report::said(&format!("Changed {name}:\n"))?;
    Ok(exit::SUCCESS)
}

/// Saves the settings of a remote.
///
/// # Errors
/// When they make no sense, or can't be saved.
pub(super) fn apply(pairs: &Pairs, name: &str, app: &App) -> Result<(), Failure> {
    if pairs.is_empty() {
        return Ok(());
    }
    let changed = app.store.update(|config| match config.remotes.get_mut(name) {
        Some(remote) => pairs.put_into(remote),
        None => Ok(Vec::new()),
    });
    for difference in changed.map_err(config_failure)?? {
        report::warn(&difference);
    }
    Ok(())
}

/// Makes the config file, if there is none.
pub(super) fn touch(app: &App) -> Result<u8, Failure> {
    app.store.make().map_err(config_failure)?;
    Ok(exit::SUCCESS)
}
