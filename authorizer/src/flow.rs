//! The login in its steps; the only file that knows them all.

use std::{
    fs,
    io::ErrorKind,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use shared::{
    endpoints::Endpoints,
    exit,
    failure::Failure,
    grant::{BEGIN_MARKER, CodeGrant, END_MARKER, Grant, TokenGrant},
    oauth::{AuthorizeRequest, Proof, REDIRECT_PORT, REDIRECT_URI, TokenAnswer, TokenRequest},
    pkce::{self, Challenge, Verifier},
    remote::check_name,
    secret::Secret,
};

use crate::{
    browser,
    callback::{Answer, Listener, NoAnswer},
    cli::{Cli, Format},
    exchange::exchange,
    pages::Page,
    say,
    ssh::{self, Node},
    words,
};

/// Who keeps what proves that the code is theirs.
enum Keeper {
    /// The node: it has the verifier of this challenge.
    Node(Challenge),
    /// This computer.
    Here(Option<Challenge>, Proof),
}

/// A login that is to be made.
struct Login<'a> {
    app_key: String,
    challenge: Option<&'a Challenge>,
    start_browser: bool,
    deadline: Instant,
    stop: &'a AtomicBool,
}

/// Makes the login that the command line asks for.
///
/// # Errors
/// When the person cancels, the browser doesn't come back, or Dropbox or the login node refuses.
pub fn run(cli: &Cli, endpoints: &Endpoints) -> Result<(), Failure> {
    let signals = Signals::catch()?;
    match &cli.ssh {
        Some(destination) => connect_node(cli, destination, endpoints, &signals),
        None => print_grant(cli, endpoints, &signals),
    }
}

/// Prints what is to be pasted.
fn print_grant(cli: &Cli, endpoints: &Endpoints, signals: &Signals) -> Result<(), Failure> {
    let words = words::understand(&cli.words(), cli.challenge.as_ref())?;
    let app_key = words.app_key;
    check_format(cli, &app_key, words.challenge.as_ref())?;
    if words.secret {
        say::note(SECRET_SEEN);
    }
    let keeper = keeper(cli, words.challenge)?;
    let challenge = match &keeper {
        Keeper::Node(challenge) => Some(challenge.clone()),
        Keeper::Here(challenge, _) => challenge.clone(),
    };
    let login = Login {
        app_key: app_key.clone(),
        challenge: challenge.as_ref(),
        start_browser: !cli.no_browser,
        deadline: Instant::now() + cli.timeout,
        stop: &signals.stop,
    };
    let listener = listen(signals)?;
    log_in(&login, endpoints, &listener, |code| {
        let paste = paste(cli.format, &app_key, endpoints, keeper, code)?;
        print(&paste)?;
        Ok(paste.page.to_owned())
    })
}

/// What is told to somebody who typed the app's secret too.
const SECRET_SEEN: &str = "warning: the app's secret is not needed, and was not used. It is in your shell's history now: remove that line \
                           there, or give the app a new secret at https://www.dropbox.com/developers/apps";

/// Checks that what is to be printed can be had.
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
            .next("leave --app-secret-file away"));
    }
    Ok(())
}

/// Hands the grant to node-tool on the login node.
fn connect_node(
    cli: &Cli,
    destination: &str,
    endpoints: &Endpoints,
    signals: &Signals,
) -> Result<(), Failure> {
    let name = check_name(&cli.subject).map_err(Failure::usage)?;
    if cli.words().len() > 1 {
        return Err(Failure::usage(
            "with --ssh there is one word, what the account will be called on the login node",
        )
        .next(format!("authorizer --ssh {destination} {name}"))
        .next("the app key goes after --app-key"));
    }
    let deadline = Instant::now() + cli.timeout;
    let listener = listen(signals)?; // a busy port should be known before a password is typed
    say::note(&format!("Asking node-tool on {destination} …"));
    let call = ssh::Call {
        destination,
        ssh: &cli.ssh_command,
        node_tool: &cli.remote_command,
        name: &name,
        app_key: cli.app_key.as_deref(),
    };
    let mut node = Node::call(call, Arc::clone(&signals.stop))?;
    let pairing = node.pairing(&signals.caught, deadline)?;
    let login = Login {
        app_key: pairing.app_key.clone(),
        challenge: Some(&pairing.challenge),
        start_browser: !cli.no_browser,
        deadline,
        stop: &signals.stop,
    };
    let mut node = Some(node);
    let done = log_in(&login, endpoints, &listener, |code| {
        if let Some(node) = node.take() {
            let grant = one_time(&pairing.app_key, &pairing.challenge, code).encode();
            node.connect(&grant, &signals.caught)?;
        }
        Ok(format!(
            "{name}: is connected on {destination}. You can close this tab."
        ))
    });
    match (done, node) {
        (Ok(()), _) => {
            say::note(&format!(
                "\n{name}: is ready on {destination}. Try there:\n  node-tool lsd {name}:"
            ));
            Ok(())
        }
        // The browser never came back because the other side went away.
        (Err(_), Some(mut node)) if signals.stop.load(Ordering::Relaxed) => Err(node.ended(&signals.caught)),
        (Err(failure), _) => Err(failure),
    }
}

