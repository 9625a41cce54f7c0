//! An ordered list of rules: the first that matches decides, and what no rule matches is in.

use std::collections::HashSet;

use regex::Regex;

use super::{folders, glob, glob::GlobError};

/// What to do with what a pattern matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It is included.
    Include,
    /// It is excluded.
    Exclude,
}

#[derive(Clone, Debug)]
struct Rule {
    verdict: Verdict,
    regex: Regex,
}

/// The first rule that matches decides.
#[derive(Clone, Debug, Default)]
struct List {
    rules: Vec<Rule>,
    /// Includes of one folder lead to the same folders over and over; a repetition never decides.
    known: HashSet<(Verdict, String)>,
}

impl List {
    fn includes(&self, path: &str) -> bool {
        self.rules
            .iter()
            .find(|rule| rule.regex.is_match(path))
            .is_none_or(|rule| rule.verdict == Verdict::Include)
    }

    fn add(&mut self, verdict: Verdict, glob: &str, ignore_case: bool) -> Result<(), GlobError> {
        if self.known.insert((verdict, glob.to_owned())) {
            let regex = glob::compile(glob, ignore_case)?;
            self.rules.push(Rule { verdict, regex });
        }
        Ok(())
    }
}

/// All rules, in two lists: for files, and for the folders that have to be listed.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    files: List,
    folders: List,
    ignore_case: bool,
}

impl Rules {
    /// Returns an empty list of rules; `ignore_case` applies to all that are added.
    pub fn new(ignore_case: bool) -> Self {
        Self {
            ignore_case,
            ..Self::default()
        }
    }

    /// Adds a rule at the end.
    ///
    /// # Errors
    /// When `glob` isn't a pattern.
    pub fn add(&mut self, verdict: Verdict, glob: &str) -> Result<(), GlobError> {
        if glob.is_empty() {
            return Err(GlobError::Empty);
        }
        let glob = &*crate::relative_path::composed(glob);
        // `dir/` names a folder: to exclude it is to exclude all that is below, to include it lists it.
        let names_folder = glob.ends_with('/');
        let glob = if names_folder && verdict == Verdict::Exclude {
            format!("{glob}**")
        } else {
            glob.to_owned()
        };
        let spans_folders = glob.contains("**");
        if !names_folder || spans_folders {
            self.files.add(verdict, &glob, self.ignore_case)?;
            // An exclusion of files rules no folder out, but for that of everything.
            if verdict == Verdict::Include || glob == "*" {
                for folder in folders::on_the_way_to(&glob) {
                    self.folders.add(verdict, &folder, self.ignore_case)?;
                }
            }
        }
        if names_folder || spans_folders {
            self.folders.add(verdict, &glob, self.ignore_case)?;
        }
        Ok(())
    }

    /// Removes all rules, as `!` does.
    pub fn clear(&mut self) {
        *self = Self::new(self.ignore_case);
    }

    /// Returns whether there are no rules.
    pub fn is_empty(&self) -> bool {
        self.files.rules.is_empty() && self.folders.rules.is_empty()
    }

    /// Returns whether the rules include a file.
    pub fn includes_file(&self, path: &str) -> bool {
        self.files.includes(path)
    }

    /// Returns whether a folder has to be listed.
    pub fn includes_folder(&self, path: &str) -> bool {
        self.folders.includes(&format!("{path}/"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(rules: &[(char, &str)]) -> Rules {
        let mut all = Rules::new(false);
        for (sign, glob) in rules {
            let verdict = if *sign == '+' {
                Verdict::Include
            } else {
                Verdict::Exclude
            };
            all.add(verdict, glob).unwrap();
        }
        all
    }

    #[test]
    fn the_first_match_decides() {
        let rules = rules(&[
            ('-', "secret*.jpg"),
            ('+', "*.jpg"),
            ('+', "file2.avi"),
            ('-', "*"),
        ]);
        for (path, is_in) in [
            ("secret17.jpg", false),
            ("a.jpg", true),
            ("d/a.jpg", true),
            ("file2.avi", true),
            ("file3.avi", false),
        ] {
            assert_eq!(rules.includes_file(path), is_in, "{path}");
        }
        assert!(rules.includes_folder("d"));
    }

    #[test]
    fn folders_that_can_hold_nothing_are_not_listed() {
        let only_a = rules(&[('+', "/a/*.jpg"), ('-', "/**")]);
        assert!(only_a.includes_folder("a"));
        assert!(!only_a.includes_folder("a/b"));
        assert!(!only_a.includes_folder("b"));
        let but_dir = rules(&[('-', "dir/")]);
        assert!(!but_dir.includes_folder("x/dir"));
        assert!(!but_dir.includes_file("x/dir/y"));
        assert!(but_dir.includes_file("dir")); // a file of that name
        let only_listed = rules(&[('+', "/dir/"), ('-', "/**")]);
        assert!(only_listed.includes_folder("dir"));
        assert!(!only_listed.includes_file("dir/x"));
    }

    #[test]
    fn clearing_forgets_everything_but_case() {
        let mut rules = Rules::new(true);
        rules.add(Verdict::Exclude, "*").unwrap();
        rules.clear();
        assert!(rules.is_empty());
        rules.add(Verdict::Exclude, "A").unwrap();
        assert!(!rules.includes_file("a"));
        assert_eq!(rules.add(Verdict::Include, ""), Err(GlobError::Empty));
    }
}
