//! Digests of a file whose ranges arrive in any order: bytes that come next are digested as they are written, others when it is
//! their turn, from the disk, where they were written a moment ago.

use std::{
    collections::BTreeMap,
    fs::File,
    io,
    ops::Range,
    os::unix::fs::FileExt as _,
    sync::atomic::{AtomicU64, Ordering},
};

use engine::digest::{Algorithm, Digester, Digests};
use parking_lot::Mutex;

/// Number of bytes that are read at once.
const READ_BYTES: usize = 256 * 1024;

/// The digests of one file, as far as it has arrived without a gap.
pub(super) struct InOrder {
    state: Mutex<State>,
    /// A copy of the state's own, to be looked at without waiting.
    next: AtomicU64,
}

struct State {
    digester: Digester,
    /// The offset of the next byte.
    next: u64,
    /// Ranges that are on disk: the end of each by its beginning.
    there: BTreeMap<u64, u64>,
}

impl InOrder {
    /// Returns one for a file of which nothing has arrived. `None` if no digests are wanted.
    pub(super) fn new(algorithms: &[Algorithm]) -> Option<Self> {
        let digester = Digester::new(algorithms);
        (!digester.is_idle()).then(|| Self {
            state: Mutex::new(State {
                digester,
                next: 0,
                there: BTreeMap::new(),
            }),
            next: AtomicU64::new(0),
        })
    }

    /// Takes bytes that are written at `at`, if they are the next ones.
    pub(super) fn written(&self, at: u64, bytes: &[u8]) {
        if self.next.load(Ordering::Acquire) != at {
            return;
        }
        let mut state = self.state.lock();
        if state.next == at {
            state.digester.update(bytes);
            state.next += bytes.len() as u64;
            self.next.store(state.next, Ordering::Release);
        }
    }

    /// Takes a range that is on disk, and what there is behind it.
    ///
    /// # Errors
    /// When it can't be read back.
    pub(super) fn arrived(&self, file: &File, range: Range<u64>) -> io::Result<()> {
        let mut state = self.state.lock();
        state.there.insert(range.start, range.end);
        while let Some(end) = state.end_of_next() {
            let State { digester, next, .. } = &mut *state;
            read(file, *next, end - *next, |bytes| digester.update(bytes))?;
            *next = end;
        }
        self.next.store(state.next, Ordering::Release);
        Ok(())
    }

    /// Returns the digests of all that has arrived.
    pub(super) fn finish(self) -> Digests {
        self.state.into_inner().digester.finish()
    }
}

impl State {
    /// Returns the end of the range that has the next byte. `None` if it isn't there.
    fn end_of_next(&self) -> Option<u64> {
        let (_, end) = self.there.range(..=self.next).next_back()?;
        (*end > self.next).then_some(*end)
    }
}

/// Reads `length` bytes from `at` on, piece by piece.
pub(super) fn read(file: &File, mut at: u64, length: u64, mut take: impl FnMut(&[u8])) -> io::Result<()> {
    let (end, mut buffer) = (at + length, vec![0; READ_BYTES]);
    while at < end {
        let count = READ_BYTES.min(usize::try_from(end - at).unwrap_or(READ_BYTES));
        file.read_exact_at(&mut buffer[..count], at)?;
        take(&buffer[..count]);
        at += count as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt;

    use engine::digest::digests_of;

    use super::*;

    #[test]
    fn ranges_in_any_order_give_the_digests_of_the_whole() {
        let algorithms = [Algorithm::Md5, Algorithm::Sha256];
        let bytes: Vec<u8> = (0..100_000_u32).map(|n| (n % 251) as u8).collect();
        let file = tempfile::tempfile().unwrap();
        file.write_all_at(&bytes, 0).unwrap();
        let ranges = [0..30_000_u64, 30_000..60_000, 60_000..90_000, 90_000..100_000];
        for order in [[0, 1, 2, 3], [3, 2, 1, 0], [1, 0, 3, 2], [2, 3, 0, 1]] {
            let digests = InOrder::new(&algorithms).unwrap();
            for range in order.map(|at| ranges[at].clone()) {
                // Half of it is seen as it is written, if it is its turn.
                let (start, half) = (range.start as usize, (range.start + 7000) as usize);
                digests.written(range.start, &bytes[start..half]);
                digests.arrived(&file, range).unwrap();
            }
            assert_eq!(digests.finish(), digests_of(&bytes, &algorithms), "{order:?}");
        }
        assert!(InOrder::new(&[]).is_none());
    }
}
