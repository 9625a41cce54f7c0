//! Digests of content: several in one pass over the bytes.

use std::{fmt, str::FromStr};

use data_encoding::HEXLOWER;
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest as _, Sha256, Sha512};
use shared::content_hash::Hasher;

/// A digest algorithm, by the name that rclone has for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Algorithm {
    /// MD5
    Md5,
    /// SHA-1
    Sha1,
    /// CRC-32, as in zip
    Crc32,
    /// SHA-256
    Sha256,
    /// SHA-512
    Sha512,
    /// Dropbox's content hash
    Dropbox,
}

impl Algorithm {
    /// All of them, in rclone's order.
    pub const ALL: [Self; 6] = [
        Self::Md5,
        Self::Sha1,
        Self::Crc32,
        Self::Sha256,
        Self::Sha512,
        Self::Dropbox,
    ];

    /// Returns its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Md5 => "md5",
            Self::Sha1 => "sha1",
            Self::Crc32 => "crc32",
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
            Self::Dropbox => "dropbox",
        }
    }

    /// Returns the length of a digest in bytes.
    pub fn length_bytes(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Crc32 => 4,
            Self::Sha256 | Self::Dropbox => 32,
            Self::Sha512 => 64,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// There is no algorithm of this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no digest '{0}' here; there are: {list}", list = names())]
pub struct UnknownAlgorithm(pub String);

fn names() -> String {
    Algorithm::ALL.map(Algorithm::name).join(", ")
}

impl FromStr for Algorithm {
    type Err = UnknownAlgorithm;

    /// Reads a name in any letter case, also with a dash (`SHA-256`).
    fn from_str(text: &str) -> Result<Self, UnknownAlgorithm> {
        let plain = text.to_ascii_lowercase().replace('-', "");
        let plain = plain.strip_suffix("hash").unwrap_or(&plain);
        let found = Self::ALL.into_iter().find(|known| known.name() == plain);
        found.ok_or_else(|| UnknownAlgorithm(text.to_owned()))
    }
}

/// Computes several digests of bytes that come in order.
#[derive(Clone, Default)]
pub struct Digester(Vec<(Algorithm, State)>);

/// Digests in lowercase hexadecimal digits, in the order that was asked for.
pub type Digests = Vec<(Algorithm, String)>;

#[derive(Clone)]
enum State {
    Md5(Md5),
    Sha1(Sha1),
    Crc32(crc32fast::Hasher),
    Sha256(Sha256),
    Sha512(Sha512),
    Dropbox(Box<Hasher>),
}

impl fmt::Debug for Digester {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|(name, _)| name))
            .finish()
    }
}

impl Digester {
    /// Returns one that has seen no bytes.
    pub fn new(algorithms: &[Algorithm]) -> Self {
        let state = |algorithm: &Algorithm| {
            let state = match algorithm {
                Algorithm::Md5 => State::Md5(Md5::new()),
                Algorithm::Sha1 => State::Sha1(Sha1::new()),
                Algorithm::Crc32 => State::Crc32(crc32fast::Hasher::new()),
                Algorithm::Sha256 => State::Sha256(Sha256::new()),
                Algorithm::Sha512 => State::Sha512(Sha512::new()),
                Algorithm::Dropbox => State::Dropbox(Box::default()),
            };
            (*algorithm, state)
        };
        Self(algorithms.iter().map(state).collect())
    }

    /// Returns whether no digest is wanted: it need not see the bytes.
    pub fn is_idle(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        for (_, state) in &mut self.0 {
            match state {
                State::Md5(state) => state.update(bytes),
                State::Sha1(state) => state.update(bytes),
                State::Crc32(state) => state.update(bytes),
                State::Sha256(state) => state.update(bytes),
                State::Sha512(state) => state.update(bytes),
                State::Dropbox(state) => state.update(bytes),
            }
        }
    }

    /// Returns the digests of all bytes.
    pub fn finish(self) -> Digests {
        let hex = |bytes: &[u8]| HEXLOWER.encode(bytes);
        let finish = |state| match state {
            State::Md5(state) => hex(&state.finalize()),
            State::Sha1(state) => hex(&state.finalize()),
            State::Crc32(state) => hex(&state.finalize().to_be_bytes()),
            State::Sha256(state) => hex(&state.finalize()),
            State::Sha512(state) => hex(&state.finalize()),
            State::Dropbox(state) => state.finish().to_string(),
        };
        let finish = |(algorithm, state)| (algorithm, finish(state));
        self.0.into_iter().map(finish).collect()
    }
}

/// Returns the digests of `bytes`.
pub fn digests_of(bytes: &[u8], algorithms: &[Algorithm]) -> Digests {
    let mut digester = Digester::new(algorithms);
    digester.update(bytes);
    digester.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The digests of "hello", as `md5sum` and others print them; the last one is that of Dropbox's rule.
    const HELLO: [&str; 6] = [
        "5d41402abc4b2a76b9719d911017c592",
        "aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d",
        "3610a686",
        "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
        "9b71d224bd62f3785d96d46ad3ea3d73319bfbc2890caadae2dff72519673ca72323c3d99ba5c11d7c7acc6e14b8c5da0c4663475c2e5c3adef46f73bcdec043",
        "9595c9df90075148eb06860365df33584b75bff782a510c6cd4883a419833d50",
    ];

    #[test]
    fn all_digests_come_from_one_pass() {
        let mut digester = Digester::new(&Algorithm::ALL);
        digester.update(b"he");
        digester.update(b"llo");
        for ((algorithm, digest), expected) in digester.finish().into_iter().zip(HELLO) {
            assert_eq!(digest, expected, "{algorithm}");
            assert_eq!(digest.len(), 2 * algorithm.length_bytes());
        }
    }

    #[test]
    fn names_are_rclones_in_any_case() {
        for (text, algorithm) in [
            ("MD5", Algorithm::Md5),
            ("SHA-1", Algorithm::Sha1),
            ("sha256", Algorithm::Sha256),
            ("CRC-32", Algorithm::Crc32),
            ("DropboxHash", Algorithm::Dropbox),
        ] {
            assert_eq!(text.parse(), Ok(algorithm));
        }
        for text in ["", "sha", "blake3", "md5sum"] {
            let error = text.parse::<Algorithm>().unwrap_err().to_string();
            assert!(
                error.contains("md5, sha1, crc32, sha256, sha512, dropbox"),
                "{error}"
            );
        }
    }
}
