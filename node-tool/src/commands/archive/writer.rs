//! Writes archives as streams: what is before a file's content, and what is behind it.

use std::io::{self, Read, Write};

use engine::entry::Modified;
use flate2::{Compression, write::GzEncoder};
use ruzstd::encoding::{CompressionLevel, compress};
use tar::{EntryType, Header};
use zip::{
    CompressionMethod, DateTime, ZipWriter,
    write::{SimpleFileOptions, StreamWriter},
};

use super::{
    format::Format,
    pipe::{self, Reader, Writer},
};

/// Size from which on a file in a zip needs 64-bit sizes.
const LARGE_BYTES: u64 = u32::MAX as u64;
/// Number of bytes of a block of a tar.
const BLOCK: u64 = 512;
/// Maximum length in bytes of a name that fits into a tar's header.
const MAX_NAME: usize = 100;

/// What is known of a file or folder before its content.
#[derive(Clone, Debug)]
pub(super) struct Member {
    /// Its name in the archive.
    pub path: String,
    /// Size in bytes. `None` for a folder.
    pub size_bytes: Option<u64>,
    /// Modification time.
    pub modified: Modified,
    /// Whether it can be run.
    pub is_executable: bool,
}

/// An archive that is being written. What isn't finished is an error for whoever reads it.
pub(super) enum ArchiveWriter {
    Tar(TarWriter<Writer>),
    TarGz(Box<TarWriter<GzEncoder<Writer>>>),
    /// The compressor reads what the tar writes, in a thread of its own.
    TarZst(TarWriter<Writer>, std::thread::JoinHandle<io::Result<()>>),
    Zip(Box<ZipWriter<StreamWriter<Writer>>>),
}

impl ArchiveWriter {
    /// Begins an archive.
    pub(super) fn new(format: Format, out: Writer) -> Self {
        match format {
            Format::Tar => Self::Tar(TarWriter::new(out)),
            Format::TarGz => Self::TarGz(Box::new(TarWriter::new(GzEncoder::new(
                out,
                Compression::default(),
            )))),
            Format::TarZst => {
                let (writer, reader) = pipe::pipe();
                let thread = std::thread::spawn(move || zstd(reader, out));
                Self::TarZst(TarWriter::new(writer), thread)
            }
            Format::Zip => Self::Zip(Box::new(ZipWriter::new_stream(out))),
        }
    }

    /// Begins a file or folder; the content of a file follows.
    ///
    /// # Errors
    /// When the archive can't be written, or can't have such a name.
    pub(super) fn begin(&mut self, member: &Member) -> io::Result<()> {
        match self {
            Self::Tar(tar) | Self::TarZst(tar, _) => tar.begin(member),
            Self::TarGz(tar) => tar.begin(member),
            Self::Zip(zip) => begin_zip(zip, member),
        }
    }

    /// Writes content of the file.
    ///
    /// # Errors
    /// When the archive can't be written, or the file has more bytes than its size.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Tar(tar) | Self::TarZst(tar, _) => tar.write(bytes),
            Self::TarGz(tar) => tar.write(bytes),
            Self::Zip(zip) => zip.write_all(bytes),
        }
    }

    /// Ends the archive.
    ///
    /// # Errors
    /// When it can't be written.
    pub(super) fn finish(self) -> io::Result<()> {
        match self {
            Self::Tar(tar) => tar.finish()?.finish(),
            Self::TarGz(tar) => tar.finish()?.finish()?.finish(),
            Self::TarZst(tar, thread) => {
                tar.finish()?.finish()?;
                thread
                    .join()
                    .map_err(|_| io::Error::other("it could not be compressed"))?
            }
            Self::Zip(zip) => zip.finish()?.into_inner().finish(),
        }
    }
}

fn begin_zip(zip: &mut ZipWriter<StreamWriter<Writer>>, member: &Member) -> io::Result<()> {
    if shared::raw::is_raw(&member.path) {
        return Err(io::Error::other(
            "no name in a zip can have other bytes than UTF-8",
        ));
    }
    let mode = if member.is_executable { 0o755 } else { 0o644 };
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(dos_time(member.modified))
        .large_file(member.size_bytes.is_some_and(|size| size >= LARGE_BYTES));
    match member.size_bytes {
        None => zip.add_directory(member.path.as_str(), options.unix_permissions(0o755))?,
        Some(_) => zip.start_file(member.path.as_str(), options.unix_permissions(mode))?,
    }
    Ok(())
}

/// Returns a time as a zip has it: in steps of two seconds, from 1980 on; as UTC, since no zone is kept.
fn dos_time(modified: Modified) -> DateTime {
    let time = jiff::Timestamp::from_second(modified.seconds).unwrap_or_default();
    let time = time.to_zoned_datetime(jiff::tz::TimeZone::UTC);
    let part = |value: i8| u8::try_from(value).unwrap_or(0);
    let made = DateTime::from_date_and_time(
        u16::try_from(time.year()).unwrap_or(0),
        part(time.month()),
        part(time.day()),
        part(time.hour()),
        part(time.minute()),
        part(time.second()),
    );
    made.unwrap_or_default()
}

