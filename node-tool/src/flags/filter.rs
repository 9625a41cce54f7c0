//! The filter flags, and the way from them to a [`Filter`]. Reading the files that they name is the only I/O here.

use std::hash::BuildHasher;

use clap::Args;
use engine::{
    entry::Modified,
    filter::{Age, FilesFrom, Filter, GlobError, Limits, Partition, Rules, Size, Verdict, tidy},
};
use shared::failure::Failure;

use super::rule_files::{Lines, Reader, Source, System};

/// The filter flags, to be flattened into a command's arguments.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Filters")]
#[group(skip)]
pub struct FilterFlags {
    /// Include files matching PATTERN, and exclude all others
    #[arg(long, value_name = "PATTERN", allow_hyphen_values = true)]
    pub include: Vec<String>,
    /// Read patterns to include from FILE, one per line; '-' for standard input
    #[arg(long, value_name = "FILE")]
    pub include_from: Vec<String>,
    /// Exclude files matching PATTERN; 'folder/' excludes a folder
    #[arg(long, value_name = "PATTERN", allow_hyphen_values = true)]
    pub exclude: Vec<String>,
    /// Read patterns to exclude from FILE, one per line; '-' for standard input
    #[arg(long, value_name = "FILE")]
    pub exclude_from: Vec<String>,
    /// Add a rule: '+ PATTERN' includes, '- PATTERN' excludes, '!' clears the rules before it
    #[arg(short, long, value_name = "RULE", allow_hyphen_values = true)]
    pub filter: Vec<String>,
    /// Read rules from FILE, one per line; '-' for standard input
    #[arg(long, value_name = "FILE")]
    pub filter_from: Vec<String>,
    /// Take only the files that FILE names, one per line; '-' for standard input
    #[arg(long, value_name = "FILE")]
    pub files_from: Vec<String>,
    /// Like --files-from, but every line is a name as it is, with its spaces and '#'
    #[arg(long, value_name = "FILE")]
    pub files_from_raw: Vec<String>,
    /// Like --files-from-raw, but names end with a zero byte, as 'find -print0' prints them
    #[arg(long, value_name = "FILE")]
    pub files_from0: Vec<String>,
    /// Take only part K of N of the files, by a hash of their paths; @/N takes a random part
    #[arg(long, value_name = "K/N", value_parser = partition)]
    pub hash_filter: Option<Partition>,
    /// Exclude files smaller than SIZE: KiB, or with b, k, M, G, T, P
    #[arg(long, value_name = "SIZE", allow_hyphen_values = true)]
    pub min_size: Option<Size>,
    /// Exclude files larger than SIZE: KiB, or with b, k, M, G, T, P
    #[arg(long, value_name = "SIZE", allow_hyphen_values = true)]
    pub max_size: Option<Size>,
    /// Exclude files newer than AGE: seconds, with ms, s, m, h, d, w, M, y, or a date
    #[arg(long, value_name = "AGE", allow_hyphen_values = true)]
    pub min_age: Option<Age>,
    /// Exclude files older than AGE: seconds, with ms, s, m, h, d, w, M, y, or a date
    #[arg(long, value_name = "AGE", allow_hyphen_values = true)]
    pub max_age: Option<Age>,
    /// Go at most N folders deep; 1 is the top folder only
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub max_depth: Option<i64>,
    /// Ignore case when matching patterns
    #[arg(long)]
    pub ignore_case: bool,
    /// Exclude folders that contain a file called NAME
    #[arg(long, value_name = "NAME")]
    pub exclude_if_present: Vec<String>,
    /// Leave out local folders on other file systems than the one that is listed
    #[arg(short = 'x', long)]
    pub one_file_system: bool,
    /// The names at the top that are meant. Empty if all are.
    #[arg(skip)]
    pub names: Vec<String>,
}

impl FilterFlags {
    /// Takes only what a pattern names, with all that is below folders that it names.
    ///
    /// # Errors
    /// When there are other rules: which of them counts first isn't certain.
    pub fn take_pattern(&mut self, pattern: &str) -> Result<(), Failure> {
        let others = [
            &self.include,
            &self.include_from,
            &self.exclude,
            &self.exclude_from,
            &self.filter,
            &self.filter_from,
            &self.files_from,
            &self.files_from_raw,
            &self.files_from0,
        ];
        if others.iter().any(|rules| !rules.is_empty()) {
            return Err(
                Failure::usage("a pattern in a place can't be used with filters of names")
                    .why("which of them counts first isn't certain")
                    .hint(format!(
                        "name the folder as the place, and add --include '{pattern}' to the filters"
                    )),
            );
        }
        self.include = vec![pattern.to_owned(), format!("{pattern}/**")];
        Ok(())
    }

    /// Reads the rule files and makes the filter.
    ///
    /// # Errors
    /// When a file can't be read, a pattern isn't one, or flags contradict each other.
    pub fn filter(&self) -> Result<Filter, Failure> {
        self.filter_from(&mut System, jiff::Timestamp::now().into())
    }

