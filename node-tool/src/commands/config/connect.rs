//! `config create` and `config reconnect`: what can go wrong is tried first, then a browser elsewhere logs in, what is pasted
//! is made a login and saved, and only then it is asked who that is.

use shared::{exit, failure::Failure, oauth::check_app_key, pkce::Verifier, plain::quoted};

use super::{
    super::{App, config_failure},
    how::How,
    introduce,
    login::{Again, Login},
    pairs::Pairs,
    renewal,
    root::Wish,
    show::who,
    update,
};
use crate::{
    config::{Config, Remote, Root, check_name},
    report,
};

/// The arguments of `config create`.
#[derive(Debug, clap::Args)]
#[command(after_help = "rclone's form is taken, too, except for secrets.\n\n\
                  Examples:\n  node-tool config create dbx --app-key a1b2c3d4e5f6g7h\n  \
                  node-tool config create dbx dropbox client_id=a1b2c3d4e5f6g7h")]
pub struct CreateArgs {
    /// What to call the account: the word before the colon in dbx:path
    #[arg(value_parser = check_name)]
    name: String,
    /// The kind of the remote, as in rclone; there is only dropbox
    #[arg(value_name = "TYPE")]
    kind: Option<String>,
    /// Settings, as in rclone: key=value, or key value
    #[arg(value_name = "KEY=VALUE")]
    settings: Vec<String>,
    /// The app key, from the app's page at https://www.dropbox.com/developers/apps
    #[arg(long, value_name = "KEY", env = "NODE_TOOL_APP_KEY", value_parser = check_app_key)]
    app_key: Option<String>,
    /// In a team: start at your own folder, or at the team's space
    #[arg(long, value_enum)]
    root: Option<Root>,
    /// Log in as the admin of a team, with an app that has team permissions: members are named with --as-member
    #[arg(long, conflicts_with = "root")]
    team: bool,
    #[command(flatten)]
    how: How,
}

/// The arguments of `config reconnect`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: node-tool config reconnect dbx:")]
pub struct ReconnectArgs {
    /// The remote's name
    #[arg(value_name = "NAME:", value_parser = check_name)]
    name: String,
    /// Another app key than before
    #[arg(long, value_name = "KEY", value_parser = check_app_key)]
    app_key: Option<String>,
    #[command(flatten)]
    how: How,
}

impl CreateArgs {
    /// Whether another program reads what it prints.
    pub(super) fn is_pairing(&self) -> bool {
        self.how.pairing
    }

    /// The remote.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Returns the settings in rclone's form.
    fn pairs(&self) -> Result<Pairs, Failure> {
        let kind = self.kind.as_deref().unwrap_or("dropbox");
        if kind != "dropbox" {
            let failure = Failure::usage(format!(
                "there are no '{}' remotes here, only Dropbox's",
                kind.split('=').next().unwrap_or_default()
            ));
            return Err(match kind.contains('=') {
                true => failure.hint("write the type before the settings: dropbox key=value"),
                false => failure.next(format!("node-tool config create {} dropbox", quoted(&self.name))),
            });
        }
        let pairs = Pairs::read(&self.settings, &self.name)?;
        if let Some(key) = &pairs.app_key {
            check_app_key(key).map_err(|why| Failure::usage(format!("client_id: {why}")))?;
        }
        Ok(pairs)
    }

    /// As the menu asked for them.
    pub(super) fn asked(name: String, app_key: String) -> Self {
        Self {
            name,
            kind: None,
            settings: Vec::new(),
            app_key: Some(app_key),
            root: None,
            team: false,
            how: How::default(),
        }
    }
}

impl ReconnectArgs {
    /// The remote.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// As the menu asked for them.
    pub(super) fn asked(name: String) -> Self {
        Self {
            name,
            app_key: None,
            how: How::default(),
        }
    }
}

/// Connects an account under a new name.
pub(super) async fn create(args: &CreateArgs, app: &App) -> Result<u8, Failure> {
    let pairs = args.pairs()?;
    // Words are typed; the flag may come from a variable.
    let app_key = pairs.app_key.clone().or_else(|| args.app_key.clone());
    let mut config = app.store.load().map_err(config_failure)?;
    let before = match config.remotes.remove(&args.name) {
        // `authorizer --ssh` doesn't know whether the remote is there.
        Some(remote) if !args.how.pairing => return Err(taken(&args.name, &remote)),
        before => before,
    };
    let usual = app.defaults.app_key.clone();
    let offered = known_key(&config);
    let own_key = before.as_ref().map(|before| before.app_key.clone());
    let wish = args
        .root
        .map_or_else(|| Wish::of(before.as_ref(), &app.defaults), Wish::Must);
    let again = Again::new("create", &args.name, app_key.as_deref(), &args.how, args.root);
    let login = Login {
        app,
        name: &args.name,
        how: &args.how,
        app_key: app_key.clone().or(own_key.filter(|key| !key.is_empty())),
        usual_app_key: usual,
        offered_app_key: offered,
        verifier: verifier()?,
        again: again.for_team(args.team),
        is_team: args.team,
    };
    let code = connect(&login, before, wish).await?;
    update::apply(&pairs, &args.name, app)?;
    Ok(code)
}

