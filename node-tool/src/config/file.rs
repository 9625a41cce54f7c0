//! Reads the config file and replaces it, safely among many processes on a shared home.
//!
//! - A change reads the newest file, alters it and renames a complete new file over it: a reader sees the
//!   old or the new one, never half of one, and a crash or a full disk leaves the old one.
//! - Only one process changes it at a time. The lock is a file made with `O_EXCL`, which works on NFS and
//!   Lustre whether or not their `flock` does. A lock that is older than [`LOCK_LIFE`] belongs to a dead
//!   process and is taken away by renaming, which only one of several takers can do.
//! - The new file is 0600 from its first byte.
//! - An encrypted file stays encrypted: it is opened and closed with the same password.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant, SystemTime},
};

use rand::RngExt;
use shared::secret::Secret;

use super::{
    Config, Password,
    crypt::{self, CryptError},
    password::PasswordError,
    place,
};

/// A change takes milliseconds; nobody holds the lock this long and lives.
const LOCK_LIFE: Duration = Duration::from_secs(20);
/// How long to wait for the lock.
const LOCK_PATIENCE: Duration = Duration::from_secs(60);

/// What can go wrong with the config file.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Reading, writing or renaming.
    #[error("{doing} '{}': {source}", path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// To which file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// Not our TOML.
    #[error("'{}' is not a config file of node-tool: {reason}", path.display())]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// Where and why.
        reason: String,
    },
    /// Encrypted, and can't be opened.
    #[error("'{}': {source}", path.display())]
    Password {
        /// Which file.
        path: PathBuf,
        /// Why there is no password.
        source: PasswordError,
    },
    /// Encrypted, and not opened by this password.
    #[error("'{}' could not be opened: {source}", path.display())]
    Crypt {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: CryptError,
    },
    /// Another process kept the lock.
    #[error("another process keeps '{}' locked", .0.display())]
    Locked(PathBuf),
}

/// The config file.
#[derive(Clone, Debug)]
pub struct Store {
    path: PathBuf,
    password: Password,
}

impl Store {
    /// The config file at `path`, which need not exist; `password` is asked for only if the file is encrypted.
    pub fn new(path: PathBuf, password: Password) -> Self {
        Self { path, password }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads it; no file is an empty config.
    ///
    /// # Errors
    /// When it can't be read or understood.
    pub fn load(&self) -> Result<Config, ConfigError> {
        Ok(self.read()?.0)
    }

    /// Whether the file is under a password.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn is_encrypted(&self) -> Result<bool, ConfigError> {
        Ok(self.text()?.is_some_and(|text| crypt::is_encrypted(&text)))
    }

    fn text(&self) -> Result<Option<String>, ConfigError> {
        match fs::read_to_string(&self.path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(self.io("could not read", source)),
        }
    }

    /// The config, and the password that it is under.
    fn read(&self) -> Result<(Config, Option<Secret>), ConfigError> {
        let Some(text) = self.text()? else {
            return Ok((Config::default(), None));
        };
        if !crypt::is_encrypted(&text) {
            return Ok((self.parse(&text)?, None));
        }
        let path = || self.path.clone();
        let password = self
            .password
            .get()
            .map_err(|source| ConfigError::Password { path: path(), source })?;
        let plain =
            crypt::open(&text, &password).map_err(|source| ConfigError::Crypt { path: path(), source })?;
        Ok((self.parse(&plain)?, Some(password)))
    }

    fn parse(&self, text: &str) -> Result<Config, ConfigError> {
        toml::from_str(text).map_err(|error| ConfigError::Malformed {
            path: self.path.clone(),
            // The error's own text quotes the line, which may hold a token.
            reason: match error.span() {
                Some(span) => {
                    let line = text[..span.start.min(text.len())].lines().count().max(1);
                    format!("line {line}: {}", error.message())
                }
                None => error.message().to_owned(),
            },
        })
    }

    /// Closes file and directory to others where they are open. Returns what was repaired.
    ///
    /// # Errors
    /// When the permissions can't be read or changed.
    pub fn repair_permissions(&self) -> Result<Vec<PathBuf>, ConfigError> {
        let mut repaired = Vec::new();
        if self.path.exists()
            && place::close_to_others(&self.path, 0o600).map_err(|e| self.io("could not protect", e))?
        {
            repaired.push(self.path.clone());
        }
        // Only a directory of our own: --config may name a file in anyone's.
        if let Some(directory) = self.path.parent().filter(|d| d.ends_with(place::DIRECTORY))
            && directory.exists()
            && place::close_to_others(directory, 0o700).map_err(|e| self.io("could not protect", e))?
        {
            repaired.push(directory.to_owned());
        }
        Ok(repaired)
    }

