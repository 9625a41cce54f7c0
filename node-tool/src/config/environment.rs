//! Remotes from the environment: for containers and CI, where there is no file.
//!
//! - `NODE_TOOL_REMOTE_<NAME>_<KEY>`: a key of a remote as in the file, in capitals; `…_TOKEN` is rclone's JSON.
//! - `RCLONE_CONFIG_<NAME>_TYPE=dropbox` with `RCLONE_CONFIG_<NAME>_TOKEN` and so on, as rclone has them.
//! - `NODE_TOOL_ACCESS_TOKEN`: a login for every name that is set up nowhere else.
//!
//! The first wins over the second, both over the file. An empty variable counts as unset. Names are matched as variables can
//! have them: `my-box:` is `…_MY_BOX_…`.

use std::collections::BTreeMap;

use shared::secret::Secret;
use toml::{Table, Value};

use super::{
    Config, Remote,
    rclone::{self, Section, Token},
};

/// The login for names that are set up nowhere.
pub const ACCESS_TOKEN_VARIABLE: &str = "NODE_TOOL_ACCESS_TOKEN";
const OWN_PREFIX: &str = "NODE_TOOL_REMOTE_";
const RCLONE_PREFIX: &str = "RCLONE_CONFIG_";
/// rclone's variable that makes a remote.
const TYPE_SUFFIX: &str = "_TYPE";

/// The keys of a remote that a variable can have; `TOKEN` comes besides.
const KEYS: [(&str, Kind); 12] = [
    ("app_key", Kind::Text),
    ("app_secret", Kind::Text),
    ("refresh_token", Kind::Text),
    ("access_token", Kind::Text),
    ("expires_at", Kind::Number),
    ("account_id", Kind::Text),
    ("root_namespace_id", Kind::Text),
    ("namespace_id", Kind::Text),
    ("team", Kind::Switch),
    ("member", Kind::Text),
    ("encode_names", Kind::Switch),
    ("export_formats", Kind::List),
];
/// Keys that belong to a login.
const LOGIN_KEYS: [&str; 3] = ["refresh_token", "access_token", "token"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Number,
    Switch,
    List,
}

/// A variable that can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the variable {variable} {problem}")]
pub struct VariableError {
    /// Its name.
    pub variable: String,
    /// What is wrong with it.
    pub problem: String,
}

/// Returns this process's variables that are about remotes.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    variables: BTreeMap<String, Secret>,
}

/// The settings of one remote in the environment: keys with their values and variables.
#[derive(Debug, Default)]
struct Given {
    own: BTreeMap<&'static str, (String, Secret)>,
    rclone: Section,
    rclone_variables: Vec<String>,
}

