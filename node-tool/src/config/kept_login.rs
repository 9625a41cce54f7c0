//! What is found out about a login of rclone's file, which is never written: a file beside our other state holds it.
//!
//! It has the newest access token and where the account's paths start, and belongs to one refresh token: after a new login it
//! counts no more. The refresh token itself is not in it. docs/formats.md has the format.

use std::{
    error::Error,
    fs, io,
    path::{Path, PathBuf},
};

use data_encoding::HEXLOWER;
use dropbox::{Change, Credentials, TokenStore};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use shared::secret::Secret;

use super::{Store, place::prepare_directory, replace::NewFile};

/// The version of the format.
const VERSION: u32 = 1;
/// Length of a file's name, in hexadecimal digits.
const NAME_DIGITS: usize = 32;
/// The largest file that is read.
const MAX_BYTES: u64 = 1 << 16;

/// Where the login of a remote of rclone's file is kept.
#[derive(Debug)]
pub(super) struct KeptLogin {
    store: Store,
    name: String,
    path: PathBuf,
}

#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    version: u32,
    /// Digest of the token that it belongs to.
    login: String,
    access_token: Option<Secret>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    account_root_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    account_home_id: Option<String>,
}

impl KeptLogin {
    /// Returns where the login of `name` is kept. `None` if the config is not rclone's, or nothing is to be kept of it.
    pub(super) fn of(store: &Store, name: &str) -> Option<Self> {
        let directory = store.logins_of_rclone()?;
        let of = std::path::absolute(store.path()).ok()?;
        let digest = digest(&[of.as_os_str().as_encoded_bytes(), b"\0", name.as_bytes()]);
        Some(Self {
            store: store.clone(),
            name: name.to_owned(),
            path: directory.join(format!("{}.json", &digest[..NAME_DIGITS])),
        })
    }

    /// Returns a login of rclone's file with what is newer here.
    pub(super) fn newest(&self, mut given: Credentials) -> Credentials {
        let Some(kept) = read(&self.path).filter(|kept| Some(&kept.login) == login(&given).as_ref()) else {
            return given;
        };
        if kept.expires_at > given.expires_at && kept.access_token.is_some() {
            given.access_token = kept.access_token;
            given.expires_at = kept.expires_at;
        }
        given.account_root_id = given.account_root_id.or(kept.account_root_id);
        given.account_home_id = given.account_home_id.or(kept.account_home_id);
        given
    }
}

impl TokenStore for KeptLogin {
    fn load(&self) -> Option<Credentials> {
        let config = self.store.load().ok()?;
        let given = config.remotes.get(&self.name).map(Credentials::from)?;
        Some(self.newest(given))
    }

    fn save(&self, change: &Change) -> Result<(), Box<dyn Error + Send + Sync>> {
        let Some(mut credentials) = self.load() else {
            return Ok(()); // it is gone from rclone's file
        };
        let Some(login) = login(&credentials) else {
            return Ok(());
        };
        change.apply(&mut credentials);
        let kept = Kept {
            version: VERSION,
            login,
            access_token: credentials.access_token,
            expires_at: credentials.expires_at,
            account_root_id: credentials.account_root_id,
            account_home_id: credentials.account_home_id,
        };
        write(&self.path, &Secret::new(serde_json::to_string(&kept)?))?;
        Ok(())
    }
}

/// Returns the digest of the token that stays the same as long as a login does.
fn login(credentials: &Credentials) -> Option<String> {
    let token = credentials.refresh_token.as_ref()?;
    Some(digest(&[token.expose().as_bytes()]))
}

fn digest(parts: &[&[u8]]) -> String {
    let mut hasher = Sha256::new();
    parts.iter().for_each(|part| hasher.update(part));
    HEXLOWER.encode(&hasher.finalize())
}

fn read(path: &Path) -> Option<Kept> {
    let file = fs::File::open(path).ok()?;
    let kept: Kept = serde_json::from_reader(io::Read::take(file, MAX_BYTES)).ok()?;
    (kept.version == VERSION).then_some(kept)
}

fn write(path: &Path, text: &Secret) -> io::Result<()> {
    prepare_directory(path)?;
    let mut new = NewFile::create(path)?;
    new.write(text)?;
    new.replace(false)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::config::Password;

    fn conf(refresh_token: &str) -> String {
        format!(
            "[dbx]\ntype = dropbox\nclient_id = k\ntoken = {{\"access_token\":\"old\",\"refresh_token\":\"{refresh_token}\",\
             \"expiry\":\"2000-01-01T00:00:00Z\"}}\n"
        )
    }

    fn renewal(of: &str) -> Change {
        Change::Tokens {
            of: Secret::new(of),
            access_token: Secret::new("new"),
            expires_at: Some(4_000_000_000),
            refresh_token: Some(Secret::new(of)),
        }
    }

    #[test]
    fn the_first_version_is_read() {
        let sample =
            r#"{"version":1,"login":"ab12","access_token":"a","expires_at":7,"account_root_id":"3"}"#;
        let kept: Kept = serde_json::from_str(sample).unwrap();
        assert_eq!(serde_json::to_string(&kept).unwrap(), sample);
    }

    #[test]
    fn a_renewed_token_is_kept_apart_until_there_is_another_login() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("rclone.conf");
        let logins = directory.path().join("state/logins");
        fs::write(&path, conf("r1")).unwrap();
        let store = Store::new(path.clone(), Password::default()).or_rclones(Some(logins.clone()));
        let token = || {
            let credentials = KeptLogin::of(&store, "dbx").unwrap().load().unwrap();
            credentials.access_token.unwrap().expose().to_owned()
        };
        assert_eq!(token(), "old");
        KeptLogin::of(&store, "dbx")
            .unwrap()
            .save(&renewal("r1"))
            .unwrap();
        assert_eq!(token(), "new");
        assert_eq!(
            fs::read_to_string(&path).unwrap(),
            conf("r1"),
            "rclone's file is as it was"
        );

        let kept = fs::read_dir(&logins).unwrap().next().unwrap().unwrap();
        assert_eq!(kept.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(&logins).unwrap().permissions().mode() & 0o777, 0o700);
        let text = fs::read_to_string(kept.path()).unwrap();
        assert!(text.contains("new") && !text.contains("r1"), "{text}");

        fs::write(&path, conf("r2")).unwrap();
        assert_eq!(token(), "old", "it belonged to another login");
        fs::write(kept.path(), "{").unwrap();
        fs::write(&path, conf("r1")).unwrap();
        assert_eq!(token(), "old", "damaged");
    }
}
