//! `archive create`: a folder as one file, written as it is read.

use std::{
    io::{self, IsTerminal as _, Write as _},
    sync::Arc,
};

use engine::{
    entry::{Entry, FileMeta},
    listing::{LeftOut, Listing, RootKind},
};
use shared::{exit, failure::Failure, plain::quoted, raw};
use stores::{Place, Range, Read, Relation, WriteOptions};
use tokio::runtime::Handle;

use super::{
    App,
    format::Format,
    missing, now,
    pipe::{self, pipe},
    place_failure, thread,
    writer::{ArchiveWriter, Member},
};
use crate::{
    commands::change::{refuse_read_only, report_step, report_written},
    flags::{
        filter::FilterFlags,
        symlinks::{SymlinkFlags, log_skipped},
    },
    report::{
        self,
        json::{self, Action, Object, Outcome, Step},
    },
};

/// The arguments of `archive create`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The format follows from the name: .zip, .tar, .tar.gz or .tar.zst. The archive is sent as it is made and appears when it \
                  is complete; what changes meanwhile makes it fail. Without DEST it goes to the standard output.\n\n\
                  Examples:\n  node-tool archive create results dbx:results.tar.zst\n  \
                  node-tool archive create dbx:project/data data.zip --exclude '*.tmp'"
)]
pub struct Args {
    /// A folder or file: NAME:path, or a local path
    #[arg(value_parser = crate::commands::place())]
    source: String,
    /// The archive: NAME:path, or a local path
    #[arg(value_parser = crate::commands::place())]
    dest: Option<String>,
    /// The format: zip, tar, tar.gz or tar.zst [default: by the name of DEST]
    #[arg(long)]
    format: Option<String>,
    /// Put TEXT and a slash before the names in the archive
    #[arg(long, value_name = "TEXT")]
    prefix: Option<String>,
    /// Put the path of SOURCE before the names in the archive
    #[arg(long, conflicts_with = "prefix")]
    full_path: bool,
    /// Show what would be in it, without making it
    #[arg(short = 'n', long)]
    dry_run: bool,
    /// Show progress
    #[arg(short = 'P', long)]
    progress: bool,
    #[command(flatten)]
    filter: FilterFlags,
    #[command(flatten)]
    symlinks: SymlinkFlags,
}

/// Makes an archive.
pub(super) async fn run(args: Args, app: &App) -> Result<u8, Failure> {
    let source = app.place(&args.source)?;
    let dest = args.dest.as_deref().filter(|dest| *dest != "-");
    let format = Format::of_new(args.format.as_deref(), dest.unwrap_or("-"), |program| {
        format!(
            "write a tar and pack it: node-tool archive create --format tar {} | {program}",
            source.typed()
        )
    })?;
    let dest = dest.map(|dest| target(dest, app)).transpose()?;
    if dest.is_none() && json::is_on() {
        return Err(
            Failure::usage("--json: the archive itself would go to the standard output")
                .hint("name a file for it"),
        );
    }
    if dest.is_none() && io::stdout().is_terminal() {
        return Err(Failure::usage("an archive is nothing for a terminal")
            .hint("name a file for it, or write it to a pipe"));
    }
    if let Some(dest) = &dest {
        refuse_read_only("write", dest).await?;
    }
    let found = source
        .list_filtered(&args.filter.filter()?, args.symlinks.symlinks())
        .await;
    let mut found = found.map_err(|e| place_failure("list", &source, &e))?;
    if found.root == RootKind::Missing {
        return Err(missing(&source));
    }
    log_skipped(&found);
    let code = match leave_out(&mut found, format)? {
        true => exit::ERROR,
        false => exit::SUCCESS,
    };
    let members = members(&args, &source, dest.as_ref(), found);
    if args.dry_run {
        for (member, _) in &members {
            let step = Step {
                size: member.size_bytes,
                ..Step::new(Action::Archive, &*member.path)
            };
            report_step(&member.path, "archiving", step)?;
        }
        return Ok(code);
    }
    let total = members.iter().filter_map(|(member, _)| member.size_bytes).sum();
    let files = members.iter().filter(|(_, content)| content.is_some()).count() as u64;
    let (out, reader) = pipe();
    let progress = Arc::new(report::Progress::new(args.progress, files, total, app.stats));
    let producer = {
        let (progress, archive) = (Arc::clone(&progress), ArchiveWriter::new(format, out));
        thread::spawn(move || produce(members, archive, &progress))
    };
    let written = match &dest {
        Some(dest) => write(dest, reader, app).await,
        None => print(reader).await,
    };
    let produced = producer.await;
    progress.finish();
    match produced.map_err(|e| Failure::new("could not make the archive").why(e))? {
        Err(Stop::Failed(failure)) => Err(*failure),
        Ok(()) | Err(Stop::Unwanted) => written.map(|()| code),
    }
}

