//! Limits how much content is in memory at once.

use tokio::sync::{Semaphore, SemaphorePermit};

/// Number of bytes of memory that a call takes whose content is streamed.
pub(crate) const STREAM_BYTES: u64 = 3 << 19;

/// Bytes of memory, handed out by the KiB.
#[derive(Debug)]
pub(crate) struct Memory {
    kibibytes: Semaphore,
    max: u32,
}

impl Memory {
    /// Returns a supply of `bytes`.
    pub(crate) fn new(bytes: usize) -> Self {
        let max = u32::try_from(bytes / 1024).unwrap_or(u32::MAX).max(1);
        Self {
            kibibytes: Semaphore::new(max as usize),
            max,
        }
    }

    /// Returns the number of KiB for `bytes`, never more than there are.
    fn kibibytes(&self, bytes: u64) -> u32 {
        u32::try_from(bytes.div_ceil(1024))
            .unwrap_or(u32::MAX)
            .clamp(1, self.max)
    }

    /// Waits until `bytes` may be used.
    pub(crate) async fn take(&self, bytes: u64) -> SemaphorePermit<'_> {
        match self.kibibytes.acquire_many(self.kibibytes(bytes)).await {
            Ok(permit) => permit,
            Err(_) => unreachable!("the semaphore is never closed"),
        }
    }

    /// Returns a permit if `bytes` may be used now.
    pub(crate) fn try_take(&self, bytes: u64) -> Option<SemaphorePermit<'_>> {
        self.kibibytes.try_acquire_many(self.kibibytes(bytes)).ok()
    }
}