    /// Reads the newest config, lets `change` alter it, and puts it in place, under the lock.
    /// Writes nothing if nothing changed.
    ///
    /// # Errors
    /// When the file can't be read, locked or replaced; the old one is then still there.
    pub fn update<T>(&self, change: impl FnOnce(&mut Config) -> T) -> Result<T, ConfigError> {
        place::prepare_directory(&self.path).map_err(|e| self.io("could not make the directory of", e))?;
        if self.is_encrypted()? {
            // Nobody else waits while a person types.
            self.password.get().map_err(|source| ConfigError::Password {
                path: self.path.clone(),
                source,
            })?;
        }
        let _lock = Lock::take(self.path.with_extension("toml.lock"))?;
        let (before, password) = self.read()?;
        let mut after = before.clone();
        let result = change(&mut after);
        if after != before || !self.path.exists() {
            self.replace(&after, password.as_ref())?;
        }
        Ok(result)
    }

    /// Puts the file under another password, or under none.
    ///
    /// # Errors
    /// As [`Store::update`]'s; a wrong password changes nothing.
    pub fn set_password(&self, new: Option<Secret>) -> Result<(), ConfigError> {
        place::prepare_directory(&self.path).map_err(|e| self.io("could not make the directory of", e))?;
        self.read()?;
        let _lock = Lock::take(self.path.with_extension("toml.lock"))?;
        let (config, _) = self.read()?;
        self.replace(&config, new.as_ref())?;
        if let Some(new) = new {
            self.password.remember(new);
        }
        Ok(())
    }

