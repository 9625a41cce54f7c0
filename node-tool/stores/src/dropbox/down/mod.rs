//! Downloads: `download` sorts files by the way they are fetched, `ranges` fetches a file in parts of one pinned revision,
//! which `in_order` digests if that is asked for,
//! `zips` a whole folder of small files that `zip_groups` has chosen.

mod arrival;
mod content;
mod download;
mod in_order;
mod ranges;
mod zip_groups;
mod zips;

pub(super) use content::{Content, Wanted};
pub(super) use download::{DownloadFrom, download};
pub(super) use zip_groups::FolderTotals;
