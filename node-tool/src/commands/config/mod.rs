//! `config`: connects, shows, changes and removes accounts. Without a subcommand it is a [`menu`] of the same commands.

mod account;
mod connect;
mod delete;
mod dump;
mod edit;
mod how;
mod import;
mod introduce;
mod login;
mod menu;
mod pairs;
mod password;
mod paste;
mod recognise;
mod rename;
mod renewal;
mod root;
mod service;
mod show;
mod tokens;
mod update;

use shared::failure::Failure;

use self::show::Changed;
use super::App;
use crate::config::Environment;

/// The arguments of `config`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: node-tool config create dbx")]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Connect a Dropbox account under a name
    Create(connect::CreateArgs),
    /// Log in again to a connected account, keeping its settings
    Reconnect(connect::ReconnectArgs),
    /// Change a remote's settings
    Edit(edit::Args),
    /// Remove a remote, and revoke its login
    Delete(delete::Args),
    /// Give a remote another name
    #[command(after_help = "Example: node-tool config rename dbx work")]
    Rename(rename::Args),
    /// Use the same login under a second name
    #[command(after_help = "Example: node-tool config copy dbx team")]
    Copy(rename::Args),
    /// Take over the Dropbox remotes of an rclone.conf
    Import(import::Args),
    /// Encrypt the config with a password, or decrypt it
    #[command(
        subcommand,
        alias = "encryption",
        after_help = "Example: node-tool config password set"
    )]
    Password(password::Command),
    /// List the connected accounts
    #[command(after_help = "Example: node-tool config list")]
    List,
    /// Show the settings of one account, or of all, without secrets
    #[command(alias = "redacted")]
    Show(show::Args),
    /// Print where the config file is
    #[command(after_help = "Example: node-tool config path")]
    Path,
    /// Print where the config file is, in rclone's words
    #[command(after_help = "Example: node-tool config file")]
    File,
    /// Print where the config and the cache are, in rclone's words
    #[command(after_help = "Example: node-tool config paths")]
    Paths,
    /// Print the remotes as JSON, without their secrets
    #[command(after_help = "Example: node-tool config dump | jq -r 'keys[]'")]
    Dump,
    /// Make the config file, if there is none
    #[command(after_help = "Example: node-tool config touch")]
    Touch,
    /// Change settings of a remote, in rclone's form
    Update(update::Args),
    /// Show whose account a remote is
    Userinfo(account::UserInfoArgs),
    /// End the login of a remote, keeping its settings
    Disconnect(account::DisconnectArgs),
}

impl Args {
    /// Whether the config's content matters.
    pub fn reads_config(&self) -> bool {
        !matches!(self.command, Some(Command::Path | Command::File | Command::Paths))
    }

    /// Returns why it prints no JSON. `None` means that it does.
    pub fn json_refusal(&self) -> Option<&'static str> {
        match self.command.as_ref() {
            None => Some("the menu is for people"),
            Some(Command::Create(args)) if args.is_pairing() => Some("--pairing is for authorizer"),
            Some(_) => None,
        }
    }

    /// Returns what `--json` prints at the end, besides what the command prints itself.
    fn changed(&self) -> Changed {
        match self.command.as_ref() {
            Some(Command::Delete(args)) => Changed::Deleted(args.name.clone()),
            Some(Command::Rename(args) | Command::Copy(args)) => Changed::Remote(args.to.clone()),
            Some(Command::Touch | Command::Password(_)) => Changed::File,
            _ => match self.changed_remote() {
                Some(name) => Changed::Remote(name.to_owned()),
                None => Changed::Nothing,
            },
        }
    }

    /// The remote that the command changes.
    fn changed_remote(&self) -> Option<&str> {
        match self.command.as_ref()? {
            Command::Create(args) => Some(args.name()),
            Command::Reconnect(args) => Some(args.name()),
            Command::Edit(args) => Some(&args.name),
            Command::Delete(args) => Some(&args.name),
            Command::Rename(args) => Some(&args.from),
            Command::Update(args) => Some(&args.name),
            Command::Disconnect(args) => Some(&args.name),
            _ => None,
        }
    }
}

/// What is set by variables can't be changed in the file.
fn refuse_variables(name: &str) -> Result<(), Failure> {
    let variables = Environment::here().variables_of(name);
    let names: Vec<String> = variables.into_iter().map(|(_, variable)| variable).collect();
    if names.is_empty() {
        return Ok(());
    }
    let names = names.join(" ");
    Err(Failure::usage(format!("'{name}:' is set by variables"))
        .why(format!("they are over the config file: {names}"))
        .next(format!("unset {names}")))
}

/// Runs a subcommand, or the menu.
///
/// # Errors
/// As the subcommand's.
pub async fn run(args: Args, app: &App) -> Result<u8, Failure> {
    if let Some(name) = args.changed_remote() {
        refuse_variables(name)?;
    }
    let changed = args.changed();
    let code = carry_out(args.command, app).await?;
    show::print_changed(&changed, app)?;
    Ok(code)
}

async fn carry_out(command: Option<Command>, app: &App) -> Result<u8, Failure> {
    match command {
        None => menu::run(app).await,
        Some(Command::Create(args)) => connect::create(&args, app).await,
        Some(Command::Reconnect(args)) => connect::reconnect(&args, app).await,
        Some(Command::Edit(args)) => edit::run(&args, app).await,
        Some(Command::Delete(args)) => delete::run(&args, app).await,
        Some(Command::Rename(args)) => rename::rename(&args, app),
        Some(Command::Copy(args)) => rename::copy(&args, app),
        Some(Command::Import(args)) => import::run(&args, app).await,
        Some(Command::Password(command)) => password::run(&command, app).await,
        Some(Command::List) => show::list(app),
        Some(Command::Show(args)) => show::show(&args, app),
        Some(Command::Path) => show::path(app),
        Some(Command::File) => dump::file(app),
        Some(Command::Paths) => dump::paths(app),
        Some(Command::Dump) => dump::dump(app),
        Some(Command::Touch) => update::touch(app),
        Some(Command::Update(args)) => update::run(&args, app),
        Some(Command::Userinfo(args)) => account::userinfo(&args, app).await,
        Some(Command::Disconnect(args)) => account::disconnect(&args, app).await,
    }
}