/// Compresses a stream. The compressor stops for no error, so both of its ends keep theirs to themselves.
fn zstd(reader: Reader, out: Writer) -> io::Result<()> {
    let (mut source, mut drain) = (Quiet::new(reader), Quiet::new(out));
    compress(&mut source, &mut drain, CompressionLevel::Fastest);
    source.error.map_or(Ok(()), Err)?;
    drain.error.map_or(Ok(()), Err)?;
    drain.inner.finish()
}

/// Keeps the first error: what is read ends there, and what is written is dropped.
struct Quiet<T> {
    inner: T,
    error: Option<io::Error>,
}

impl<T> Quiet<T> {
    fn new(inner: T) -> Self {
        Self { inner, error: None }
    }
}

impl<T: Read> Read for Quiet<T> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.error.is_some() {
            return Ok(0);
        }
        Ok(self.inner.read(buffer).unwrap_or_else(|error| {
            self.error = Some(error);
            0
        }))
    }
}

impl<T: Write> Write for Quiet<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.error.is_none() {
            self.error = self.inner.write_all(bytes).err();
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A tar that is being written.
pub(super) struct TarWriter<W> {
    out: W,
    /// Bytes of the current file that are still to come.
    left: u64,
    /// Bytes of the current file.
    size: u64,
}

impl<W: Write> TarWriter<W> {
    fn new(out: W) -> Self {
        Self {
            out,
            left: 0,
            size: 0,
        }
    }

    fn begin(&mut self, member: &Member) -> io::Result<()> {
        self.end_file()?;
        let slash = if member.size_bytes.is_none() { "/" } else { "" };
        let name = shared::raw::bytes(&format!("{}{slash}", member.path));
        if name.len() > MAX_NAME || !name.is_ascii() {
            self.extended_name(&name)?;
        }
        let mut header = Header::new_ustar();
        put_name(&mut header, &name);
        header.set_entry_type(match member.size_bytes {
            None => EntryType::Directory,
            Some(_) => EntryType::Regular,
        });
        header.set_mode(match member.is_executable || member.size_bytes.is_none() {
            true => 0o755,
            false => 0o644,
        });
        self.size = member.size_bytes.unwrap_or(0);
        self.left = self.size;
        header.set_size(self.size);
        header.set_mtime(u64::try_from(member.modified.seconds).unwrap_or(0));
        self.put_header(header)
    }

    /// Writes the extended header that holds a name as it is (POSIX pax).
    fn extended_name(&mut self, name: &[u8]) -> io::Result<()> {
        let body = [&b" path="[..], name, b"\n"].concat();
        // The length counts its own digits.
        let mut length = body.len() + 1;
        while length.to_string().len() + body.len() > length {
            length += 1;
        }
        let record = [length.to_string().as_bytes(), &body].concat();
        let mut header = Header::new_ustar();
        put_name(&mut header, b"PaxHeaders/name");
        header.set_entry_type(EntryType::XHeader);
        header.set_mode(0o644);
        header.set_size(record.len() as u64);
        self.put_header(header)?;
        self.out.write_all(&record)?;
        self.pad(record.len() as u64)
    }

    fn put_header(&mut self, mut header: Header) -> io::Result<()> {
        header.set_uid(0);
        header.set_gid(0);
        header.set_cksum();
        self.out.write_all(header.as_bytes())
    }

    fn pad(&mut self, size: u64) -> io::Result<()> {
        let count = usize::try_from(size.next_multiple_of(BLOCK) - size).unwrap_or(0);
        self.out.write_all(&vec![0; count])
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let left = self.left.checked_sub(bytes.len() as u64);
        self.left =
            left.ok_or_else(|| io::Error::other("it has more bytes than it had when it was listed"))?;
        self.out.write_all(bytes)
    }

    fn end_file(&mut self) -> io::Result<()> {
        if self.left > 0 {
            return Err(io::Error::other(
                "it has fewer bytes than it had when it was listed",
            ));
        }
        let size = std::mem::take(&mut self.size);
        self.pad(size)
    }

    fn finish(mut self) -> io::Result<W> {
        self.end_file()?;
        self.out.write_all(&[0; 2 * 512])?;
        Ok(self.out)
    }
}

/// Puts as much of a name into a header as fits.
fn put_name(header: &mut Header, name: &[u8]) {
    if let Some(fields) = header.as_ustar_mut() {
        let count = name.len().min(MAX_NAME);
        fields.name[..count].copy_from_slice(&name[..count]);
    }
}
