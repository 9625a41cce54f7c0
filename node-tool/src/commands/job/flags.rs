//! The flags of everything that moves files, named as rclone's.

use std::time::Duration;

use shared::{duration, failure::Failure};

use engine::{
    filter::Size,
    listing::Symlinks,
    plan::{BackupNames, CompareBy, Order, Rules},
};

use crate::flags::filter::FilterFlags;

/// The flags that all of them share.
#[derive(Clone, Debug, Default, clap::Args)]
#[group(skip)]
pub struct Flags {
    /// Show what would be done, and do nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// With --dry-run: print the plan as JSON, an object a line
    #[arg(long, requires = "dry_run")]
    pub json: bool,
    /// Ask before each step
    #[arg(short, long, conflicts_with = "dry_run")]
    pub interactive: bool,
    /// Show how far it is
    #[arg(short = 'P', long)]
    pub progress: bool,
    /// Compare by size and content hash, not by time
    #[arg(short, long, help_heading = "Comparing", conflicts_with_all = ["size_only", "ignore_times"])]
    pub checksum: bool,
    /// Compare by size alone
    #[arg(long, help_heading = "Comparing", conflicts_with = "ignore_times")]
    pub size_only: bool,
    /// Don't compare: copy everything
    #[arg(short = 'I', long, help_heading = "Comparing")]
    pub ignore_times: bool,
    /// Leave files that are newer in the target
    #[arg(short, long, help_heading = "Comparing")]
    pub update: bool,
    /// Leave all files that are in the target
    #[arg(long, help_heading = "Comparing")]
    pub ignore_existing: bool,
    /// Copy only files that are in the target already
    #[arg(long, alias = "ignore-non-existing", help_heading = "Comparing")]
    pub existing: bool,
    /// Fail for files that are in the target and differ
    #[arg(long, help_heading = "Comparing")]
    pub immutable: bool,
    /// Replace files of the target even if somebody has changed them since they were listed
    #[arg(long, help_heading = "Comparing")]
    pub overwrite_newer: bool,
    /// Download each small file by itself, never a folder of them as one zip
    #[arg(long)]
    pub no_zip: bool,
    /// Make empty folders too
    #[arg(long)]
    pub create_empty_src_dirs: bool,
    /// Keep symlinks: in Dropbox they are files that end in .rclonelink
    #[arg(short = 'l', long, conflicts_with_all = ["copy_links", "skip_links"])]
    pub links: bool,
    /// Follow symlinks and copy what they lead to
    #[arg(short = 'L', long, conflicts_with = "skip_links")]
    pub copy_links: bool,
    /// Leave symlinks out without a word
    #[arg(long)]
    pub skip_links: bool,
    /// Write through symlinks of a local target that lead to folders elsewhere, as long as they lead to the same ones; sync
    /// deletes there too
    #[arg(short = 'K', long, conflicts_with = "links")]
    pub keep_dirlinks: bool,
    /// Move what is replaced or deleted into this folder, on the same side as DEST
    #[arg(long, value_name = "DIR", value_parser = crate::commands::place())]
    pub backup_dir: Option<String>,
    /// Keep what is replaced or deleted under its name with SUFFIX appended
    #[arg(long, value_name = "SUFFIX", allow_hyphen_values = true)]
    pub suffix: Option<String>,
    /// Put the suffix before the file's extension
    #[arg(long, requires = "suffix")]
    pub suffix_keep_extension: bool,
    /// Stop before more than SIZE is copied (exit code 8)
    #[arg(long, value_name = "SIZE")]
    pub max_transfer: Option<Size>,
    /// Stop after this long, such as 90s or 1h30m (exit code 10)
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub max_duration: Option<Duration>,
    /// In which order: size, name or modtime; with ',descending' the other way round
    #[arg(long, value_name = "ORDER", value_parser = clap::value_parser!(Order))]
    pub order_by: Option<Order>,
    /// Exit with 9 if nothing had to be copied
    #[arg(long)]
    pub error_on_no_transfer: bool,
    #[command(flatten)]
    pub filter: FilterFlags,
}

impl Flags {
    /// Which files are copied.
    pub fn rules(&self) -> Rules {
        let by = match (self.checksum, self.size_only, self.ignore_times) {
            (true, ..) => CompareBy::Checksum,
            (_, true, _) => CompareBy::SizeOnly,
            (.., true) => CompareBy::Nothing,
            _ => CompareBy::SizeAndTime,
        };
        Rules {
            by,
            update: self.update,
            ignore_existing: self.ignore_existing,
            existing: self.existing,
            immutable: self.immutable,
            proves: false,
        }
    }

    /// What to do about symlinks.
    pub fn symlinks(&self) -> Symlinks {
        match (self.links, self.copy_links, self.skip_links) {
            (true, ..) => Symlinks::Translate,
            (_, true, _) => Symlinks::Follow,
            (.., true) => Symlinks::Skip,
            _ => Symlinks::Report,
        }
    }

    /// What to do about symlinks of the target.
    pub fn symlinks_of_target(&self) -> Symlinks {
        match self.keep_dirlinks {
            true => Symlinks::Enter,
            false => self.symlinks().in_target(),
        }
    }

    /// Returns the names of what is kept.
    pub fn backup_names(&self) -> BackupNames {
        BackupNames {
            suffix: self.suffix.clone().unwrap_or_default(),
            keeps_extension: self.suffix_keep_extension,
        }
    }

    /// Whether what is kept gets a suffix; an empty one is none.
    pub fn has_suffix(&self) -> bool {
        self.suffix.as_deref().is_some_and(|suffix| !suffix.is_empty())
    }
}

/// What only `sync` takes.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct SyncFlags {
    /// Delete nothing if more than N files would have to be
    #[arg(long, value_name = "N")]
    pub max_delete: Option<u64>,
    /// Also delete what the filters leave out
    #[arg(long)]
    pub delete_excluded: bool,
    /// Rename in the target what was renamed in the source, instead of copying it
    #[arg(long)]
    pub track_renames: bool,
    /// Don't ask before deleting
    #[arg(short, long)]
    pub yes: bool,
}

/// What only `move` takes.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub struct MoveFlags {
    /// Remove folders of the source that are empty afterwards
    #[arg(long)]
    pub delete_empty_src_dirs: bool,
}

/// Flags that contradict each other in a way that clap can't see.
///
/// # Errors
/// Names them.
pub fn check(flags: &Flags) -> Result<(), Failure> {
    match &flags.suffix {
        Some(suffix) if suffix.contains('/') => Err(Failure::usage("--suffix can't hold a slash")
            .hint("--backup-dir DIR keeps files in another folder")),
        _ => Ok(()),
    }
}