/// Opens the browser, waits for its answer, lets `finish` use the code and shows the final page, whose text `finish` gives.
fn log_in(
    login: &Login<'_>,
    endpoints: &Endpoints,
    listener: &Listener,
    finish: impl FnOnce(Secret) -> Result<String, Failure>,
) -> Result<(), Failure> {
    let state = pkce::state().map_err(|e| Failure::new("could not begin the login").why(e))?;
    let request = AuthorizeRequest {
        app_key: &login.app_key,
        challenge: login.challenge,
        redirect_uri: Some(REDIRECT_URI),
        state: Some(&state),
        force_reapprove: false,
    };
    browser::open(&request.url(endpoints), login.start_browser);
    say::note("Waiting for your answer in the browser …");
    let result = wait(listener, &state, login.deadline, login.stop).and_then(|code| Ok(finish(code)?));
    match result {
        Ok(text) => {
            listener.show(Page {
                good: true,
                title: "You are connected",
                text: &text,
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

/// Ctrl-C and SIGTERM, and whatever else ends the waiting.
struct Signals {
    caught: Arc<AtomicBool>,
    stop: Arc<AtomicBool>,
}

impl Signals {
    fn catch() -> Result<Self, Failure> {
        let signals = Self {
            caught: Arc::default(),
            stop: Arc::default(),
        };
        for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
            for flag in [&signals.caught, &signals.stop] {
                signal_hook::flag::register(signal, Arc::clone(flag))
                    .map_err(|e| Failure::new("could not begin the login").why(e))?;
            }
        }
        Ok(signals)
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

fn keeper(cli: &Cli, challenge: Option<Challenge>) -> Result<Keeper, Failure> {
    if let Some(challenge) = challenge {
        return Ok(Keeper::Node(challenge));
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

fn listen(signals: &Signals) -> Result<Listener, Failure> {
    Listener::bind(Arc::clone(&signals.caught)).map_err(|error| {
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

fn wait(listener: &Listener, state: &Secret, deadline: Instant, stop: &AtomicBool) -> Result<Secret, End> {
    let shown = |failure: Failure, title, detail| End {
        failure,
        page: Some((title, detail)),
    };
    let unseen = |failure: Failure| End { failure, page: None };
    match listener.wait(state, deadline, stop) {
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

fn one_time(app_key: &str, challenge: &Challenge, code: Secret) -> Grant {
    Grant::Code(CodeGrant {
        app_key: app_key.to_owned(),
        code,
        challenge: challenge.as_str().to_owned(),
        redirect_uri: Some(REDIRECT_URI.to_owned()),
    })
}

fn paste(
    format: Format,
    app_key: &str,
    endpoints: &Endpoints,
    keeper: Keeper,
    code: Secret,
) -> Result<Paste, Failure> {
    let proof = match keeper {
        Keeper::Node(challenge) => {
            return Ok(Paste {
                text: one_time(app_key, &challenge, code).encode(),
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
        app_key: app_key.to_owned(),
        code,
        redirect_uri: Some(REDIRECT_URI.to_owned()),
        proof,
    };
    let answer = exchange(endpoints, &request)?;
    if answer.refresh_token.is_none() {
        say::note("warning: Dropbox gave no refresh token, so this login ends in a few hours");
    }
    Ok(match format {
        Format::Grant => Paste {
            text: Grant::Token(token_grant(app_key, &answer, app_secret)).encode(),
            before: BEGIN_MARKER,
            after: END_MARKER,
            advice: "It holds a token: whoever has it can use your Dropbox. Give it to: node-tool config create NAME --token-stdin",
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
