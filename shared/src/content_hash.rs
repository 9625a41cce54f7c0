//! Dropbox's content hash: SHA-256 over the SHA-256 digests of the file's 4 MiB blocks.
//!
//! Blocks are independent, so a chunk that starts at a multiple of [`BLOCK_BYTES`] can be hashed by itself; [`Assembly`] joins
//! the chunks in any order.
//!
//! Source: Dropbox "Content hash" page.

use std::{fmt, str::FromStr};

use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

/// Length of a block; only the last one of a file may be shorter.
pub const BLOCK_BYTES: u64 = 4 * 1024 * 1024;

/// A content hash: 32 bytes, written as 64 lowercase hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContentHash([u8; 32]);

impl From<[u8; 32]> for ContentHash {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl ContentHash {
    /// Returns the hash of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        let mut hasher = Hasher::new();
        hasher.update(bytes);
        hasher.finish()
    }

    /// Returns the 32 bytes of the hash.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Returns the hash of a file from the digests of its consecutive blocks.
    pub fn of_blocks<'a>(digests: impl IntoIterator<Item = &'a [u8; 32]>) -> Self {
        let mut all = Sha256::new();
        for digest in digests {
            all.update(digest);
        }
        Self(all.finalize().into())
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&HEXLOWER.encode_display(&self.0), f)
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for ContentHash {
    type Err = NotAHash;

    fn from_str(text: &str) -> Result<Self, NotAHash> {
        let mut bytes = [0; 32];
        if text.len() != 2 * bytes.len() {
            return Err(NotAHash);
        }
        HEXLOWER_PERMISSIVE
            .decode_mut(text.as_bytes(), &mut bytes)
            .map_err(|_| NotAHash)?;
        Ok(Self(bytes))
    }
}

/// The text is not 64 hex digits.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a content hash has 64 hex digits")]
pub struct NotAHash;

impl Serialize for ContentHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ContentHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// Hashes bytes that come in order, and keeps the digest of each block.
#[derive(Clone, Debug, Default)]
pub struct Hasher {
    block: Sha256,
    in_block: u64,
    digests: Vec<[u8; 32]>,
}

impl Hasher {
    /// Returns a hasher for a file, or for a chunk that starts at a block boundary.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the next bytes.
    pub fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let room = usize::try_from(BLOCK_BYTES - self.in_block).unwrap_or(usize::MAX);
            let (now, later) = bytes.split_at(bytes.len().min(room));
            self.block.update(now);
            self.in_block += now.len() as u64;
            if self.in_block == BLOCK_BYTES {
                self.close_block();
            }
            bytes = later;
        }
    }

    /// Returns the digests of all blocks; the last block may be shorter.
    pub fn into_blocks(mut self) -> Vec<[u8; 32]> {
        if self.in_block > 0 {
            self.close_block();
        }
        self.digests
    }

    /// Returns the digests of the blocks that are complete.
    pub fn whole_blocks(&self) -> &[[u8; 32]] {
        &self.digests
    }

    /// Returns the number of bytes after the last complete block, and their digest.
    pub fn part(&self) -> (u64, [u8; 32]) {
        (self.in_block, self.block.clone().finalize().into())
    }

    /// Returns the content hash of all bytes.
    pub fn finish(self) -> ContentHash {
        ContentHash::of_blocks(&self.into_blocks())
    }

    fn close_block(&mut self) {
        self.digests
            .push(std::mem::take(&mut self.block).finalize().into());
        self.in_block = 0;
    }
}

/// Block digests of a file of known length, filled in any order. It takes 32 bytes per block: 16 MiB for 2 TiB.
#[derive(Clone, Debug)]
pub struct Assembly {
    digests: Vec<Option<[u8; 32]>>,
}

impl Assembly {
    /// Returns an empty assembly for a file of `size_bytes`.
    pub fn new(size_bytes: u64) -> Self {
        let blocks = usize::try_from(size_bytes.div_ceil(BLOCK_BYTES)).unwrap_or(usize::MAX);
        Self {
            digests: vec![None; blocks],
        }
    }

    /// Adds the digests of a chunk that starts at `offset_bytes`, a multiple of [`BLOCK_BYTES`].
    ///
    /// # Panics
    /// If the chunk doesn't start at a block boundary or reaches past the end: a mistake of the caller.
    pub fn place(&mut self, offset_bytes: u64, digests: &[[u8; 32]]) {
        assert_eq!(
            offset_bytes % BLOCK_BYTES,
            0,
            "a chunk starts at a block boundary"
        );
        let first = usize::try_from(offset_bytes / BLOCK_BYTES).unwrap_or(usize::MAX);
        for (slot, digest) in self.digests[first..first + digests.len()].iter_mut().zip(digests) {
            *slot = Some(*digest);
        }
    }

