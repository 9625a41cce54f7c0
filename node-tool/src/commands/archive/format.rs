//! The formats of archives: by name for a new one, by its first bytes for one that is there.

use std::io::{self, Read as _, Seek, SeekFrom};

use shared::{failure::Failure, plain::quoted};
use stores::ReadSeek;

/// A format of archives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Tar,
    TarGz,
    TarZst,
    Zip,
}

/// The formats with their names and the endings of files.
const FORMATS: [(Format, &str, &[&str]); 4] = [
    (Format::Zip, "zip", &[".zip"]),
    (Format::Tar, "tar", &[".tar"]),
    (Format::TarGz, "tar.gz", &[".tar.gz", ".tgz", ".taz"]),
    (Format::TarZst, "tar.zst", &[".tar.zst", ".tzst"]),
];

/// Formats of rclone's that are not known here, with the program that knows them and the endings of files.
const FOREIGN: [(&str, &str, &[&str]); 7] = [
    ("tar.bz2", "bzip2", &[".tar.bz2", ".tb2", ".tbz", ".tbz2", ".tz2"]),
    ("tar.xz", "xz", &[".tar.xz", ".txz"]),
    ("tar.lz", "lzip", &[".tar.lz"]),
    ("tar.lz4", "lz4", &[".tar.lz4"]),
    ("tar.br", "brotli", &[".tar.br"]),
    ("tar.sz", "snzip", &[".tar.sz"]),
    ("tar.mz", "minlz", &[".tar.mz"]),
];

/// The magic number of a tar, and where it is.
const TAR_MAGIC: (usize, &[u8]) = (257, b"ustar");

impl Format {
    /// Returns the format of this name, or that of a file's name if there is none.
    ///
    /// # Errors
    /// When it is unknown; `again` is how the same is done with another program.
    pub fn of_new(name: Option<&str>, file: &str, again: impl Fn(&str) -> String) -> Result<Self, Failure> {
        let lower = name.unwrap_or(file).to_ascii_lowercase();
        let fits = |known: &str, endings: &[&str]| match name {
            Some(_) => lower == known,
            None => endings.iter().any(|ending| lower.ends_with(ending)),
        };
        if let Some((format, ..)) = FORMATS.iter().find(|(_, known, endings)| fits(known, endings)) {
            return Ok(*format);
        }
        let known = FORMATS.map(|(_, name, _)| name).join(", ");
        if let Some((foreign, program, _)) = FOREIGN.iter().find(|(known, _, endings)| fits(known, endings)) {
            return Err(Failure::usage(format!("{foreign} can't be written here"))
                .why(format!("there are: {known}"))
                .hint(again(program)));
        }
        Err(match name {
            Some(name) => {
                Failure::usage(format!("there is no format '{name}'")).why(format!("there are: {known}"))
            }
            None => Failure::usage(format!("what format is {} to have?", quoted(file)))
                .why("its name doesn't say")
                .hint(format!("give --format: {known}")),
        })
    }

    /// Returns the format of an archive. `None` if it is none that is known here.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn of_content(archive: &mut dyn ReadSeek) -> io::Result<Option<Self>> {
        let mut first = Vec::new();
        io::Read::take(&mut *archive, 512).read_to_end(&mut first)?;
        Seek::seek(archive, SeekFrom::Start(0))?;
        Ok(Self::of_bytes(&first))
    }

    fn of_bytes(first: &[u8]) -> Option<Self> {
        let (at, magic) = TAR_MAGIC;
        let is_tar = first.get(at..at + magic.len()) == Some(magic);
        match first {
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Some(Self::Zip),
            [0x1f, 0x8b, ..] => Some(Self::TarGz),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Self::TarZst),
            _ if is_tar || is_empty_tar(first) => Some(Self::Tar),
            _ => None,
        }
    }
}

/// A tar without files is zeros.
fn is_empty_tar(first: &[u8]) -> bool {
    first.len() == 512 && first.iter().all(|byte| *byte == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_the_format_of_a_new_archive() {
        let of = |name, file| Format::of_new(name, file, |program| format!("use {program}"));
        for (name, file, format) in [
            (None, "a.tar", Format::Tar),
            (None, "dbx:x/A.TGZ", Format::TarGz),
            (None, "a.tar.zst", Format::TarZst),
            (Some("zip"), "a.tar", Format::Zip),
        ] {
            assert_eq!(of(name, file).ok(), Some(format), "{file}");
        }
        for (name, file, said) in [
            (None, "a.tar.xz", "hint: use xz"),
            (None, "a.dat", "its name doesn't say"),
            (Some("rar"), "a.tar", "there is no format 'rar'"),
            (Some("tar.bz2"), "", "hint: use bzip2"),
        ] {
            let error = of(name, file).unwrap_err().to_string();
            assert!(
                error.contains(said) && error.contains("zip, tar, tar.gz, tar.zst"),
                "{error}"
            );
        }
    }

    #[test]
    fn the_first_bytes_say_the_format_of_an_archive() {
        let mut tar = vec![b'a'; 512];
        tar[257..262].copy_from_slice(b"ustar");
        for (first, format) in [
            (&b"PK\x03\x04rest"[..], Some(Format::Zip)),
            (b"\x1f\x8b\x08", Some(Format::TarGz)),
            (b"\x28\xb5\x2f\xfd", Some(Format::TarZst)),
            (&tar, Some(Format::Tar)),
            (&[0; 512], Some(Format::Tar)),
            (b"", None),
            (b"hello", None),
        ] {
            assert_eq!(Format::of_bytes(first), format);
        }
    }
}
