//! What a centre sets for all its users, so that users need not make a Dropbox app: `/etc/node-tool/config.toml`.

use std::{
    fs,
    io::{self, Read as _},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::{Defaults, Extra, document::without_values, keys};

/// The environment variable that names another file.
pub const SITE_VARIABLE: &str = "NODE_TOOL_SITE_CONFIG";
/// Where the file is otherwise.
const SITE_PATH: &str = "/etc/node-tool/config.toml";
/// The largest file that is read.
const MAX_BYTES: u64 = 1 << 20;

/// The centre's file.
#[derive(Clone, Debug)]
pub struct Site {
    path: PathBuf,
}

/// Its content.
#[derive(Deserialize)]
struct Content {
    #[serde(flatten)]
    defaults: Defaults,
    #[serde(flatten)]
    extra: Extra,
}

impl Site {
    /// The file that the environment names, or the usual one.
    pub fn here() -> Self {
        let named = std::env::var_os(SITE_VARIABLE).filter(|path| !path.is_empty());
        Self {
            path: named.map_or_else(|| SITE_PATH.into(), PathBuf::from),
        }
    }

    /// Returns its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns whether `path` is this file, by whatever name.
    pub(super) fn is_at(&self, path: &Path) -> bool {
        let identity = |path: &Path| fs::metadata(path).ok().map(|found| (found.dev(), found.ino()));
        path == self.path || identity(path).is_some_and(|found| Some(found) == identity(&self.path))
    }

    /// Returns its settings, and warnings about it; a missing file has no settings.
    ///
    /// # Errors
    /// Returns a warning about the file; it is no reason to stop.
    pub fn load(&self) -> Result<(Defaults, Vec<String>), String> {
        let text = match self.read() {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Default::default()),
            Err(error) => return Err(format!("'{}' can't be read: {error}", self.path.display())),
        };
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let content: Content = toml::from_str(text).map_err(|error| {
            let line = error
                .span()
                .map(|span| text[..span.start.min(text.len())].lines().count().max(1));
            let line = line.map(|line| format!("line {line}: ")).unwrap_or_default();
            format!(
                "'{}' is left out of account: {line}{}",
                self.path.display(),
                without_values(error.message())
            )
        })?;
        let odd = keys::unknown(&content.extra, keys::SITE);
        let odd = odd
            .into_iter()
            .map(|said| format!("'{}' has {said}", self.path.display()));
        Ok((content.defaults, odd.collect()))
    }

    fn read(&self) -> io::Result<String> {
        let kind = fs::metadata(&self.path)?;
        if !kind.is_file() {
            // A pipe would be waited for.
            return match kind.is_dir() {
                true => Err(io::ErrorKind::IsADirectory.into()),
                false => Ok(String::new()),
            };
        }
        let mut text = String::new();
        fs::File::open(&self.path)?
            .take(MAX_BYTES)
            .read_to_string(&mut text)?;
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_key_is_named_with_the_nearest() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("site.toml");
        fs::write(&path, "\u{feff}app_kye = \"k\"\ntransfers = 3\n").unwrap();
        let (defaults, odd) = Site { path: path.clone() }.load().unwrap();
        assert_eq!(defaults.transfers, Some(3));
        assert!(
            odd.len() == 1 && odd[0].contains("'app_kye'") && odd[0].contains("app_key?"),
            "{odd:?}"
        );
        fs::write(&path, "help = \"x\"\n\ntransfers = \"many\"\n").unwrap();
        let wrong = Site { path }.load().unwrap_err();
        assert!(wrong.contains("site.toml") && !wrong.contains("many"), "{wrong}");
    }
}