/// Takes out what can't be in the archive, and reports it. Returns whether there is anything.
fn leave_out(found: &mut Listing, format: Format) -> Result<bool, Failure> {
    let reason = |entry: &Entry| match format {
        _ if entry.document().is_some() => Some("it is a cloud document, whose size is not known"),
        Format::Zip if raw::is_raw(&entry.path) => {
            Some("its name is not UTF-8, which no name in a zip can be; those in a tar can")
        }
        _ => None,
    };
    let odd = found.entries.iter().filter_map(|entry| {
        Some(LeftOut {
            path: entry.path.clone(),
            reason: reason(entry)?.into(),
        })
    });
    let left_out: Vec<LeftOut> = found.unreadable.iter().cloned().chain(odd).collect();
    found.entries.retain(|entry| reason(entry).is_none());
    report::left_out(&left_out)?;
    Ok(!left_out.is_empty())
}

/// Returns where the archive goes.
fn target(dest: &str, app: &App) -> Result<Place, Failure> {
    let place = app.place(dest)?;
    if dest.ends_with(['/', ':']) || place.split().is_none() {
        return Err(Failure::usage(format!("'{place}' is a folder; name the archive"))
            .hint(format!("such as {}", place.join("archive.tar").typed())));
    }
    match place.refusal() {
        Some(reason) => Err(Failure::usage(format!("could not write '{place}'")).why(reason)),
        None => Ok(place),
    }
}

/// Returns what goes into the archive, and the files that have the content.
fn members(
    args: &Args,
    source: &Place,
    dest: Option<&Place>,
    found: Listing,
) -> Vec<(Member, Option<(Place, FileMeta)>)> {
    let prefix = match (&args.prefix, args.full_path) {
        (Some(prefix), _) => prefix.trim_end_matches('/').to_owned(),
        (None, true) => full_path(source),
        (None, false) => String::new(),
    };
    // An older archive of this name is not put into its successor.
    let own = dest.and_then(|dest| match source.relation(dest) {
        Relation::Inside(path) => Some(path),
        _ => None,
    });
    let is_file = found.root == RootKind::File;
    let entries = found.entries.into_iter();
    let wanted = entries.filter(|entry| own.as_deref() != Some(&entry.path));
    wanted
        .map(|entry| {
            let place = match is_file {
                true => source.clone(),
                false => source.join(&entry.path),
            };
            let content = entry.file().map(|file| (place.clone(), file.clone()));
            (member(&entry, &prefix), content)
        })
        .collect()
}

fn full_path(source: &Place) -> String {
    let path = match source {
        Place::Local(store) => std::path::absolute(store.path()).map_or_else(
            |_| source.to_string(),
            |path| raw::text(path.as_os_str()).into_owned(),
        ),
        Place::Dropbox(store) => store.shown(store.path().as_str()),
        Place::Link(_) => String::new(),
    };
    path.trim_matches('/').to_owned()
}

fn member(entry: &Entry, prefix: &str) -> Member {
    let path = match prefix {
        "" => entry.path.clone(),
        prefix => format!("{prefix}/{}", entry.path),
    };
    Member {
        path,
        size_bytes: entry.file().map(|file| file.size_bytes),
        modified: entry.file().map_or_else(now, |file| file.modified),
        is_executable: false, // it is asked when its turn comes
    }
}

fn is_executable(path: &std::path::Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).is_ok_and(|there| there.is_file() && there.permissions().mode() & 0o100 != 0)
}

