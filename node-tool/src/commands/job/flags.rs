//! The flags of everything that moves files, named as rclone's.

use std::time::Duration;

use shared::{duration, failure::Failure};

use crate::{
    filter,
    local::Symlinks,
    plan::{By, Rules},
};

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
    pub max_transfer: Option<filter::Size>,
    /// Stop after this long, such as 90s or 1h30m (exit code 10)
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub max_duration: Option<Duration>,
    /// In which order: size, name or modtime; with ',descending' the other way round
    #[arg(long, value_name = "ORDER", value_parser = Order::parse)]
    pub order_by: Option<Order>,
    /// Exit with 9 if nothing had to be copied
    #[arg(long)]
    pub error_on_no_transfer: bool,
    #[command(flatten)]
    pub filter: filter::Flags,
}

impl Flags {
    /// Which files are copied.
    pub fn rules(&self) -> Rules {
        let by = match (self.checksum, self.size_only, self.ignore_times) {
            (true, ..) => By::Checksum,
            (_, true, _) => By::SizeOnly,
            (.., true) => By::Nothing,
            _ => By::SizeAndTime,
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
            _ => Symlinks::Tell,
        }
    }

    /// What to do about symlinks of the target.
    pub fn symlinks_of_target(&self) -> Symlinks {
        match self.keep_dirlinks {
            true => Symlinks::Enter,
            false => self.symlinks().in_target(),
        }
    }

    /// What is appended to the name of what is kept; an empty suffix is none.
    pub fn suffix(&self) -> Option<&str> {
        self.suffix.as_deref().filter(|suffix| !suffix.is_empty())
    }

    /// Returns the path under which a file is kept that is replaced or deleted.
    pub fn kept_name(&self, path: &str) -> String {
        let Some(suffix) = self.suffix() else {
            return path.to_owned();
        };
        let (stem, extensions) = self.around_suffix(path);
        format!("{stem}{suffix}{extensions}")
    }

    /// Whether a path is one that [`Flags::kept_name`] could have returned.
    pub fn is_kept_name(&self, path: &str) -> bool {
        let Some(suffix) = self.suffix() else { return false };
        let (stem, extensions) = self.around_suffix(path);
        let is_name = |before: &str| !before.is_empty() && !before.ends_with('/');
        let kept = |text: &str| text.strip_suffix(suffix).is_some_and(is_name);
        // What begins with a dot and keeps its extension has nothing else before the suffix.
        kept(path) || kept(stem) || !extensions.is_empty() && stem.ends_with(suffix)
    }

    /// Returns what is before the suffix and what is after it. With `--suffix-keep-extension` the latter is the extension, and
    /// those before it that are known as such: `.tar.gz`, as in rclone.
    fn around_suffix<'a>(&self, path: &'a str) -> (&'a str, &'a str) {
        let start = path.rfind('/').map_or(0, |at| at + 1);
        let mut cut = path.len();
        while self.suffix_keep_extension
            && let Some(dot) = path[start..cut].rfind('.').map(|at| start + at)
        {
            let is_first = cut == path.len();
            if !is_first && mime_guess::from_ext(&path[dot + 1..cut]).is_empty() {
                break;
            }
            cut = dot;
        }
        path.split_at(cut)
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

/// In which order files are copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    by: Key,
    is_descending: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    Size,
    Name,
    Time,
}

impl Order {
    fn parse(text: &str) -> Result<Self, String> {
        let (by, direction) = text.split_once(',').unwrap_or((text, "ascending"));
        let by = match by {
            "size" => Key::Size,
            "name" => Key::Name,
            "modtime" => Key::Time,
            _ => return Err("give size, name or modtime, and perhaps ',ascending' or ',descending'".into()),
        };
        match direction {
            "ascending" | "asc" => Ok(Self {
                by,
                is_descending: false,
            }),
            "descending" | "desc" => Ok(Self {
                by,
                is_descending: true,
            }),
            _ => Err(format!("'{direction}' is neither ascending nor descending")),
        }
    }

    /// Puts actions into this order.
    pub fn sort(self, actions: &mut [crate::plan::Action]) {
        actions.sort_by(|a, b| {
            let order = match self.by {
                Key::Size => a.source.size_bytes.cmp(&b.source.size_bytes),
                Key::Name => a.from.cmp(&b.from),
                Key::Time => a.source.modified.cmp(&b.source.modified),
            };
            if self.is_descending {
                order.reverse()
            } else {
                order
            }
        });
    }
}

/// Flags that contradict each other in a way that clap can't see.
///
/// # Errors
/// Names them.
pub fn check(flags: &Flags) -> Result<(), Failure> {
    match &flags.suffix {
        Some(suffix) if suffix.contains('/') => Err(Failure::usage("--suffix can't hold a slash")
            .next("--backup-dir DIR keeps files in another folder")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_names_have_their_suffix_where_it_belongs() {
        let flags = |keep| Flags {
            suffix: Some(".bak".into()),
            suffix_keep_extension: keep,
            ..Flags::default()
        };
        for (path, plain, keep) in [
            ("a.txt", "a.txt.bak", "a.bak.txt"),
            ("d.d/a", "d.d/a.bak", "d.d/a.bak"),
            // As rclone 1.75 names them.
            (".x", ".x.bak", ".bak.x"),
            ("d/.x", "d/.x.bak", "d/.bak.x"),
            ("b.tar.gz", "b.tar.gz.bak", "b.bak.tar.gz"),
            ("a.b.c", "a.b.c.bak", "a.b.bak.c"),
            ("a.7z.tar", "a.7z.tar.bak", "a.bak.7z.tar"),
            ("noext", "noext.bak", "noext.bak"),
        ] {
            for (flags, kept) in [(flags(false), plain), (flags(true), keep)] {
                assert_eq!(flags.kept_name(path), kept);
                assert!(flags.is_kept_name(kept), "{kept}");
                assert!(!flags.is_kept_name(path), "{path}");
            }
        }
        let none = Flags {
            suffix: Some(String::new()),
            ..Flags::default()
        };
        assert_eq!(
            (
                none.kept_name("a").as_str(),
                none.suffix(),
                none.is_kept_name("a")
            ),
            ("a", None, false)
        );
        assert_eq!(Flags::default().kept_name("a"), "a");
    }

    #[test]
    fn orders_are_those_of_rclone() {
        for good in ["size", "name,descending", "modtime,asc"] {
            assert!(Order::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "age", "size,sideways"] {
            assert!(Order::parse(bad).is_err(), "{bad}");
        }
    }
}
