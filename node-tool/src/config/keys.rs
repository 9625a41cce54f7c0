//! The keys of the config file, so that a mistyped one can be named.

use super::{Config, Extra};

/// Keys that a centre may set.
pub(super) const SITE: &[&str] = &["app_key", "root", "transfers", "help"];
/// Keys at the top of a user's file.
const TOP: &[&str] = &["app_key", "root", "transfers", "help", "group_access", "remotes"];
/// Keys of a remote.
const REMOTE: &[&str] = &[
    "app_key",
    "app_secret",
    "refresh_token",
    "access_token",
    "expires_at",
    "scopes",
    "account_id",
    "root_namespace_id",
    "account_root_id",
    "account_home_id",
    "namespace_id",
    "display_name",
    "email",
    "team",
    "member",
    "imported_from",
    "encode_names",
    "export_formats",
];

/// Names the unknown keys among `extra`: `an unknown key 'app_kye'; did you mean app_key?`
pub(super) fn unknown(extra: &Extra, known: &[&str]) -> Vec<String> {
    let named = extra.nearest(known).map(|(key, near)| match near {
        Some(near) => format!("an unknown key '{key}'; did you mean {near}?"),
        None => format!("an unknown key '{key}'"),
    });
    named.collect()
}

impl Config {
    /// Names the keys that this version doesn't know. Those of a newer version are among them: they are kept, and no fault.
    pub fn unknown_keys(&self) -> Vec<String> {
        let mut found = unknown(&self.extra, TOP);
        for (name, remote) in &self.remotes {
            let of_remote = unknown(&remote.extra, REMOTE);
            found.extend(of_remote.into_iter().map(|said| format!("{said} (in {name}:)")));
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use shared::secret::Secret;
    use toml::Table;

    use super::*;
    use crate::config::{Defaults, Remote, Root};

    #[test]
    fn every_key_that_is_written_is_known() {
        let text = || Some("x".to_owned());
        let remote = Remote {
            app_key: "x".into(),
            app_secret: Some(Secret::new("x")),
            refresh_token: Some(Secret::new("x")),
            access_token: Some(Secret::new("x")),
            expires_at: Some(1),
            scopes: vec!["x".into()],
            account_id: text(),
            root_namespace_id: text(),
            account_root_id: text(),
            account_home_id: text(),
            namespace_id: text(),
            display_name: text(),
            email: text(),
            team: true,
            member: text(),
            imported_from: text(),
            encode_names: true,
            export_formats: vec!["md".into()],
            extra: Extra::default(),
        };
        let config = Config {
            defaults: Defaults {
                app_key: text(),
                root: Some(Root::Team),
                transfers: Some(1),
                help: text(),
            },
            group_access: true,
            remotes: [("x".to_owned(), remote.clone())].into(),
            extra: Extra::default(),
        };
        let keys = |table: Table| -> Vec<String> { table.keys().cloned().collect() };
        let sorted = |known: &[&str]| -> Vec<String> {
            let mut known: Vec<String> = known.iter().map(|key| (*key).to_owned()).collect();
            known.sort();
            known
        };
        assert_eq!(keys(Table::try_from(&remote).unwrap()), sorted(REMOTE));
        assert_eq!(keys(Table::try_from(&config).unwrap()), sorted(TOP));
        let odd: Config = toml::from_str("transfer = 1\n[remotes.a]\nrefreshtoken = \"s\"\n").unwrap();
        assert_eq!(
            odd.unknown_keys(),
            [
                "an unknown key 'transfer'; did you mean transfers?",
                "an unknown key 'refreshtoken'; did you mean refresh_token? (in a:)"
            ]
        );
    }
}