/// Why an archive is not complete.
enum Stop {
    /// Whoever reads it has failed, and says why.
    Unwanted,
    Failed(Box<Failure>),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Unwanted,
            _ => Failure::new("could not write the archive").why(error).into(),
        }
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(Box::new(failure))
    }
}

/// Writes the members to the archive, on a thread that may wait.
fn produce(
    members: Vec<(Member, Option<(Place, FileMeta)>)>,
    mut archive: ArchiveWriter,
    progress: &report::Progress,
) -> Result<(), Stop> {
    for (mut member, content) in members {
        let local = content.as_ref().and_then(|(place, _)| place.local_path());
        member.is_executable = local.is_some_and(is_executable);
        archive.begin(&member)?;
        if let Some((place, file)) = content {
            copy(&place, &file, &mut archive, progress)?;
            progress.file_done();
            tracing::info!(object = %member.path, "Archived");
            json::print(&Object::Outcome(Outcome {
                size: member.size_bytes,
                ..Outcome::done(Action::Archive, member.path)
            }))?;
        }
    }
    Ok(archive.finish()?)
}

/// Writes the content of a file to the archive.
fn copy(
    place: &Place,
    file: &FileMeta,
    archive: &mut ArchiveWriter,
    progress: &report::Progress,
) -> Result<(), Stop> {
    let (mut count, mut stopped) = (0, None);
    let mut sink = |bytes: &[u8]| {
        count += bytes.len() as u64;
        progress.moved(bytes.len() as u64, None);
        stopped = archive.write(bytes).err();
        Ok(stopped.is_none())
    };
    let read = Handle::current().block_on(place.read(file, Range::All, &mut sink));
    let read = read.map_err(|e| place_failure("archive", place, &e))?;
    let changed = || {
        Failure::new(format!("could not archive '{place}'"))
            .why("it has changed since it was listed")
            .hint("repeat the command, or leave it out with --exclude")
    };
    match (stopped, read) {
        (Some(error), _) if error.kind() == io::ErrorKind::BrokenPipe => Err(Stop::Unwanted),
        (Some(_), _) => Err(changed().into()),
        (None, Read::Damaged) => Err(Failure::new(format!("could not archive '{place}'"))
            .why("the bytes that came have another content hash than Dropbox's")
            .into()),
        (None, _) if count != file.size_bytes => Err(changed().into()),
        (None, _) => Ok(()),
    }
}

async fn write(dest: &Place, reader: pipe::Reader, app: &App) -> Result<(), Failure> {
    let there = dest.find().await;
    let there = there.map_err(|e| place_failure("look at", dest, &e))?;
    if there
        .as_ref()
        .is_some_and(|there| there.file().is_none() || there.document().is_some())
    {
        return Err(
            Failure::usage(format!("'{dest}' is a folder or a cloud document")).hint(format!(
                "name the archive, such as {}",
                quoted(&dest.join("archive.tar").to_string())
            )),
        );
    }
    let options = WriteOptions {
        memory_bytes: app.memory_bytes,
        state_dir: app.state.clone(),
        overwrites_newer: false,
        size_bytes: None,
        modified: now(),
        is_executable: false,
        moved: Arc::new(|_| {}),
    };
    let seen = there.as_ref().and_then(Entry::file);
    let written = dest.write(Box::new(reader), seen, &options).await;
    let written = written.map_err(|e| place_failure("write", dest, &e))?;
    match &written.beside {
        None => report_written("", &written),
        Some(name) => Err(Failure::new(format!(
            "'{dest}' was changed by another program meanwhile, and stays"
        ))
        .why(format!("the archive is beside it, as '{name}'"))),
    }
}

/// Writes the archive to the standard output.
async fn print(mut reader: pipe::Reader) -> Result<(), Failure> {
    let copy = move || {
        let mut out = io::stdout().lock();
        io::copy(&mut reader, &mut out).and_then(|_| out.flush())
    };
    let copied = thread::spawn(copy).await.map_err(io::Error::other).flatten();
    copied.map_err(|e| Failure::new("could not write the archive").why(e))
}
