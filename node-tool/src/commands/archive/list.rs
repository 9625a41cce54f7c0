//! `archive list`: what is in an archive.

use std::io::{self, Read};

use engine::{filter::Filter, relative_path::parent};
use jiff::tz::TimeZone;
use shared::{exit, failure::Failure};

use super::{
    App, Found,
    reader::{Kind, Member, Visitor, Want, each},
    thread,
};
use crate::{
    flags::filter::FilterFlags,
    report::{
        self,
        format::{on_one_line, plain_time},
        json::{self, Object},
    },
};

/// Number of lines that are printed at once.
const MAX_LINES: usize = 512;

/// The arguments of `archive list`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Of a zip only its directory is read, of a tar only its headers; a compressed tar is read from its beginning to its \
                  end.\n\nExample: node-tool archive list dbx:results.tar --long"
)]
pub struct Args {
    /// The archive: NAME:path, or a local path
    #[arg(value_parser = crate::commands::place())]
    archive: String,
    /// Also show modification times
    #[arg(long, conflicts_with = "plain")]
    long: bool,
    /// Show only names
    #[arg(long)]
    plain: bool,
    /// List only files
    #[arg(long, conflicts_with = "dirs_only")]
    files_only: bool,
    /// List only folders
    #[arg(long)]
    dirs_only: bool,
    #[command(flatten)]
    filter: FilterFlags,
}

/// Lists.
pub(super) async fn run(args: &Args, app: &App) -> Result<u8, Failure> {
    let found = Found::new(&args.archive, app).await?;
    let mut lister = Lister {
        form: Form {
            long: args.long,
            plain: args.plain,
            files: !args.dirs_only,
            folders: !args.files_only,
            zone: TimeZone::system(),
        },
        filter: filter(&args.filter)?,
        members: Vec::new(),
        failure: None,
    };
    let work = move || {
        let (archive, format) = found.open()?;
        let read = each(archive, format, &mut lister);
        lister.print();
        match lister.failure {
            Some(failure) => Err(failure),
            None => read.map_err(|error| found.unreadable(&error)),
        }
    };
    let done = thread::spawn(work).await;
    done.map_err(|e| Failure::new("could not read the archive").why(e))??;
    Ok(exit::SUCCESS)
}

/// How members are shown.
struct Form {
    long: bool,
    plain: bool,
    files: bool,
    folders: bool,
    zone: TimeZone,
}

struct Lister {
    form: Form,
    filter: Filter,
    /// What is to be printed.
    members: Vec<Member>,
    failure: Option<Failure>,
}

impl Lister {
    fn print(&mut self) {
        let members = std::mem::take(&mut self.members);
        let printed = match json::is_on() {
            true => {
                count(&members);
                json::print_all(members.iter().map(object))
            }
            false => report::results(members.iter().map(|member| self.form.line(member))),
        };
        if let Err(failure) = printed {
            self.failure.get_or_insert(failure);
        }
    }
}

/// Adds files to the total of `--json`.
fn count(members: &[Member]) {
    let files = || members.iter().filter(|member| member.kind != Kind::Folder);
    json::count(|total| {
        json::add(&mut total.files, files().count() as u64);
        json::add(&mut total.bytes, files().map(|file| file.size_bytes).sum());
    });
}

/// Returns a member as an object.
fn object(member: &Member) -> Object {
    let kind = match member.kind {
        Kind::File => json::Kind::File,
        Kind::Folder => json::Kind::Folder,
        Kind::Symlink(_) => json::Kind::Symlink,
        Kind::Other(_) => json::Kind::Other,
    };
    Object::Entry(json::Entry {
        path: member.name.trim_end_matches('/').to_owned(),
        kind,
        size: (member.kind == Kind::File).then_some(member.size_bytes),
        modified: member.modified.and_then(json::time),
        content_hash: None,
        rev: None,
        id: None,
        deleted: None,
        changed_by: None,
    })
}

impl Visitor for Lister {
    fn wants(&mut self, member: &Member) -> io::Result<Want> {
        if self.form.shows(member) && lets_in(&self.filter, member) {
            self.members.push(member.clone());
        }
        if self.members.len() >= MAX_LINES {
            self.print();
        }
        match self.failure {
            Some(_) => Err(io::ErrorKind::WriteZero.into()),
            None => Ok(Want::Skip),
        }
    }

    fn content(&mut self, _: &Member, _: &mut dyn Read) -> io::Result<()> {
        Ok(())
    }
}

/// Whether a filter lets a member in. As in rclone, folders are taken as files are.
pub(super) fn lets_in(filter: &Filter, member: &Member) -> bool {
    let path = member.name.trim_end_matches('/').trim_start_matches("./");
    filter.is_everything()
        || filter.includes_file(path, member.size_bytes, member.modified.unwrap_or_default())
            && filter.leads_to(parent(path))
}

/// Returns the filter for the members of an archive.
///
/// # Errors
/// When flags make no sense: which folders hold a file is known only when all of the archive was read.
pub(super) fn filter(flags: &FilterFlags) -> Result<Filter, Failure> {
    match flags.exclude_if_present.first() {
        None => flags.filter(),
        Some(_) => Err(Failure::usage("--exclude-if-present has no effect in an archive")
            .why("its members are filtered one by one, as they come")
            .hint("leave the folders out by their names: --exclude 'FOLDER/**'")),
    }
}

impl Form {
    fn shows(&self, member: &Member) -> bool {
        match member.kind {
            Kind::Folder => self.folders,
            _ => self.files,
        }
    }

    /// Returns the line of a member, as rclone shows it.
    fn line(&self, member: &Member) -> String {
        let is_folder = member.kind == Kind::Folder;
        let slash = if is_folder && !member.name.ends_with('/') {
            "/"
        } else {
            ""
        };
        let name = format!("{}{slash}", on_one_line(&member.name));
        let size = member.size_bytes;
        match (self.plain, self.long) {
            (true, _) => name,
            (_, true) => {
                let time = plain_time(member.modified.unwrap_or_default(), &self.zone, 9);
                format!("{size:>9} {time} {name}")
            }
            _ => format!("{size:>9} {name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use engine::entry::Modified;

    use super::*;

    #[test]
    fn members_are_shown_as_rclone_shows_them() {
        let form = |long, plain| Form {
            long,
            plain,
            files: true,
            folders: true,
            zone: TimeZone::UTC,
        };
        let member = |name: &str, kind| Member {
            name: name.into(),
            kind,
            size_bytes: 6,
            modified: Some(Modified {
                seconds: 946_684_800,
                nanoseconds: 0,
            }),
            is_executable: false,
        };
        let file = member("a\nb", Kind::File);
        assert_eq!(form(false, false).line(&file), "        6 a␊b");
        assert_eq!(
            form(true, false).line(&file),
            "        6 2000-01-01 00:00:00.000000000 a␊b"
        );
        assert_eq!(form(false, true).line(&member("d", Kind::Folder)), "d/");
        let only_folders = Form {
            files: false,
            ..form(false, true)
        };
        assert!(!only_folders.shows(&file));
    }
}