impl Environment {
    /// This process's.
    pub fn here() -> Self {
        Self::of(
            std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))),
        )
    }

    fn of(variables: impl Iterator<Item = (String, String)>) -> Self {
        let is_about_remotes = |name: &str| {
            name == ACCESS_TOKEN_VARIABLE || name.starts_with(OWN_PREFIX) || name.starts_with(RCLONE_PREFIX)
        };
        Self {
            variables: variables
                .filter(|(name, value)| is_about_remotes(name) && !value.is_empty())
                .map(|(name, value)| (name, Secret::new(value)))
                .collect(),
        }
    }

    /// By name as variables have it.
    fn given(&self) -> Result<BTreeMap<String, Given>, VariableError> {
        let mut all: BTreeMap<String, Given> = BTreeMap::new();
        for (variable, value) in &self.variables {
            let Some(rest) = variable.strip_prefix(OWN_PREFIX) else {
                continue;
            };
            let Some((name, key)) = split(rest) else {
                return Err(unknown(variable));
            };
            let value = (variable.clone(), value.clone());
            all.entry(name.to_owned()).or_default().own.insert(key, value);
        }
        for (variable, value) in &self.variables {
            let made = variable
                .strip_prefix(RCLONE_PREFIX)
                .and_then(|rest| rest.strip_suffix(TYPE_SUFFIX));
            let Some(name) = made.filter(|_| value.expose().trim() == rclone::KIND) else {
                continue;
            };
            let given = all.entry(name.to_ascii_uppercase()).or_default();
            let prefix = format!("{RCLONE_PREFIX}{name}_");
            for (variable, value) in &self.variables {
                if let Some(key) = variable.strip_prefix(&prefix) {
                    let key = key.to_ascii_lowercase();
                    given.rclone.insert(key, value.expose().trim().to_owned());
                    given.rclone_variables.push(variable.clone());
                }
            }
        }
        Ok(all)
    }

    /// Overrides what `config` has by what is in the environment.
    ///
    /// # Errors
    /// When a variable can't be used; names it.
    pub(super) fn put_over(&self, config: &mut Config) -> Result<(), VariableError> {
        for (name, given) in self.given()? {
            let known = config.remotes.keys().find(|known| as_variable(known) == name);
            let known = known.cloned().unwrap_or_else(|| name.to_ascii_lowercase());
            let remote = config.remotes.entry(known).or_default();
            if !given.rclone.is_empty() {
                *remote = taken(&name, &given.rclone)?;
            }
            if LOGIN_KEYS.iter().any(|key| given.own.contains_key(key)) {
                // A login is whole: nothing of another one stays beside it.
                remote.refresh_token = None;
                remote.access_token = None;
                remote.expires_at = None;
                remote.account_id = None;
            }
            put(remote, &given)?;
        }
        Ok(())
    }

    /// The name in `config` of a remote that the environment has under a name that looks the same as a variable.
    pub fn alias(&self, name: &str, config: &Config) -> Option<String> {
        let is_given =
            |known: &&String| as_variable(known) == as_variable(name) && !self.variables_of(known).is_empty();
        config.remotes.keys().find(is_given).cloned()
    }

    /// Returns the login for a name that is not set up anywhere.
    pub fn any(&self) -> Option<Remote> {
        let token = self.variables.get(ACCESS_TOKEN_VARIABLE)?;
        Some(Remote {
            access_token: Some(Secret::new(token.expose().trim())),
            ..Remote::default()
        })
    }

    /// The variables that say something about a remote, each with the key that it sets.
    pub fn variables_of(&self, name: &str) -> Vec<(String, String)> {
        let Ok(mut all) = self.given() else {
            return Vec::new();
        };
        let Some(given) = all.remove(&as_variable(name)) else {
            return Vec::new();
        };
        let rclone = given.rclone_variables.into_iter().map(|variable| {
            let key = variable
                .rsplit_once(&format!("{}_", as_variable(name)))
                .map(|(_, key)| key.to_ascii_lowercase());
            (
                in_our_words(key.as_deref().unwrap_or_default()).to_owned(),
                variable,
            )
        });
        let own = given
            .own
            .into_iter()
            .map(|(key, (variable, _))| (in_our_words(key).to_owned(), variable));
        rclone.chain(own).collect()
    }

    /// Returns the variable that a remote's login is from, if any: such a login is not renewed or ended in the file.
    pub fn login_of(&self, name: &str) -> Option<String> {
        let mut from = self.variables_of(name).into_iter();
        let from = from.find(|(key, _)| LOGIN_KEYS.contains(&key.as_str()) || *key == "token");
        from.map(|(_, variable)| variable)
    }

    /// The names of all variables that are about remotes and are understood.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self
            .given()
            .into_iter()
            .flatten()
            .flat_map(|(name, _)| self.variables_of(&name))
            .map(|(_, variable)| variable)
            .collect();
        names.extend(
            self.variables
                .contains_key(ACCESS_TOKEN_VARIABLE)
                .then(|| ACCESS_TOKEN_VARIABLE.to_owned()),
        );
        names
    }
}

/// A remote's name as it is in variables.
fn as_variable(name: &str) -> String {
    let letter = |c: char| if c.is_alphanumeric() { c } else { '_' };
    name.chars().map(letter).collect::<String>().to_uppercase()
}

/// rclone's word for a key, in ours.
fn in_our_words(key: &str) -> &str {
    match key {
        "client_id" => "app_key",
        "client_secret" => "app_secret",
        "root_namespace" => "namespace_id",
        "encoding" => "encode_names",
        "impersonate" => "member",
        key => key,
    }
}

/// `MY_BOX_APP_KEY` is the key `app_key` of `MY_BOX`.
fn split(rest: &str) -> Option<(&str, &'static str)> {
    let keys = KEYS.iter().map(|(key, _)| *key).chain(["token"]);
    let found = keys.filter_map(|key| {
        let name = rest.strip_suffix(&key.to_ascii_uppercase())?.strip_suffix('_')?;
        (!name.is_empty()).then_some((name, key))
    });
    // REFRESH_TOKEN is also what ends in TOKEN.
    found.max_by_key(|(_, key)| key.len())
}

