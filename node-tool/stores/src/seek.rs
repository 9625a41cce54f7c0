//! A file that is read here and there, such as an archive: of a Dropbox, only the ranges that are needed are fetched.

use std::{
    collections::VecDeque,
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::Path,
};

use engine::{Result, entry::FileMeta};
use tokio::{runtime::Handle, task::JoinHandle};

use crate::{
    Place, Range,
    local::{link_content, local_error},
};

/// Number of bytes that are fetched where the reader has jumped to: a header, and what is beside it.
const FIRST_WINDOW: u64 = 64 << 10;
/// Maximum number of bytes of one fetch where the reader goes on.
const MAX_WINDOW: u64 = 4 << 20;
/// A jump forward of at most this many bytes counts as going on: fetching them is quicker than asking again.
const MAX_GAP: u64 = 512 << 10;
/// Number of fetches in flight where the reader goes on.
const AHEAD: usize = 3;

/// A file that can be read at any place. Its calls wait, so they must be made on a thread that may.
pub trait ReadSeek: Read + Seek + Send {}
impl<T: Read + Seek + Send> ReadSeek for T {}

impl Place {
    /// Opens the file at this place, as it was listed, for reading at any place.
    ///
    /// # Errors
    /// When it can't be opened.
    pub fn open_seekable(&self, file: &FileMeta) -> Result<Box<dyn ReadSeek>> {
        match self {
            Self::Local(store) => open_local(store.path()).map_err(local_error),
            Self::Dropbox(_) | Self::Link(_) => Ok(Box::new(Ranges::new(Source {
                place: self.clone(),
                file: file.clone(),
                runtime: Handle::current(),
            }))),
        }
    }
}

/// Opens a file of this machine, or the content that a symlink is listed with.
pub(crate) fn open_local(path: &Path) -> io::Result<Box<dyn ReadSeek>> {
    Ok(match link_content(path)? {
        Some(content) => Box::new(io::Cursor::new(content)),
        None => Box::new(File::open(path)?),
    })
}

/// Fetches parts of one revision of a file.
trait Fetch: Clone + Send + 'static {
    fn size_bytes(&self) -> u64;

    /// Returns the bytes from an offset on, this many, which the file has.
    fn fetch(&self, offset: u64, count: u64) -> io::Result<Vec<u8>>;
}

/// A file of a Dropbox.
#[derive(Clone)]
struct Source {
    place: Place,
    file: FileMeta,
    runtime: Handle,
}

impl Fetch for Source {
    fn size_bytes(&self) -> u64 {
        self.file.size_bytes
    }

    fn fetch(&self, offset: u64, count: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::with_capacity(usize::try_from(count).unwrap_or(0));
        let range = Range::From {
            offset: i64::try_from(offset).map_err(io::Error::other)?,
            count: Some(count),
        };
        let mut sink = |chunk: &[u8]| {
            bytes.extend_from_slice(chunk);
            Ok(true)
        };
        let read = self.place.read(&self.file, range, &mut sink);
        self.runtime.block_on(read).map_err(io::Error::other)?;
        Ok(bytes)
    }
}

/// A fetch in flight: where it begins, how many bytes it brings, and what brings them.
type Window = (u64, u64, JoinHandle<io::Result<Vec<u8>>>);

/// Reads a file by ranges, some ahead where the reader goes on.
struct Ranges<F> {
    source: F,
    at: u64,
    /// The bytes that were fetched last, and where they begin.
    start: u64,
    bytes: Vec<u8>,
    window: u64,
    ahead: VecDeque<Window>,
}

impl<F: Fetch> Ranges<F> {
    fn new(source: F) -> Self {
        Self {
            source,
            at: 0,
            start: 0,
            bytes: Vec::new(),
            window: 0,
            ahead: VecDeque::new(),
        }
    }

    /// Returns the bytes that are here, from the current place on.
    fn here(&self) -> &[u8] {
        let skip = self
            .at
            .checked_sub(self.start)
            .and_then(|skip| usize::try_from(skip).ok());
        skip.and_then(|skip| self.bytes.get(skip..)).unwrap_or_default()
    }