    /// Makes the filter with a given source of files and a given time.
    pub(super) fn filter_from(&self, source: &mut dyn Source, now: Modified) -> Result<Filter, Failure> {
        let mut reader = Reader::new(source);
        let filter = Filter::builder()
            .rules(self.rules(&mut reader)?)
            .limits(self.limits(now)?)
            .partition(self.hash_filter)
            .markers(self.exclude_if_present.iter().cloned());
        let files_from = self.listed(&mut reader)?;
        if files_from.is_some() && !filter.clone().build().is_everything() {
            return Err(Failure::usage("--files-from can't be used with other filters")
                .why("it names each file, so there is nothing left to filter")
                .hint("leave out either --files-from or the other filters"));
        }
        // As in rclone, 0 and -1 are no limit.
        let max_depth = self.max_depth.and_then(|depth| usize::try_from(depth).ok());
        let filter = filter
            .files_from(files_from)
            .one_file_system(self.one_file_system)
            .names(self.names.iter().cloned())
            .max_depth(max_depth.filter(|depth| *depth > 0));
        Ok(filter.build())
    }

    fn rules(&self, reader: &mut Reader<'_>) -> Result<Rules, Failure> {
        let mut rules = Rules::new(self.ignore_case);
        for (verdict, flag, patterns, from, files) in [
            (
                Verdict::Include,
                "--include",
                &self.include,
                "--include-from",
                &self.include_from,
            ),
            (
                Verdict::Exclude,
                "--exclude",
                &self.exclude,
                "--exclude-from",
                &self.exclude_from,
            ),
        ] {
            for pattern in patterns {
                rules
                    .add(verdict, pattern)
                    .map_err(|error| refused(flag, pattern, &error))?;
            }
            for file in files {
                for (line, pattern) in reader.lines(from, file, Lines::Tidy)? {
                    let place = format!("{from} '{file}', line {line}:");
                    rules
                        .add(verdict, &pattern)
                        .map_err(|error| refused(&place, &pattern, &error))?;
                }
            }
        }
        for rule in &self.filter {
            add_rule(&mut rules, "--filter", rule)?;
        }
        for file in &self.filter_from {
            for (line, rule) in reader.lines("--filter-from", file, Lines::Tidy)? {
                add_rule(
                    &mut rules,
                    &format!("--filter-from '{file}', line {line}:"),
                    &rule,
                )?;
            }
        }
        if !self.include.is_empty() || !self.include_from.is_empty() {
            let all = "/**";
            rules
                .add(Verdict::Exclude, all)
                .map_err(|error| refused("--include", all, &error))?;
        }
        Ok(rules)
    }

    fn limits(&self, now: Modified) -> Result<Limits, Failure> {
        let limits = Limits {
            min_bytes: self.min_size.and_then(|size| size.0),
            max_bytes: self.max_size.and_then(|size| size.0),
            oldest: self.max_age.and_then(|age| age.before(now)),
            newest: self.min_age.and_then(|age| age.before(now)),
        };
        if let (Some(oldest), Some(newest)) = (limits.oldest, limits.newest)
            && newest < oldest
        {
            return Err(Failure::usage("--min-age can't be larger than --max-age")
                .why("no file is older than the one and newer than the other")
                .hint("swap the two ages"));
        }
        Ok(limits)
    }

    fn listed(&self, reader: &mut Reader<'_>) -> Result<Option<FilesFrom>, Failure> {
        let files = [&self.files_from, &self.files_from_raw, &self.files_from0];
        if files.iter().all(|files| files.is_empty()) {
            return Ok(None);
        }
        let mut listed = FilesFrom::default();
        for file in &self.files_from {
            for (_, path) in reader.lines("--files-from", file, Lines::Tidy)? {
                listed.add(&tidy(&path));
            }
        }
        for file in &self.files_from_raw {
            for (_, path) in reader.lines("--files-from-raw", file, Lines::Raw)? {
                listed.add(&path);
            }
        }
        for file in &self.files_from0 {
            for (_, path) in reader.lines("--files-from0", file, Lines::Zero)? {
                listed.add(&path);
            }
        }
        Ok(Some(listed))
    }
}

/// Parses the part of the files that is taken.
fn partition(text: &str) -> Result<Partition, String> {
    let wrong = || "give a part such as 1/4, or @/4 for a random one".to_owned();
    let (part, parts) = text.split_once('/').ok_or_else(wrong)?;
    let parts: u64 = parts.parse().map_err(|_| wrong())?;
    let part = match part {
        "@" => std::hash::RandomState::new().hash_one(0),
        part => part.parse().map_err(|_| wrong())?,
    };
    Partition::new(part, parts).ok_or_else(wrong)
}

fn add_rule(rules: &mut Rules, place: &str, rule: &str) -> Result<(), Failure> {
    let added = if rule == "!" {
        rules.clear();
        Ok(())
    } else if let Some(pattern) = rule.strip_prefix("+ ") {
        rules.add(Verdict::Include, pattern)
    } else if let Some(pattern) = rule.strip_prefix("- ") {
        rules.add(Verdict::Exclude, pattern)
    } else {
        return Err(Failure::usage(format!("{place} '{rule}' is not a rule"))
            .why("a rule is '+ PATTERN', '- PATTERN' or '!'")
            .hint(format!(
                "write '- {rule}' to exclude it, or '+ {rule}' to include it"
            )));
    };
    added.map_err(|error| refused(place, rule, &error))
}

fn refused(place: &str, pattern: &str, error: &GlobError) -> Failure {
    Failure::usage(format!("{place} '{pattern}' is not a pattern"))
        .why(error)
        .hint(error.hint())
}

#[cfg(test)]
#[path = "filter_tests.rs"]
mod tests;
