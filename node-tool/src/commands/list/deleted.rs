//! What was deleted: `--deleted` of the commands that list.

use std::collections::HashMap;

use crate::client::Client;
use engine::entry::Entry;
use shared::{exit, failure::Failure};
use stores::Deleted;

use super::{App, PlaceArgs, mime_type, missing, place_failure};
use crate::{
    report,
    report::format::{Gone, Item},
};

/// Lists what was deleted from a place, and returns the exit code.
///
/// # Errors
/// When there never was such a folder, or it can't be listed.
pub(super) async fn list(place: &PlaceArgs, recursive: bool, app: &App) -> Result<(Vec<Item>, u8), Failure> {
    let mut filter = place.filter.filter()?;
    let recursive = recursive || place.filter.max_depth.is_some_and(|depth| depth > 1);
    if !recursive {
        filter = filter.no_deeper_than(1);
    }
    let side = app.place(&place.path)?;
    let Some(store) = side.dropbox() else {
        return Err(Failure::usage(format!(
            "'{side}' is on this machine; only Dropbox remembers what was deleted"
        )));
    };
    let found = store.deleted(recursive).await;
    let found = found.map_err(|e| place_failure("list", &side, &e))?;
    let Some((mut deleted, left_out)) = found else {
        return Err(match side.stat().await {
            Ok(Some(_)) => Failure::usage(format!("'{side}' is a file; --deleted lists what is in folders"))
                .next(format!("node-tool revisions {}", side.typed())),
            _ => missing(&side),
        });
    };
    report::left_out(&left_out)?;
    let entries: Vec<Entry> = deleted.iter().map(entry).collect();
    let mut selection = filter.selection(&entries).into_iter();
    deleted.retain(|_| selection.next().unwrap_or(false));
    let names = names(&deleted, store.client()).await;
    let items = deleted.iter().map(|deleted| item(deleted, &names)).collect();
    let code = match left_out.is_empty() {
        true => exit::SUCCESS,
        false => exit::FATAL_FOR_SOME,
    };
    Ok((items, code))
}

fn entry(deleted: &Deleted) -> Entry {
    match &deleted.last {
        Some(last) => Entry {
            path: deleted.path.clone(),
            ..last.clone()
        },
        None => Entry::folder(&*deleted.path),
    }
}

fn item(deleted: &Deleted, names: &HashMap<&str, String>) -> Item {
    let by = deleted.changed_by.as_deref();
    let last = entry(deleted);
    Item {
        mime_type: Some(mime_type(&last)),
        gone: Some(Gone {
            at: deleted.at,
            changed_by: by.map(|id| names.get(id).cloned().unwrap_or_else(|| id.to_owned())),
        }),
        ..Item::from(&last)
    }
}

/// Returns the names of the accounts that changed something last. A name that can't be had, for which the app needs sharing.read,
/// is no reason to fail.
async fn names<'a>(deleted: &'a [Deleted], client: &Client) -> HashMap<&'a str, String> {
    let mut names = HashMap::new();
    for id in deleted.iter().filter_map(|deleted| deleted.changed_by.as_deref()) {
        if names.contains_key(id) {
            continue;
        }
        match client.account_name(id).await {
            Ok(name) => names.insert(id, name),
            Err(error) => {
                tracing::info!("who '{id}' is can't be found out: {error}");
                break;
            }
        };
    }
    names
}
