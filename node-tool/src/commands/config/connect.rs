//! `config create` and `config reconnect`: pair with a browser elsewhere, take what is pasted, ask who it is.

use shared::{
    exit,
    failure::Failure,
    grant::{Grant, GrantError, TokenGrant},
    oauth::{AuthorizeRequest, Proof, TokenRequest, check_app_key},
    pkce::Verifier,
    secret::Secret,
};

use super::{
    super::{App, config_failure, dropbox_failure},
    paste::{self, PasteError, Pasted, RcloneToken},
    show::who,
};
use crate::{
    account::{Account, take},
    config::{Remote, check_name},
    dropbox::{Client, Error, exchange},
    report,
};

/// A wrong paste may be followed by so many others.
const PASTES: u32 = 5;

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
#[derive(Debug, clap::Args)]
struct How {
    /// Read the paste from stdin: a grant of the authorizer, or the JSON that `rclone authorize` prints
    #[arg(long)]
    token_stdin: bool,
    /// Speak with `authorizer --ssh`: print the challenge on stdout, read the grant from stdin
    #[arg(long, hide = true, conflicts_with = "token_stdin")]
    pairing: bool,
}

/// Connects an account under a new name.
pub(super) async fn create(args: &CreateArgs, app: &App) -> Result<u8, Failure> {
    let existing = app
        .store
        .load()
        .map_err(config_failure)?
        .remotes
        .remove(&args.name);
    match existing {
        // `authorizer --ssh` doesn't know whether the remote is there.
        Some(remote) if args.how.pairing => {
            connect(&args.name, remote, args.app_key.as_deref(), &args.how, app).await
        }
        Some(remote) => Err(
            Failure::usage(format!("the remote '{}:' is there already", args.name))
                .why(format!("it is connected as {}", who(&remote)))
                .next(format!(
                    "node-tool config reconnect {}:   to log in anew, or choose another name",
                    args.name
                )),
        ),
        None => {
            connect(
                &args.name,
                Remote::default(),
                args.app_key.as_deref(),
                &args.how,
                app,
            )
            .await
        }
    }
}

/// Logs in anew.
pub(super) async fn reconnect(args: &ReconnectArgs, app: &App) -> Result<u8, Failure> {
    let mut config = app.store.load().map_err(config_failure)?;
    let Some(remote) = config.remotes.remove(&args.name) else {
        return Err(super::super::unknown_remote(&args.name, config.remotes.keys()));
    };
    connect(&args.name, remote, args.app_key.as_deref(), &args.how, app).await
}

async fn connect(
    name: &str,
    before: Remote,
    app_key: Option<&str>,
    how: &How,
    app: &App,
) -> Result<u8, Failure> {
    let app_key = match app_key {
        Some(key) => key.to_owned(),
        None if !before.app_key.is_empty() => before.app_key.clone(),
        None => {
            return Err(Failure::usage("the app key is missing")
                .next(format!("node-tool config create {name} --app-key KEY"))
                .next("KEY stands on your app's page at https://www.dropbox.com/developers/apps"));
        }
    };
    if !how.token_stdin && !how.pairing && !paste::has_terminal() {
        return Err(
            Failure::usage("there is no terminal to ask for the token on").next(format!(
                "node-tool config create {name} --app-key {app_key} --token-stdin < FILE"
            )),
        );
    }
    let verifier = Verifier::generate().map_err(|e| Failure::new("could not make a challenge").why(e))?;
    invite(&app_key, &verifier, how, app)?;
    let mut remote = Remote {
        app_key,
        ..before.clone()
    };
    let pasted = read_paste(how, &remote.app_key, &verifier)?;
    log_in(&mut remote, pasted, &verifier, app).await?;
    let client = introduce(name, &mut remote, app).await?;
    if before.account_id.is_some() && before.account_id != remote.account_id {
        report::warn(&format!(
            "'{name}:' was connected as {} before; it is another account now",
            who(&before)
        ));
    }
    drop(client);
    app.store
        .update(|config| config.remotes.insert(name.to_owned(), remote.clone()))
        .map_err(config_failure)?;
    let connected = format!("Connected {name}: {}\n", who(&remote));
    if how.pairing {
        report::note(connected.trim_end());
        return Ok(exit::SUCCESS);
    }
    report::result(&connected)?;
    report::result(&format!(
        "Try next:\n  node-tool lsd {name}:\n  node-tool copy {name}:FOLDER /some/local/folder --dry-run\n"
    ))?;
    Ok(exit::SUCCESS)
}

/// Says what to do on the laptop.
fn invite(app_key: &str, verifier: &Verifier, how: &How, app: &App) -> Result<(), Failure> {
    let challenge = verifier.challenge();
    if how.pairing {
        return report::result(&format!("pairing1 {app_key} {}\n", challenge.as_str()));
    }
    let request = AuthorizeRequest {
        app_key,
        challenge: Some(&challenge),
        redirect_uri: None,
        state: None,
        force_reapprove: false,
    };
    report::result(&format!(
        "On your laptop, run:\n\n  authorizer {app_key} --challenge {}\n\n\
         or open this address in any browser, and copy the code that Dropbox shows:\n\n  {}\n\n\
         Then paste what you got here{}\n",
        challenge.as_str(),
        request.url(&app.endpoints),
        if how.token_stdin {
            ", on stdin."
        } else {
            ", and press Enter."
        }
    ))
}

