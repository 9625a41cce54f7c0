//! Downloads: `download` sorts files by the way they are fetched, `ranges` fetches a file in parts of one pinned revision,
//! `zips` a whole folder of small files that `zip_groups` has chosen.

mod arrival;
mod download;
mod ranges;
mod zip_groups;
mod zips;

pub(super) use download::{DownloadFrom, download};
pub(super) use zip_groups::FolderTotals;
