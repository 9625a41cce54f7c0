//! `--links`, `--copy-links` and `--skip-links` of the verbs that list or compare, so that what was copied with them can be
//! listed and checked.

use engine::listing::{Listing, Symlinks};

/// Flags for symlinks.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
#[group(skip)]
#[command(next_help_heading = "Symlinks")]
pub struct SymlinkFlags {
    /// Show local symlinks as files whose names end in .rclonelink and which hold where they point
    #[arg(short = 'l', long, conflicts_with_all = ["copy_links", "skip_links"])]
    links: bool,
    /// Follow local symlinks
    #[arg(short = 'L', long, conflicts_with = "skip_links")]
    copy_links: bool,
    /// Skip local symlinks without a warning
    #[arg(long)]
    skip_links: bool,
}

impl SymlinkFlags {
    /// Returns what to do about symlinks.
    pub fn symlinks(self) -> Symlinks {
        match (self.links, self.copy_links, self.skip_links) {
            (true, ..) => Symlinks::Translate,
            (_, true, _) => Symlinks::Follow,
            (.., true) => Symlinks::Skip,
            _ => Symlinks::Report,
        }
    }
}

/// Logs what was left out of a listing and is no error, as rclone does.
pub fn log_skipped(found: &Listing) {
    for left_out in &found.skipped {
        tracing::warn!(object = %left_out.path, "skipped, {}", left_out.reason);
    }
}