fn read_paste(how: &How, app_key: &str, verifier: &Verifier) -> Result<Pasted, Failure> {
    let from_stdin = how.token_stdin || how.pairing;
    for last in (0..PASTES).rev() {
        let read = if from_stdin {
            paste::from_stdin()
        } else {
            paste::from_terminal("token> ")
        };
        let problem = match read.map_err(Some).and_then(|pasted| {
            check(&pasted, app_key, verifier)
                .map(|()| pasted)
                .map_err(|e| Some(e.into()))
        }) {
            Ok(pasted) => return Ok(pasted),
            Err(problem) => problem,
        };
        match problem {
            Some(PasteError::Grant(error)) if from_stdin || last == 0 => {
                return Err(Failure::usage("the token can't be used")
                    .why(&error)
                    .next(next_step(&error, app_key)));
            }
            Some(PasteError::Grant(error)) => {
                report::note(&format!("  {error}\n  Paste it again, or press Ctrl-C."))
            }
            Some(PasteError::Interrupted) => {
                return Err(
                    Failure::new("stopped by Ctrl-C; the config is as it was").code(exit::INTERRUPTED)
                );
            }
            Some(error) => return Err(Failure::usage("could not read the token").why(error)),
            None => {}
        }
    }
    Err(Failure::usage("the token can't be used"))
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

/// Checks that a grant is meant for this pairing.
fn check(pasted: &Pasted, app_key: &str, verifier: &Verifier) -> Result<(), GrantError> {
    let Pasted::Grant(grant) = pasted else {
        return Ok(());
    };
    grant.check_app_key(app_key)?;
    match grant {
        Grant::Code(code) => code.check_challenge(&verifier.challenge()),
        Grant::Token(_) => Ok(()),
    }
}

/// Turns what was pasted into tokens.
async fn log_in(remote: &mut Remote, pasted: Pasted, verifier: &Verifier, app: &App) -> Result<(), Failure> {
    let (code, redirect_uri) = match pasted {
        Pasted::Grant(Grant::Token(token)) => {
            keep_token(remote, token);
            return Ok(());
        }
        Pasted::Rclone(token) => return keep_rclone_token(remote, token),
        Pasted::Grant(Grant::Code(code)) => (code.code, code.redirect_uri),
        Pasted::Code(code) => (code, None),
    };
    let proof = Proof::Verifier(verifier.secret().clone());
    let request = TokenRequest::Code {
        app_key: remote.app_key.clone(),
        code,
        redirect_uri,
        proof,
    };
    let answer = crate::dropbox::with_retries(|| exchange(&app.http, &request))
        .await
        .map_err(|error| {
            let failure = Failure::new("Dropbox did not accept the code").why(&error);
            match error {
                Error::LoginOver(_) => {
                    failure.next("codes work once and for a few minutes: run this command again")
                }
                _ => failure.next("check the network, then run this command again"),
            }
        })?;
    if answer.refresh_token.is_none() {
        report::warn("Dropbox gave no refresh token: this login will end in a few hours");
    }
    remote.refresh_token = None; // the old login's
    remote.app_secret = None;
    take(remote, &answer);
    Ok(())
}

fn keep_token(remote: &mut Remote, token: TokenGrant) {
    remote.access_token = Some(token.access_token);
    remote.refresh_token = token.refresh_token;
    remote.expires_at = token.expires_at;
    remote.scopes = token.scopes;
    remote.account_id = token.account_id;
    remote.app_secret = token.app_secret;
}

fn keep_rclone_token(remote: &mut Remote, token: RcloneToken) -> Result<(), Failure> {
    let expiry = token
        .expiry
        .as_deref()
        .map(str::parse::<jiff::Timestamp>)
        .transpose();
    let expiry = expiry.map_err(|e| Failure::usage("the JSON's 'expiry' is not a time").why(e))?;
    remote.access_token = Some(token.access_token);
    remote.refresh_token = token.refresh_token.filter(|t: &Secret| !t.is_empty());
    remote.expires_at = expiry.map(jiff::Timestamp::as_second);
    remote.scopes.clear();
    remote.account_id = None;
    remote.app_secret = None;
    Ok(())
}

/// Asks who is connected.
async fn introduce(name: &str, remote: &mut Remote, app: &App) -> Result<Client, Failure> {
    // Not saved yet: a refresh on the way is kept when the remote is.
    let account = Account::new(
        app.store.clone(),
        name.to_owned(),
        remote.clone(),
        app.http.clone(),
    );
    let client = Client::new(app.http.clone(), account, app.transfers);
    let who = client
        .current_account()
        .await
        .map_err(|e| dropbox_failure("could not ask who is connected", &e, name))?;
    remote.account_id = Some(who.account_id);
    remote.display_name = Some(who.name.display_name);
    remote.email = Some(who.email);
    Ok(client)
}
