//! `check`: whether two folders have the same contents, by size and hash.

use std::{
    collections::{HashMap, HashSet},
    fs::File,
    io::{self, Write},
};

use engine::{
    entry::{Entry, FileMeta},
    filter::Filter,
    listing::{Listing, RootKind},
    plan::pair_all,
    relative_path::{ancestors, fold},
};
use futures_util::{StreamExt, stream};
use shared::{content_hash::ContentHash, exit, failure::Failure};
use stores::Place;

use super::{App, missing, place_failure};
use crate::{
    flags::filter::FilterFlags,
    flags::symlinks::{SymlinkFlags, log_skipped},
    report::{
        self,
        format::{Checked, on_one_line},
        json::{self, Object},
    },
};

/// Maximum number of files that are hashed at once.
const MAX_CONCURRENT_HASHES: usize = 4;

/// The arguments of `check`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: node-tool check results dbx:project/results --combined -")]
pub struct Args {
    /// NAME:path, or a local path
    #[arg(value_parser = crate::commands::place())]
    source: String,
    /// NAME:path, or a local path
    #[arg(value_parser = crate::commands::place())]
    dest: String,
    /// Compare only sizes
    #[arg(long)]
    size_only: bool,
    /// Ignore files that only DEST has
    #[arg(long)]
    one_way: bool,
    /// Write one line per file to FILE: = same, - only in DEST, + only in SOURCE, * differs, ! failed
    #[arg(long, value_name = "FILE")]
    combined: Option<String>,
    /// Write the files that are the same to FILE
    #[arg(long = "match", value_name = "FILE")]
    matching: Option<String>,
    /// Write the files that differ to FILE
    #[arg(long, value_name = "FILE")]
    differ: Option<String>,
    /// Write the files that only DEST has to FILE
    #[arg(long, value_name = "FILE")]
    missing_on_src: Option<String>,
    /// Write the files that only SOURCE has to FILE
    #[arg(long, value_name = "FILE")]
    missing_on_dst: Option<String>,
    /// Write the files that could not be compared to FILE
    #[arg(long, value_name = "FILE")]
    error: Option<String>,
    #[command(flatten)]
    filter: FilterFlags,
    #[command(flatten)]
    symlinks: SymlinkFlags,
}

/// Compares; exit code 1 if anything differs.
///
/// # Errors
/// When one of the folders isn't there, or a file can't be written to.
pub async fn run(args: &Args, app: &App) -> Result<u8, Failure> {
    let filter = args.filter.filter()?;
    let (source, dest) = app.places(&args.source, &args.dest)?;
    let mut outputs = Outputs::open(args)?;
    let mut listed = Vec::new();
    let mut is_cut = false;
    for side in [&source, &dest] {
        let found = side
            .list(&filter, args.symlinks.symlinks())
            .await
            .map_err(|e| place_failure("list", side, &e))?;
        match (found.root, listed.is_empty()) {
            (RootKind::Missing, true) => return Err(missing(side)),
            (RootKind::Missing, false) => {
                // As in rclone: all that the source has is missing there.
                report::error(&missing(side));
                is_cut = true;
            }
            _ => {}
        }
        log_skipped(&found);
        listed.push(found);
    }
    // As in a sync: what the filter leaves out of the source isn't compared, and the rest is, whatever it says of the target's.
    let left_out = leave_out(&mut listed[0], &filter);
    let is_left_out = |path: &str| {
        let key = fold(path);
        left_out.contains(&*key) || ancestors(&key).any(|folder| left_out.contains(folder))
    };
    let (mine, theirs) = (&listed[0].entries, &listed[1].entries);
    let selection = filter.selection(theirs);
    let wanted = theirs.iter().zip(selection).filter(|(_, is_in)| *is_in);
    let wanted: HashSet<&str> = wanted.map(|(entry, _)| entry.path.as_str()).collect();
    let is_extra = |other: &Entry| wanted.contains(other.path.as_str()) && !is_left_out(&other.path);
    let mut outcomes: Vec<(&str, Checked, String)> = Vec::new();
    let mut both = Vec::new();
    for (entry, other) in pair_all(mine, theirs, dest.store().capabilities().names.ignores_case) {
        match (entry, other) {
            (Some(entry), Some(other)) => match (entry.file(), other.file()) {
                (Some(file), Some(target)) => both.push((entry, file, other, target)),
                (Some(_), None) => {
                    outcomes.push((
                        &entry.path,
                        Checked::Different,
                        "is a folder in the target".into(),
                    ));
                }
                (None, Some(_)) if !args.one_way => {
                    outcomes.push((
                        &other.path,
                        Checked::Different,
                        "is a folder in the source".into(),
                    ));
                }
                (None, _) => {}
            },
            (Some(entry), None) if entry.file().is_some() => {
                outcomes.push((&entry.path, Checked::MissingOnTarget, "file not in target".into()));
            }
            // A cloud document of the target is nothing that a copy could have brought there.
            (None, Some(other)) if other.is_exported() => {}
            (None, Some(other)) if other.file().is_some() && !args.one_way && is_extra(other) => {
                outcomes.push((&other.path, Checked::MissingOnSource, "file not in source".into()));
            }
            _ => {}
        }
    }
    let places = [(&source, listed[0].root), (&dest, listed[1].root)];
    let compared = stream::iter(both).map(|(entry, file, other, target)| async move {
        let (outcome, why) = compare((entry, file), (other, target), places, args.size_only).await;
        (entry.path.as_str(), outcome, why)
    });
    outcomes.extend(compared.buffered(MAX_CONCURRENT_HASHES).collect::<Vec<_>>().await);
    outcomes.sort_by(|a, b| a.0.cmp(b.0));
    let mut different: usize = 0;
    let mut matching = 0;
    for (path, outcome, why) in &outcomes {
        outputs.write(*outcome, path)?;
        json::print(&Object::Checked(json::Checked::new(path, *outcome, why)))?;
        if *outcome == Checked::Same {
            matching += 1;
        } else {
            different += 1;
            tracing::error!(object = %path, "{why}");
        }
    }
    outputs.finish()?;
    let problems = listed.iter().map(|found| found.unreadable.len()).sum::<usize>();
    for found in &listed {
        report::left_out(&found.unreadable)?;
    }
    json::count(|total| (total.different, total.unchanged) = (Some(different as u64), Some(matching)));
    report::note(&format!(
        "{different} differences found, {matching} matching files"
    ));
    Ok(if different + problems == 0 && !is_cut {
        exit::SUCCESS
    } else if different == 0 && !is_cut {
        exit::FATAL_FOR_SOME // as rclone's: repeating it doesn't help
    } else {
        exit::ERROR
    })
}

