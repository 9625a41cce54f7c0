//! `config dump`, `config file` and `config paths`: the config in rclone's forms.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use shared::{exit, failure::Failure};

use super::super::{App, config_failure};
use crate::{
    config::{Remote, Target},
    report,
};

/// What stands for a secret, as in rclone's `config redacted`.
pub(super) const HIDDEN: &str = "XXX";

/// Prints the remotes as JSON in rclone's keys. Secrets are never shown, but those of rclone's own file to a caller of rclone:
/// portals pass them on.
pub(super) fn dump(app: &App) -> Result<u8, Failure> {
    report::json::is_own(); // it is JSON with the flag and without
    if let Some(sections) = app.store.sections().map_err(config_failure)? {
        report::result(&json(&sections)?)?; // without the end of the line, as rclone
        return Ok(exit::SUCCESS);
    }
    let config = app.store.load().map_err(config_failure)?;
    let remotes: BTreeMap<&String, Value> = config
        .remotes
        .iter()
        .map(|(name, remote)| (name, section(remote)))
        .collect();
    report::json_results(json(&remotes)?.lines().map(str::to_owned))?;
    Ok(exit::SUCCESS)
}

fn json(remotes: &impl serde::Serialize) -> Result<String, Failure> {
    let mut out = Vec::new();
    let form = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut writer = serde_json::Serializer::with_formatter(&mut out, form);
    remotes
        .serialize(&mut writer)
        .map_err(|e| Failure::new("could not write the config").why(e))?;
    Ok(String::from_utf8_lossy(&out).into_owned())
}

/// Returns a remote in rclone's keys.
fn section(remote: &Remote) -> Value {
    let mut keys = Map::new();
    let mut put = |key: &str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            keys.insert(key.to_owned(), value.into());
        }
    };
    let hidden = |is_there: bool| is_there.then(|| HIDDEN.to_owned());
    put("client_id", Some(remote.app_key.clone()));
    put("client_secret", hidden(remote.app_secret.is_some()));
    put("export_formats", Some(remote.export_formats.join(",")));
    put("root_namespace", remote.namespace_id.clone());
    put(
        "token",
        hidden(remote.refresh_token.is_some() || remote.access_token.is_some()),
    );
    put("type", Some("dropbox".to_owned()));
    Value::Object(keys)
}

/// Prints where the config file is, in rclone's words.
pub(super) fn file(app: &App) -> Result<u8, Failure> {
    if report::json::is_on() {
        return super::show::print_file(app).map(|()| exit::SUCCESS);
    }
    let path = match app.store.target() {
        Target::Memory => "/dev/null".to_owned(),
        _ => app.store.path().display().to_string(),
    };
    let first = match app.store.target() {
        Target::File(file) if !file.exists() => {
            "Configuration file doesn't exist, but node-tool will use this path:"
        }
        _ => "Configuration file is stored at:",
    };
    report::result(&format!("{first}\n{path}\n"))?;
    Ok(exit::SUCCESS)
}

/// Prints where the config and the cache are, and where temporary files would be, in rclone's words.
pub(super) fn paths(app: &App) -> Result<u8, Failure> {
    let cache = app
        .cache
        .as_ref()
        .map(|cache| cache.directory().display().to_string());
    let lines = [
        ("Config file:", app.store.path().display().to_string()),
        ("Cache dir:  ", cache.unwrap_or_else(|| "none".to_owned())),
        ("Temp dir:   ", std::env::temp_dir().display().to_string()),
    ];
    report::results(lines.into_iter().map(|(what, path)| format!("{what} {path}")))?;
    Ok(exit::SUCCESS)
}

#[cfg(test)]
mod tests {
    use shared::secret::Secret;

    use super::*;

    #[test]
    fn secrets_are_not_in_it() {
        let remote = Remote {
            app_key: "a1b2".into(),
            app_secret: Some(Secret::new("SECRET")),
            access_token: Some(Secret::new("SECRET")),
            namespace_id: Some("7".into()),
            ..Remote::default()
        };
        let json = section(&remote).to_string();
        assert_eq!(
            json,
            r#"{"client_id":"a1b2","client_secret":"XXX","root_namespace":"7","token":"XXX","type":"dropbox"}"#
        );
        assert_eq!(section(&Remote::default()).to_string(), r#"{"type":"dropbox"}"#);
    }
}
