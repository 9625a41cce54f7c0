//! A login in progress: the app key, the invitation, and the dialogue until what is pasted is a login.

use shared::{
    exit,
    failure::{Advice, Failure},
    grant::{Grant, GrantError},
    oauth::{AuthorizeRequest, Proof, TokenRequest, laptop_line},
    pairing::Pairing,
    pkce::Verifier,
    plain::quoted,
    secret::Secret,
};

use super::{
    super::{App, TEAM_APP_HINT, TEAM_SCOPES_HINT, ask},
    how::How,
    paste::{self, PasteError},
    recognise::{self, BrowserCode, Known, Pasted, Unusable},
    renewal::{self, Renewal},
    service::{self, NoToken},
    tokens::{keep_rclone_token, keep_token},
};
use crate::{
    config::{Remote, Root},
    report, terminal,
};

/// A login in progress.
pub(super) struct Login<'a> {
    pub(super) app: &'a App,
    pub(super) name: &'a str,
    pub(super) how: &'a How,
    /// The app that it has to be made with.
    pub(super) app_key: Option<String>,
    /// The app that serves if nothing else is said.
    pub(super) usual_app_key: Option<String>,
    /// The app that a person is offered.
    pub(super) offered_app_key: Option<String>,
    pub(super) verifier: Verifier,
    pub(super) again: Again,
    /// Whether it is to be the login of a whole team.
    pub(super) is_team: bool,
}

/// The command that was given, to be given again.
#[derive(Debug)]
pub(super) struct Again {
    command: String,
}

impl Again {
    /// For `config VERB NAME`.
    pub(super) fn new(verb: &str, name: &str, app_key: Option<&str>, how: &How, root: Option<Root>) -> Self {
        let colon = if verb == "reconnect" { ":" } else { "" };
        let mut command = format!("node-tool config {verb} {}", quoted(&format!("{name}{colon}")));
        if let Some(key) = app_key {
            command += &format!(" --app-key {key}");
        }
        if let Some(root) = root {
            command += &format!(" --root {root}");
        }
        if how.token_stdin {
            command += " --token-stdin < FILE";
        }
        Self { command }
    }

    /// The same for the login of a whole team.
    pub(super) fn for_team(self, is_team: bool) -> Self {
        match is_team {
            true => Self {
                command: self.with("--team"),
            },
            false => self,
        }
    }

    /// The command.
    pub(super) fn command(&self) -> String {
        self.command.clone()
    }

    /// The command with something more.
    pub(super) fn with(&self, more: &str) -> String {
        match self.command.split_once(" < ") {
            Some((command, file)) => format!("{command} {more} < {file}"),
            None => format!("{} {more}", self.command),
        }
    }
}

/// The result of a login.
pub(super) struct Fresh {
    pub(super) remote: Remote,
    /// What was pasted can't be used a second time.
    pub(super) is_spent: bool,
    /// It was seen to renew itself.
    pub(super) is_proven: bool,
}

/// Why a paste was of no use. Another one may be better.
struct Problem {
    what: String,
    why: String,
    advice: String,
    next: Option<String>,
    code: u8,
}

impl From<Unusable> for Problem {
    fn from(unusable: Unusable) -> Self {
        Self {
            what: "the token can't be used".into(),
            why: unusable.to_string(),
            advice: unusable.advice().to_owned(),
            next: None,
            code: exit::USAGE,
        }
    }
}