fn unknown(variable: &str) -> VariableError {
    let keys: Vec<String> = KEYS.iter().map(|(key, _)| key.to_ascii_uppercase()).collect();
    let ending = |key: &str| {
        let parts = key.matches('_').count() + 1;
        let ends: Vec<&str> = variable.rsplitn(parts + 1, '_').take(parts).collect();
        let end: Vec<&str> = ends.into_iter().rev().collect();
        strsim::jaro_winkler(&end.join("_"), key)
    };
    let near = keys.iter().max_by(|a, b| ending(a).total_cmp(&ending(b)));
    let near = near.filter(|key| ending(key) > 0.8);
    VariableError {
        variable: variable.to_owned(),
        problem: match near {
            Some(key) => format!("doesn't end in a key of a remote; did you mean …_{key}?"),
            None => format!(
                "doesn't end in a key of a remote: …_TOKEN, …_{}",
                keys.join(", …_")
            ),
        },
    }
}

fn taken(name: &str, keys: &Section) -> Result<Remote, VariableError> {
    let now = jiff::Timestamp::now().as_second();
    let taken = rclone::take(keys, now);
    let error = |problem| VariableError {
        variable: format!("{RCLONE_PREFIX}{name}{TYPE_SUFFIX}"),
        problem,
    };
    let taken = taken.map_err(|why| error(format!("makes a remote that is not supported here: {why}")))?;
    if let (rclone::Login::Missing(why), None) = (&taken.login, &taken.remote.access_token)
        && keys.contains_key("token")
    {
        return Err(error(format!("makes a remote that can't be used: {why}")));
    }
    Ok(taken.remote)
}

fn put(remote: &mut Remote, given: &Given) -> Result<(), VariableError> {
    let mut table = Table::try_from(&*remote).unwrap_or_default();
    for (key, (variable, value)) in &given.own {
        let text = value.expose().trim();
        let error = |problem: &str| VariableError {
            variable: variable.clone(),
            problem: problem.to_owned(),
        };
        if *key == "token" {
            let token = Token::parse(text).map_err(|_| error("is not a token as rclone has it"))?;
            let mut put =
                |key: &str, value: Option<Value>| value.map(|value| table.insert(key.into(), value));
            put("access_token", Some(token.access_token.expose().into()));
            put(
                "refresh_token",
                token.refresh_token.map(|token| token.expose().into()),
            );
            put("expires_at", token.expires_at.map(Value::Integer));
            continue;
        }
        let kind = KEYS
            .iter()
            .find(|(known, _)| known == key)
            .map_or(Kind::Text, |(_, kind)| *kind);
        let value = match kind {
            Kind::Text => Value::from(text),
            Kind::Number => Value::Integer(text.parse().map_err(|_| error("is not a number"))?),
            Kind::Switch => Value::Boolean(switch(text).ok_or_else(|| error("is neither true nor false"))?),
            Kind::List => Value::Array(text.split(',').map(|part| part.trim().into()).collect()),
        };
        table.insert((*key).to_owned(), value);
    }
    if let Ok(new) = table.try_into() {
        *remote = new;
    }
    Ok(())
}

