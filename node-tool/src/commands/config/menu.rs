//! The menu of `config` alone, as users of rclone know it. Every entry is a subcommand too.

use shared::{exit, failure::Failure};

use super::{
    super::{App, ask, config_failure},
    connect, delete, edit, password, rename,
    show::who,
};
use crate::{
    config::{Config, check_name},
    report, terminal,
};

/// Shows the menu until `q`.
pub(super) async fn run(app: &App) -> Result<u8, Failure> {
    if !terminal::is_there() {
        return Err(Failure::usage("the menu needs a terminal")
            .next("node-tool config create NAME --app-key KEY --token-stdin < FILE")
            .next("node-tool config --help"));
    }
    loop {
        let config = app.store.load().map_err(config_failure)?;
        show(&config)?;
        let keys = if config.remotes.is_empty() {
            "n/s/q"
        } else {
            "e/n/d/r/c/s/q"
        };
        let choice = ask::checked(keys, None, |text| match text {
            key if key.len() == 1 && keys.split('/').any(|k| k == key) => Ok(key.to_owned()),
            _ => Err(format!("type one of {keys}")),
        })
        .await?;
        let done = match choice.as_str() {
            "n" => new(&config, app).await,
            "e" => change(&config, app).await,
            "d" => remove(&config, app).await,
            "r" => second_name(&config, app, rename::rename).await,
            "c" => second_name(&config, app, rename::copy).await,
            "s" => secure(app).await,
            _ => return Ok(exit::SUCCESS),
        };
        match done {
            Ok(_) => {}
            Err(failure) if failure.exit_code() == exit::INTERRUPTED => return Err(failure),
            Err(failure) => report::error(&failure),
        }
    }
}

fn show(config: &Config) -> Result<(), Failure> {
    if config.remotes.is_empty() {
        return report::result(
            "No remotes found, make a new one?\nn) New remote\ns) Set configuration password\nq) Quit config\n",
        );
    }
    let mut text = format!(
        "Current remotes:\n\n{:<20} Account\n{:<20} =======\n",
        "Name", "===="
    );
    for (name, remote) in &config.remotes {
        text += &format!("{name:<20} {}\n", who(remote));
    }
    text += "\ne) Edit existing remote\nn) New remote\nd) Delete remote\nr) Rename remote\nc) Copy remote\n\
             s) Set configuration password\nq) Quit config\n";
    report::result(&text)
}

async fn new(config: &Config, app: &App) -> Result<u8, Failure> {
    let name = ask::checked("name", Some("dbx"), check_name).await?;
    if let Some(remote) = config.remotes.get(&name) {
        return Err(connect::taken(&name, remote));
    }
    let app_key = match &app.defaults.app_key {
        Some(key) => key.clone(),
        None => ask::app_key(connect::known_key(config).as_deref()).await?,
    };
    connect::create(&connect::CreateArgs::asked(name, app_key), app).await
}

async fn change(config: &Config, app: &App) -> Result<u8, Failure> {
    let Some(name) = pick(config).await? else {
        return Ok(exit::SUCCESS);
    };
    report::result("l) Log in again\nr) Root: your own folder or the team space\nb) Back to the menu\n")?;
    let what = ask::checked("l/r", Some("l"), |text| match text {
        "l" | "r" | "b" => Ok(text.to_owned()),
        _ => Err("type l or r, or b to go back".into()),
    })
    .await?;
    match what.as_str() {
        "r" => {
            edit::run(
                &edit::Args {
                    name,
                    root: None,
                    member: None,
                },
                app,
            )
            .await
        }
        "l" => connect::reconnect(&connect::ReconnectArgs::asked(name), app).await,
        _ => Ok(exit::SUCCESS),
    }
}

async fn remove(config: &Config, app: &App) -> Result<u8, Failure> {
    let Some(name) = pick(config).await? else {
        return Ok(exit::SUCCESS);
    };
    let sure = match delete::Fate::usual(&name, config) {
        delete::Fate::Ends => {
            format!("End the login of {name}: on every machine that shares it, and delete it? (y/n)")
        }
        _ => format!("Delete {name}:, whose login stays alive? (y/n)"),
    };
    if !ask::yes(&sure).await? {
        return Ok(exit::SUCCESS);
    }
    delete::run(
        &delete::Args {
            name,
            keep_token: false,
            end_login: false,
        },
        app,
    )
    .await
}

async fn second_name(
    config: &Config,
    app: &App,
    put: fn(&rename::Args, &App) -> Result<u8, Failure>,
) -> Result<u8, Failure> {
    let Some(from) = pick(config).await? else {
        return Ok(exit::SUCCESS);
    };
    let to = ask::checked("new name", None, |text| match text {
        "" => Ok(None),
        text => check_name(text).map(Some),
    })
    .await?;
    let Some(to) = to else {
        return Ok(exit::SUCCESS);
    };
    put(&rename::Args { from, to }, app)
}

async fn secure(app: &App) -> Result<u8, Failure> {
    let is_encrypted = app.store.is_encrypted().map_err(config_failure)?;
    if is_encrypted && ask::yes("Remove the password? (y/n)").await? {
        return password::run(&password::Command::Remove, app).await;
    }
    if is_encrypted {
        report::result("Then type another one, to change it. Enter alone keeps the one that it has.\n")?;
    }
    let new_password_file = None;
    password::run(&password::Command::Set { new_password_file }, app).await
}

/// Lets the person choose a remote by number or name. `None` means to go back.
async fn pick(config: &Config) -> Result<Option<String>, Failure> {
    let names: Vec<&String> = config.remotes.keys().collect();
    let mut text =
        String::from("Choose a number from below, or type in an existing value. Enter alone goes back.\n");
    for (at, name) in names.iter().enumerate() {
        text += &format!(" {} > {name}\n", at + 1);
    }
    report::result(&text)?;
    ask::checked("remote", None, |text| {
        if text.is_empty() {
            return Ok(None);
        }
        let by_number = text
            .parse::<usize>()
            .ok()
            .and_then(|n| names.get(n.checked_sub(1)?));
        let by_name = names.iter().find(|name| ***name == text.trim_end_matches(':'));
        by_name
            .or(by_number)
            .map(|name| Some((*name).clone()))
            .ok_or_else(|| format!("there is no remote '{text}'"))
    })
    .await
}
