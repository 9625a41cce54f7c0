//! `shared`: folders and files that others share with the account, mounted or not.

mod list;

use std::sync::Arc;

use crate::client::{Client, SharedFolder};
use shared::{exit, failure::Failure};
use stores::Place;

use super::{
    App,
    look::{failed, remote},
};
use crate::report::{
    self,
    json::{self, Action, Object, Outcome},
};

/// The arguments of `shared`.
#[derive(Debug, clap::Args)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "A shared folder is a place without being mounted: dbx:{Its name}/path, or dbx:{ns:ID}/path.\n\
                  The app needs the permission sharing.read, and sharing.write to mount.\n\n\
                  Example: node-tool shared list dbx:"
)]
pub struct Args {
    #[command(subcommand)]
    command: Sub,
}

#[derive(Debug, clap::Subcommand)]
enum Sub {
    /// List shared folders and files: what you may do, whether it is mounted, whose it is, and what to type for it
    #[command(after_help = "Example: node-tool shared list dbx:")]
    List {
        /// The remote, if there is more than one: NAME:
        #[arg(value_parser = crate::commands::place())]
        path: Option<String>,
    },
    /// Mount a shared folder, so that it is seen among your own
    #[command(after_help = "Example: node-tool shared mount 'dbx:{Reference data}'")]
    Mount {
        /// The folder: NAME:{FOLDER}
        #[arg(value_parser = crate::commands::place())]
        path: String,
    },
    /// Unmount a shared folder: it stays shared, and isn't seen among your own any more
    #[command(after_help = "Example: node-tool shared unmount 'dbx:{Reference data}'")]
    Unmount {
        /// The folder: NAME:{FOLDER}
        #[arg(value_parser = crate::commands::place())]
        path: String,
    },
}

/// Does what the subcommand says.
///
/// # Errors
/// When Dropbox can't be asked, or refuses.
pub async fn run(args: &Args, app: &App) -> Result<u8, Failure> {
    match &args.command {
        Sub::List { path } => list::run(path.as_deref(), app).await,
        Sub::Mount { path } => mount(path, app).await,
        Sub::Unmount { path } => unmount(path, app).await,
    }
}

async fn mount(typed: &str, app: &App) -> Result<u8, Failure> {
    let (side, client, folder) = named(typed, "mount", app).await?;
    let mounted = client.mount_folder(&folder.shared_folder_id).await;
    let mounted = mounted.map_err(failed("mount", &side))?;
    let at = mounted.path_display.as_deref().or(mounted.path_lower.as_deref());
    let at = at.unwrap_or_default().trim_start_matches('/');
    let at = format!("{}:{at}", client.remote());
    json::print(&Object::Outcome(Outcome {
        from: Some(side.to_string()),
        ..Outcome::done(Action::Mount, &*at)
    }))?;
    report::note(&format!("mounted '{side}' as '{at}'"));
    Ok(exit::SUCCESS)
}

async fn unmount(typed: &str, app: &App) -> Result<u8, Failure> {
    let (side, client, folder) = named(typed, "unmount", app).await?;
    let done = client.unmount_folder(&folder.shared_folder_id).await;
    done.map_err(failed("unmount", &side))?;
    json::print(&Object::Outcome(Outcome::done(Action::Unmount, side.to_string())))?;
    report::note(&format!(
        "unmounted '{side}'; it can still be reached by that name"
    ));
    Ok(exit::SUCCESS)
}

/// Returns the shared folder that was typed.
async fn named(typed: &str, what: &str, app: &App) -> Result<(Place, Arc<Client>, SharedFolder), Failure> {
    let (side, client, path) = remote(typed, app)?;
    let folder = client.shared_folder().await.map_err(failed(what, &side))?;
    match folder.filter(|_| path.is_root()) {
        Some(folder) => Ok((side, Arc::new(client.as_usual()), folder)),
        None => Err(Failure::usage(format!(
            "'{side}' doesn't name a shared folder; type NAME:{{FOLDER}}"
        ))
        .next(format!("node-tool shared list {}:", client.remote()))),
    }
}
