//! The flags of everything that moves files, named as rclone's.

use std::time::Duration;

use shared::{duration, failure::Failure};

use engine::{
    filter::Size,
    listing::Symlinks,
    plan::{BackupNames, CompareBy, Order, Rules},
};

use crate::flags::filter::FilterFlags;

/// Flags of every command that copies.
#[derive(Clone, Debug, Default, clap::Args)]
#[group(skip)]
pub struct Flags {
    /// Show what would be done, without doing it
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// With --dry-run: print the plan as JSON, one object per line
    #[arg(long, requires = "dry_run")]
    pub json: bool,
    /// Ask before each step
    #[arg(short, long, conflicts_with = "dry_run")]
    pub interactive: bool,
    /// Download each small file on its own, never a folder of them as one zip
    #[arg(long)]
    pub no_zip: bool,
    /// Make empty folders too
    #[arg(long)]
    pub create_empty_src_dirs: bool,
    /// Copy files in this order: size, name or modtime, reversed with ',descending'
    #[arg(long, value_name = "ORDER", value_parser = clap::value_parser!(Order))]
    pub order_by: Option<Order>,
    /// Exit with 9 if nothing had to be copied
    #[arg(long)]
    pub error_on_no_transfer: bool,
    /// Compare by size and content hash, not by time
    #[arg(short, long, help_heading = "Comparing", conflicts_with_all = ["size_only", "ignore_times"])]
    pub checksum: bool,
    /// Compare by size only
    #[arg(long, help_heading = "Comparing", conflicts_with = "ignore_times")]
    pub size_only: bool,
    /// Don't compare: copy everything
    #[arg(short = 'I', long, help_heading = "Comparing")]
    pub ignore_times: bool,
    /// Skip files that are newer in the target
    #[arg(short, long, help_heading = "Comparing")]
    pub update: bool,
    /// Skip all files that are in the target
    #[arg(long, help_heading = "Comparing")]
    pub ignore_existing: bool,
    /// Copy only files that are in the target already
    #[arg(long, alias = "ignore-non-existing", help_heading = "Comparing")]
    pub existing: bool,
    /// Fail for files that are in the target and differ
    #[arg(long, help_heading = "Comparing")]
    pub immutable: bool,
    /// Replace files of the target even if they have changed since they were listed
    #[arg(long, help_heading = "Comparing")]
    pub overwrite_newer: bool,
    #[command(flatten)]
    pub filter: FilterFlags,
    /// Keep symlinks: in Dropbox they are files whose names end in .rclonelink
    #[arg(short = 'l', long, help_heading = "Symlinks", conflicts_with_all = ["copy_links", "skip_links"])]
    pub links: bool,
    /// Follow symlinks and copy what they point to
    #[arg(short = 'L', long, help_heading = "Symlinks", conflicts_with = "skip_links")]
    pub copy_links: bool,
    /// Skip symlinks without a warning
    #[arg(long, help_heading = "Symlinks")]
    pub skip_links: bool,
    /// Write through symlinks in a local target that point to folders elsewhere, as long as they point to the same ones;
    /// sync deletes there too
    #[arg(short = 'K', long, help_heading = "Symlinks", conflicts_with = "links")]
    pub keep_dirlinks: bool,
    /// Move what is replaced or deleted into this folder, on the same side as DEST
    #[arg(long, help_heading = "Backups", value_name = "DIR", value_parser = crate::commands::place())]
    pub backup_dir: Option<String>,
    /// Keep what is replaced or deleted under its name with SUFFIX appended
    #[arg(
        long,
        help_heading = "Backups",
        value_name = "SUFFIX",
        allow_hyphen_values = true
    )]
    pub suffix: Option<String>,
    /// Put the suffix before the file's extension
    #[arg(long, help_heading = "Backups", requires = "suffix")]
    pub suffix_keep_extension: bool,
    /// Stop before copying more than SIZE (exit code 8)
    #[arg(long, help_heading = "Limits", value_name = "SIZE")]
    pub max_transfer: Option<Size>,
    /// Stop after this long, such as 90s or 1h30m (exit code 10)
    #[arg(long, help_heading = "Limits", value_name = "DURATION", value_parser = duration::parse)]
    pub max_duration: Option<Duration>,
    /// Show progress
    #[arg(short = 'P', long, help_heading = "Output")]
    pub progress: bool,
}

impl Flags {
    /// Returns the rules by which files are copied.
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

    /// Returns what to do about symlinks of the source.
    pub fn symlinks(&self) -> Symlinks {
        match (self.links, self.copy_links, self.skip_links) {
            (true, ..) => Symlinks::Translate,
            (_, true, _) => Symlinks::Follow,
            (.., true) => Symlinks::Skip,
            _ => Symlinks::Report,
        }
    }

    /// Returns what to do about symlinks of the target.
    pub fn symlinks_of_target(&self) -> Symlinks {
        match self.keep_dirlinks {
            true => Symlinks::Enter,
            false => self.symlinks().in_target(),
        }
    }

    /// Returns how backups are named.
    pub fn backup_names(&self) -> BackupNames {
        BackupNames {
            suffix: self.suffix.clone().unwrap_or_default(),
            keeps_extension: self.suffix_keep_extension,
        }
    }

    /// Returns whether backups get a suffix; an empty one is none.
    pub fn has_suffix(&self) -> bool {
        self.suffix.as_deref().is_some_and(|suffix| !suffix.is_empty())
    }
}

/// Flags that only `sync` takes.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct SyncFlags {
    /// Delete nothing if more than N files would be deleted
    #[arg(long, value_name = "N")]
    pub max_delete: Option<u64>,
    /// Also delete files that the filters exclude
    #[arg(long)]
    pub delete_excluded: bool,
    /// Rename in the target what was renamed in the source, instead of copying it
    #[arg(long)]
    pub track_renames: bool,
    /// Don't ask before deleting
    #[arg(short, long)]
    pub yes: bool,
}

/// Flags that only `move` takes.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub struct MoveFlags {
    /// Remove folders of the source that are empty afterwards
    #[arg(long)]
    pub delete_empty_src_dirs: bool,
}

/// Checks for flags that contradict each other in ways that clap can't express.
///
/// # Errors
/// When flags contradict each other; names them.
pub fn check(flags: &Flags) -> Result<(), Failure> {
    match &flags.suffix {
        Some(suffix) if suffix.contains('/') => Err(Failure::usage("--suffix can't hold a slash")
            .hint("--backup-dir DIR keeps files in another folder")),
        _ => Ok(()),
    }
}