impl Login<'_> {
    /// The app key to log in with, asked for if need be. `None` means that the paste has to bring it.
    pub(super) async fn key(&self) -> Result<Option<String>, Failure> {
        let key = self.app_key.clone().or(self.usual_app_key.clone());
        let can_read = self.how.token_stdin || self.how.pairing || terminal::is_there();
        match key {
            None if self.how.token_stdin => Ok(None),
            None if self.how.may_ask() => self.ask_key().await.map(Some),
            None => Err(self.no_key()),
            Some(key) if can_read => Ok(Some(key)),
            Some(key) => Err(Failure::usage("there is no terminal to ask for the token on")
                .next(self.again.with("--token-stdin < FILE"))
                .next(format!(
                    "authorizer {key}   on your laptop prints what FILE has to hold"
                ))),
        }
    }

    /// Asks for a key that Dropbox knows.
    async fn ask_key(&self) -> Result<String, Failure> {
        let mut offered = self.offered_app_key.clone();
        loop {
            let key = ask::app_key(offered.as_deref()).await?;
            let is_sure = offered.as_ref() == Some(&key) && self.offered_app_key.as_ref() != Some(&key);
            if is_sure || !matches!(service::knows_app(self.app, &key).await, Ok(false)) {
                return Ok(key);
            }
            report::note(&format!(
                "  Dropbox doesn't know the app key '{key}', or the app is disabled. Press Enter to use it anyway."
            ));
            offered = Some(key);
        }
    }

    /// The command that was given, with an app key, if there was none.
    fn command(&self) -> String {
        if self.app_key.is_some() || self.usual_app_key.is_some() {
            return self.again.command();
        }
        let key = self.offered_app_key.as_deref().unwrap_or("KEY");
        self.again.with(&format!("--app-key {key}"))
    }

    fn no_key(&self) -> Failure {
        let key = self.offered_app_key.as_deref().unwrap_or("KEY");
        let failure = Failure::usage("the app key is missing");
        let failure = if self.how.pairing {
            failure.hint(format!("give the authorizer --app-key {key}"))
        } else {
            failure.next(self.again.with(&format!("--app-key {key}")))
        };
        if self.offered_app_key.is_some() {
            return failure;
        }
        failure.hint("KEY is on your app's page at https://www.dropbox.com/developers/apps")
    }

    /// Finds out before the browser opens whether Dropbox can be reached from here, and knows the app.
    pub(super) async fn reach(&self, app_key: &str) -> Result<(), Failure> {
        match service::knows_app(self.app, app_key).await {
            Ok(true) => Ok(()),
            Ok(false) => {
                report::warn(&format!(
                    "Dropbox doesn't know the app key '{app_key}', or the app is disabled; compare it with your app's page at \
                     https://www.dropbox.com/developers/apps"
                ));
                Ok(())
            }
            Err(error) => Err(error.failure(
                "could not reach Dropbox; nothing was changed",
                self.name,
                Advice::Command(self.again.command()),
            )),
        }
    }

    /// Prints what to do on the laptop.
    pub(super) fn invite(&self, app_key: &str) -> Result<(), Failure> {
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
        };
        report::said(&format!(
            "On your laptop, run:\n\n  {}\n\n\
             or open this address in any browser, and copy the code that Dropbox shows:\n\n{}\n\n\
             Then paste what you got here{}\n",
            laptop_line(app_key, &challenge),
            request.url(&self.app.endpoints),
            if self.how.token_stdin {
                ", on stdin."
            } else {
                ", and press Enter."
            }
        ))
    }

    /// Takes pastes until one is a login. On a terminal, verifier and address stay good, so that every mistake can be corrected.
    pub(super) async fn tokens(
        &self,
        app_key: Option<&str>,
        before: Option<&Remote>,
    ) -> Result<Fresh, Failure> {
        let mut half = String::new();
        loop {
            let text = self.read(app_key).await?;
            let problem = match self.recognise(&half, text.expose(), app_key) {
                Ok(pasted) => {
                    half.clear();
                    match self.log_in(pasted, app_key, before).await? {
                        Ok(fresh) => return Ok(fresh),
                        Err(problem) => problem,
                    }
                }
                Err(unusable) => {
                    if unusable.may_go_on() {
                        half += text.expose();
                    } else {
                        half.clear();
                    }
                    unusable.into()
                }
            };
            if self.how.pairing || !terminal::is_there() {
                return Err(problem.failure(self));
            }
            report::notes(&format!(
                "  {}\n  {}\n  Paste it again, or press Ctrl-C.",
                problem.why, problem.advice
            ));
        }
    }

    async fn read(&self, app_key: Option<&str>) -> Result<Secret, Failure> {
        let at_terminal = terminal::is_there() && !self.how.pairing;
        let (key, challenge) = (app_key.map(str::to_owned), self.verifier.challenge());
        let read = terminal::wait(move || {
            let known = Known {
                app_key: key.as_deref(),
                challenge: challenge.as_str(),
            };
            Ok(if at_terminal {
                paste::from_terminal("token> ")
            } else {
                paste::from_stdin(|text| match recognise::recognise(text, known) {
                    Err(unusable) => {
                        !unusable.may_go_on()
                            && unusable != Unusable::Nothing
                            && unusable != Unusable::Unknown
                    }
                    Ok(_) => true,
                })
            })
        });
        match read.await? {
            Ok(text) => Ok(text),
            Err(PasteError::Interrupted) => {
                Err(Failure::new("stopped by Ctrl-C; the config is as it was").code(exit::INTERRUPTED))
            }
            Err(error) => Err(Failure::usage("could not read the token")
                .why(error)
                .next(self.again.command())),
        }
    }

    /// What was pasted, alone or as the rest of what came before.
    fn recognise(&self, half: &str, text: &str, app_key: Option<&str>) -> Result<Pasted, Unusable> {
        let challenge = self.verifier.challenge();
        let known = Known {
            app_key,
            challenge: challenge.as_str(),
        };
        let alone = recognise::recognise(text, known);
        match alone {
            Ok(Pasted::Grant(_) | Pasted::Token(_)) => alone,
            _ if half.is_empty() => alone,
            _ => match recognise::recognise(&format!("{half}{text}"), known) {
                Err(unusable) if !unusable.may_go_on() => alone,
                whole => whole,
            },
        }
    }

    /// Makes a login of what was pasted.
    async fn log_in(
        &self,
        pasted: Pasted,
        app_key: Option<&str>,
        before: Option<&Remote>,
    ) -> Result<Result<Fresh, Problem>, Failure> {
        let mut remote = before.cloned().unwrap_or_default();
        if let Pasted::Grant(grant) = &pasted {
            if let Err(error) = self.check(grant) {
                return Ok(Err(Unusable::Grant(error).into()));
            }
            if self.app_key.is_none() && matches!(grant, Grant::Token(_)) {
                grant.app_key().clone_into(&mut remote.app_key); // it brings its own
            } else {
                app_key.unwrap_or_default().clone_into(&mut remote.app_key);
            }
        } else {
            app_key.unwrap_or_default().clone_into(&mut remote.app_key);
        }
        if remote.app_key.is_empty() {
            return Err(self.no_key());
        }
        match pasted {
            Pasted::Grant(Grant::Code(code)) => {
                Ok(self.exchange(remote, &code.code, &[code.redirect_uri]).await)
            }
            Pasted::Code(BrowserCode { code, redirects }) => {
                Ok(self.exchange(remote, &code, &redirects).await)
            }
            Pasted::Grant(Grant::Token(token)) => {
                keep_token(&mut remote, token);
                self.renew(remote).await
            }
            Pasted::Token(token) => {
                if let Err(error) = keep_rclone_token(&mut remote, token) {
                    return Ok(Err(Problem {
                        why: error.to_string(),
                        ..Unusable::Json.into()
                    }));
                }
                self.renew(remote).await
            }
        }
    }

    /// Checks that a grant is meant for this pairing.
    fn check(&self, grant: &Grant) -> Result<(), GrantError> {
        match (grant, &self.app_key, &self.usual_app_key) {
            (_, Some(key), _) | (Grant::Code(_), None, Some(key)) => grant.check_app_key(key)?,
            _ => {}
        }
        match grant {
            Grant::Code(code) => code.check_challenge(&self.verifier.challenge()),
            Grant::Token(_) => Ok(()),
        }
    }

    /// Exchanges a code, which may have been issued for any of `redirects`.
    async fn exchange(
        &self,
        mut remote: Remote,
        code: &Secret,
        redirects: &[Option<String>],
    ) -> Result<Fresh, Problem> {
        let mut refusal = None;
        for redirect_uri in redirects {
            let request = TokenRequest::Code {
                app_key: remote.app_key.clone(),
                code: code.clone(),
                redirect_uri: redirect_uri.clone(),
                proof: Proof::Verifier(self.verifier.secret().clone()),
            };
            match service::exchange(self.app, &request).await {
                Ok(answer) if !self.is_team && answer.account_id.is_none() && answer.team_id.is_some() => {
                    return Err(self.team_app());
                }
                Ok(answer) if self.is_team && answer.team_id.is_none() => return Err(self.no_team_app()),
                Ok(answer) => {
                    remote.forget_login();
                    remote.accept(&answer);
                    return Ok(Fresh {
                        is_proven: remote.refresh_token.is_some(),
                        is_spent: true,
                        remote,
                    });
                }
                Err(error) => {
                    let is_final = !matches!(error, NoToken::LoginOver(_));
                    refusal.get_or_insert(error);
                    if is_final {
                        break;
                    }
                }
            }
        }
        Err(self.not_exchanged(refusal, &remote.app_key))
    }

    fn not_exchanged(&self, error: Option<NoToken>, app_key: &str) -> Problem {
        let (why, advice, code) = match error {
            Some(NoToken::LoginOver(why)) => (
                why,
                "Codes work once, for a few minutes, and only for the address or line above: use it again, and paste what it shows.".to_owned(),
                exit::FATAL,
            ),
            Some(NoToken::AppRefused(why)) => (
                format!("it doesn't accept the app key '{app_key}' ({why})"),
                "Compare it with your app's page at https://www.dropbox.com/developers/apps: is the app enabled, and are public clients (PKCE) allowed?".to_owned(),
                exit::FATAL,
            ),
            Some(NoToken::Unknown(why)) => (
                why,
                "The code may still be good: paste it once more when the network is back.".to_owned(),
                exit::TEMPORARY,
            ),
            None => (String::new(), String::new(), exit::ERROR),
        };
        Problem {
            what: "Dropbox did not accept the code".into(),
            why: format!("Dropbox did not accept the code: {why}"),
            advice,
            next: Some(self.again.command()),
            code,
        }
    }

    fn team_app(&self) -> Problem {
        Problem {
            what: "this app is for whole teams".into(),
            why: "Dropbox gave a token for a whole team, which has no files of its own".into(),
            advice: TEAM_APP_HINT.into(),
            next: Some(self.again.command()),
            code: exit::FATAL,
        }
    }

    fn no_team_app(&self) -> Problem {
        Problem {
            what: "this app isn't for teams".into(),
            why: "Dropbox gave a token for one person".into(),
            advice: TEAM_SCOPES_HINT.into(),
            next: Some(self.again.command()),
            code: exit::FATAL,
        }
    }

    /// Proves that a token can renew itself; asks for the app's secret, if it needs that.
    async fn renew(&self, mut remote: Remote) -> Result<Result<Fresh, Problem>, Failure> {
        if let Some(file) = &self.how.app_secret_file {
            remote.app_secret = Some(renewal::read_secret(file)?);
        }
        let mut renewal = renewal::renew(&mut remote, self.app).await;
        if matches!(renewal, Renewal::NeedsSecret | Renewal::WrongSecret) && self.how.may_ask() {
            renewal = renewal::ask_secret(&mut remote, self.app).await?;
        }
        let is_proven = matches!(renewal, Renewal::Works);
        if is_proven || matches!(renewal, Renewal::NoRefreshToken) {
            return Ok(Ok(Fresh {
                remote,
                is_spent: false,
                is_proven,
            }));
        }
        let (why, advice) = renewal.words(&remote.app_key);
        let next = match renewal {
            Renewal::NeedsSecret | Renewal::WrongSecret => self.again.with("--app-secret-file SECRET"),
            _ => self.again.command(),
        };
        Ok(Err(Problem {
            what: "this token can't renew itself".into(),
            why,
            advice,
            next: Some(next),
            code: renewal.exit_code(),
        }))
    }
}

impl Problem {
    /// For a script: there is no second paste.
    fn failure(self, login: &Login<'_>) -> Failure {
        let failure = Failure::new(self.what).why(&self.why).code(self.code);
        let failure = if self.advice.is_empty() {
            failure
        } else {
            failure.why(self.advice)
        };
        failure.next(self.next.unwrap_or_else(|| login.command()))
    }
}
