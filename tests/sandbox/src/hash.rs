//! Dropbox's content hash, written anew here so that a mistake in `shared` cannot agree with itself.

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

/// The block of the content hash and the unit of concurrent sessions, in bytes.
pub const BLOCK_BYTES: u64 = 4 * 1024 * 1024;

/// One block's SHA-256.
pub type BlockDigest = [u8; 32];

/// Takes bytes in order and gives the digest of each block.
#[derive(Default)]
pub struct BlockHasher {
    done: Vec<BlockDigest>,
    current: Sha256,
    in_current: u64,
}

impl BlockHasher {
    /// Adds the next bytes.
    pub fn push(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let room = usize::try_from(BLOCK_BYTES - self.in_current).unwrap_or(usize::MAX);
            let (now, rest) = bytes.split_at(room.min(bytes.len()));
            self.current.update(now);
            self.in_current += now.len() as u64;
            bytes = rest;
            if self.in_current == BLOCK_BYTES {
                self.close_block();
            }
        }
    }

    /// The digests of all blocks, the last one perhaps short.
    pub fn finish(mut self) -> Vec<BlockDigest> {
        if self.in_current > 0 {
            self.close_block();
        }
        self.done
    }

    fn close_block(&mut self) {
        let full = std::mem::take(&mut self.current);
        self.done.push(full.finalize().into());
        self.in_current = 0;
    }
}

/// The content hash from the digests of its blocks, as lower-case hex.
pub fn combine(digests: &[BlockDigest]) -> String {
    let mut outer = Sha256::new();
    for digest in digests {
        outer.update(digest);
    }
    hex(&outer.finalize())
}

/// The content hash of bytes in memory.
#[cfg(test)]
pub fn of(bytes: &[u8]) -> String {
    let mut hasher = BlockHasher::default();
    hasher.push(bytes);
    combine(&hasher.finish())
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    HEXLOWER.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_vectors_agree() {
        let zeros = |n: usize| of(&vec![0; n]);
        let pattern = |n: usize| of(&(0..n).map(|i| u8::try_from(i % 251).unwrap()).collect::<Vec<_>>());
        assert_eq!(
            of(b""),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        assert_eq!(
            of(b"a"),
            "bf5d3affb73efd2ec6c36ad3112dd933efed63c4e1cbffcfa88e2759c144f2d8"
        );
        assert_eq!(
            of(b"hello world\n"),
            "f83e4b6bba3efac41f1ff56ee97adf7454680fee778924cb5ba06311d136ad1c"
        );
        assert_eq!(
            zeros(4_194_303),
            "839e2d868a885f260431d186466f0f3c189ee0eee5cc444b54e717740ad7f1c3"
        );
        assert_eq!(
            zeros(4_194_304),
            "c7e946d101855255d919ef0c70718633adf77d3dfb3adeeecf5d0cb4e951be58"
        );
        assert_eq!(
            zeros(4_194_305),
            "14a4d47f23a30177885d9820122f17d2d3a55fe63f7f5c27b95f689e0b2accd6"
        );
        assert_eq!(
            pattern(9_711_423),
            "c2548ae69e493dad26831aa86c34eaba870021782fadfe084c1116b3e421f79d"
        );
    }

    #[test]
    fn pieces_of_any_size_give_the_same_hash() {
        let bytes: Vec<u8> = (0..9_000_000_u32)
            .map(|i| u8::try_from(i % 251).unwrap())
            .collect();
        let mut hasher = BlockHasher::default();
        for piece in bytes.chunks(1_000_003) {
            hasher.push(piece);
        }
        assert_eq!(combine(&hasher.finish()), of(&bytes));
    }
}
