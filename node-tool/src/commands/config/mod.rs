//! `config`: connect an account, look at what is connected.

mod connect;
mod paste;
mod show;

use shared::failure::Failure;

use super::App;

/// The subcommands of `config`.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Connect a Dropbox account under a name
    Create(connect::CreateArgs),
    /// Log in anew to a connected account
    Reconnect(connect::ReconnectArgs),
    /// List the connected accounts
    List,
    /// Show what is kept of one account, without its secrets
    Show(show::Args),
}

/// Runs a subcommand.
///
/// # Errors
/// As the subcommand's.
pub async fn run(command: Command, app: &App) -> Result<u8, Failure> {
    match command {
        Command::Create(args) => connect::create(&args, app).await,
        Command::Reconnect(args) => connect::reconnect(&args, app).await,
        Command::List => show::list(app),
        Command::Show(args) => show::show(&args, app),
    }
}
