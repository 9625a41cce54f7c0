//! Makes folders to copy, and compares them byte by byte.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

/// The properties of a file that a copy keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Size in bytes.
    pub size: u64,
    /// Modification time in whole seconds since 1970.
    pub modified: i64,
    /// SHA-256 of the content.
    pub digest: String,
}

/// Returns all files below a folder by their relative path.
///
/// # Errors
/// When something can't be read.
pub fn snapshot(root: &Path) -> anyhow::Result<BTreeMap<String, Kept>> {
    let mut out = BTreeMap::new();
    gather(root, root, &mut out)?;
    Ok(out)
}

fn gather(root: &Path, dir: &Path, out: &mut BTreeMap<String, Kept>) -> anyhow::Result<()> {
    for entry in fs::read_dir(dir).with_context(|| format!("listing {}", dir.display()))? {
        let path = entry?.path();
        let meta = fs::symlink_metadata(&path)?;
        if meta.is_dir() {
            gather(root, &path, out)?;
        } else {
            let mut hasher = Sha256::new();
            if meta.is_file() {
                let (mut file, mut buffer) = (File::open(&path)?, vec![0; 1 << 20]);
                while let count @ 1.. = file.read(&mut buffer)? {
                    hasher.update(&buffer[..count]);
                }
            }
            let digest = HEXLOWER.encode(&hasher.finalize());
            let name = path.strip_prefix(root)?.to_string_lossy().into_owned();
            out.insert(
                name,
                Kept {
                    size: meta.len(),
                    modified: meta.mtime(),
                    digest,
                },
            );
        }
    }
    Ok(())
}

/// Returns the differences between two folders, one per line. It is empty if there are none.
///
/// # Errors
/// When something can't be read.
pub fn differences(left: &Path, right: &Path) -> anyhow::Result<Vec<String>> {
    let (left, right) = (snapshot(left)?, snapshot(right)?);
    let mut out = Vec::new();
    for (name, kept) in &left {
        match right.get(name) {
            None => out.push(format!("missing: {name}")),
            Some(other) if other != kept => out.push(format!("differs: {name}: {kept:?} and {other:?}")),
            Some(_) => {}
        }
    }
    out.extend(
        right
            .keys()
            .filter(|name| !left.contains_key(*name))
            .map(|name| format!("extra: {name}")),
    );
    Ok(out)
}

/// Writes a file with a modification time, and makes its folders.
///
/// # Errors
/// When it can't be written.
pub fn write(path: &Path, bytes: &[u8], modified: u64) -> anyhow::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let mut file = File::create(path).with_context(|| format!("making {}", path.display()))?;
    file.write_all(bytes)?;
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(modified))?;
    Ok(())
}

/// Returns `len` bytes that look random and depend on `seed` alone.
pub fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut out = Vec::with_capacity(len + 8);
    while out.len() < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        out.extend_from_slice(&state.to_le_bytes());
    }
    out.truncate(len);
    out
}
