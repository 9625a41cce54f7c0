//! One file's metadata, its bytes, its past, and the search by name.

use std::ops::Range;

use dropbox_sdk::types::files::{
    DownloadError, ExportError, ExportMetadata, ExportResult, FileMetadata, GetMetadataError,
    ListRevisionsError, ListRevisionsResult, LookupError, Metadata,
};
use serde_json::{Value, json};

use super::super::answer::{Failure, Reply, wire};
use super::super::content::Content;
use super::super::metadata::EXPORTS;
use super::super::names::{self, Anchor};
use super::super::state::{Call, State};
use super::super::tree::{Found, Ns};
use super::{flag, lookup, text};

/// What a download answers: metadata for the header, bytes for the body.
#[derive(Debug)]
pub struct Download {
    /// The header's JSON.
    pub result: Value,
    /// The whole file.
    pub content: Content,
    /// For the `ETag`.
    pub tag: String,
    /// Made on the way: of unknown length, and without ranges.
    pub is_archive: bool,
}

/// `files/get_metadata`.
pub fn get_metadata(state: &State, call: &Call, arg: &Value) -> Reply {
    let path = text(arg, "path");
    let refuse = |error| Failure::route(&GetMetadataError::Path(error));
    if let Some(rev) = path.strip_prefix("rev:") {
        let revision = state.kept_revision(call, rev);
        let revision = revision.ok_or_else(|| refuse(LookupError::NotFound))?;
        return wire(&Metadata::File(state.shower(call).revision(revision)));
    }
    match lookup(state, call, path) {
        Ok(id) => match state.shower(call).node(id) {
            Some(found) => wire(&found),
            None => Err(Failure::Bad("path: The root folder is unsupported.".into())),
        },
        Err(LookupError::NotFound) if flag(arg, "include_deleted") => {
            let gone = gone(state, call, path).ok_or_else(|| refuse(LookupError::NotFound))?;
            wire(&Metadata::Deleted(gone))
        }
        Err(error) => Err(refuse(error)),
    }
}

fn gone(state: &State, call: &Call, path: &str) -> Option<dropbox_sdk::types::files::DeletedMetadata> {
    let (ns, path) = own_path(state, call, path)?;
    let gone = state.tree.gone.get(&(ns, path.clone()))?;
    if !state.is_kept(gone.at, call.now) {
        return None;
    }
    state.shower(call).gone(ns, &path, &gone.display)
}

/// The namespace and folded path in it of a path from the root, whether something is there or not.
pub fn own_path(state: &State, call: &Call, path: &str) -> Option<(Ns, String)> {
    let parsed = names::parse(path)
        .ok()
        .filter(|parsed| parsed.anchor == Anchor::Root)?;
    match state.tree.walk(call.view, &parsed) {
        Found::Node(id) => Some((state.tree.node(id)?.ns, state.tree.own_path(id).0)),
        Found::Missing { folder, rest } => {
            let inside = state.tree.inside(folder);
            let below: String = rest
                .iter()
                .map(|name| format!("/{}", names::folded(name)))
                .collect();
            Some((
                state.tree.node(inside)?.ns,
                state.tree.own_path(inside).0 + &below,
            ))
        }
        // What was below a folder in whose place a file is now.
        Found::ThroughFile => {
            let (above, name) = path.trim_end_matches('/').rsplit_once('/')?;
            let (ns, above) = own_path(state, call, above)?;
            Some((ns, format!("{above}/{}", names::folded(name))))
        }
        Found::Nowhere => None,
    }
}

/// `files/download`.
pub fn download(state: &State, call: &Call, arg: &Value) -> Result<Download, Failure> {
    let refuse = |error| Failure::route(&DownloadError::Path(error));
    if arg.get("rev").is_some() {
        return Err(Failure::Bad(
            "rev: this parameter is deprecated, use a path of the form rev:…".into(),
        ));
    }
    let path = text(arg, "path");
    let (file, data) = if let Some(rev) = path.strip_prefix("rev:") {
        let revision = state.kept_revision(call, rev);
        let revision = revision.ok_or_else(|| refuse(LookupError::NotFound))?;
        (state.shower(call).revision(revision), &revision.data)
    } else {
        let id = lookup(state, call, path).map_err(refuse)?;
        let data = state.tree.file(id).ok_or_else(|| refuse(LookupError::NotFile))?;
        let file = state
            .shower(call)
            .file(id)
            .ok_or_else(|| refuse(LookupError::NotFile))?;
        (file, data)
    };
    if data.document {
        return Err(Failure::route(&DownloadError::UnsupportedFile));
    }
    Ok(Download {
        result: wire(&file)?,
        content: data.content.clone(),
        tag: data.rev.clone(),
        is_archive: false,
    })
}

/// `files/export`.
pub fn export(state: &State, call: &Call, arg: &Value) -> Result<Download, Failure> {
    let refuse = |error| Failure::route(&ExportError::Path(error));
    let id = lookup(state, call, text(arg, "path")).map_err(refuse)?;
    let data = state.tree.file(id).ok_or_else(|| refuse(LookupError::NotFile))?;
    let file: FileMetadata = state
        .shower(call)
        .file(id)
        .ok_or_else(|| refuse(LookupError::NotFile))?;
    if !data.document {
        return Err(Failure::route(&ExportError::NonExportable));
    }
    let format = arg["export_format"].as_str().unwrap_or(EXPORTS[0]);
    if !EXPORTS.contains(&format) {
        return Err(Failure::route(&ExportError::InvalidExportFormat));
    }
    let suffix = if format == "markdown" { "md" } else { "html" };
    let name = format!("{}.{suffix}", file.name.trim_end_matches(".paper"));
    let metadata = ExportMetadata::new(name, data.content.len()).with_export_hash(data.hash.clone());
    let result = ExportResult::new(metadata, file);
    Ok(Download {
        result: wire(&result)?,
        content: data.content.clone(),
        tag: data.rev.clone(),
        is_archive: false,
    })
}

