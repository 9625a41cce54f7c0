//! The login in its steps; the only file that knows them all.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use shared::{
    endpoints::Endpoints,
    failure::Failure,
    grant::{BEGIN_MARKER, CodeGrant, END_MARKER, Grant, TokenGrant},
    oauth::{AuthorizeRequest, Proof, REDIRECT_URI, TokenAnswer, TokenRequest},
    pkce::{self, Challenge, Verifier},
    remote::check_name,
    secret::Secret,
};

use crate::{
    app_secret, browser,
    callback::{Answer, Event, Listener, NoAnswer},
    cli::{Cli, Format},
    exchange::exchange,
    hints::{self, Way},
    pages::Page,
    patience, say,
    ssh::{self, Node},
    words,
};

/// A browser that takes longer than this may need help.
const PATIENCE: Duration = Duration::from_secs(30);

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
    way: &'a Way,
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
    let deadline = Instant::now() + cli.timeout;
    let keeper = keeper(cli, words.challenge, signals, deadline)?;
    let challenge = match &keeper {
        Keeper::Node(challenge) => Some(challenge.clone()),
        Keeper::Here(challenge, _) => challenge.clone(),
    };
    let way = match &keeper {
        Keeper::Node(challenge) => Way::Prompt(without_redirect(&app_key, challenge, endpoints)),
        Keeper::Here(..) => Way::Here,
    };
    let listener = listen(signals, &way)?;
    let login = Login {
        app_key: app_key.clone(),
        challenge: challenge.as_ref(),
        start_browser: !cli.no_browser,
        deadline,
        stop: &signals.stop,
        way: &way,
    };
    log_in(&login, endpoints, &listener, |code| {
        let paste = match keeper {
            Keeper::Node(challenge) => one_time_paste(&app_key, &challenge, code),
            Keeper::Here(_, proof) => {
                let answer = redeem(&app_key, endpoints, &proof, code, &login)?;
                whole_paste(cli.format, &app_key, &answer, proof)
            }
        };
        print(&paste)?;
        Ok(Done {
            title: paste.title.to_owned(),
            text: paste.page.to_owned(),
        })
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
    let way = Way::Ssh(destination.to_owned(), name.clone());
    let listener = listen(signals, &way)?; // a busy port should be known before a password is typed
    say::note(&format!("Asking node-tool on {destination} …"));
    let call = ssh::Call {
        destination,
        ssh: &cli.ssh_command,
        node_tool: &cli.remote_command,
        name: &name,
        app_key: cli.app_key.as_deref(),
    };
    let mut node = Node::call(call, Arc::clone(&signals.stop), deadline)?;
    let pairing = node.pairing(&signals.caught)?;
    say::note(&format!(
        "It will connect {name}: on {destination} to the Dropbox of your browser, through the app {}{}.",
        pairing.app_key,
        if cli.app_key.is_some() {
            ""
        } else {
            ", which that node names"
        }
    ));
    let login = Login {
        app_key: pairing.app_key.clone(),
        challenge: Some(&pairing.challenge),
        start_browser: !cli.no_browser,
        deadline,
        stop: &signals.stop,
        way: &way,
    };
    let mut node = Some(node);
    let done = log_in(&login, endpoints, &listener, |code| {
        if let Some(node) = node.take() {
            let grant = one_time(&pairing.app_key, &pairing.challenge, code).encode();
            node.connect(&grant, &signals.caught)?;
        }
        Ok(Done {
            title: format!("{name}: is connected on {destination}"),
            text: "Nothing is left to do here. You can close this tab.".into(),
        })
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

/// What the final page says: its heading is what is left to do.
struct Done {
    title: String,
    text: String,
}

/// Opens the browser, waits for its answer, lets `finish` use the code and shows the final page, whose words `finish` gives.
fn log_in(
    login: &Login<'_>,
    endpoints: &Endpoints,
    listener: &Listener,
    finish: impl FnOnce(Secret) -> Result<Done, Failure>,
) -> Result<(), Failure> {
    let random = || pkce::state().map_err(|e| Failure::new("could not begin the login").why(e));
    let (state, ticket) = (random()?, random()?);
    let request = AuthorizeRequest {
        app_key: &login.app_key,
        challenge: login.challenge,
        redirect_uri: Some(REDIRECT_URI),
        state: Some(&state),
        force_reapprove: false,
    };
    let consent = request.url(endpoints);
    let start = listener.expect(state, ticket, consent.clone());
    browser::open(&consent, &start, login.start_browser);
    say::note("Waiting for your answer in the browser …");
    let result = wait(listener, login).and_then(|code| Ok(finish(code)?));
    match result {
        Ok(done) => {
            listener.show(Page {
                good: true,
                title: &done.title,
                text: &done.text,
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
    title: &'static str,
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

fn keeper(
    cli: &Cli,
    challenge: Option<Challenge>,
    signals: &Signals,
    deadline: Instant,
) -> Result<Keeper, Failure> {
    if let Some(challenge) = challenge {
        return Ok(Keeper::Node(challenge));
    }
    if let Some(file) = &cli.app_secret_file {
        let secret = app_secret::read(file, &signals.stop, deadline)?;
        return Ok(Keeper::Here(None, Proof::AppSecret(secret)));
    }
    let verifier = Verifier::generate().map_err(|e| Failure::new("could not begin the login").why(e))?;
    Ok(Keeper::Here(
        Some(verifier.challenge()),
        Proof::Verifier(verifier.secret().clone()),
    ))
}

fn listen(signals: &Signals, way: &Way) -> Result<Listener, Failure> {
    Listener::bind(Arc::clone(&signals.caught)).map_err(|error| {
        if let Some(instead) = hints::instead(way) {
            say::note(&instead);
        }
        hints::unbindable(&error, way)
    })
}

/// The address at which Dropbox shows the code, instead of sending the browser here with it.
fn without_redirect(app_key: &str, challenge: &Challenge, endpoints: &Endpoints) -> String {
    let request = AuthorizeRequest {
        app_key,
        challenge: Some(challenge),
        redirect_uri: None,
        state: None,
        force_reapprove: false,
    };
    request.url(endpoints)
}

/// Tells what happens while the browser is waited for.
fn tell(event: Event, way: &Way) {
    match event {
        Event::Slow => say::note(&hints::slow(way)),
        Event::Foreign => say::note(
            "An answer to another login came: an old tab, or somebody else's link. It changed nothing; still waiting …",
        ),
        Event::StartedTwice => say::note(
            "warning: the address that the browser was opened with was asked for a second time. If that wasn't you, press Ctrl-C \
             and run this again; still waiting …",
        ),
    }
}

fn wait(listener: &Listener, login: &Login<'_>) -> Result<Secret, End> {
    let shown = |failure: Failure, title, detail| End {
        failure,
        page: Some((title, detail)),
    };
    let unseen = |failure: Failure| End { failure, page: None };
    let answer = listener.wait(login.deadline, PATIENCE, login.stop, |event| {
        tell(event, login.way)
    });
    match answer {
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
        Err(no @ NoAnswer::Interrupted) => Err(unseen(no.failure())),
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

fn one_time_paste(app_key: &str, challenge: &Challenge, code: Secret) -> Paste {
    Paste {
        text: one_time(app_key, challenge, code).encode(),
        before: BEGIN_MARKER,
        after: END_MARKER,
        advice: "Paste it at the token> prompt on the login node. It is good for a few minutes, once, on that node only.",
        title: "One step left: paste the grant",
        page: "Copy the grant that the terminal shows, and paste it at the token> prompt on the login node. You can close this tab.",
    }
}

/// Exchanges the code here, for a whole token.
fn redeem(
    app_key: &str,
    endpoints: &Endpoints,
    proof: &Proof,
    code: Secret,
    login: &Login<'_>,
) -> Result<TokenAnswer, Failure> {
    let request = TokenRequest::Code {
        app_key: app_key.to_owned(),
        code,
        redirect_uri: Some(REDIRECT_URI.to_owned()),
        proof: proof.clone(),
    };
    let endpoints = endpoints.clone();
    let answer = patience::wait(login.stop, login.deadline, move || exchange(&endpoints, &request))
        .map_err(|no| no.failure())??;
    if answer.refresh_token.is_none() {
        say::note("warning: Dropbox gave no refresh token, so this login ends in a few hours");
    }
    Ok(answer)
}

fn whole_paste(format: Format, app_key: &str, answer: &TokenAnswer, proof: Proof) -> Paste {
    let app_secret = match proof {
        Proof::AppSecret(secret) => Some(secret),
        Proof::Verifier(_) => None,
    };
    match format {
        Format::Grant => Paste {
            text: Grant::Token(token_grant(app_key, answer, app_secret)).encode(),
            before: BEGIN_MARKER,
            after: END_MARKER,
            advice: "It holds a token: whoever has it can use your Dropbox. Give it to: node-tool config create NAME --token-stdin",
            title: "One step left: give the grant to your login node",
            page: "The terminal has it, and says how. You can close this tab.",
        },
        Format::Rclone => Paste {
            text: rclone_json(answer),
            before: "Paste the following into your remote machine --->",
            after: "<---End paste",
            advice: "It holds a token: whoever has it can use your Dropbox. rclone asks for it as config_token.",
            title: "One step left: give the token to rclone",
            page: "The terminal has it, and says how. You can close this tab.",
        },
    }
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
