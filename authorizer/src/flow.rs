//! The login in its steps; the only file that knows them all.

use std::{
    fs,
    io::ErrorKind,
    path::Path,
    sync::{Arc, atomic::AtomicBool},
    time::Instant,
};

use shared::{
    endpoints::Endpoints,
    exit,
    failure::Failure,
    grant::{BEGIN_MARKER, CodeGrant, END_MARKER, Grant, TokenGrant},
    oauth::{AuthorizeRequest, Proof, REDIRECT_PORT, REDIRECT_URI, TokenAnswer, TokenRequest},
    pkce::{self, Challenge, Verifier},
    secret::Secret,
};

use crate::{
    browser,
    callback::{Answer, Listener, NoAnswer},
    cli::{Cli, Format},
    exchange::exchange,
    pages::Page,
    say,
};

/// Who keeps what proves that the code is theirs.
enum Keeper {
    /// The node: it has the verifier of this challenge.
    Node(Challenge),
    /// This computer.
    Here(Option<Challenge>, Proof),
}

/// Logs in and prints what is to be pasted.
///
/// # Errors
/// When the person cancels, the browser doesn't come back, or Dropbox refuses.
pub fn log_in(cli: &Cli, endpoints: &Endpoints) -> Result<(), Failure> {
    let keeper = keeper(cli)?;
    let state = pkce::state().map_err(|e| Failure::new("could not begin the login").why(e))?;
    let listener = listen()?;
    let challenge = match &keeper {
        Keeper::Node(challenge) => Some(challenge),
        Keeper::Here(challenge, _) => challenge.as_ref(),
    };
    let request = AuthorizeRequest {
        app_key: &cli.app_key,
        challenge,
        redirect_uri: Some(REDIRECT_URI),
        state: Some(&state),
        force_reapprove: false,
    };
    let deadline = Instant::now() + cli.timeout;
    browser::open(&request.url(endpoints), !cli.no_browser);
    say::note("Waiting for your answer in the browser …");

    let result = wait(&listener, &state, deadline).and_then(|code| grant(cli, endpoints, keeper, code));
    match result {
        Ok(paste) => {
            print(&paste)?;
            listener.show(Page {
                good: true,
                title: "You are connected",
                text: paste.page,
                detail: None,
            });
            Ok(())
        }
        Err(End { failure, page }) => {
            say::note(""); // sets the message apart from the address above
            if let Some((title, detail)) = page {
                let text = "The terminal says what to do next. You can close this tab.";
                listener.show(Page {
                    good: false,
                    title,
                    text,
                    detail: detail.as_deref(),
                });
            }
            Err(failure)
        }
    }
}

/// What is to be pasted, and what goes with it.
struct Paste {
    text: Secret,
    before: &'static str,
    after: &'static str,
    advice: &'static str,
    page: &'static str,
}

/// A login that came to nothing: what the terminal says, and what the browser shows if it came back.
struct End {
    failure: Failure,
    page: Option<(&'static str, Option<String>)>,
}

impl From<Failure> for End {
    fn from(failure: Failure) -> Self {
        Self {
            failure,
            page: Some(("The login was not finished", None)),
        }
    }
}

fn keeper(cli: &Cli) -> Result<Keeper, Failure> {
    if let Some(challenge) = &cli.challenge {
        return Ok(Keeper::Node(challenge.clone()));
    }
    if let Some(file) = &cli.app_secret_file {
        return Ok(Keeper::Here(None, Proof::AppSecret(read_app_secret(file)?)));
    }
    let verifier = Verifier::generate().map_err(|e| Failure::new("could not begin the login").why(e))?;
    Ok(Keeper::Here(
        Some(verifier.challenge()),
        Proof::Verifier(verifier.secret().clone()),
    ))
}

fn read_app_secret(file: &Path) -> Result<Secret, Failure> {
    let read = if file == Path::new("-") {
        rpassword::prompt_password("app secret (not shown)> ")
    } else {
        fs::read_to_string(file)
    };
    let text = read.map_err(|e| {
        Failure::usage(format!(
            "could not read the app's secret from '{}'",
            file.display()
        ))
        .why(e)
    })?;
    let secret = text.trim();
    if secret.is_empty() || secret.contains(char::is_whitespace) {
        return Err(Failure::usage(format!(
            "'{}' doesn't hold an app secret: one word is expected",
            file.display()
        )));
    }
    Ok(Secret::new(secret))
}

fn listen() -> Result<Listener, Failure> {
    let interrupted = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&interrupted))
            .map_err(|e| Failure::new("could not begin the login").why(e))?;
    }
    Listener::bind(interrupted).map_err(|error| {
        let failure = Failure::new(format!(
            "could not listen on localhost:{REDIRECT_PORT} for Dropbox's answer"
        ));
        if error.kind() == ErrorKind::AddrInUse {
            failure
                .why("another program uses the port: perhaps another authorizer, or `rclone authorize`")
                .next(format!(
                    "end that program (to find it: lsof -i :{REDIRECT_PORT}), then run this again"
                ))
        } else {
            failure.why(error)
        }
    })
}

