//! `watch`: changes as they happen.

use shared::{api::files::Metadata, exit, failure::Failure};

use super::{App, failed_or_missing, remote, shown};
use stores::Place;

use crate::report::{
    self,
    json::{self, Change, ChangeKind, Kind, Object},
};

/// The arguments of `watch`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Ends with Ctrl-C, or after --count changes.\n\nExample: node-tool watch dbx:inbox")]
pub struct Args {
    /// The folder to watch: NAME:path
    #[arg(value_parser = crate::commands::place())]
    path: String,
    /// End after N changes
    #[arg(long, value_name = "N")]
    count: Option<u64>,
}

/// The pause after an empty page that promises more.
const IDLE_PAGE: std::time::Duration = std::time::Duration::from_secs(1);

/// Prints one line per change: `+` for what is there now, `-` for what is gone, folders with a slash.
///
/// # Errors
/// When the folder isn't there or Dropbox can't be asked.
pub async fn run(args: &Args, app: &App) -> Result<u8, Failure> {
    let (side, client, path) = remote(&args.path, app)?;
    let fail = failed_or_missing("watch", &side, exit::DIRECTORY_NOT_FOUND);
    let mut cursor = client.latest_cursor(&path).await.map_err(fail)?;
    report::note(&format!("watching '{}' (Ctrl-C ends it)", side));
    let slash = client.slash().await;
    let mut count = 0;
    loop {
        if !client.wait_for_change(&cursor).await.map_err(fail)? {
            continue;
        }
        loop {
            let page = match client.changes(cursor.clone()).await {
                Ok(page) => page,
                Err(error) if error.is_reset() => {
                    report::warn("Dropbox lost its place; some changes may not have been reported");
                    cursor = client.latest_cursor(&path).await.map_err(fail)?;
                    break;
                }
                Err(error) => return Err(fail(error)),
            };
            cursor = page.cursor;
            for odd in &page.odd {
                let path = odd.path.as_deref().unwrap_or("a change without a name");
                report::warn(&format!("left out '{path}': {}", odd.reason));
            }
            let is_idle = page.entries.is_empty() && page.odd.is_empty();
            for change in &page.entries {
                let Some(line) = line(change, &side, slash) else {
                    continue;
                };
                match object(change, &side, slash).filter(|_| json::is_on()) {
                    Some(object) => json::print(&Object::Change(object))?,
                    None => report::results(std::iter::once(line))?,
                }
                count += 1;
                if args.count.is_some_and(|most| count >= most) {
                    return Ok(exit::SUCCESS);
                }
            }
            if !page.has_more {
                break;
            }
            if is_idle {
                tokio::time::sleep(IDLE_PAGE).await; // it promises more and brings nothing
            }
        }
    }
}

fn line(change: &Metadata, side: &Place, slash: &str) -> Option<String> {
    let shown = |path: Option<&str>| shown(slash, side, path);
    match change {
        Metadata::File(file) => Some(format!("+ {}", shown(file.path_display.as_deref()))),
        Metadata::Folder(folder) => Some(format!("+ {}/", shown(folder.path_display.as_deref()))),
        Metadata::Deleted(deleted) => Some(format!("- {}", shown(deleted.path_lower.as_deref()))),
        Metadata::Unknown => None,
    }
}

fn object(change: &Metadata, side: &Place, slash: &str) -> Option<Change> {
    let of = |path: Option<&str>, change, kind| Change {
        change,
        path: shown(slash, side, path),
        kind,
        size: None,
        rev: None,
        content_hash: None,
    };
    Some(match change {
        Metadata::File(file) => Change {
            size: file.is_downloadable.then_some(file.size),
            rev: Some(file.rev.clone()),
            content_hash: file.content_hash,
            ..of(file.path_display.as_deref(), ChangeKind::There, Some(Kind::File))
        },
        Metadata::Folder(folder) => of(
            folder.path_display.as_deref(),
            ChangeKind::There,
            Some(Kind::Folder),
        ),
        Metadata::Deleted(deleted) => of(deleted.path_lower.as_deref(), ChangeKind::Gone, None),
        Metadata::Unknown => return None,
    })
}
