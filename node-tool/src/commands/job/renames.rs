//! `--track-renames`: a new file of the source that has the content of one that would be deleted is renamed.

use std::collections::HashMap;

use shared::content_hash::ContentHash;

use super::Places;
use crate::{
    local::{hash_file, link::ENDING as LINK_ENDING},
    plan::{Action, Plan, Rename},
    raw,
    side::Side,
    tree::{Entry, FileInfo},
};

/// Finds them, and takes them out of what is copied and deleted. If the target has `links`, those that travel as files are made
/// anew: there they have other names.
pub(super) async fn find(plan: &mut Plan, places: &Places, links: bool) {
    let is_link = |path: &str| links && path.ends_with(LINK_ENDING);
    let mut by_size: HashMap<u64, Vec<Entry>> = HashMap::new();
    for entry in &plan.deletes {
        if let Some(file) = entry.file().filter(|_| !is_link(&entry.path)) {
            by_size.entry(file.size_bytes).or_default().push(entry.clone());
        }
    }
    let mut left: Vec<Action> = Vec::new();
    for action in std::mem::take(&mut plan.actions) {
        let candidates = by_size
            .get_mut(&action.source.size_bytes)
            .filter(|_| action.over.is_none() && !is_link(&action.to));
        let found = match candidates {
            Some(candidates) if !candidates.is_empty() => same_content(&action, candidates, places).await,
            _ => None,
        };
        match found {
            Some(entry) => plan.renames.push(Rename {
                entry,
                to: action.to,
                source: action.source,
            }),
            None => left.push(action),
        }
    }
    plan.actions = left;
    let renamed: std::collections::HashSet<&str> = plan
        .renames
        .iter()
        .map(|rename| rename.entry.path.as_str())
        .collect();
    plan.deletes
        .retain(|entry| !renamed.contains(entry.path.as_str()));
}

/// Takes the first of `candidates` that has the action's content.
async fn same_content(action: &Action, candidates: &mut Vec<Entry>, places: &Places) -> Option<Entry> {
    let wanted = hash(&places.from, &action.from, &action.source).await?;
    for at in 0..candidates.len() {
        let file = candidates[at].file()?.clone();
        if hash(&places.to, &candidates[at].path, &file).await == Some(wanted) {
            return Some(candidates.remove(at));
        }
    }
    None
}

async fn hash(side: &Side, path: &str, file: &FileInfo) -> Option<ContentHash> {
    if let Some(known) = file.known_hash() {
        return Some(known);
    }
    let Side::Local(root) = side else { return None };
    let path = raw::join(root, path);
    tokio::task::spawn_blocking(move || hash_file(&path))
        .await
        .ok()?
        .ok()
}
