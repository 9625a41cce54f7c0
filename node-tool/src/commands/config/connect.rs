//! `config create` and `config reconnect`: pair with a browser elsewhere, take what is pasted, ask who it is.

use std::sync::Arc;

use shared::{
    api::users::SpaceUsage,
    exit,
    failure::Failure,
    grant::{Grant, GrantError, TokenGrant},
    oauth::{AuthorizeRequest, Proof, TokenRequest, check_app_key},
    pairing::Pairing,
    pkce::Verifier,
    secret::Secret,
};

use super::{
    super::{App, ask, config_failure, dropbox_failure},
    paste::{self, PasteError, Pasted, RcloneToken},
    root::{self, Wish},
    show::who,
};
use crate::{
    account::{Account, take},
    config::{Remote, Root, check_name},
    dropbox::{Client, Error, exchange},
    report, terminal,
};

/// A wrong paste may be followed by so many others.
const PASTES: u32 = 5;

/// What listing, reading and writing need, and what for.
const SCOPES: [(&str, &str); 4] = [
    ("account_info.read", "to say who is connected"),
    ("files.metadata.read", "to list"),
    ("files.content.read", "to copy from Dropbox"),
    ("files.content.write", "to copy to Dropbox"),
];

/// The arguments of `config create`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: node-tool config create dbx --app-key a1b2c3d4e5f6g7h")]
pub struct CreateArgs {
    /// What to call the account: the word before the colon in dbx:path
    #[arg(value_parser = check_name)]
    name: String,
    /// The app key, from the app's page at https://www.dropbox.com/developers/apps
    #[arg(long, value_name = "KEY", env = "NODE_TOOL_APP_KEY", value_parser = check_app_key)]
    app_key: Option<String>,
    /// In a team: start at your own folder, or at the team's space
    #[arg(long, value_enum)]
    root: Option<Root>,
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

/// How the paste comes.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
struct How {
    /// Read the paste from stdin: a grant of the authorizer, or the JSON that `rclone authorize` prints
    #[arg(long)]
    token_stdin: bool,
    /// Speak with `authorizer --ssh`: print the challenge on stdout, read the grant from stdin
    #[arg(long, hide = true, conflicts_with = "token_stdin")]
    pairing: bool,
}

impl How {
    /// Whether a person sits there who can be asked.
    fn may_ask(self) -> bool {
        !self.token_stdin && !self.pairing && terminal::is_there()
    }
}

impl CreateArgs {
    /// The remote.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// As the menu asked for them.
    pub(super) fn asked(name: String, app_key: String) -> Self {
        Self {
            name,
            app_key: Some(app_key),
            root: None,
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

/// A login that is under way.
struct Login<'a> {
    app: &'a App,
    name: &'a str,
    how: How,
    /// The app that it has to be made with.
    app_key: Option<String>,
    /// The app that serves if nothing else is said.
    usual_app_key: Option<String>,
    root: Wish,
    verifier: Verifier,
}

/// Connects an account under a new name.
pub(super) async fn create(args: &CreateArgs, app: &App) -> Result<u8, Failure> {
    let mut config = app.store.load().map_err(config_failure)?;
    let before = match config.remotes.remove(&args.name) {
        // `authorizer --ssh` doesn't know whether the remote is there.
        Some(remote) if !args.how.pairing => {
            return Err(
                Failure::usage(format!("the remote '{}:' is there already", args.name))
                    .why(format!("it is connected as {}", who(&remote)))
                    .next(format!(
                        "node-tool config reconnect {}:   to log in anew, or choose another name",
                        args.name
                    )),
            );
        }
        before => before.unwrap_or_default(),
    };
    let wish = args
        .root
        .map_or_else(|| Wish::of(&before, &app.defaults), Wish::Must);
    connect(&args.name, before, args.app_key.as_ref(), wish, args.how, app).await
}

/// Logs in anew.
pub(super) async fn reconnect(args: &ReconnectArgs, app: &App) -> Result<u8, Failure> {
    let mut config = app.store.load().map_err(config_failure)?;
    let Some(before) = config.remotes.remove(&args.name) else {
        return Err(app.unknown_remote(&args.name, config.remotes.keys()));
    };
    let wish = Wish::Rather(before.root());
    connect(&args.name, before, args.app_key.as_ref(), wish, args.how, app).await
}

async fn connect(
    name: &str,
    before: Remote,
    app_key: Option<&String>,
    root: Wish,
    how: How,
    app: &App,
) -> Result<u8, Failure> {
    // A login that can't be saved is wasted: that is known before anyone is asked.
    app.store.probe().map_err(config_failure)?;
    let own_key = (!before.app_key.is_empty()).then(|| before.app_key.clone());
    let login = Login {
        app,
        name,
        how,
        app_key: app_key.cloned().or(own_key),
        usual_app_key: app.defaults.app_key.clone(),
        root,
        verifier: Verifier::generate().map_err(|e| Failure::new("could not make a challenge").why(e))?,
    };
    let (app_key, pasted) = login.ask().await?;
    let mut remote = Remote {
        app_key,
        ..before.clone()
    };
    login.log_in(&mut remote, pasted).await?;
    let connected = login.introduce(&mut remote).await?;
    if before.account_id.is_some() && before.account_id != remote.account_id {
        report::warn(&format!(
            "'{name}:' was connected as {} before; it is another account now",
            who(&before)
        ));
    }
    app.store
        .update(|config| config.remotes.insert(name.to_owned(), remote.clone()))
        .map_err(config_failure)?;
    if how.pairing {
        report::notes(connected.trim_end());
    } else {
        report::result(&format!(
            "{connected}Try next:\n  node-tool lsd {name}:\n  node-tool copy {name}:FOLDER /some/local/folder --dry-run\n"
        ))?;
    }
    if let Some(missing) = missing_scopes(&remote.scopes) {
        report::warn(&format!(
            "the app may not do everything; tick these boxes under Permissions of the app at \
             https://www.dropbox.com/developers/apps, press Submit, then run: node-tool config reconnect {name}:"
        ));
        report::notes(&missing);
    }
    Ok(exit::SUCCESS)
}

/// The boxes to tick, a line each. Nothing is known of a token that came without its scopes.
fn missing_scopes(granted: &[String]) -> Option<String> {
    let missing = SCOPES
        .iter()
        .filter(|(scope, _)| !granted.is_empty() && !granted.iter().any(|g| g == scope))
        .map(|(scope, purpose)| format!("  {scope}  {purpose}"));
    let lines: Vec<String> = missing.collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

impl Login<'_> {
    /// Says what to do in a browser and takes what is pasted; gives the app key that it is for.
    async fn ask(&self) -> Result<(String, Pasted), Failure> {
        let Self { name, how, .. } = self;
        let key = match self.app_key.clone().or(self.usual_app_key.clone()) {
            None if how.may_ask() => Some(ask::app_key().await?),
            key => key,
        };
        let missing = || {
            Failure::usage("the app key is missing")
                .next(if how.pairing {
                    "give the authorizer --app-key KEY".to_owned()
                } else {
                    format!("node-tool config create {name} --app-key KEY")
                })
                .next("KEY stands on your app's page at https://www.dropbox.com/developers/apps")
        };
        match &key {
            None if how.token_stdin => {} // a whole token brings its own
            None => return Err(missing()),
            Some(key) if how.token_stdin || how.pairing || terminal::is_there() => self.invite(key)?,
            Some(key) => {
                return Err(
                    Failure::usage("there is no terminal to ask for the token on").next(format!(
                        "node-tool config create {name} --app-key {key} --token-stdin < FILE"
                    )),
                );
            }
        }
        let pasted = self.paste(key.as_deref()).await?;
        match (&pasted, &self.app_key, key) {
            (Pasted::Grant(grant @ Grant::Token(_)), None, _) => Ok((grant.app_key().to_owned(), pasted)),
            (_, _, Some(key)) => Ok((key, pasted)),
            (_, _, None) => Err(missing()),
        }
    }

    /// Says what to do on the laptop.
    fn invite(&self, app_key: &str) -> Result<(), Failure> {
        let challenge = self.verifier.challenge();
        if self.how.pairing {
            let pairing = Pairing {
                app_key: app_key.to_owned(),
                challenge,
            };
            return report::result(&format!("{}\n", pairing.line()));
        }
        let request = AuthorizeRequest {
            app_key,
            challenge: Some(&challenge),
            redirect_uri: None,
            state: None,
            force_reapprove: false,
        };
        report::result(&format!(
            "On your laptop, run:\n\n  authorizer {app_key} {}\n\n\
             or open this address in any browser, and copy the code that Dropbox shows:\n\n{}\n\n\
             Then paste what you got here{}\n",
            challenge.as_str(),
            request.url(&self.app.endpoints),
            if self.how.token_stdin {
                ", on stdin."
            } else {
                ", and press Enter."
            }
        ))
    }

    /// Reads until something usable was pasted.
    async fn paste(&self, app_key: Option<&str>) -> Result<Pasted, Failure> {
        let from_stdin = self.how.token_stdin || self.how.pairing;
        for last in (0..PASTES).rev() {
            let read = terminal::wait(move || {
                Ok(if from_stdin {
                    paste::from_stdin()
                } else {
                    paste::from_terminal("token> ")
                })
            });
            let problem = match read.await? {
                Ok(pasted) => match self.check(&pasted) {
                    Ok(()) => return Ok(pasted),
                    Err(error) => error.into(),
                },
                Err(problem) => problem,
            };
            match problem {
                PasteError::Grant(error) if from_stdin || last == 0 => {
                    return Err(Failure::usage("the token can't be used")
                        .why(&error)
                        .next(next_step(&error, app_key.unwrap_or("KEY"))));
                }
                PasteError::Grant(error) => {
                    report::notes(&format!("  {error}\n  Paste it again, or press Ctrl-C."));
                }
                PasteError::Interrupted => {
                    return Err(
                        Failure::new("stopped by Ctrl-C; the config is as it was").code(exit::INTERRUPTED)
                    );
                }
                error => return Err(Failure::usage("could not read the token").why(error)),
            }
        }
        Err(Failure::usage("the token can't be used"))
    }

    /// Checks that a grant is meant for this pairing.
    fn check(&self, pasted: &Pasted) -> Result<(), GrantError> {
        let Pasted::Grant(grant) = pasted else {
            return Ok(());
        };
        match (grant, &self.app_key, &self.usual_app_key) {
            (_, Some(key), _) | (Grant::Code(_), None, Some(key)) => grant.check_app_key(key)?,
            _ => {}
        }
        match grant {
            Grant::Code(code) => code.check_challenge(&self.verifier.challenge()),
            Grant::Token(_) => Ok(()),
        }
    }

    /// Turns what was pasted into tokens.
    async fn log_in(&self, remote: &mut Remote, pasted: Pasted) -> Result<(), Failure> {
        let (code, redirect_uri) = match pasted {
            Pasted::Grant(Grant::Token(token)) => {
                keep_token(remote, token);
                return Ok(());
            }
            Pasted::Rclone(token) => return keep_rclone_token(remote, token),
            Pasted::Grant(Grant::Code(code)) => (code.code, code.redirect_uri),
            Pasted::Code(code) => (code, None),
        };
        let request = TokenRequest::Code {
            app_key: remote.app_key.clone(),
            code,
            redirect_uri,
            proof: Proof::Verifier(self.verifier.secret().clone()),
        };
        let answer = crate::dropbox::with_retries(|| exchange(&self.app.http, &request)).await;
        let answer = answer.map_err(|error| {
            let failure = Failure::new("Dropbox did not accept the code").why(&error);
            match error {
                Error::LoginOver(_) => failure
                    .next("codes work once and for a few minutes: run this command again")
                    .code(exit::FATAL),
                _ => failure.next("check the network, then run this command again"),
            }
        })?;
        if answer.refresh_token.is_none() {
            report::warn("Dropbox gave no refresh token: this login will end in a few hours");
        }
        remote.forget_login();
        take(remote, &answer);
        Ok(())
    }

    /// Asks who is connected, and where its paths start. Gives what is to be said about it.
    async fn introduce(&self, remote: &mut Remote) -> Result<String, Failure> {
        let Self { app, name, .. } = self;
        // Nothing of it is saved before all is well.
        remote.root_namespace_id = None;
        let account = Account::new(None, (*name).to_owned(), remote.clone(), app.http.clone());
        let client = Client::new(app.http.clone(), account, app.transfers, Arc::clone(&app.meter));
        let found = match client.current_account().await {
            Ok(account) => Some((account, client.space_usage().await.ok())),
            // Named below with the other missing boxes.
            Err(Error::Access(error)) if error.required_scope() == Some("account_info.read") => None,
            Err(error) => return Err(dropbox_failure("could not ask who is connected", &error, name)),
        };
        *remote = client.to_remote().await; // it may have been refreshed
        let Some((account, space)) = found else {
            remote.display_name = None;
            remote.email = None;
            return Ok(format!("Connected {name}:\n"));
        };
        remote.learn(&account.root_info);
        remote.root_namespace_id = root::choose(name, &account, self.root, self.how.may_ask()).await?;
        remote.account_id = Some(account.account_id);
        remote.display_name = Some(account.name.display_name);
        remote.email = Some(account.email);
        let used = space
            .map(|space| format!("{}\n", space_used(&space)))
            .unwrap_or_default();
        Ok(format!("Connected {name}: {}\n{used}", who(remote)))
    }
}

/// `Space used: 1.500 GiB of 2 TiB`
fn space_used(space: &SpaceUsage) -> String {
    let used = format!("Space used: {}", report::bytes(space.used));
    match space.allocation.allocated {
        0 => used,
        allocated => format!("{used} of {}", report::bytes(allocated)),
    }
}

fn next_step(error: &GrantError, app_key: &str) -> String {
    match error {
        GrantError::OtherApp { .. } => format!("authorizer {app_key} --challenge …, as printed above"),
        GrantError::OtherChallenge => {
            "run this command again, and the authorizer line that it prints then".into()
        }
        GrantError::NewerVersion(_) => "update node-tool".into(),
        _ => "copy the whole line again, from its first character to its last".into(),
    }
}

fn keep_token(remote: &mut Remote, token: TokenGrant) {
    remote.forget_login();
    remote.access_token = Some(token.access_token);
    remote.refresh_token = token.refresh_token;
    remote.expires_at = token.expires_at;
    remote.scopes = token.scopes;
    remote.account_id = token.account_id;
    remote.app_secret = token.app_secret;
}

/// Takes a token over from rclone.
///
/// # Errors
/// When its expiry is no time.
pub(super) fn keep_rclone_token(remote: &mut Remote, token: RcloneToken) -> Result<(), Failure> {
    let expiry = token
        .expiry
        .as_deref()
        .map(str::parse::<jiff::Timestamp>)
        .transpose();
    let expiry = expiry.map_err(|e| Failure::usage("the JSON's 'expiry' is not a time").why(e))?;
    remote.forget_login();
    remote.access_token = Some(token.access_token);
    remote.refresh_token = token.refresh_token.filter(|t: &Secret| !t.is_empty());
    // Go's zero time, of the year 1, is a token without an end.
    remote.expires_at = expiry.map(jiff::Timestamp::as_second).filter(|at| *at > 0);
    Ok(())
}