/// What a Range header asks of `size` bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Everything: no range, or one that isn't understood.
    All,
    /// These bytes.
    Part(Range<u64>),
    /// None of them exist.
    Nothing,
}

/// Reads a Range header of one range (RFC 9110 §14.1.2).
pub fn range(header: Option<&str>, size: u64) -> Asked {
    let Some((first, last)) = header
        .and_then(|text| text.strip_prefix("bytes="))
        .and_then(|r| r.split_once('-'))
    else {
        return Asked::All;
    };
    match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(a), _) if a >= size => Asked::Nothing,
        (Ok(a), Ok(b)) if a <= b => Asked::Part(a..size.min(b + 1)),
        (Ok(a), Err(_)) if last.is_empty() => Asked::Part(a..size),
        (Err(_), Ok(n)) if first.is_empty() && n > 0 && size > 0 => Asked::Part(size.saturating_sub(n)..size),
        (Err(_), Ok(_)) if first.is_empty() => Asked::Nothing,
        _ => Asked::All,
    }
}

/// `files/list_revisions`.
pub fn revisions(state: &State, call: &Call, arg: &Value) -> Reply {
    let refuse = |error| Failure::route(&ListRevisionsError::Path(error));
    let path = text(arg, "path");
    let found = lookup(state, call, path);
    let is_file = found.as_ref().is_ok_and(|id| !state.tree.is_folder(*id));
    let place = match &found {
        Ok(_) if !is_file => return Err(refuse(LookupError::NotFile)),
        Ok(id) => state
            .tree
            .node(*id)
            .map(|node| (node.ns, state.tree.own_path(*id).0)),
        Err(_) => own_path(state, call, path),
    };
    let place = place.ok_or_else(|| refuse(LookupError::NotFound))?;
    if !is_file && state.tree.gone.get(&place).is_some_and(|gone| gone.is_folder) {
        return Err(refuse(LookupError::NotFile));
    }
    let before = arg["before_rev"].as_str();
    let past = match (&found, text(&arg["mode"], ".tag")) {
        (Ok(id), "id") if before.is_none() => state.past_of_file(*id, call.now),
        (_, "id") if before.is_some() => {
            return Err(Failure::route(&ListRevisionsError::BeforeRevNotSupported));
        }
        _ => state
            .past_of_path(&place, before, call.now)
            .ok_or_else(|| Failure::route(&ListRevisionsError::InvalidBeforeRev))?,
    };
    if past.revisions.is_empty() && before.is_none() {
        return Err(refuse(LookupError::NotFound));
    }
    let limit = arg["limit"]
        .as_u64()
        .and_then(|n| usize::try_from(n).ok())
        .unwrap_or(10);
    let shown = past.revisions.iter().take(limit);
    let entries: Vec<FileMetadata> = shown
        .map(|revision| {
            let shown = state.shower(call).revision(revision);
            match flag(arg, "include_restorable_info") {
                true => shown.with_is_restorable(true), // what isn't restorable isn't kept
                false => shown,
            }
        })
        .collect();
    let result = ListRevisionsResult::new(past.deleted.is_some(), entries, past.revisions.len() > limit);
    let mut out = wire(&result)?;
    if let Some(at) = past.deleted {
        out["server_deleted"] = json!(super::super::clock::stamp(at));
    }
    Ok(out)
}

/// `files/search_v2`: by name only.
pub fn search(state: &State, call: &Call, arg: &Value) -> Reply {
    let query = names::folded(text(arg, "query"));
    let options = &arg["options"];
    let top = lookup(state, call, options["path"].as_str().unwrap_or_default())
        .map_err(|error| Failure::route(&dropbox_sdk::types::files::SearchError::Path(error)))?;
    let max = options["max_results"]
        .as_u64()
        .and_then(|n| usize::try_from(n).ok())
        .unwrap_or(100);
    let hits = state.tree.below(top, true).into_iter().filter(|id| {
        state
            .tree
            .node(*id)
            .is_some_and(|node| node.key.contains(&query) && node.parent.is_some())
    });
    let mut matches = Vec::new();
    for id in hits.take(max) {
        let Some(found) = state.shower(call).node(id) else {
            continue;
        };
        matches.push(json!({
            "match_type": {".tag": "filename"},
            "metadata": {".tag": "metadata", "metadata": wire(&found)?},
        }));
    }
    Ok(json!({"matches": matches, "has_more": false}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_http_says() {
        let cases = [
            (None, Asked::All),
            (Some("bytes=0-4"), Asked::Part(0..5)),
            (Some("bytes=5-"), Asked::Part(5..10)),
            (Some("bytes=8-100"), Asked::Part(8..10)),
            (Some("bytes=-3"), Asked::Part(7..10)),
            (Some("bytes=10-"), Asked::Nothing),
            (Some("bytes=4-2"), Asked::All),
            (Some("lines=1-2"), Asked::All),
        ];
        for (header, expected) in cases {
            assert_eq!(range(header, 10), expected, "{header:?}");
        }
        assert_eq!(range(Some("bytes=0-"), 0), Asked::Nothing);
    }
}
