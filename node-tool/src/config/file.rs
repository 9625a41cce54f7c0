//! Reads the config file and changes it, safely among many processes on a shared home.
//!
//! - A change reads the newest file, alters it and renames a complete new file over it: a reader sees the
//!   old or the new one, never half of one, and a crash or a full disk leaves the old one.
//! - Only one process changes it at a time (`stores::lock`). Links are followed once, before the lock, so that two names of one
//!   file share it.
//! - The new file is 0600 from its first byte, and then as the old one was (`replace`).
//! - An encrypted file stays encrypted: it is opened and closed with the same password.
//! - Only a regular file of this user is ever changed, never the file of the site.

mod rclones;
#[cfg(test)]
mod tests;

use std::{
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use parking_lot::Mutex;
use shared::secret::Secret;
use stores::lock::{Lock, LockError};

use super::{
    Config, ConfigError, Environment, Password, Site, crypt, document,
    place::{self, Target},
    rclone,
    replace::{self, NewFile},
};

/// The largest file that is read; a thousand remotes take less than 1 MiB.
const MAX_BYTES: u64 = 16 << 20;
/// Number of bytes that must fit on the disk for a new file.
const PROBE_BYTES: usize = 16 << 10;

/// The config file.
#[derive(Clone, Debug)]
pub struct Store {
    name: PathBuf,
    target: Target,
    password: Password,
    /// The text that came through a pipe, which can be read once.
    stream: Arc<Mutex<Option<Secret>>>,
    /// An encrypted text and what it holds: opening it takes a second.
    opened: Arc<Mutex<Option<(String, Secret)>>>,
    /// Whether it may be rclone's file.
    may_be_rclones: bool,
    /// The directory for what is found out about the logins of rclone's file.
    logins: Option<PathBuf>,
}

/// A file's content.
struct Content {
    /// What it was read as.
    config: Config,
    /// The TOML.
    plain: Secret,
    /// The password that it is under.
    password: Option<Secret>,
}

impl Store {
    /// Returns the config file that `name` leads to, which need not exist; `password` is asked for only if the file is encrypted.
    /// An empty name and `/dev/null` are a config in memory only.
    pub fn new(name: PathBuf, password: Password) -> Self {
        Self {
            target: Target::find(&name),
            name,
            password,
            stream: Arc::default(),
            opened: Arc::default(),
            may_be_rclones: false,
            logins: None,
        }
    }

    /// Returns its path, as it was given.
    pub fn path(&self) -> &Path {
        &self.name
    }

    /// Returns what its name leads to.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Returns its path, for messages.
    pub fn place(&self) -> String {
        match &self.target {
            Target::Memory => "in memory only".into(),
            Target::Stream(path) | Target::File(path) | Target::Other(path, _) => {
                format!("'{}'", path.display())
            }
        }
    }

    /// Reads it; no file is an empty config. The remotes of the environment are over those of the file.
    ///
    /// # Errors
    /// When it, or a variable, can't be read or understood.
    pub fn load(&self) -> Result<Config, ConfigError> {
        let mut config = self.read()?.config;
        Environment::here().put_over(&mut config)?;
        Ok(config)
    }

    /// Returns whether the file is encrypted.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn is_encrypted(&self) -> Result<bool, ConfigError> {
        Ok(crypt::is_encrypted(self.text()?.expose()))
    }

    /// Returns whether changes can be saved: not in memory, not through a pipe, not to another user's or the site's file.
    pub fn is_kept(&self) -> bool {
        self.own_file().is_ok()
    }

    /// Returns the file that changes go to.
    fn own_file(&self) -> Result<&Path, ConfigError> {
        if self.is_rclones() {
            return Err(ConfigError::OfRclone(self.name.clone()));
        }
        let path = match &self.target {
            Target::File(path) => path,
            Target::Memory => return Err(ConfigError::NotKept("in memory only".into())),
            Target::Stream(path) => {
                return Err(ConfigError::NotKept(format!(
                    "read once from '{}'",
                    path.display()
                )));
            }
            Target::Other(..) => return Err(self.not_a_file()),
        };
        let Ok(found) = fs::symlink_metadata(path) else {
            return Ok(path); // it will be this user's
        };
        if !found.is_file() {
            return Err(self.not_a_file());
        }
        if Site::here().is_at(path) {
            return Err(ConfigError::Site(path.clone()));
        }
        if !place::may_change(found.uid(), rustix::process::geteuid().as_raw()) {
            let (path, owner) = (path.clone(), found.uid());
            return Err(ConfigError::Foreign { path, owner });
        }
        Ok(path)
    }

    fn not_a_file(&self) -> ConfigError {
        let kind = match Target::find(&self.name) {
            Target::Other(_, kind) => kind,
            _ => "something else",
        };
        ConfigError::NotAFile {
            path: self.name.clone(),
            kind,
        }
    }

    /// Returns the file's text, empty if there is none.
    fn text(&self) -> Result<Secret, ConfigError> {
        match &self.target {
            Target::Memory => Ok(Secret::default()),
            Target::File(path) => self.read_text(path),
            Target::Other(..) => Err(self.not_a_file()),
            Target::Stream(path) => {
                let mut stream = self.stream.lock();
                match &*stream {
                    Some(text) => Ok(text.clone()),
                    None => Ok(stream.insert(self.read_text(path)?).clone()),
                }
            }
        }
    }

    fn read_text(&self, path: &Path) -> Result<Secret, ConfigError> {
        let read = || -> io::Result<Vec<u8>> {
            let mut bytes = Vec::new();
            io::Read::read_to_end(
                &mut io::Read::take(fs::File::open(path)?, MAX_BYTES + 1),
                &mut bytes,
            )?;
            Ok(bytes)
        };
        let bytes = match read() {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(source) => return Err(self.io("could not read", source)),
        };
        if bytes.len() as u64 > MAX_BYTES {
            return Err(self.malformed("it is too large".into()));
        }
        if self.may_be_rclones {
            return Ok(Secret::new(rclone::decode(&bytes)));
        }
        let text = String::from_utf8(bytes).map_err(|error| {
            let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
            self.malformed(format!("line {line} is not in UTF-8"))
        })?;
        Ok(Secret::new(text))
    }

    fn read(&self) -> Result<Content, ConfigError> {
        let text = self.text()?;
        if self.may_be_rclones && !rclones::is_own(text.expose()) {
            return self.read_rclones(&text);
        }
        let (plain, password) = if crypt::is_encrypted(text.expose()) {
            let password = self.ask_password()?;
            (self.open(text.expose(), &password)?, Some(password))
        } else {
            (text, None)
        };
        Ok(Content {
            config: document::parse(plain.expose()).map_err(|reason| self.malformed(reason))?,
            plain,
            password,
        })
    }

    fn ask_password(&self) -> Result<Secret, ConfigError> {
        self.password.get().map_err(|source| ConfigError::Password {
            path: self.name.clone(),
            source,
        })
    }

    fn open(&self, text: &str, password: &Secret) -> Result<Secret, ConfigError> {
        let mut opened = self.opened.lock();
        if let Some((_, plain)) = opened.as_ref().filter(|(known, _)| known == text) {
            return Ok(plain.clone());
        }
        let plain = crypt::open(text, password).map_err(|source| ConfigError::Crypt {
            path: self.name.clone(),
            source,
        })?;
        let plain = Secret::new(plain);
        *opened = Some((text.to_owned(), plain.clone()));
        Ok(plain)
    }

    /// Closes the file to others where it is open to them, and its directory, if that was made for it. Returns what was
    /// closed. The group keeps its permissions if `config` or the directory marks the file as shared with a group.
    ///
    /// # Errors
    /// When the permissions can't be read or changed.
    pub fn repair_permissions(&self, config: &Config) -> Result<Vec<PathBuf>, ConfigError> {
        let Target::File(path) = &self.target else {
            return Ok(Vec::new());
        };
        if self.is_rclones() {
            return Ok(Vec::new());
        }
        let mut places = Vec::new();
        let others = if self.is_shared(path, config) {
            0o007
        } else {
            0o077
        };
        if path.exists() && !Site::here().is_at(path) {
            places.push((path.clone(), others));
        }
        let usual = place::default_path().unwrap_or_default();
        let directory = place::directory_of(path);
        if Target::find(&usual) == Target::File(path.clone()) && directory.exists() {
            places.push((directory.to_owned(), others));
        }
        let mut repaired = Vec::new();
        for (place, others) in places {
            if place::close(&place, others).map_err(|e| self.io("could not protect", e))? {
                repaired.push(place);
            }
        }
        Ok(repaired)
    }

    fn is_shared(&self, path: &Path, config: &Config) -> bool {
        config.group_access || place::is_for_a_group(place::directory_of(path))
    }

    /// Reads the newest config, lets `change` alter it, and puts it in place, under the lock.
    /// Writes nothing if nothing changed.
    ///
    /// # Errors
    /// When the file can't be read, locked or replaced; the old one is then still there.
    pub fn update<T>(&self, change: impl FnOnce(&mut Config) -> T) -> Result<T, ConfigError> {
        let path = self.own_file()?;
        if self.is_encrypted()? {
            self.read()?; // no process waits while a person types
        }
        let lock = self.lock(path)?;
        let content = self.read()?;
        let mut after = content.config.clone();
        let result = change(&mut after);
        if after != content.config {
            self.replace(path, &lock, &content, &after, content.password.as_ref())?;
        }
        Ok(result)
    }

    /// Makes the file, if there is none.
    ///
    /// # Errors
    /// As [`Store::update`]'s.
    pub fn make(&self) -> Result<(), ConfigError> {
        let path = self.own_file()?;
        if path.exists() {
            return Ok(());
        }
        let lock = self.lock(path)?;
        let content = self.read()?;
        self.replace(path, &lock, &content, &content.config, content.password.as_ref())
    }

    /// Proves that the file can be locked and saved, as [`Store::update`] would: before something is done that would be lost
    /// if it couldn't be. What is in the file stays the same.
    ///
    /// # Errors
    /// As [`Store::update`]'s.
    pub fn probe(&self) -> Result<(), ConfigError> {
        let path = self.own_file()?;
        let lock = self.lock(path)?;
        let write = || -> io::Result<()> {
            let mut new = NewFile::create(path)?;
            if !path.exists() {
                return new.write(&Secret::new("#".repeat(PROBE_BYTES)));
            }
            // Only a rename shows that the file can be replaced: it may be mounted by itself.
            new.write(&self.text().map_err(io::Error::other)?)?;
            let content = self.read().ok().map(|content| content.config).unwrap_or_default();
            self.check_held(&lock)?;
            new.replace(self.is_shared(path, &content))
        };
        write().map_err(|source| self.io("could not write", source))
    }

    /// Encrypts the file with another password, or stores it without one.
    ///
    /// # Errors
    /// As [`Store::update`]'s; a wrong password changes nothing.
    pub fn set_password(&self, new: Option<Secret>) -> Result<(), ConfigError> {
        let path = self.own_file()?;
        self.read()?;
        let lock = self.lock(path)?;
        let content = self.read()?;
        self.replace(path, &lock, &content, &content.config, new.as_ref())?;
        if let Some(new) = new {
            self.password.remember(new);
        }
        Ok(())
    }

    fn lock(&self, path: &Path) -> Result<Lock, ConfigError> {
        place::prepare_directory(path).map_err(|e| self.io("could not make the directory of", e))?;
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".lock");
        let place = path.with_file_name(name);
        let lock = Lock::take(&place).map_err(|error| match error {
            LockError::Held => ConfigError::Locked(place),
            LockError::Io(source) => ConfigError::Io {
                doing: "could not lock",
                path: place,
                source,
            },
        })?;
        replace::sweep(path);
        Ok(lock)
    }

    fn replace(
        &self,
        path: &Path,
        lock: &Lock,
        before: &Content,
        after: &Config,
        password: Option<&Secret>,
    ) -> Result<(), ConfigError> {
        let plain = document::edit(before.plain.expose(), &before.config, after);
        let plain = Secret::new(plain.map_err(|reason| self.malformed(reason))?);
        let text = match password {
            None => plain.clone(),
            Some(password) => {
                let closed = crypt::close(plain.expose(), password);
                Secret::new(closed.map_err(|source| ConfigError::Crypt {
                    path: self.name.clone(),
                    source,
                })?)
            }
        };
        let write = || -> io::Result<()> {
            let mut new = NewFile::create(path)?;
            new.write(&text)?;
            self.check_held(lock)?;
            new.replace(self.is_shared(path, after))
        };
        write().map_err(|source| self.io("could not write", source))?;
        if password.is_some() {
            let mut opened = self.opened.lock();
            *opened = Some((text.expose().to_owned(), plain));
        }
        Ok(())
    }

    /// A process that slept too long may have lost the lock, and what it read is old.
    fn check_held(&self, lock: &Lock) -> io::Result<()> {
        match lock.is_held() {
            true => Ok(()),
            false => Err(io::Error::other(
                "another process has taken the lock meanwhile; try again",
            )),
        }
    }

    fn malformed(&self, reason: String) -> ConfigError {
        let path = self.name.clone();
        ConfigError::Malformed { path, reason }
    }

    fn io(&self, doing: &'static str, source: io::Error) -> ConfigError {
        ConfigError::Io {
            doing,
            path: self.name.clone(),
            source,
        }
    }
}
