//! Names of files that are kept (`--suffix`, `--suffix-keep-extension`).

/// How backups are named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BackupNames {
    /// What is appended to its name. Empty means that it keeps its name.
    pub suffix: String,
    /// Whether the suffix comes before the extension.
    pub keeps_extension: bool,
}

impl BackupNames {
    /// Returns the path under which a file is kept that is replaced or deleted.
    pub fn backup_of(&self, path: &str) -> String {
        if self.suffix.is_empty() {
            return path.to_owned();
        }
        let (stem, extensions) = self.around_suffix(path);
        format!("{stem}{}{extensions}", self.suffix)
    }

    /// Returns whether a path is one that [`BackupNames::backup_of`] could have returned.
    pub fn is_backup(&self, path: &str) -> bool {
        if self.suffix.is_empty() {
            return false;
        }
        let suffix = self.suffix.as_str();
        let (stem, extensions) = self.around_suffix(path);
        let is_name = |before: &str| !before.is_empty() && !before.ends_with('/');
        let kept = |text: &str| text.strip_suffix(suffix).is_some_and(is_name);
        // What begins with a dot and keeps its extension has nothing else before the suffix.
        kept(path) || kept(stem) || !extensions.is_empty() && stem.ends_with(suffix)
    }

    /// Returns what is before the suffix and what is after it: with `keeps_extension` the extension, and those before it that
    /// are known as such: `.tar.gz`, as in rclone.
    fn around_suffix<'a>(&self, path: &'a str) -> (&'a str, &'a str) {
        let start = path.rfind('/').map_or(0, |at| at + 1);
        let mut cut = path.len();
        while self.keeps_extension
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_names_have_their_suffix_where_it_belongs() {
        let names = |keeps_extension| BackupNames {
            suffix: ".bak".into(),
            keeps_extension,
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
            for (names, kept) in [(names(false), plain), (names(true), keep)] {
                assert_eq!(names.backup_of(path), kept);
                assert!(names.is_backup(kept), "{kept}");
                assert!(!names.is_backup(path), "{path}");
            }
        }
        let none = BackupNames::default();
        assert_eq!((none.backup_of("a").as_str(), none.is_backup("a")), ("a", false));
    }
}
