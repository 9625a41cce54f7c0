//! `config import`: the Dropbox remotes of an rclone.conf. Reports what works as it is, what needs a new login, and what would
//! not mean the same here.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use shared::{exit, failure::Failure, secret::Secret};

use super::{
    super::{App, config_failure},
    renewal::{self, Renewal},
};
use crate::{
    config::{
        check_name,
        rclone::{
            self, COMMAND_VARIABLE, CONFIG_VARIABLE, Login, PASSWORD_VARIABLE, Sealing, Section, Taken,
        },
    },
    report, terminal,
};

/// The largest file that is read.
const MAX_BYTES: u64 = 16 << 20;

/// The arguments of `config import`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "An encrypted file's password comes from RCLONE_PASSWORD_COMMAND or RCLONE_CONFIG_PASS, or is asked for.\n\
                  The exit code is 1 if a remote was left out or doesn't mean quite the same here.\n\n\
                  Example: node-tool config import ~/.config/rclone/rclone.conf"
)]
pub struct Args {
    /// rclone's config file; by default the one that rclone uses: RCLONE_CONFIG, ~/.config/rclone/rclone.conf or ~/.rclone.conf
    file: Option<PathBuf>,
}

/// What is reported about a remote.
struct Said {
    line: String,
    /// Whether the remote is here, with the same meaning.
    is_same: bool,
}

/// Imports.
pub(super) async fn run(args: &Args, app: &App) -> Result<u8, Failure> {
    let file = match &args.file {
        Some(file) => file.clone(),
        None => usual_place()?,
    };
    report::note(&format!("from '{}'", file.display()));
    let sections = read(&file).await?;
    let is_dropbox = |keys: &Section| keys.get("type").is_some_and(|kind| kind == rclone::KIND);
    let found: Vec<_> = sections.iter().filter(|(_, keys)| is_dropbox(keys)).collect();
    let wrappers = rclone::wrappers(&sections);
    if found.is_empty() && wrappers.is_empty() {
        return Err(
            Failure::usage(format!("'{}' has no Dropbox remote", file.display()))
                .why(format!("it has {} remotes of other kinds", sections.len()))
                .next("node-tool config create dbx"),
        );
    }
    // What can't be saved needn't be tried.
    app.store.probe().map_err(config_failure)?;
    let origin = std::path::absolute(&file).unwrap_or(file);
    let mut is_same = true;
    for (name, keys) in found {
        let said = import(name, keys, &origin, app).await?;
        is_same &= said.is_same;
        report::said(&format!("{}\n", said.line))?;
        if report::json::is_on() {
            super::show::print_remote(name, app)?;
        }
    }
    for (name, kind, place) in wrappers {
        is_same = false;
        report::said(&format!(
            "{name}: left out: there are no {kind} remotes here, and it wraps {place}, which is shown without it\n"
        ))?;
    }
    Ok(if is_same { exit::SUCCESS } else { exit::ERROR })
}

fn usual_place() -> Result<PathBuf, Failure> {
    if let Some(path) = std::env::var_os(CONFIG_VARIABLE).filter(|path| !path.is_empty()) {
        return Ok(path.into());
    }
    let places = rclone::usual_places().map_err(|_| {
        Failure::usage("there is no home directory to look for rclone.conf in")
            .next("node-tool config import FILE")
    })?;
    let found = places.iter().find(|place| place.is_file()).cloned();
    found.ok_or_else(|| {
        let names: Vec<_> = places
            .iter()
            .map(|place| format!("'{}'", place.display()))
            .collect();
        Failure::usage("there is no rclone.conf")
            .why(format!("looked for {}", names.join(", ")))
            .next("node-tool config import FILE   (rclone config file   shows where it is)")
    })
}

async fn read(file: &Path) -> Result<BTreeMap<String, Section>, Failure> {
    let failure = |why: String| Failure::usage(format!("could not read '{}'", file.display())).why(why);
    let bytes = || -> std::io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut limited = std::io::Read::take(std::fs::File::open(file)?, MAX_BYTES);
        std::io::Read::read_to_end(&mut limited, &mut bytes)?;
        Ok(bytes)
    };
    let bytes = bytes().map_err(|error| failure(error.to_string()).next("node-tool config import FILE"))?;
    let text = rclone::decode(&bytes);
    let text = match rclone::sealing(&text) {
        Sealing::None => text,
        Sealing::Password => open(&text, file).await?,
        Sealing::Newer => {
            return Err(failure("it is encrypted in a way that isn't known here".into())
                .next("rclone config encryption remove   makes it readable; or connect again: node-tool config create dbx"));
        }
    };
    rclone::sections(&text)
        .map_err(|error| failure(error.to_string()).hint("fix that line; rclone can't read it either"))
}

