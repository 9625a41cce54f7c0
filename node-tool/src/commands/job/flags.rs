//! The flags of everything that moves files, named as rclone's.

use std::{path::PathBuf, time::Duration};

use clap::ArgAction;
use shared::{duration, failure::Failure};

use engine::{
    digest::Algorithm,
    filter::Size,
    listing::Symlinks,
    plan::{BackupNames, CompareBy, Cutoff, Order, Rules, Tolerance},
};

use crate::{commands::look::check::outputs::OutputFlags, flags::filter::FilterFlags, report::json};

/// Flags of every command that copies.
#[derive(Clone, Debug, Default, clap::Args)]
#[group(skip)]
pub struct Flags {
    /// Show what would be done, without doing it
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Write the plan into the folder DIR instead of carrying it out: 'node-tool run DIR' does, also in several processes
    #[arg(long, value_name = "DIR", conflicts_with_all = ["dry_run", "interactive", "max_transfer", "max_duration", "keep_dirlinks", "report", "digest", "metadata"])]
    pub plan_out: Option<PathBuf>,
    /// Ask before each step
    #[arg(short, long, conflicts_with = "dry_run")]
    pub interactive: bool,
    /// Download each small file on its own, never a folder of them as one zip
    #[arg(long)]
    pub no_zip: bool,
    /// Make empty folders too
    #[arg(long)]
    pub create_empty_src_dirs: bool,
    /// Keep permissions: in Dropbox they are in a small file for each folder, .node-tool-modes.json
    #[arg(short = 'M', long)]
    pub metadata: bool,
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
    /// Times that are less than DURATION apart are the same [default: 1s, as exact as Dropbox's]
    #[arg(long, help_heading = "Comparing", value_name = "DURATION", value_parser = duration::parse_as_rclone)]
    pub modify_window: Option<Duration>,
    /// Don't compare sizes: the time decides, or the hash
    #[arg(long, help_heading = "Comparing", conflicts_with = "size_only")]
    pub ignore_size: bool,
    /// Copy everything, as --ignore-times does; the target is listed all the same, so that nothing unseen is replaced
    #[arg(long, help_heading = "Comparing", conflicts_with_all = ["checksum", "size_only"])]
    pub no_check_dest: bool,
    /// Where only the time differs, leave it as it is
    #[arg(long, help_heading = "Comparing")]
    pub no_update_modtime: bool,
    /// In a local target, take names that differ only in letter case for the same; in Dropbox they are
    #[arg(long, help_heading = "Comparing")]
    pub ignore_case_sync: bool,
    /// Don't copy what is the same in DIR, a folder on the same side as DEST; may be repeated
    #[arg(long, help_heading = "Comparing", value_name = "DIR", conflicts_with = "copy_dest", value_parser = crate::commands::place())]
    pub compare_dest: Vec<String>,
    /// Like --compare-dest, but have the server copy it from DIR to DEST
    #[arg(long, help_heading = "Comparing", value_name = "DIR", value_parser = crate::commands::place())]
    pub copy_dest: Vec<String>,
    #[command(flatten)]
    pub filter: FilterFlags,
    /// Keep symlinks: in Dropbox they are files whose names end in .rclonelink
    #[arg(short = 'l', long, alias = "local-links", help_heading = "Symlinks", conflicts_with_all = ["copy_links", "skip_links"])]
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
    /// Whether the file that would exceed --max-transfer is left out (cautious, hard) or the last one (soft)
    #[arg(long, help_heading = "Limits", value_name = "MODE", ignore_case = true, value_parser = ["hard", "soft", "cautious"])]
    pub cutoff_mode: Option<String>,
    /// Stop after this long, such as 90s or 1h30m (exit code 10)
    #[arg(long, help_heading = "Limits", value_name = "DURATION", value_parser = duration::parse_as_rclone)]
    pub max_duration: Option<Duration>,
    /// If something failed for a reason that may pass, do it all again, at most N times in all [default: 1; each call is tried
    /// --low-level-retries times anyway]
    #[arg(long, help_heading = "Limits", value_name = "N")]
    pub retries: Option<u32>,
    /// Wait this long before doing it again
    #[arg(long, help_heading = "Limits", value_name = "DURATION", value_parser = duration::parse_as_rclone)]
    pub retries_sleep: Option<Duration>,
    /// Write a receipt to FILE: size, revision and hash of each file that is in DEST, as JSON lines; 'check --checkfile' reads it
    #[arg(
        long,
        help_heading = "Output",
        value_name = "FILE",
        conflicts_with = "dry_run"
    )]
    pub report: Option<PathBuf>,
    /// Add these digests to the receipt, computed as the bytes pass: md5, sha1, sha256, sha512, crc32
    #[arg(long, help_heading = "Output", value_name = "LIST", value_delimiter = ',', requires = "report", action = ArgAction::Set,
          value_parser = clap::value_parser!(Algorithm))]
    pub digest: Vec<Algorithm>,
    /// Show progress
    #[arg(short = 'P', long, help_heading = "Output")]
    pub progress: bool,
    #[command(flatten)]
    pub lists: OutputFlags,
}

