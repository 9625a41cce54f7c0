//! Reads archives member by member: a tar by its headers, skipping what isn't wanted; a zip by its directory at the end.

use std::{
    borrow::Cow,
    ffi::OsStr,
    io::{self, BufRead as _, Read},
    os::unix::ffi::OsStrExt as _,
};

use engine::entry::Modified;
use flate2::read::MultiGzDecoder;
use ruzstd::decoding::{FrameDecoder, StreamingDecoder};
use shared::raw;
use stores::ReadSeek;
use tar::{Archive, Entries, EntryType};
use zip::{ZipArchive, read::ZipFileEntry};

use super::format::Format;

/// Mode bit of the owner's right to run a file.
const OWNER_RUNS: u32 = 0o100;

/// A member of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Member {
    /// Its name as it is in the archive.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Size in bytes.
    pub size_bytes: u64,
    /// Modification time. `None` if it has none.
    pub modified: Option<Modified>,
    /// Whether it can be run.
    pub is_executable: bool,
}

/// What a member is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Folder,
    /// A symlink, and where it leads; a zip's is its content.
    Symlink(Option<String>),
    /// Something else, in words.
    Other(&'static str),
}

/// What to do about a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Want {
    /// Nothing: its content is not read, nor fetched.
    Skip,
    /// Read its content.
    Content,
}

/// What goes through an archive.
pub(super) trait Visitor {
    /// Returns what to do about a member.
    ///
    /// # Errors
    /// When the rest isn't wanted, either.
    fn wants(&mut self, member: &Member) -> io::Result<Want>;

    /// Reads the content of a member.
    ///
    /// # Errors
    /// When the archive is damaged there, or the rest isn't wanted.
    fn content(&mut self, member: &Member, content: &mut dyn Read) -> io::Result<()>;
}

/// Visits all members in the order of the archive.
///
/// # Errors
/// When the archive is damaged or can't be read, or the visitor fails.
pub(super) fn each(archive: Box<dyn ReadSeek>, format: Format, visitor: &mut dyn Visitor) -> io::Result<()> {
    match format {
        Format::Tar => each_of_tar(Archive::new(archive).entries_with_seek()?, visitor),
        Format::TarGz => each_of_tar(Archive::new(MultiGzDecoder::new(archive)).entries()?, visitor),
        Format::TarZst => each_of_tar(Archive::new(Frames::new(archive)).entries()?, visitor),
        Format::Zip => each_of_zip(archive, visitor),
    }
}

fn each_of_tar<R: Read>(members: Entries<'_, R>, visitor: &mut dyn Visitor) -> io::Result<()> {
    for member in members {
        let mut member = member?;
        if member.header().entry_type() == EntryType::XGlobalHeader {
            continue;
        }
        let found = tar_member(&member);
        if visitor.wants(&found)? == Want::Content {
            visitor.content(&found, &mut member)?;
        }
    }
    Ok(())
}

fn tar_member<R: Read>(member: &tar::Entry<'_, R>) -> Member {
    let header = member.header();
    let text = |bytes: Cow<'_, [u8]>| raw::text(OsStr::from_bytes(&bytes)).into_owned();
    Member {
        name: text(member.path_bytes()),
        kind: match header.entry_type() {
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => Kind::File,
            EntryType::Directory => Kind::Folder,
            EntryType::Symlink => Kind::Symlink(member.link_name_bytes().map(text)),
            EntryType::Link => Kind::Other("a second name of another file (a hard link)"),
            _ => Kind::Other("a device or pipe"),
        },
        size_bytes: member.size(),
        modified: header.mtime().ok().map(|seconds| Modified {
            seconds: i64::try_from(seconds).unwrap_or(0),
            nanoseconds: 0,
        }),
        is_executable: header.mode().is_ok_and(|mode| mode & OWNER_RUNS != 0),
    }
}

fn each_of_zip(archive: Box<dyn ReadSeek>, visitor: &mut dyn Visitor) -> io::Result<()> {
    let mut archive = ZipArchive::new(archive)?;
    for index in 0..archive.len() {
        let found = zip_member(&archive.by_index_data(index)?)?;
        if visitor.wants(&found)? == Want::Content {
            visitor.content(&found, &mut archive.by_index(index)?)?;
        }
    }
    Ok(())
}

fn zip_member(entry: &ZipFileEntry<'_>) -> io::Result<Member> {
    Ok(Member {
        name: entry.name()?.into_owned(),
        kind: match () {
            () if entry.is_symlink() => Kind::Symlink(None),
            () if entry.is_dir() => Kind::Folder,
            () => Kind::File,
        },
        size_bytes: entry.size(),
        modified: entry.last_modified().and_then(modified),
        is_executable: entry.unix_mode().is_some_and(|mode| mode & OWNER_RUNS != 0),
    })
}

/// A zip keeps no zone: its times are taken as UTC, as they are written here.
fn modified(time: zip::DateTime) -> Option<Modified> {
    let part = |value: u8| i8::try_from(value).ok();
    let civil = jiff::civil::DateTime::new(
        i16::try_from(time.year()).ok()?,
        part(time.month())?,
        part(time.day())?,
        part(time.hour())?,
        part(time.minute())?,
        part(time.second())?,
        0,
    );
    let zoned = civil.ok()?.to_zoned_datetime(jiff::tz::TimeZone::UTC).ok()?;
    Some(Modified {
        seconds: zoned.timestamp().as_second(),
        nanoseconds: 0,
    })
}

