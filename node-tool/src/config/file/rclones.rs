//! A config file of rclone in the place of our own: it is read, and never written.

use std::{collections::BTreeMap, path::PathBuf};

use shared::secret::Secret;

use super::{Content, Store};
use crate::config::{
    Config, ConfigError, crypt, document,
    rclone::{self, Login, Sealing, Section, Taken},
};

/// All sections of a file, by name.
type Sections = BTreeMap<String, Section>;

impl Store {
    /// Lets the file be one of rclone's, too. What is found out about its logins is kept in the directory `logins`, if there is
    /// one.
    #[must_use]
    pub fn or_rclones(mut self, logins: Option<PathBuf>) -> Self {
        self.may_be_rclones = true;
        self.logins = logins;
        self
    }

    /// Returns whether the file is rclone's, which only rclone changes.
    pub fn is_rclones(&self) -> bool {
        self.may_be_rclones && self.text().is_ok_and(|text| !is_own(text.expose()))
    }

    /// Returns the directory for what is found out about rclone's logins. `None` if the file is ours, or encrypted: then no
    /// token is to be kept beside it.
    pub(in crate::config) fn logins_of_rclone(&self) -> Option<&PathBuf> {
        let is_sealed = || {
            let text = self.text().unwrap_or_default();
            rclone::sealing(text.expose()) != Sealing::None
        };
        self.logins.as_ref().filter(|_| self.is_rclones() && !is_sealed())
    }

    /// Returns the sections of rclone's file, of all kinds of remotes. `None` if it is not rclone's.
    ///
    /// # Errors
    /// When it can't be read or opened.
    pub fn sections(&self) -> Result<Option<Sections>, ConfigError> {
        match self.is_rclones() {
            true => self.open_rclones(&self.text()?).map(Some),
            false => Ok(None),
        }
    }

    /// Returns why a remote of rclone's file can't be used, in rclone's words where it has any. `None` if it is not known.
    pub fn why_not(&self, name: &str) -> Option<String> {
        let keys = self.sections().ok()??.remove(name)?;
        match keys.get("type").map(String::as_str) {
            None => Some(format!("couldn't find type of fs for {name:?}")),
            Some(rclone::KIND) => match rclone::take(&keys, now()) {
                Err(why) => Some(format!("{why}, which is not supported here")),
                Ok(taken) => match taken.login {
                    Login::Missing(why) => Some(why),
                    _ => None,
                },
            },
            Some(kind) => Some(format!("didn't find backend called {kind:?}")),
        }
    }

    /// Reads rclone's file: the remotes that can be used here.
    pub(super) fn read_rclones(&self, text: &Secret) -> Result<Content, ConfigError> {
        let sections = self.open_rclones(text)?;
        Ok(Content {
            config: config(&sections, now()),
            plain: Secret::default(),
            password: None,
        })
    }

    fn open_rclones(&self, text: &Secret) -> Result<Sections, ConfigError> {
        let sealed = |reason: &str| self.malformed(reason.to_owned());
        let opened;
        let plain = match rclone::sealing(text.expose()) {
            Sealing::None => text.expose(),
            Sealing::Newer => return Err(sealed("it is encrypted in a way that isn't known here")),
            Sealing::Password => {
                let password = self
                    .password
                    .get_rclones()
                    .map_err(|source| ConfigError::Password {
                        path: self.name.clone(),
                        source,
                    })?;
                let plain = rclone::open(text.expose(), &password);
                opened = Secret::new(plain.ok_or_else(|| sealed("the password is wrong, or it is damaged"))?);
                opened.expose()
            }
        };
        rclone::sections(plain).map_err(|error| self.malformed(error.to_string()))
    }
}

/// Returns whether a text is a config of ours: encrypted by us, or TOML with something in it.
pub(super) fn is_own(text: &str) -> bool {
    crypt::is_encrypted(text) || (!text.trim().is_empty() && document::parse(text).is_ok())
}

/// Returns the remotes that can be used.
fn config(sections: &Sections, now: i64) -> Config {
    let usable = |taken: &Taken| {
        let has_token = taken.remote.expires_at.is_some_and(|end| end > now);
        has_token || !matches!(taken.login, Login::Missing(_))
    };
    let remotes = sections.iter().filter_map(|(name, keys)| {
        let is_dropbox = keys.get("type").is_some_and(|kind| kind == rclone::KIND);
        let taken = is_dropbox.then(|| rclone::take(keys, now).ok()).flatten()?;
        usable(&taken).then_some((name.clone(), taken.remote))
    });
    Config {
        remotes: remotes.collect(),
        ..Config::default()
    }
}

fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Password;

    const FILE: &str = "[dbx]\ntype = dropbox\nclient_id = k\ntoken = {\"access_token\":\"a\",\"refresh_token\":\"r\",\
        \"expiry\":\"2000-01-01T00:00:00Z\"}\n[theirs]\ntype = dropbox\ntoken = {\"access_token\":\"a\",\"refresh_token\":\"r\",\
        \"expiry\":\"2000-01-01T00:00:00Z\"}\n[bob]\ntype = dropbox\nimpersonate_admin = bob\n[bucket]\ntype = s3\n[odd]\nx = y\n";

    fn store(text: &str) -> (tempfile::TempDir, Store) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("rclone.conf");
        std::fs::write(&path, text).unwrap();
        let store = Store::new(path, Password::default()).or_rclones(Some(directory.path().join("logins")));
        (directory, store)
    }

    #[test]
    fn its_remotes_are_ours_and_the_others_say_why_not() {
        let (_directory, store) = store(FILE);
        assert!(store.is_rclones() && !store.is_kept());
        let config = store.load().unwrap();
        assert_eq!(config.remotes.keys().collect::<Vec<_>>(), ["dbx"]);
        assert_eq!(store.sections().unwrap().unwrap().len(), 5);
        for (name, why) in [
            ("dbx", None),
            ("nothing", None),
            ("theirs", Some("it was made with rclone's own app")),
            (
                "bob",
                Some(
                    "impersonate_admin is set: it works as an administrator of the team, which is not supported here",
                ),
            ),
            ("bucket", Some("didn't find backend called \"s3\"")),
            ("odd", Some("couldn't find type of fs for \"odd\"")),
        ] {
            assert_eq!(store.why_not(name).as_deref(), why, "{name}");
        }
        let refused = store.update(|config| config.remotes.clear()).unwrap_err();
        assert!(refused.to_string().contains("rclone"), "{refused}");
        assert!(store.repair_permissions(&config).unwrap().is_empty());
        assert_eq!(std::fs::read_to_string(store.path()).unwrap(), FILE);
    }

    #[test]
    fn a_config_of_ours_stays_one() {
        let (_directory, own) = store("[remotes.dbx]\napp_key = \"k\"\n");
        assert!(!own.is_rclones() && own.is_kept() && own.sections().unwrap().is_none());
        assert_eq!(own.load().unwrap().remotes["dbx"].app_key, "k");
        let (_directory, empty) = store("\n");
        assert!(empty.is_rclones() && empty.load().unwrap().remotes.is_empty());
    }

    #[test]
    fn an_encrypted_file_has_no_token_beside_it() {
        let (_directory, plain) = store(FILE);
        assert!(plain.logins_of_rclone().is_some());
        let (_directory, sealed) = store("RCLONE_ENCRYPT_V0:\nAAAA\n");
        assert!(sealed.is_rclones() && sealed.logins_of_rclone().is_none());
    }
}