/// Parses a switch as variables have it: 1, true, yes, on; 0, false, no, off.
pub fn switch(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" | "t" | "y" => Some(true),
        "0" | "false" | "no" | "off" | "f" | "n" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        Environment::of(
            variables
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        )
    }

    fn over(file: &str, variables: &[(&str, &str)]) -> Result<Config, VariableError> {
        let mut config = toml::from_str(file).unwrap();
        environment(variables).put_over(&mut config)?;
        Ok(config)
    }

    const TOKEN: &str = r#"{"access_token":"a","refresh_token":"r","expiry":"2099-01-01T00:00:00Z"}"#;

    #[test]
    fn variables_make_remotes() {
        let config = over(
            "",
            &[
                ("NODE_TOOL_REMOTE_DBX_APP_KEY", "k"),
                ("NODE_TOOL_REMOTE_DBX_REFRESH_TOKEN", "r"),
                ("NODE_TOOL_REMOTE_DBX_ENCODE_NAMES", "yes"),
                ("NODE_TOOL_REMOTE_MY_BOX_TOKEN", TOKEN),
                ("NODE_TOOL_REMOTE_MY_BOX_EXPORT_FORMATS", "md, html"),
                ("RCLONE_CONFIG_THEIRS_TYPE", "dropbox"),
                ("RCLONE_CONFIG_THEIRS_TOKEN", TOKEN),
                ("RCLONE_CONFIG_THEIRS_CLIENT_ID", "k"),
                ("RCLONE_CONFIG_THEIRS_ROOT_NAMESPACE", "7"),
                ("RCLONE_CONFIG_DISK_TYPE", "local"),
                ("RCLONE_CONFIG_PASS", "x"),
                ("NODE_TOOL_REMOTE_EMPTY_APP_KEY", ""),
            ],
        )
        .unwrap();
        assert_eq!(
            config.remotes.keys().collect::<Vec<_>>(),
            ["dbx", "my_box", "theirs"]
        );
        let [dbx, mine, theirs] = ["dbx", "my_box", "theirs"].map(|name| &config.remotes[name]);
        assert_eq!((&*dbx.app_key, dbx.encode_names), ("k", true));
        assert_eq!(dbx.refresh_token, Some(Secret::new("r")));
        assert_eq!(mine.access_token, Some(Secret::new("a")));
        assert_eq!(mine.export_formats, ["md", "html"]);
        assert_eq!(theirs.namespace_id.as_deref(), Some("7"));
        assert_eq!(theirs.refresh_token, Some(Secret::new("r")));
    }

    #[test]
    fn variables_win_over_the_file_key_by_key_and_a_login_as_a_whole() {
        let file =
            "[remotes.My-Box]\napp_key = \"k\"\nrefresh_token = \"r\"\naccess_token = \"a\"\nemail = \"e\"\n";
        let one = over(file, &[("NODE_TOOL_REMOTE_MY_BOX_ROOT_NAMESPACE_ID", "7")]).unwrap();
        let remote = &one.remotes["My-Box"];
        assert_eq!(remote.root_namespace_id.as_deref(), Some("7"));
        assert!(remote.refresh_token.is_some() && remote.email.is_some());
        let variables = [("NODE_TOOL_REMOTE_MY_BOX_ACCESS_TOKEN", "new")];
        let remote = &over(file, &variables).unwrap().remotes["My-Box"];
        assert_eq!(
            (&remote.access_token, &remote.refresh_token),
            (&Some(Secret::new("new")), &None)
        );
        assert!(environment(&variables).login_of("my box").is_some());
        let both = [
            ("RCLONE_CONFIG_A_TYPE", "dropbox"),
            ("RCLONE_CONFIG_A_CLIENT_ID", "theirs"),
            ("NODE_TOOL_REMOTE_A_APP_KEY", "ours"),
        ];
        assert_eq!(over("", &both).unwrap().remotes["a"].app_key, "ours");
    }

    #[test]
    fn what_is_wrong_names_its_variable_and_no_value() {
        for (variable, value, said) in [
            (
                "NODE_TOOL_REMOTE_DBX_REFRESH_TOKN",
                "topsecret",
                "…_REFRESH_TOKEN?",
            ),
            ("NODE_TOOL_REMOTE_DBX_ENCODE_NAMES", "topsecret", "true nor false"),
            ("NODE_TOOL_REMOTE_DBX_EXPIRES_AT", "topsecret", "number"),
            ("NODE_TOOL_REMOTE_DBX_TOKEN", "{topsecret", "token"),
            ("NODE_TOOL_REMOTE_X", "topsecret", "…_APP_KEY"),
        ] {
            let error = over("", &[(variable, value)]).unwrap_err().to_string();
            assert!(error.contains(variable) && error.contains(said), "{error}");
            assert!(!error.contains("topsecret"), "{error}");
        }
        let error = over(
            "",
            &[
                ("RCLONE_CONFIG_A_TYPE", "dropbox"),
                ("RCLONE_CONFIG_A_IMPERSONATE_ADMIN", "b"),
            ],
        );
        assert!(error.unwrap_err().to_string().contains("impersonate_admin"));
    }

    #[test]
    fn a_bare_token_serves_every_other_name() {
        let environment = environment(&[(ACCESS_TOKEN_VARIABLE, "sl.x\n")]);
        assert_eq!(environment.any().unwrap().access_token, Some(Secret::new("sl.x")));
        assert_eq!(environment.names(), [ACCESS_TOKEN_VARIABLE]);
        assert!(Environment::default().any().is_none());
    }

    #[test]
    fn switches_are_read_as_people_write_them() {
        for on in ["1", "true", "YES", "on", " y "] {
            assert_eq!(switch(on), Some(true), "{on}");
        }
        for off in ["0", "False", "no", "OFF"] {
            assert_eq!(switch(off), Some(false), "{off}");
        }
        assert_eq!(switch("maybe"), None);
    }
}