    /// Fetches what is at the current place.
    fn fill(&mut self) -> io::Result<()> {
        let end = self.start + self.bytes.len() as u64;
        let goes_on = !self.bytes.is_empty() && self.at >= end && self.at - end <= MAX_GAP;
        if !goes_on {
            self.ahead.clear();
            self.window = FIRST_WINDOW;
            let count = self.window.min(self.source.size_bytes() - self.at);
            self.bytes = self.source.fetch(self.at, count)?;
            self.start = self.at;
            return Ok(());
        }
        self.window = (self.window * 2).min(MAX_WINDOW);
        let mut next = self.ahead.back().map_or(end, |(start, count, _)| start + count);
        let wanted = if self.window < MAX_WINDOW { 1 } else { AHEAD };
        while self.ahead.len() < wanted && next < self.source.size_bytes() {
            let count = self.window.min(self.source.size_bytes() - next);
            let (source, start) = (self.source.clone(), next);
            let fetch = tokio::task::spawn_blocking(move || source.fetch(start, count));
            self.ahead.push_back((start, count, fetch));
            next += count;
        }
        let Some((start, _, fetch)) = self.ahead.pop_front() else {
            return Err(io::ErrorKind::UnexpectedEof.into());
        };
        self.bytes = Handle::current().block_on(fetch).map_err(io::Error::other)??;
        self.start = start;
        Ok(())
    }
}

impl<F: Fetch> Read for Ranges<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.here().is_empty() && self.at < self.source.size_bytes() && !buffer.is_empty() {
            self.fill()?;
        }
        let here = self.here();
        let count = here.len().min(buffer.len());
        buffer[..count].copy_from_slice(&here[..count]);
        self.at += count as u64;
        Ok(count)
    }
}

impl<F: Fetch> Seek for Ranges<F> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let (base, offset) = match to {
            SeekFrom::Start(at) => (at, 0),
            SeekFrom::Current(offset) => (self.at, offset),
            SeekFrom::End(offset) => (self.source.size_bytes(), offset),
        };
        self.at = base
            .checked_add_signed(offset)
            .ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parking_lot::Mutex;

    use super::*;

    #[derive(Clone)]
    struct Memory {
        content: Arc<Vec<u8>>,
        fetched: Arc<Mutex<Vec<(u64, u64)>>>,
    }

    impl Fetch for Memory {
        fn size_bytes(&self) -> u64 {
            self.content.len() as u64
        }

        fn fetch(&self, offset: u64, count: u64) -> io::Result<Vec<u8>> {
            self.fetched.lock().push((offset, count));
            let (from, count) = (usize::try_from(offset).unwrap(), usize::try_from(count).unwrap());
            Ok(self.content[from..from + count].to_vec())
        }
    }

    fn memory(size: usize) -> Memory {
        Memory {
            content: Arc::new((0..size).map(|at| (at % 251) as u8).collect()),
            fetched: Arc::default(),
        }
    }

    /// Runs on a thread that may wait, with a runtime.
    fn with_runtime<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async { tokio::task::spawn_blocking(work).await.unwrap() })
    }

    #[test]
    fn a_file_read_from_end_to_end_is_fetched_once_in_few_parts() {
        let source = memory(30 << 20);
        let (content, fetched) = (Arc::clone(&source.content), Arc::clone(&source.fetched));
        let read = with_runtime(move || {
            let mut read = Vec::new();
            Ranges::new(source).read_to_end(&mut read).unwrap();
            read
        });
        assert!(read == *content);
        let fetched = fetched.lock();
        assert_eq!(fetched.iter().map(|(_, count)| count).sum::<u64>(), 30 << 20);
        assert!(fetched.len() < 20, "{fetched:?}");
    }

    #[test]
    fn jumps_fetch_little() {
        let source = memory(100 << 20);
        let (content, fetched) = (Arc::clone(&source.content), Arc::clone(&source.fetched));
        with_runtime(move || {
            let mut ranges = Ranges::new(source);
            for at in [0, 50 << 20, 99 << 20, 3 << 20] {
                ranges.seek(SeekFrom::Start(at)).unwrap();
                let mut bytes = [0; 512];
                ranges.read_exact(&mut bytes).unwrap();
                let at = usize::try_from(at).unwrap();
                assert!(bytes == content[at..at + 512]);
            }
            ranges.seek(SeekFrom::End(-10)).unwrap();
            let mut rest = Vec::new();
            ranges.read_to_end(&mut rest).unwrap();
            assert_eq!(rest.len(), 10);
            assert!(ranges.seek(SeekFrom::Current(-(200 << 20))).is_err());
        });
        let fetched = fetched.lock();
        assert!(
            fetched.iter().map(|(_, count)| count).sum::<u64>() <= 5 * FIRST_WINDOW,
            "{fetched:?}"
        );
    }

    #[test]
    fn headers_near_each_other_are_fetched_together() {
        let source = memory(20 << 20);
        let fetched = Arc::clone(&source.fetched);
        with_runtime(move || {
            let mut ranges = Ranges::new(source);
            // As the headers of files of 100 KiB.
            for at in (0..20 << 20).step_by(100 << 10) {
                ranges.seek(SeekFrom::Start(at)).unwrap();
                ranges.read_exact(&mut [0; 512]).unwrap();
            }
        });
        assert!(fetched.lock().len() < 20, "{:?}", fetched.lock());
    }
}