/// Logs in again.
pub(super) async fn reconnect(args: &ReconnectArgs, app: &App) -> Result<u8, Failure> {
    let mut config = app.store.load().map_err(config_failure)?;
    let Some(before) = config.remotes.remove(&args.name) else {
        return Err(app.unknown_remote(&args.name, config.remotes.keys()));
    };
    let own_key = Some(before.app_key.clone()).filter(|key| !key.is_empty());
    let login = Login {
        app,
        name: &args.name,
        how: &args.how,
        app_key: args.app_key.clone().or(own_key),
        usual_app_key: app.defaults.app_key.clone(),
        offered_app_key: known_key(&config),
        verifier: verifier()?,
        again: Again::new("reconnect", &args.name, args.app_key.as_deref(), &args.how, None),
        is_team: before.is_team(),
    };
    let wish = Wish::Rather(before.root());
    connect(&login, Some(before), wish).await
}

fn verifier() -> Result<Verifier, Failure> {
    Verifier::generate().map_err(|e| Failure::new("could not make a challenge").why(e))
}

/// There is a remote of this name.
pub(super) fn taken(name: &str, remote: &Remote) -> Failure {
    Failure::usage(format!("the remote '{name}:' is there already"))
        .why(format!("it is connected as {}", who(remote)))
        .next(format!(
            "node-tool config reconnect {}   to log in again, or choose another name",
            quoted(&format!("{name}:"))
        ))
}

/// The app key of another remote: most people have one app.
pub(super) fn known_key(config: &Config) -> Option<String> {
    let mut keys = config.remotes.values().map(|remote| &remote.app_key);
    keys.find(|key| !key.is_empty()).cloned()
}

async fn connect(login: &Login<'_>, before: Option<Remote>, wish: Wish) -> Result<u8, Failure> {
    let Login { app, name, how, .. } = login;
    // What would waste a login is found before the browser opens.
    app.store.probe().map_err(config_failure)?;
    let key = login.key().await?;
    if let Some(key) = &key {
        login.reach(key).await?;
        login.invite(key)?;
    }
    let fresh = login.tokens(key.as_deref(), before.as_ref()).await?;
    let mut remote = fresh.remote.clone();
    if fresh.is_spent {
        save(login, &remote)?; // the code works once: nothing may come between it and the disk
    }
    let known = match login.is_team {
        true => introduce::ask_team(login, &mut remote).await,
        false => introduce::ask(login, &mut remote, wish).await,
    };
    let said = match known {
        Ok(said) => said,
        Err(introduce::Problem::Dropbox(error)) if fresh.is_proven && error.is_temporary() => {
            report::warn(&format!(
                "{name}: is connected, but could not ask whose account it is: {error}"
            ));
            format!("Connected {name}:\n")
        }
        Err(problem) => {
            if fresh.is_spent {
                put_back(login, before)?;
            }
            return Err(match problem {
                introduce::Problem::Dropbox(error) => error.login_failure(name, &login.again.command()),
                introduce::Problem::Choice(failure) => failure,
            });
        }
    };
    if let Some(before) =
        before.filter(|before| before.account_id.is_some() && before.account_id != remote.account_id)
    {
        report::warn(&format!(
            "'{name}:' was connected as {} before; it is another account now",
            who(&before)
        ));
    }
    save(login, &remote)?;
    if how.pairing {
        report::notes(said.trim_end());
    } else if login.is_team {
        report::said(&format!(
            "{said}Try next:\n  node-tool lsd {} --as-member EMAIL\n",
            quoted(&format!("{name}:"))
        ))?;
    } else {
        report::said(&format!(
            "{said}Try next:\n  node-tool lsd {}\n  node-tool copy {} /some/local/folder --dry-run\n",
            quoted(&format!("{name}:")),
            quoted(&format!("{name}:FOLDER")),
        ))?;
    }
    if !fresh.is_proven {
        report::warn(&renewal::end_of(&remote, name));
    }
    if let Some(missing) = introduce::missing_scopes(&remote) {
        report::warn(&format!(
            "the app may not do everything; tick these boxes under Permissions of the app at \
             https://www.dropbox.com/developers/apps, press Submit, then run: node-tool config reconnect {}",
            quoted(&format!("{name}:"))
        ));
        report::notes(&missing);
    }
    Ok(exit::SUCCESS)
}

fn save(login: &Login<'_>, remote: &Remote) -> Result<(), Failure> {
    let saved = login
        .app
        .store
        .update(|config| config.remotes.insert(login.name.to_owned(), remote.clone()));
    saved.map(drop).map_err(config_failure)
}

/// A login that turns out to be of no use leaves what was there before.
fn put_back(login: &Login<'_>, before: Option<Remote>) -> Result<(), Failure> {
    let done = login.app.store.update(|config| match before {
        Some(before) => config.remotes.insert(login.name.to_owned(), before),
        None => config.remotes.remove(login.name),
    });
    done.map(drop).map_err(config_failure)
}
