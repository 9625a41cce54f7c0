//! The temporary files of this process, so that they can be removed when the process ends while threads still write to them.

use std::{collections::BTreeMap, io};

use super::Root;
use parking_lot::Mutex;

/// The path of each below its root. `None` once the process ends: no more are made then.
static ALL: Mutex<Option<BTreeMap<u64, (Root, String)>>> = Mutex::new(Some(BTreeMap::new()));

/// Registers a temporary file.
#[derive(Debug)]
pub(super) struct Unfinished(u64);

impl Unfinished {
    /// Registers a file that is about to be made.
    ///
    /// # Errors
    /// When the process is ending.
    pub(super) fn begin(root: &Root, path: &str) -> io::Result<Self> {
        let mut all = ALL.lock();
        let all = all
            .as_mut()
            .ok_or_else(|| io::Error::other("node-tool is ending"))?;
        let number = all.last_key_value().map_or(0, |(number, _)| number + 1);
        all.insert(number, (root.clone(), path.to_owned()));
        Ok(Self(number))
    }

    /// Unregisters a file that has its final name, or is gone.
    pub(super) fn done(self) {
        if let Some(all) = ALL.lock().as_mut() {
            all.remove(&self.0);
        }
    }
}

/// Removes all registered files, and prevents new ones. Called when the process ends.
pub fn remove_unfinished() {
    let all = ALL.lock().take();
    for (root, path) in all.into_iter().flatten().map(|(_, file)| file) {
        let _ = root.remove_leftover(&path); // it may have been renamed at this moment
    }
}
