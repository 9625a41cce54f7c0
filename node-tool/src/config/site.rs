//! What a centre sets for all its users, so that nobody has to make a Dropbox app: `/etc/node-tool/config.toml`.

use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use super::Defaults;

/// The environment variable that names another file.
pub const SITE_VARIABLE: &str = "NODE_TOOL_SITE_CONFIG";
/// Where the file is otherwise.
const SITE_PATH: &str = "/etc/node-tool/config.toml";

/// The centre's file.
#[derive(Clone, Debug)]
pub struct Site {
    path: PathBuf,
}

impl Site {
    /// The file that the environment names, or the usual one.
    pub fn here() -> Self {
        let named = std::env::var_os(SITE_VARIABLE).filter(|path| !path.is_empty());
        Self {
            path: named.map_or_else(|| SITE_PATH.into(), PathBuf::from),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether `path` is this file, by whatever name.
    pub(super) fn is_at(&self, path: &Path) -> bool {
        let identity = |path: &Path| fs::metadata(path).ok().map(|found| (found.dev(), found.ino()));
        path == self.path || identity(path).is_some_and(|found| Some(found) == identity(&self.path))
    }

    /// Its settings; no file is no settings.
    ///
    /// # Errors
    /// Says what is wrong with the file, which is no reason to stop.
    pub fn load(&self) -> Result<Defaults, String> {
        let text = match std::fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Defaults::default()),
            Err(error) => return Err(format!("'{}' can't be read: {error}", self.path.display())),
        };
        toml::from_str(&text).map_err(|error| {
            format!(
                "'{}' is left out of account: {}",
                self.path.display(),
                error.message()
            )
        })
    }
}
