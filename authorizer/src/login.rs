//! One login: opens the browser, waits for the redirect, lets the caller use the code, shows the final page.

use std::{
    sync::{Arc, atomic::AtomicBool},
    time::{Duration, Instant},
};

use shared::{
    endpoints::Endpoints,
    failure::Failure,
    oauth::{AuthorizeRequest, REDIRECT_URI},
    pkce::{self, Challenge},
    secret::Secret,
};

use crate::{
    browser,
    callback::{Answer, Callback, Event},
    hints::{self, Destination},
    output,
    pages::Page,
    signals::Signals,
    wait::Stopped,
};

/// After this time the browser may need help.
const SLOW_AFTER: Duration = Duration::from_secs(30);

/// A login to make.
pub(crate) struct Login<'a> {
    /// The app to log in with.
    pub(crate) app_key: &'a str,
    /// The PKCE challenge; `None` for an app without PKCE.
    pub(crate) challenge: Option<&'a Challenge>,
    /// Whether to start a browser, or only to print the address.
    pub(crate) start_browser: bool,
    /// When to give up.
    pub(crate) deadline: Instant,
    /// Set when the wait is to end.
    pub(crate) stop: &'a AtomicBool,
    /// Where the code goes in the end.
    pub(crate) destination: &'a Destination,
}

/// The text of the final page: its heading is what is left to do.
pub(crate) struct Done {
    pub(crate) title: String,
    pub(crate) text: String,
}

/// A login that failed.
struct Failed {
    failure: Failure,
    /// Title and detail of the final page; `None` if the browser didn't come back.
    page: Option<(&'static str, Option<String>)>,
}

impl From<Failure> for Failed {
    fn from(failure: Failure) -> Self {
        Self {
            failure,
            page: Some(("The login was not finished", None)),
        }
    }
}

/// Listens for the redirect.
///
/// # Errors
/// When the port is taken, or can't be listened on.
pub(crate) fn listen(signals: &Signals, destination: &Destination) -> Result<Callback, Failure> {
    Callback::bind(Arc::clone(&signals.caught)).map_err(|error| {
        if let Some(instead) = hints::instead_of_listening(destination) {
            output::note(&instead);
        }
        hints::cannot_listen(&error, destination)
    })
}

impl Login<'_> {
    /// Makes the login: `finish` uses the code and returns the text of the final page.
    ///
    /// # Errors
    /// When no code comes, or `finish` fails.
    pub(crate) fn run(
        &self,
        endpoints: &Endpoints,
        callback: &Callback,
        finish: impl FnOnce(Secret) -> Result<Done, Failure>,
    ) -> Result<(), Failure> {
        let random = || pkce::state().map_err(|e| Failure::new("could not begin the login").why(e));
        let (state, ticket) = (random()?, random()?);
        let request = AuthorizeRequest {
            app_key: self.app_key,
            challenge: self.challenge,
            redirect_uri: Some(REDIRECT_URI),
            state: Some(&state),
        };
        let consent = request.url(endpoints);
        let start = callback.expect(state, ticket, consent.clone());
        browser::open(&consent, &start, self.start_browser);
        output::note("Waiting for your answer in the browser …");
        let result = self.wait(callback).and_then(|code| Ok(finish(code)?));
        match result {
            Ok(done) => {
                callback.show(Page {
                    good: true,
                    title: &done.title,
                    text: &done.text,
                    detail: None,
                });
                Ok(())
            }
            Err(Failed { failure, page }) => {
                output::note(""); // sets the message apart from the address above
                if let Some((title, detail)) = page {
                    callback.show(Page {
                        good: false,
                        title,
                        text: "The terminal says what to do next. You can close this tab.",
                        detail: detail.as_deref(),
                    });
                }
                Err(failure)
            }
        }
    }

    fn wait(&self, callback: &Callback) -> Result<Secret, Failed> {
        let report = |event| report(event, self.destination);
        match callback.wait(self.deadline, SLOW_AFTER, self.stop, report) {
            Ok(answer) => code(answer),
            Err(stopped) => Err(Failed {
                failure: no_answer(stopped),
                page: None,
            }),
        }
    }
}

/// Returns the code of the answer.
fn code(answer: Answer) -> Result<Secret, Failed> {
    let failed = |failure: Failure, title, detail| Failed {
        failure,
        page: Some((title, detail)),
    };
    match answer {
        Answer::Code(code) => Ok(code),
        Answer::Refused { error, .. } if error == "access_denied" => Err(failed(
            Failure::new("the login was cancelled in the browser").hint("run this again and choose Allow"),
            "You cancelled the login",
            None,
        )),
        Answer::Refused { error, description } => Err(failed(
            Failure::new("Dropbox refused the login")
                .why(format!("{description} ({error})"))
                .hint("run this again"),
            "Dropbox refused the login",
            Some(format!("{description} ({error})")),
        )),
        Answer::Malformed => Err(failed(
            Failure::new("Dropbox's answer could not be understood").hint("run this again"),
            "The answer could not be understood",
            None,
        )),
    }
}

fn no_answer(stopped: Stopped) -> Failure {
    match stopped {
        Stopped::Timeout => Failure::new("no answer came from the browser in time")
            .hint(format!(
                "if the browser showed 'Error (400)': register {REDIRECT_URI} exactly under Redirect URIs, and tick \
                 boxes under Permissions, at https://www.dropbox.com/developers/apps"
            ))
            .hint("then run this again; --timeout 30m waits longer"),
        Stopped::Interrupted => stopped.into(),
    }
}

/// Reports what happens while the browser is waited for.
fn report(event: Event, destination: &Destination) {
    match event {
        Event::Slow => output::note(&hints::slow(destination)),
        Event::OtherLogin => output::note(
            "An answer to another login came: from an old tab, or from a link that is not yours. It changed nothing; still waiting …",
        ),
        Event::StartedTwice => output::note(
            "warning: the address that the browser was opened with was opened a second time. If that wasn't you, press Ctrl-C \
             and run this again; still waiting …",
        ),
    }
}