impl Flags {
    /// Returns the rules by which files are copied.
    pub fn rules(&self) -> Rules {
        let copies_all = self.ignore_times || self.no_check_dest;
        let by = match (self.checksum, self.size_only, copies_all) {
            (true, ..) => CompareBy::Checksum,
            (_, true, _) => CompareBy::SizeOnly,
            (.., true) => CompareBy::Nothing,
            _ => CompareBy::SizeAndTime,
        };
        Rules {
            by,
            tolerance: self.tolerance(),
            update: self.update,
            ignore_existing: self.ignore_existing,
            existing: self.existing,
            immutable: self.immutable,
            proves: false,
        }
    }

    /// Returns what counts as the same size and time. Times are never more exact than Dropbox's.
    fn tolerance(&self) -> Tolerance {
        let usual = Tolerance::default();
        Tolerance {
            window: self.modify_window.unwrap_or_default().max(usual.window),
            ignores_size: self.ignore_size,
        }
    }

    /// Returns how long a run may take. `None` means no limit; as in rclone, so does 0.
    pub fn max_duration(&self) -> Option<Duration> {
        self.max_duration.filter(|duration| !duration.is_zero())
    }

    /// Returns what happens to the file that would exceed `--max-transfer`.
    pub fn cutoff(&self) -> Cutoff {
        match self.cutoff_mode.as_deref() {
            Some(mode) if mode.eq_ignore_ascii_case("soft") => Cutoff::After,
            _ => Cutoff::Before,
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
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub max_delete: Option<i64>,
    /// Delete nothing if files of more than SIZE would be deleted
    #[arg(long, value_name = "SIZE")]
    pub max_delete_size: Option<Size>,
    /// Delete even if something could not be copied; where something could not be listed, nothing is deleted all the same
    #[arg(long)]
    pub ignore_errors: bool,
    /// Also delete files that the filters exclude
    #[arg(long, conflicts_with = "one_file_system")]
    pub delete_excluded: bool,
    /// Rename in the target what was renamed in the source, instead of copying it
    #[arg(long)]
    pub track_renames: bool,
    /// Don't ask before deleting
    #[arg(short, long, alias = "auto-confirm")]
    pub yes: bool,
}

impl SyncFlags {
    /// Returns the maximum number of files that may be deleted. `None` means no limit; as in rclone, so does -1.
    pub fn max_delete(&self) -> Option<u64> {
        self.max_delete.and_then(|max| u64::try_from(max).ok())
    }
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
    if flags.interactive && json::is_on() {
        return Err(Failure::usage(
            "--interactive asks a person, and --json is for programs",
        ));
    }
    if flags.plan_out.is_some() && flags.lists.is_any() {
        return Err(
            Failure::usage("a plan that is only written has no lists of files")
                .hint("--combined and its kin go with a run, or with --dry-run"),
        );
    }
    match &flags.suffix {
        Some(suffix) if suffix.contains('/') => Err(Failure::usage("--suffix can't hold a slash")
            .hint("--backup-dir DIR keeps files in another folder")),
        _ => Ok(()),
    }
}