fn wait(listener: &Listener, state: &Secret, deadline: Instant) -> Result<Secret, End> {
    let shown = |failure: Failure, title, detail| End {
        failure,
        page: Some((title, detail)),
    };
    let unseen = |failure: Failure| End { failure, page: None };
    match listener.wait(state, deadline) {
        Ok(Answer::Code(code)) => Ok(code),
        Ok(Answer::Refused { error, .. }) if error == "access_denied" => Err(shown(
            Failure::new("the login was cancelled in the browser").next("run this again and choose Allow"),
            "You cancelled the login",
            None,
        )),
        Ok(Answer::Refused { error, description }) => Err(shown(
            Failure::new("Dropbox refused the login").why(format!("{description} ({error})")).next("run this again"),
            "Dropbox refused the login",
            Some(format!("{description} ({error})")),
        )),
        Ok(Answer::WrongState) => Err(shown(
            Failure::new("an answer came that belongs to another login")
                .why("its 'state' is not the one of this login: an old tab, or somebody else's link")
                .next("close old Dropbox tabs, then run this again; nothing was granted"),
            "This answer belongs to another login",
            None,
        )),
        Ok(Answer::Malformed) => Err(shown(
            Failure::new("Dropbox's answer could not be understood").next("run this again"),
            "The answer could not be understood",
            None,
        )),
        Err(NoAnswer::Timeout) => Err(unseen(
            Failure::new("no answer came from the browser in time")
                .next(format!(
                    "if the browser showed 'Error (400)': register {REDIRECT_URI} to the letter under Redirect URIs, and tick \
                     boxes under Permissions, at https://www.dropbox.com/developers/apps"
                ))
                .next("then run this again; --timeout 30m waits longer"),
        )),
        Err(NoAnswer::Interrupted) => {
            Err(unseen(Failure::new("stopped before the login was finished; nothing was granted").next("run this again").code(exit::INTERRUPTED)))
        }
    }
}

fn grant(cli: &Cli, endpoints: &Endpoints, keeper: Keeper, code: Secret) -> Result<Paste, End> {
    let proof = match keeper {
        Keeper::Node(challenge) => {
            let grant = Grant::Code(CodeGrant {
                app_key: cli.app_key.clone(),
                code,
                challenge: challenge.as_str().to_owned(),
                redirect_uri: Some(REDIRECT_URI.to_owned()),
            });
            return Ok(Paste {
                text: grant.encode(),
                before: BEGIN_MARKER,
                after: END_MARKER,
                advice: "Paste it at the token> prompt on the login node. It is good for a few minutes, once, on that node only.",
                page: "Go back to the terminal, copy the grant it printed, and paste it at the token> prompt on the login node. You can close this tab.",
            });
        }
        Keeper::Here(_, proof) => proof,
    };
    let app_secret = match &proof {
        Proof::AppSecret(secret) => Some(secret.clone()),
        Proof::Verifier(_) => None,
    };
    let request = TokenRequest::Code {
        app_key: cli.app_key.clone(),
        code,
        redirect_uri: Some(REDIRECT_URI.to_owned()),
        proof,
    };
    let answer = exchange(endpoints, &request)?;
    if answer.refresh_token.is_none() {
        say::note("warning: Dropbox gave no refresh token, so this login ends in a few hours");
    }
    Ok(match cli.format {
        Format::Grant => Paste {
            text: Grant::Token(token_grant(&cli.app_key, &answer, app_secret)).encode(),
            before: BEGIN_MARKER,
            after: END_MARKER,
            advice: "It holds a token: whoever has it can use your Dropbox. Give it to: node-tool config create NAME --app-key KEY --token-stdin",
            page: "The terminal has the grant for your login node. You can close this tab.",
        },
        Format::Rclone => Paste {
            text: rclone_json(&answer),
            before: "Paste the following into your remote machine --->",
            after: "<---End paste",
            advice: "It holds a token: whoever has it can use your Dropbox. rclone asks for it as config_token.",
            page: "The terminal has the token for rclone. You can close this tab.",
        },
    })
}

fn print(paste: &Paste) -> Result<(), Failure> {
    say::paste(&paste.text, paste.before, paste.after)?;
    say::note(paste.advice);
    Ok(())
}

fn expiry(answer: &TokenAnswer) -> Option<jiff::Timestamp> {
    let seconds = i64::try_from(answer.expires_in?).ok()?;
    jiff::Timestamp::now()
        .checked_add(jiff::SignedDuration::from_secs(seconds))
        .ok()
}

fn token_grant(app_key: &str, answer: &TokenAnswer, app_secret: Option<Secret>) -> TokenGrant {
    TokenGrant {
        app_key: app_key.to_owned(),
        access_token: answer.access_token.clone(),
        refresh_token: answer.refresh_token.clone(),
        expires_at: expiry(answer).map(jiff::Timestamp::as_second),
        scopes: answer
            .scope
            .as_deref()
            .unwrap_or_default()
            .split_whitespace()
            .map(str::to_owned)
            .collect(),
        account_id: answer.account_id.clone(),
        app_secret,
    }
}

/// The token as `rclone authorize` prints it: Go's oauth2.Token as JSON.
fn rclone_json(answer: &TokenAnswer) -> Secret {
    let json = serde_json::json!({
        "access_token": answer.access_token,
        "token_type": "bearer",
        "refresh_token": answer.refresh_token,
        "expiry": expiry(answer).map(|at| at.to_string()),
        "expires_in": answer.expires_in,
    });
    Secret::new(json.to_string())
}
