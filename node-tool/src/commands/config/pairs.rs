//! Settings as rclone's `config create` and `config update` take them: `key=value`, or `key value`.

use shared::{failure::Failure, plain::quoted};

use crate::config::{Remote, rclone};

/// Keys whose values are secret: they would be seen in the arguments of the process.
const SECRETS: [&str; 6] = [
    "token",
    "client_secret",
    "app_secret",
    "access_token",
    "refresh_token",
    "config_refresh_token",
];
/// Keys of rclone's that only tell it how to ask.
const QUESTIONS: [&str; 3] = ["config_is_local", "config_verification_code", "config_template"];
/// Keys of settings that a remote has here.
const SETTINGS: [&str; 3] = ["root_namespace", "encoding", "export_formats"];

/// Settings that were given as words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Pairs {
    /// The app key (`client_id`).
    pub(super) app_key: Option<String>,
    settings: rclone::Section,
}

impl Pairs {
    /// Reads `key=value …` or `key value …` for the remote `name`.
    ///
    /// # Errors
    /// When a key is unknown or secret, or has no value.
    pub(super) fn read(words: &[String], name: &str) -> Result<Self, Failure> {
        let mut pairs = Self::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let (key, value) = match word.split_once('=') {
                Some((key, value)) => (key, value),
                // Never shown: what follows a key may be a secret.
                None => match words.next() {
                    Some(value) => (word.as_str(), value.as_str()),
                    None => {
                        return Err(Failure::usage(format!("the setting '{word}' has no value"))
                            .hint(format!("write {word}=VALUE")));
                    }
                },
            };
            pairs.put(&key.to_ascii_lowercase().replace('-', "_"), value, name)?;
        }
        Ok(pairs)
    }

    fn put(&mut self, key: &str, value: &str, name: &str) -> Result<(), Failure> {
        match key {
            "client_id" | "app_key" => self.app_key = Some(value.to_owned()).filter(|key| !key.is_empty()),
            key if SECRETS.contains(&key) => return Err(secret(key, name)),
            "impersonate" => return Err(member(name)),
            key if QUESTIONS.contains(&key) || key == "description" => {
                tracing::info!("{key} has no effect here");
            }
            key if SETTINGS.contains(&key) => {
                let alone = rclone::Section::from([(key.to_owned(), value.to_owned())]);
                let wrong = |why: &str| Failure::usage(format!("{key} can't be set to '{value}'")).why(why);
                let taken = rclone::take(&alone, 0).map_err(|why| wrong(&why))?;
                // Names that are mapped otherwise are told about; a format would be left out.
                if let Some(why) = taken.differences.first().filter(|_| key == "export_formats") {
                    return Err(wrong(why));
                }
                self.settings.insert(key.to_owned(), value.to_owned());
            }
            key => match rclone::take(&rclone::Section::from([(key.to_owned(), value.to_owned())]), 0) {
                Ok(taken) if taken.differences.is_empty() => tracing::info!("{key} has no effect here"),
                Ok(_) => return Err(unknown(key)),
                Err(why) => return Err(Failure::usage(format!("{key} can't be set here")).why(why)),
            },
        }
        Ok(())
    }

    /// Returns whether there is nothing to change but the app.
    pub(super) fn is_empty(&self) -> bool {
        self.settings.is_empty()
    }

    /// Changes the settings of a remote. Returns what is not the same as in rclone.
    ///
    /// # Errors
    /// When a value makes no sense.
    pub(super) fn put_into(&self, remote: &mut Remote) -> Result<Vec<String>, Failure> {
        let taken = rclone::take(&self.settings, 0).map_err(Failure::usage)?;
        let has = |key: &str| self.settings.contains_key(key);
        if has("root_namespace") {
            remote.namespace_id = taken.remote.namespace_id;
        }
        if has("encoding") {
            remote.encode_names = taken.remote.encode_names;
        }
        if has("export_formats") {
            remote.export_formats = taken.remote.export_formats;
        }
        Ok(taken.differences)
    }
}

fn secret(key: &str, name: &str) -> Failure {
    let failure = Failure::usage(format!("{key} must not be an argument"))
        .why("all users of this computer can see the arguments of programs, and the shell keeps them");
    let name = quoted(name);
    match key {
        "client_secret" | "app_secret" => failure
            .why("no secret is needed, except for tokens that were made with one")
            .next(format!("node-tool config create {name} --app-secret-file FILE")),
        _ => failure.next(format!(
            "node-tool config create {name} --token-stdin    # then paste it, or pipe it in"
        )),
    }
}

/// The failure for the files of a member of a team, which take a login of the team.
fn member(name: &str) -> Failure {
    let name = quoted(name);
    Failure::usage("impersonate can't be set here")
        .why("the files of a team's member take a login of the team")
        .next(format!("node-tool config create {name} --team"))
        .hint(format!(
            "then node-tool config edit {name} --member EMAIL names the member"
        ))
}

fn unknown(key: &str) -> Failure {
    Failure::usage(format!("there is no setting '{key}'"))
        .why(format!("there are: client_id, {}", SETTINGS.join(", ")))
        .hint("--root home or --root team says where paths start")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str]) -> Result<Pairs, Failure> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        Pairs::read(&words, "dbx")
    }

    #[test]
    fn settings_are_read_in_both_of_rclones_forms() {
        for words in [
            &["client_id=abc", "export_formats=md", "config_is_local=false"][..],
            &["client_id", "abc", "export-formats", "md"],
        ] {
            let pairs = read(words).unwrap();
            assert_eq!(pairs.app_key.as_deref(), Some("abc"));
            let mut remote = Remote {
                namespace_id: Some("7".into()),
                ..Remote::default()
            };
            assert!(pairs.put_into(&mut remote).unwrap().is_empty());
            assert_eq!(remote.export_formats, ["md"]);
            assert_eq!(
                remote.namespace_id.as_deref(),
                Some("7"),
                "what isn't named stays"
            );
            assert!(!remote.encode_names);
        }
        assert!(read(&["batch_mode=async"]).unwrap().is_empty(), "speed alone");
    }

    #[test]
    fn secrets_and_unknown_settings_are_refused_by_name() {
        for (words, said) in [
            (
                &["token={\"access_token\":\"sl.SECRET\"}"][..],
                "token must not be an argument",
            ),
            (
                &["client_secret", "SECRET"],
                "client_secret must not be an argument",
            ),
            (&["colour=SECRET"], "there is no setting 'colour'"),
            (&["impersonate=SECRET"], "impersonate can't be set here"),
            (&["export_formats=docx"], "export_formats can't be set to 'docx'"),
            (&["encoding"], "the setting 'encoding' has no value"),
        ] {
            let error = read(words).unwrap_err().to_string();
            assert!(error.contains(said) && !error.contains("SECRET"), "{error}");
        }
    }
}