async fn open(text: &str, file: &Path) -> Result<String, Failure> {
    let variable = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
    let password = match (variable(COMMAND_VARIABLE), variable(PASSWORD_VARIABLE)) {
        (Some(command), _) => printed_by(&command)?,
        (None, Some(password)) => Secret::new(password),
        (None, None) if terminal::is_there() => Secret::new(
            terminal::wait(|| terminal::ask_secret("password of rclone's config (not shown)> ")).await?,
        ),
        (None, None) => {
            return Err(Failure::usage(format!("'{}' is encrypted", file.display())).hint(format!(
                "set {PASSWORD_VARIABLE} to its password, or {COMMAND_VARIABLE} to a command that prints it"
            )));
        }
    };
    rclone::open(text, &password).ok_or_else(|| {
        Failure::usage(format!("'{}' could not be opened", file.display()))
            .why("the password is wrong, or the file is damaged")
            .hint("try again; nothing was changed")
    })
}

/// The password that a command prints.
fn printed_by(command: &str) -> Result<Secret, Failure> {
    rclone::printed_by(command).map_err(|why| {
        Failure::usage(format!("the command in {COMMAND_VARIABLE} gave no password"))
            .why(why)
            .next(format!(
                "unset {COMMAND_VARIABLE}   and set {PASSWORD_VARIABLE} instead, or run this on a terminal"
            ))
    })
}

async fn import(name: &str, keys: &Section, origin: &Path, app: &App) -> Result<Said, Failure> {
    let left_out = |why: String| Said {
        line: format!("{name}: left out: {why}"),
        is_same: false,
    };
    if let Err(why) = check_name(name) {
        return Ok(left_out(why));
    }
    if app
        .store
        .load()
        .map_err(config_failure)?
        .remotes
        .contains_key(name)
    {
        return Ok(left_out("there is a remote of this name already".into()));
    }
    let mut taken = match rclone::take(keys, jiff::Timestamp::now().as_second()) {
        Ok(taken) => taken,
        Err(why) => {
            return Ok(left_out(format!(
                "{why}, which is not supported here; without it: node-tool config create {name}"
            )));
        }
    };
    let mut unproven = None;
    if taken.login == Login::Renewable {
        let mut renewal = renewal::renew(&mut taken.remote, app).await;
        if matches!(renewal, Renewal::NeedsSecret | Renewal::WrongSecret) && terminal::is_there() {
            report::note(&format!("{name}:"));
            renewal = renewal::ask_secret(&mut taken.remote, app).await?;
        }
        match renewal {
            Renewal::Works | Renewal::NoRefreshToken => {}
            Renewal::Unknown(why) => unproven = Some(why),
            renewal => {
                taken.login = Login::Missing(format!(
                    "Dropbox doesn't renew its login: {}",
                    renewal.words(&taken.remote.app_key).0
                ));
                taken.remote.refresh_token = None;
            }
        }
    }
    taken.remote.imported_from = Some(origin.display().to_string());
    let line = describe(name, &taken, unproven.as_deref());
    let remote = taken.remote;
    let placed = app.store.update(|config| {
        let is_free = !config.remotes.contains_key(name);
        if is_free {
            config.remotes.insert(name.to_owned(), remote);
        }
        is_free
    });
    if !placed.map_err(config_failure)? {
        return Ok(left_out("there is a remote of this name already".into()));
    }
    Ok(Said {
        line,
        is_same: taken.differences.is_empty(),
    })
}

fn describe(name: &str, taken: &Taken, unproven: Option<&str>) -> String {
    let key = if taken.remote.app_key.is_empty() {
        " --app-key KEY"
    } else {
        ""
    };
    let again = format!("node-tool config reconnect {name}:{key}");
    let mut line = match (&taken.login, unproven) {
        (Login::Renewable, None) => format!("{name}: imported, works as it is"),
        (Login::Renewable, Some(why)) => {
            format!("{name}: imported; whether its login works could not be tested: {why}")
        }
        (Login::Endless, _) => {
            format!("{name}: imported, works as it is: its token is of the old kind, which has no end")
        }
        (Login::Until(end), _) => {
            let end = jiff::Timestamp::from_second(*end)
                .map(|end| end.to_string())
                .unwrap_or_default();
            format!("{name}: imported, but it has no refresh token and ends at {end}: {again}")
        }
        (Login::Missing(why), _) => format!("{name}: imported, but {why}: {again}"),
    };
    for difference in &taken.differences {
        line += &format!("\n  not as in rclone: {difference}");
    }
    line
}
