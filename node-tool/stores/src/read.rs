//! Reading one file in order.

use std::io::{self, Read as _, Seek as _, SeekFrom};

use engine::{Result, entry::FileMeta};

use crate::{Place, seek::open_local};

/// A part of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    /// The whole file.
    All,
    /// The first bytes.
    Head(u64),
    /// The last bytes.
    Tail(u64),
    /// The bytes from an offset on; a negative offset counts from the end.
    From {
        /// The first byte.
        offset: i64,
        /// Maximum number of bytes. `None` means to the end.
        count: Option<u64>,
    },
}

impl Range {
    /// Returns the first byte and the one after the last of a file of this size.
    pub fn of(self, size_bytes: u64) -> (u64, u64) {
        match self {
            Self::All => (0, size_bytes),
            Self::Head(count) => (0, count.min(size_bytes)),
            Self::Tail(count) => (size_bytes.saturating_sub(count), size_bytes),
            Self::From { offset, count } => {
                let from = match offset {
                    offset if offset < 0 => size_bytes.saturating_sub(offset.unsigned_abs()),
                    offset => offset.unsigned_abs().min(size_bytes),
                };
                let to = count.map_or(size_bytes, |count| size_bytes.min(from.saturating_add(count)));
                (from, to)
            }
        }
    }
}

/// How reading a file ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    /// All bytes were read.
    Done {
        /// Whether they were compared with a checksum: only whole files have one.
        compared: bool,
    },
    /// The bytes don't match the checksum.
    Damaged,
    /// The caller wanted no more.
    Stopped,
}

impl Place {
    /// Reads a part of the file at this place, as it was listed, and hands its bytes to `sink`, which returns whether more are
    /// wanted.
    ///
    /// # Errors
    /// When it can't be read to its end, or `sink` fails.
    pub async fn read(
        &self,
        file: &FileMeta,
        range: Range,
        sink: &mut dyn FnMut(&[u8]) -> io::Result<bool>,
    ) -> Result<Read> {
        match self {
            Self::Dropbox(store) => store.read(file, range, sink).await,
            Self::Link(store) => store.read(file, range, sink).await,
            // Some files, those in /proc for example, are longer than their reported size.
            Self::Local(store) if range == Range::All => Ok(read_local(store.path(), 0, u64::MAX, sink)?),
            Self::Local(store) => {
                let (from, to) = range.of(file.size_bytes);
                Ok(read_local(store.path(), from, to, sink)?)
            }
        }
    }
}

pub(crate) fn read_local(
    path: &std::path::Path,
    from: u64,
    to: u64,
    sink: &mut dyn FnMut(&[u8]) -> io::Result<bool>,
) -> io::Result<Read> {
    let mut open = open_local(path)?;
    open.seek(SeekFrom::Start(from))?;
    let (mut part, mut buffer) = (open.take(to - from), vec![0; 1 << 16]);
    loop {
        match part.read(&mut buffer) {
            Ok(0) => return Ok(Read::Done { compared: false }),
            Ok(count) if !sink(&buffer[..count])? => return Ok(Read::Stopped),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_lie_within_the_file() {
        let from = |offset, count| Range::From { offset, count };
        for (range, expected) in [
            (Range::All, (0, 10)),
            (Range::Head(3), (0, 3)),
            (Range::Head(30), (0, 10)),
            (Range::Tail(3), (7, 10)),
            (Range::Tail(30), (0, 10)),
            (from(4, None), (4, 10)),
            (from(-4, None), (6, 10)),
            (from(-40, Some(3)), (0, 3)),
            (from(40, Some(3)), (10, 10)),
            (from(8, Some(u64::MAX)), (8, 10)),
        ] {
            assert_eq!(range.of(10), expected, "{range:?}");
        }
    }
}
