//! What stands at a place: `ls` and its kin. Here is what they share: the place, the filters, and what could not be listed.

pub mod hashsum;
pub mod ls;
pub mod lsf;
pub mod lsjson;
pub mod size;
pub mod tree;

use shared::{exit, failure::Failure};

use super::{App, missing, side_failure};
use crate::{
    filter,
    local::Symlinks,
    report,
    report::format::Item,
    side::{Side, What},
    tree::{Entry, Modified},
};

/// A place, and what of it is of interest.
#[derive(Debug, clap::Args)]
pub struct Place {
    /// What to look at: NAME:path, or a local folder
    path: String,
    #[command(flatten)]
    filter: filter::Flags,
}

/// What was found.
pub(super) struct Listing {
    pub side: Side,
    pub what: What,
    /// Sorted by path.
    pub entries: Vec<Entry>,
    /// Whether something could not be listed.
    is_cut: bool,
}

impl Place {
    /// Lists it; without `recursive` no deeper than the folder itself.
    ///
    /// # Errors
    /// When there is nothing, or it can't be listed at all.
    pub(super) async fn list(&self, recursive: bool, app: &App) -> Result<Listing, Failure> {
        let mut filter = self.filter.filter()?;
        if !recursive {
            filter = filter.no_deeper_than(1);
        }
        let side = app.side(&self.path)?;
        let found = side.look(&filter, Symlinks::Tell).await;
        let found = found.map_err(|e| side_failure("list", &side, &e))?;
        if found.what == What::Nothing {
            return Err(missing(&side));
        }
        for (path, reason) in &found.problems {
            report::warn(&format!("left out '{path}': {reason}"));
        }
        Ok(Listing {
            side,
            what: found.what,
            is_cut: !found.problems.is_empty(),
            entries: found.entries,
        })
    }
}

impl Listing {
    /// The exit code: something that could not be listed is an error.
    pub(super) fn code(&self) -> u8 {
        if self.is_cut { exit::ERROR } else { exit::SUCCESS }
    }

    /// As the formats show them, with hashes and types only if they are asked for. Dropbox keeps no times of folders: as in
    /// rclone, they get the present one.
    pub(super) fn items(&self, with_hash: bool, with_type: bool) -> Vec<Item> {
        let now = now();
        let item = |entry: &Entry| {
            let mut item = Item::from(entry);
            if with_type {
                item.mime_type = Some(mime_type(entry));
            }
            if !with_hash {
                item.hashes.clear();
            } else if item.hashes.is_empty() && entry.file().is_some() {
                item.hashes.extend(self.hash(entry));
            }
            if item.is_folder && item.modified.is_none() {
                item.modified = Some(now);
            }
            item
        };
        self.entries.iter().map(item).collect()
    }

    fn hash(&self, entry: &Entry) -> Option<(String, String)> {
        let Side::Local(root) = &self.side else {
            return None;
        };
        let path = if self.what == What::File {
            root.clone()
        } else {
            root.join(&entry.path)
        };
        let hash = crate::local::hash_file(&path).ok()?;
        Some(("dropbox".to_owned(), hash.to_string()))
    }
}

/// The present time.
pub fn now() -> Modified {
    let now = jiff::Timestamp::now();
    Modified {
        seconds: now.as_second(),
        nanoseconds: u32::try_from(now.subsec_nanosecond()).unwrap_or(0),
    }
}

fn mime_type(entry: &Entry) -> String {
    if entry.file().is_none() {
        return "inode/directory".into();
    }
    let guess = mime_guess::from_path(&entry.path).first_or_octet_stream();
    match guess.type_() {
        mime_guess::mime::TEXT => format!("{guess}; charset=utf-8"),
        _ => guess.to_string(),
    }
}
