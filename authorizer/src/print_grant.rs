//! `authorizer APP_KEY [CHALLENGE]`: makes a login and prints what is to be pasted.

use std::{sync::atomic::AtomicBool, time::Instant};

use shared::{
    endpoints::Endpoints,
    failure::Failure,
    oauth::{AuthorizeRequest, Proof, REDIRECT_URI, TokenAnswer, TokenRequest},
    pkce::{Challenge, Verifier},
    secret::Secret,
};

use crate::{
    app_secret,
    cli::{Cli, Format},
    exchange::exchange,
    hints::Destination,
    login::{self, Done, Login},
    output, paste,
    signals::Signals,
    wait, words,
};

/// Shown to a person who typed the app's secret, too.
const SECRET_SEEN: &str = "warning: the app's secret is not needed, and was not used. It is in your shell's history now: remove that line \
                           there, or give the app a new secret at https://www.dropbox.com/developers/apps";

/// Which side holds the PKCE verifier, or the secret in its place: only that side can use the code.
enum VerifierHolder {
    /// The login node that made this challenge.
    Node(Challenge),
    /// This computer; without a challenge if the app has no PKCE.
    Here(Option<Challenge>, Proof),
}

impl VerifierHolder {
    fn challenge(&self) -> Option<&Challenge> {
        match self {
            Self::Node(challenge) => Some(challenge),
            Self::Here(challenge, _) => challenge.as_ref(),
        }
    }
}

/// Makes the login and prints its grant.
///
/// # Errors
/// When the command line is wrong, the login fails, or Dropbox refuses the exchange.
pub(crate) fn run(cli: &Cli, endpoints: &Endpoints, signals: &Signals) -> Result<(), Failure> {
    let words = words::parse(&cli.words(), cli.challenge.as_ref())?;
    let app_key = words.app_key;
    check_format(cli, &app_key, words.challenge.as_ref())?;
    if words.has_secret {
        output::note(SECRET_SEEN);
    }
    let deadline = Instant::now() + cli.timeout;
    let holder = holder(cli, words.challenge, &signals.stop, deadline)?;
    let destination = match &holder {
        VerifierHolder::Node(challenge) => {
            Destination::Prompt(address_without_redirect(&app_key, challenge, endpoints))
        }
        VerifierHolder::Here(..) => Destination::Here,
    };
    let callback = login::listen(signals, &destination)?;
    let challenge = holder.challenge().cloned();
    let login = Login {
        app_key: &app_key,
        challenge: challenge.as_ref(),
        start_browser: !cli.no_browser,
        deadline,
        stop: &signals.stop,
        destination: &destination,
    };
    login.run(endpoints, &callback, |code| {
        let paste = match holder {
            VerifierHolder::Node(challenge) => paste::one_time(&app_key, &challenge, code),
            VerifierHolder::Here(_, proof) => {
                let answer = redeem(&login, endpoints, &proof, code)?;
                paste::whole_token(cli.format, &app_key, &answer, proof)
            }
        };
        output::paste(&paste.text, paste.before, paste.after)?;
        output::note(paste.advice);
        Ok(Done {
            title: paste.title.to_owned(),
            text: paste.page.to_owned(),
        })
    })
}

/// Checks that the format is possible for this login.
fn check_format(cli: &Cli, app_key: &str, challenge: Option<&Challenge>) -> Result<(), Failure> {
    if challenge.is_none() {
        return Ok(());
    }
    if cli.format == Format::Rclone {
        return Err(Failure::usage("--format rclone can't be used with a challenge")
            .why("with a challenge only a one-time code passes through here, and rclone needs a whole token")
            .next(format!("authorizer {app_key} --format rclone")));
    }
    if cli.app_secret_file.is_some() {
        return Err(Failure::usage("--app-secret-file can't be used with a challenge")
            .why("the node that made the challenge needs no secret")
            .hint("leave out --app-secret-file"));
    }
    Ok(())
}

fn holder(
    cli: &Cli,
    challenge: Option<Challenge>,
    stop: &AtomicBool,
    deadline: Instant,
) -> Result<VerifierHolder, Failure> {
    if let Some(challenge) = challenge {
        return Ok(VerifierHolder::Node(challenge));
    }
    if let Some(file) = &cli.app_secret_file {
        let secret = app_secret::read(file, stop, deadline)?;
        return Ok(VerifierHolder::Here(None, Proof::AppSecret(secret)));
    }
    let verifier = Verifier::generate().map_err(|e| Failure::new("could not begin the login").why(e))?;
    Ok(VerifierHolder::Here(
        Some(verifier.challenge()),
        Proof::Verifier(verifier.secret().clone()),
    ))
}

/// Returns the address at which Dropbox shows the code, instead of sending the browser here with it.
fn address_without_redirect(app_key: &str, challenge: &Challenge, endpoints: &Endpoints) -> String {
    let request = AuthorizeRequest {
        app_key,
        challenge: Some(challenge),
        redirect_uri: None,
        state: None,
    };
    request.url(endpoints)
}

/// Exchanges the code here, for a whole token.
fn redeem(
    login: &Login<'_>,
    endpoints: &Endpoints,
    proof: &Proof,
    code: Secret,
) -> Result<TokenAnswer, Failure> {
    let request = TokenRequest::Code {
        app_key: login.app_key.to_owned(),
        code,
        redirect_uri: Some(REDIRECT_URI.to_owned()),
        proof: proof.clone(),
    };
    let endpoints = endpoints.clone();
    let answer = wait::for_work(login.stop, login.deadline, move || exchange(&endpoints, &request))??;
    if answer.refresh_token.is_none() {
        output::note("warning: Dropbox gave no refresh token, so this login ends in a few hours");
    }
    Ok(answer)
}