/// Takes what the filter leaves out from what was found. Returns the folded paths of that.
fn leave_out(found: &mut Listing, filter: &Filter) -> HashSet<String> {
    let mut selection = filter.selection(&found.entries).into_iter();
    let left_out = found
        .entries
        .extract_if(.., |_| !selection.next().unwrap_or(false));
    left_out.map(|entry| fold(&entry.path).into_owned()).collect()
}

async fn compare(
    (entry, file): (&Entry, &FileMeta),
    (other, target): (&Entry, &FileMeta),
    [(source, source_is), (dest, dest_is)]: [(&Place, RootKind); 2],
    size_only: bool,
) -> (Checked, String) {
    let has_size = file.document().is_none() && target.document().is_none();
    if has_size && file.size_bytes != target.size_bytes {
        return (Checked::Different, "sizes differ".into());
    }
    if has_size && size_only {
        return (Checked::Same, String::new());
    }
    let mine = hash(source, source_is, entry, file).await;
    let theirs = hash(dest, dest_is, other, target).await;
    match (mine, theirs) {
        (Ok(mine), Ok(theirs)) if mine.0 != theirs.0 => (Checked::Different, "sizes differ".into()),
        (Ok(mine), Ok(theirs)) if size_only || mine.1 == theirs.1 => (Checked::Same, String::new()),
        (Ok(_), Ok(_)) => (Checked::Different, "hashes differ".into()),
        (Err(error), _) | (_, Err(error)) => (Checked::Failed, format!("could not be compared: {error}")),
    }
}

/// The size and hash of a file. A cloud document's are known when it is exported.
async fn hash(
    place: &Place,
    root: RootKind,
    entry: &Entry,
    file: &FileMeta,
) -> engine::Result<(u64, ContentHash)> {
    match place {
        Place::Dropbox(store) => store.size_and_checksum(file).await,
        Place::Local(_) | Place::Link(_) => {
            let path = if root == RootKind::File { "" } else { &entry.path };
            let checksum = place.store().checksum(path, file).await?;
            let unknown = || engine::Error::new(engine::Retry::Unknown, "it has no checksum");
            Ok((file.size_bytes, checksum.ok_or_else(unknown)?))
        }
    }
}

/// The destinations of the lists.
struct Outputs {
    files: HashMap<&'static str, Output>,
    /// What goes to the standard output, in its order.
    shown: Vec<String>,
}

/// The destination of one list.
enum Output {
    /// `-`
    Stdout,
    File(io::BufWriter<File>),
}

impl Outputs {
    fn open(args: &Args) -> Result<Self, Failure> {
        let mut files = HashMap::new();
        for (list, name) in [
            ("combined", &args.combined),
            ("match", &args.matching),
            ("differ", &args.differ),
            ("missing-on-src", &args.missing_on_src),
            ("missing-on-dst", &args.missing_on_dst),
            ("error", &args.error),
        ] {
            let Some(name) = name else { continue };
            let open = if name == "-" {
                Output::Stdout
            } else {
                let file = File::create(name);
                let file =
                    file.map_err(|e| Failure::usage(format!("--{list}: could not write '{name}'")).why(e))?;
                Output::File(io::BufWriter::new(file))
            };
            files.insert(list, open);
        }
        Ok(Self {
            files,
            shown: Vec::new(),
        })
    }

    fn write(&mut self, outcome: Checked, path: &str) -> Result<(), Failure> {
        let list = match outcome {
            Checked::Same => "match",
            Checked::MissingOnSource => "missing-on-src",
            Checked::MissingOnTarget => "missing-on-dst",
            Checked::Different => "differ",
            Checked::Failed => "error",
        };
        let path_line = on_one_line(path).into_owned();
        for (name, line) in [(list, path_line), ("combined", outcome.line(path))] {
            match self.files.get_mut(name) {
                None => {}
                Some(Output::Stdout) => self.shown.push(line),
                Some(Output::File(file)) => {
                    let failed = |e| Failure::new(format!("--{name}: could not write")).why(e);
                    writeln!(file, "{line}").map_err(failed)?;
                }
            }
        }
        Ok(())
    }

    /// Flushes the lists.
    fn finish(self) -> Result<(), Failure> {
        if !json::is_on() {
            report::results(self.shown.into_iter())?;
        }
        for (name, output) in self.files {
            if let Output::File(mut file) = output {
                let failed = |e| Failure::new(format!("--{name}: could not write")).why(e);
                file.flush().map_err(failed)?;
            }
        }
        Ok(())
    }
}