    fn replace(&self, config: &Config, password: Option<&Secret>) -> Result<(), ConfigError> {
        let malformed = |reason: String| ConfigError::Malformed {
            path: self.path.clone(),
            reason,
        };
        let mut text = toml::to_string(config).map_err(|error| malformed(error.to_string()))?;
        if let Some(password) = password {
            text = crypt::close(&text, password).map_err(|source| ConfigError::Crypt {
                path: self.path.clone(),
                source,
            })?;
        }
        // The user's file may be a symlink into another directory: replace what it points to.
        let target = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        let directory = target
            .parent()
            .filter(|d| !d.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        let write = || -> io::Result<()> {
            let mut new = tempfile::Builder::new()
                .prefix(".config.")
                .suffix(".new")
                .tempfile_in(directory)?;
            new.write_all(text.as_bytes())?;
            new.as_file().sync_all()?;
            new.persist(&target)?;
            // Makes the rename durable; some network file systems refuse, and then there is nothing to gain.
            let _ = File::open(directory).and_then(|d| d.sync_all());
            Ok(())
        };
        write().map_err(|source| self.io("could not write", source))
    }

    fn io(&self, doing: &'static str, source: io::Error) -> ConfigError {
        ConfigError::Io {
            doing,
            path: self.path.clone(),
            source,
        }
    }
}

/// A lock file that this process made; gone when dropped.
struct Lock {
    path: PathBuf,
}

impl Lock {
    fn take(path: PathBuf) -> Result<Self, ConfigError> {
        let give_up = Instant::now() + LOCK_PATIENCE;
        loop {
            match OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&path)
            {
                Ok(mut file) => {
                    let _ = writeln!(file, "{}", std::process::id());
                    return Ok(Self { path });
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(source) => {
                    return Err(ConfigError::Io {
                        doing: "could not lock",
                        path,
                        source,
                    });
                }
            }
            remove_if_stale(&path);
            if Instant::now() > give_up {
                return Err(ConfigError::Locked(path));
            }
            thread::sleep(Duration::from_millis(rand::rng().random_range(5..40)));
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Takes away a lock whose owner is dead. The age is by the file system's own clock, which may differ from
/// this machine's: a fresh file beside it tells what time it is there.
fn remove_if_stale(path: &Path) {
    let Some(directory) = path.parent() else { return };
    let made = |p: &Path| fs::metadata(p).and_then(|m| m.modified()).ok();
    let Some(locked_at) = made(path) else { return };
    let rough_age = SystemTime::now().duration_since(locked_at).unwrap_or_default();
    if rough_age < LOCK_LIFE / 2 {
        return;
    }
    let Ok(probe) = tempfile::Builder::new().prefix(".clock.").tempfile_in(directory) else {
        return;
    };
    let Some(now) = made(probe.path()) else { return };
    if now.duration_since(locked_at).unwrap_or_default() > LOCK_LIFE {
        let aside = probe.path().with_extension("stale");
        if fs::rename(path, &aside).is_ok() {
            let _ = fs::remove_file(aside);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::config::Remote;

    fn store(directory: &Path) -> Store {
        Store::new(directory.join("a").join("config.toml"), Password::default())
    }

    #[test]
    fn many_writers_lose_nothing() {
        let directory = tempfile::tempdir().unwrap();
        thread::scope(|scope| {
            for index in 0..25 {
                let store = store(directory.path());
                scope.spawn(move || {
                    store
                        .update(|c| c.remotes.insert(format!("r{index}"), Remote::default()))
                        .unwrap();
                });
            }
        });
        assert_eq!(store(directory.path()).load().unwrap().remotes.len(), 25);
    }

    #[test]
    fn files_are_private_and_leave_no_litter() {
        let directory = tempfile::tempdir().unwrap();
        let store = store(directory.path());
        store
            .update(|c| c.remotes.insert("x".into(), Remote::default()))
            .unwrap();
        let mode = |p: &Path| fs::metadata(p).unwrap().permissions().mode() & 0o777;
        assert_eq!(
            (mode(store.path()), mode(store.path().parent().unwrap())),
            (0o600, 0o700)
        );
        assert_eq!(fs::read_dir(store.path().parent().unwrap()).unwrap().count(), 1);
        fs::set_permissions(store.path(), PermissionsExt::from_mode(0o644)).unwrap();
        assert_eq!(store.repair_permissions().unwrap().len(), 1);
        assert_eq!(mode(store.path()), 0o600);
    }

    #[test]
    fn a_damaged_file_is_refused_without_showing_it_and_kept() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::new(directory.path().join("config.toml"), Password::default());
        fs::write(
            store.path(),
            "[remotes.x]\napp_key = \"k\"\nrefresh_token = \"topsecret\n",
        )
        .unwrap();
        let error = store.load().unwrap_err().to_string();
        assert!(
            error.contains("line 3") && !error.contains("topsecret"),
            "{error}"
        );
        assert!(store.update(|c| c.remotes.clear()).is_err());
        assert!(fs::read_to_string(store.path()).unwrap().contains("topsecret"));
    }

    #[test]
    fn a_password_keeps_everything_and_a_wrong_one_changes_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let plain = store(directory.path());
        plain
            .update(|c| c.remotes.insert("x".into(), Remote::default()))
            .unwrap();
        let with = |text: &str| {
            let password = Password::default();
            password.remember(Secret::new(text));
            Store::new(plain.path().to_owned(), password)
        };
        plain.set_password(Some(Secret::new("right"))).unwrap();
        assert!(plain.is_encrypted().unwrap());
        let closed = fs::read(plain.path()).unwrap();
        for change in [
            with("wrong").update(|c| c.remotes.clear()),
            with("wrong").set_password(None),
        ] {
            assert!(matches!(change, Err(ConfigError::Crypt { .. })));
        }
        assert_eq!(fs::read(plain.path()).unwrap(), closed);
        with("right")
            .update(|c| c.remotes.insert("y".into(), Remote::default()))
            .unwrap();
        assert!(plain.is_encrypted().unwrap(), "it stays encrypted");
        with("right").set_password(None).unwrap();
        assert_eq!(plain.load().unwrap().remotes.len(), 2);
    }

    #[test]
    fn a_config_survives_the_round_trip() {
        let directory = tempfile::tempdir().unwrap();
        let store = store(directory.path());
        let remote = Remote {
            app_key: "k".into(),
            refresh_token: Some(Secret::new("r\"\\ü")),
            expires_at: Some(5),
            scopes: vec!["a".into()],
            ..Remote::default()
        };
        store
            .update(|c| c.remotes.insert("my box".into(), remote.clone()))
            .unwrap();
        assert_eq!(store.load().unwrap().remotes["my box"], remote);
    }
}
