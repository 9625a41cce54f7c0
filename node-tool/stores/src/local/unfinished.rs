//! The temporary files of this process, so that they can be removed when it is ended while threads still work with them.

use std::{
    collections::BTreeMap,
    io,
    sync::{Mutex, PoisonError},
};

use super::Root;

/// The path of each below its root. `None` when the process ends: no more are made then.
static ALL: Mutex<Option<BTreeMap<u64, (Root, String)>>> = Mutex::new(Some(BTreeMap::new()));

/// Says that a temporary file is there.
#[derive(Debug)]
pub(super) struct Unfinished(u64);

impl Unfinished {
    /// A file is about to be made.
    ///
    /// # Errors
    /// When the process is ending.
    pub(super) fn begin(root: &Root, path: &str) -> io::Result<Self> {
        let mut all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
        let all = all
            .as_mut()
            .ok_or_else(|| io::Error::other("node-tool is ending"))?;
        let number = all.last_key_value().map_or(0, |(number, _)| number + 1);
        all.insert(number, (root.clone(), path.to_owned()));
        Ok(Self(number))
    }

    /// It has got its name, or is gone.
    pub(super) fn done(self) {
        if let Some(all) = ALL.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            all.remove(&self.0);
        }
    }
}

/// Removes them all, and lets no more be made. For the end of the process.
pub fn remove_unfinished() {
    let all = ALL.lock().unwrap_or_else(PoisonError::into_inner).take();
    for (root, path) in all.into_iter().flatten().map(|(_, file)| file) {
        let _ = root.remove_leftover(&path); // it may have been renamed at this moment
    }
}