/// Unpacks zstd, of which one stream may follow another.
struct Frames<R: Read> {
    frame: Option<Box<StreamingDecoder<io::BufReader<R>, FrameDecoder>>>,
    /// What follows the last frame.
    rest: Option<io::BufReader<R>>,
}

impl<R: Read> Frames<R> {
    fn new(input: R) -> Self {
        Self {
            frame: None,
            rest: Some(io::BufReader::with_capacity(1 << 17, input)),
        }
    }
}

impl<R: Read> Read for Frames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            if let Some(frame) = &mut self.frame {
                let count = frame.read(buffer)?;
                if count > 0 {
                    return Ok(count);
                }
                self.rest = self.frame.take().map(|frame| frame.into_inner());
            }
            let Some(mut rest) = self.rest.take() else {
                return Ok(0);
            };
            if rest.fill_buf()?.is_empty() {
                return Ok(0);
            }
            let frame = StreamingDecoder::new(rest).map_err(io::Error::other)?;
            self.frame = Some(Box::new(frame));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::{
        super::{
            pipe::pipe,
            writer::{self, ArchiveWriter},
        },
        *,
    };

    const FORMATS: [Format; 4] = [Format::Tar, Format::TarGz, Format::TarZst, Format::Zip];

    fn made(format: Format, members: &[(&str, Option<&[u8]>)]) -> Vec<u8> {
        let (out, mut reader) = pipe();
        let thread = std::thread::spawn(move || {
            let mut bytes = Vec::new();
            reader.read_to_end(&mut bytes).map(|_| bytes)
        });
        let mut archive = ArchiveWriter::new(format, out);
        for (path, content) in members {
            let member = writer::Member {
                path: (*path).to_owned(),
                size_bytes: content.map(|content| content.len() as u64),
                modified: Modified {
                    seconds: 1_500_000_000,
                    nanoseconds: 0,
                },
                is_executable: path.ends_with("run"),
            };
            archive.begin(&member).unwrap();
            archive.write(content.unwrap_or_default()).unwrap();
        }
        archive.finish().unwrap();
        thread.join().unwrap().unwrap()
    }

    /// Reads everything.
    #[derive(Default)]
    struct All(Vec<(Member, Vec<u8>)>);

    impl Visitor for All {
        fn wants(&mut self, member: &Member) -> io::Result<Want> {
            if member.kind != Kind::File {
                self.0.push((member.clone(), Vec::new()));
                return Ok(Want::Skip);
            }
            Ok(Want::Content)
        }

        fn content(&mut self, member: &Member, content: &mut dyn Read) -> io::Result<()> {
            let mut bytes = Vec::new();
            content.take(1 << 24).read_to_end(&mut bytes)?;
            self.0.push((member.clone(), bytes));
            Ok(())
        }
    }

    #[test]
    fn what_was_written_is_read() {
        let long = format!("deep/{}/{}", "x".repeat(120), "ü".repeat(40));
        let big: Vec<u8> = (0..700_000_u32).flat_map(u32::to_le_bytes).collect();
        let members: [(&str, Option<&[u8]>); 5] = [
            ("empty", Some(b"")),
            ("folder", None),
            ("folder/run", Some(b"#!/bin/sh\n")),
            (&long, Some(b"long")),
            ("big", Some(&big)),
        ];
        for format in FORMATS {
            let bytes = made(format, &members);
            let mut open: Box<dyn ReadSeek> = Box::new(Cursor::new(bytes));
            assert_eq!(Format::of_content(&mut open).unwrap(), Some(format));
            let mut found = All::default();
            each(open, format, &mut found).unwrap();
            let shown: Vec<_> = found
                .0
                .iter()
                .map(|(member, content)| {
                    let is_folder = member.kind == Kind::Folder;
                    (
                        member.name.trim_end_matches('/'),
                        (!is_folder).then_some(content.as_slice()),
                    )
                })
                .collect();
            assert!(shown == members, "{format:?}");
            let run = &found.0[2].0;
            assert!(run.is_executable && !found.0[3].0.is_executable, "{format:?}");
            assert_eq!(
                run.modified.map(|time| time.seconds),
                Some(1_500_000_000),
                "{format:?}"
            );
        }
    }

    #[test]
    fn fuzz_archives() {
        let members: [(&str, Option<&[u8]>); 3] =
            [("a", Some(b"text")), ("d", None), ("d/b", Some(b"more text"))];
        let examples = FORMATS.map(|format| made(format, &members));
        let examples: Vec<&[u8]> = examples.iter().map(Vec::as_slice).collect();
        fuzzing::run(&examples, |bytes| {
            let mut open: Box<dyn ReadSeek> = Box::new(Cursor::new(bytes.to_vec()));
            let format = Format::of_content(&mut open).ok().flatten()?;
            let mut found = All::default();
            let read = each(open, format, &mut found);
            Some((format as u8, read.is_ok(), found.0.len()))
        });
    }
}
