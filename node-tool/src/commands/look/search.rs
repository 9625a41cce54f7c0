//! `search`: files and folders by their names, and by what is in them.

use shared::{api::files::Metadata, exit, failure::Failure};

use super::{App, failed, remote, shown};
use crate::report::{
    self,
    json::{self, Entry, Kind, Object},
};

/// The arguments of `search`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: node-tool search dbx:projects spectrum")]
pub struct Args {
    /// The folder to search: NAME:path
    #[arg(value_parser = crate::commands::place())]
    path: String,
    /// The words to search for
    query: String,
    /// Search only names
    #[arg(long)]
    names_only: bool,
}

/// Prints the paths that were found, folders with a slash; exit code 4 if there are none.
///
/// # Errors
/// When Dropbox can't be asked.
pub async fn run(args: &Args, app: &App) -> Result<u8, Failure> {
    let (side, client, path) = remote(&args.path, app)?;
    let found = client.search(&path, &args.query, args.names_only).await;
    let found = found.map_err(failed("search", &side))?;
    let slash = client.slash().await;
    let shown = |path: Option<&str>| shown(slash, &side, path);
    let lines: Vec<String> = found
        .iter()
        .filter_map(|hit| match hit {
            Metadata::File(file) => Some(shown(file.path_display.as_deref())),
            Metadata::Folder(folder) => Some(format!("{}/", shown(folder.path_display.as_deref()))),
            Metadata::Deleted(_) | Metadata::Unknown => None,
        })
        .collect();
    let is_empty = lines.is_empty();
    match json::is_on() {
        true => json::print_all(found.iter().filter_map(|hit| entry(hit, shown)))?,
        false => report::results(lines.into_iter())?,
    }
    Ok(if is_empty {
        exit::FILE_NOT_FOUND
    } else {
        exit::SUCCESS
    })
}

/// Returns a hit as an object; `shown` is how a path is shown.
fn entry(hit: &Metadata, shown: impl Fn(Option<&str>) -> String) -> Option<Object> {
    let entry = |path: Option<&str>, kind| Entry {
        path: shown(path),
        kind,
        size: None,
        modified: None,
        content_hash: None,
        rev: None,
        id: None,
        deleted: None,
        changed_by: None,
    };
    Some(Object::Entry(match hit {
        Metadata::File(file) => Entry {
            size: file.is_downloadable.then_some(file.size),
            modified: json::time(engine::entry::Modified {
                seconds: file.client_modified.0,
                nanoseconds: 0,
            }),
            content_hash: file.content_hash,
            rev: Some(file.rev.clone()),
            id: Some(file.id.clone()),
            ..entry(file.path_display.as_deref(), Kind::File)
        },
        Metadata::Folder(folder) => Entry {
            id: folder.id.clone(),
            ..entry(folder.path_display.as_deref(), Kind::Folder)
        },
        Metadata::Deleted(_) | Metadata::Unknown => return None,
    }))
}