    /// Returns the content hash. `None` means that a block is missing.
    pub fn finish(&self) -> Option<ContentHash> {
        let all: Option<Vec<&[u8; 32]>> = self.digests.iter().map(Option::as_ref).collect();
        all.map(ContentHash::of_blocks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pattern(length: usize) -> Vec<u8> {
        (0..length).map(|i| (i % 251) as u8).collect()
    }

    #[test]
    fn known_vectors() {
        const MIB4: usize = 4_194_304;
        let vectors: Vec<(Vec<u8>, &str)> = vec![
            (
                vec![],
                "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            ),
            (
                vec![0],
                "1406e05881e299367766d313e26c05564ec91bf721d31726bd6e46e60689539a",
            ),
            (
                b"a".to_vec(),
                "bf5d3affb73efd2ec6c36ad3112dd933efed63c4e1cbffcfa88e2759c144f2d8",
            ),
            (
                b"abc".to_vec(),
                "4f8b42c22dd3729b519ba6f68d2da7cc5b2d606d05daed5ad5128cc03e6c6358",
            ),
            (
                b"hello world\n".to_vec(),
                "f83e4b6bba3efac41f1ff56ee97adf7454680fee778924cb5ba06311d136ad1c",
            ),
            (
                vec![0; MIB4 - 1],
                "839e2d868a885f260431d186466f0f3c189ee0eee5cc444b54e717740ad7f1c3",
            ),
            (
                vec![0; MIB4],
                "c7e946d101855255d919ef0c70718633adf77d3dfb3adeeecf5d0cb4e951be58",
            ),
            (
                vec![0; MIB4 + 1],
                "14a4d47f23a30177885d9820122f17d2d3a55fe63f7f5c27b95f689e0b2accd6",
            ),
            (
                pattern(MIB4),
                "b9654428408015906b44a00935b70af33830aa344b780b0eabd535a133150d04",
            ),
            (
                pattern(9_711_423),
                "c2548ae69e493dad26831aa86c34eaba870021782fadfe084c1116b3e421f79d",
            ),
            (
                vec![b'A'; MIB4 + 1],
                "8f553da8d00d0bf509d8470e242888be33019c20c0544811f5b2b89e98360b92",
            ),
        ];
        for (bytes, expected) in vectors {
            assert_eq!(
                ContentHash::of(&bytes).to_string(),
                expected,
                "{} bytes",
                bytes.len()
            );
        }
    }

    #[test]
    fn the_milky_way_picture_from_its_blocks() {
        let digests: Vec<[u8; 32]> = [
            "2a846fa617c3361fc117e1c5c1e1838c336b6a5cef982c1a2d9bdf68f2f1992a",
            "c68469027410ea393eba6551b9fa1e26db775f00eae70a0c3c129a0011a39cf9",
            "7376192de020925ce6c5ef5a8a0405e931b0a9a8c75517aacd9ca24a8a56818b",
        ]
        .iter()
        .map(|hex| hex.parse::<ContentHash>().unwrap().0)
        .collect();
        let mut assembly = Assembly::new(9_711_423);
        assembly.place(2 * BLOCK_BYTES, &digests[2..]);
        assert_eq!(assembly.finish(), None);
        assembly.place(0, &digests[..2]);
        assert_eq!(
            assembly.finish().unwrap().to_string(),
            "485291fa0ee50c016982abbfa943957bcd231aae0492ccbaa22c58e3997b35e0"
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(8))]
        #[test]
        fn chunks_in_any_order_give_the_hash_of_the_whole(size in 0usize..13_000_000, turn in 0usize..4, step in 1usize..3_000_000) {
            let bytes = pattern(size);
            let mut assembly = Assembly::new(size as u64);
            let mut pieces: Vec<(usize, &[u8])> = bytes.chunks(BLOCK_BYTES as usize).enumerate().collect();
            let count = pieces.len().max(1);
            pieces.rotate_left(turn % count);
            for (index, piece) in pieces {
                let mut hasher = Hasher::new();
                piece.chunks(step).for_each(|chunk| hasher.update(chunk));
                assembly.place(index as u64 * BLOCK_BYTES, &hasher.into_blocks());
            }
            prop_assert_eq!(assembly.finish().unwrap(), ContentHash::of(&bytes));
        }
    }
}
