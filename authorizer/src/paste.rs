//! What is printed for the login node or for rclone, to be pasted there.

use shared::{
    grant::{BEGIN_MARKER, CodeGrant, END_MARKER, Grant, TokenGrant},
    oauth::{Proof, REDIRECT_URI, TokenAnswer},
    pkce::Challenge,
    secret::Secret,
};

use crate::cli::Format;

/// A text to paste, and the words that go with it.
pub(crate) struct Paste {
    pub(crate) text: Secret,
    /// The line before the text on a terminal.
    pub(crate) before: &'static str,
    /// The line after the text on a terminal.
    pub(crate) after: &'static str,
    /// What to do with the text.
    pub(crate) advice: &'static str,
    /// The title of the final page.
    pub(crate) title: &'static str,
    /// The text of the final page.
    pub(crate) page: &'static str,
}

/// Returns the grant of a one-time code, which only the holder of the challenge's verifier can use.
pub(crate) fn one_time_grant(app_key: &str, challenge: &Challenge, code: Secret) -> Secret {
    let grant = Grant::Code(CodeGrant {
        app_key: app_key.to_owned(),
        code,
        challenge: challenge.as_str().to_owned(),
        redirect_uri: Some(REDIRECT_URI.to_owned()),
    });
    grant.encode()
}

/// Returns the paste of a one-time code.
pub(crate) fn one_time(app_key: &str, challenge: &Challenge, code: Secret) -> Paste {
    Paste {
        text: one_time_grant(app_key, challenge, code),
        before: BEGIN_MARKER,
        after: END_MARKER,
        advice: "Paste it at the token> prompt on the login node. It is valid for a few minutes, once, on that node only.",
        title: "One step left: paste the grant",
        page: "Copy the grant that the terminal shows, and paste it at the token> prompt on the login node. You can close this tab.",
    }
}

/// Returns the paste of a whole token.
pub(crate) fn whole_token(format: Format, app_key: &str, answer: &TokenAnswer, proof: Proof) -> Paste {
    let app_secret = match proof {
        Proof::AppSecret(secret) => Some(secret),
        Proof::Verifier(_) => None,
    };
    match format {
        Format::Grant => Paste {
            text: Grant::Token(token_grant(app_key, answer, app_secret)).encode(),
            before: BEGIN_MARKER,
            after: END_MARKER,
            advice: "It contains a token: whoever has it can use your Dropbox. Give it to: node-tool config create NAME --token-stdin",
            title: "One step left: give the grant to your login node",
            page: "The terminal shows it, and says how. You can close this tab.",
        },
        Format::Rclone => Paste {
            text: rclone_json(answer),
            before: "Paste the following into your remote machine --->",
            after: "<---End paste",
            advice: "It contains a token: whoever has it can use your Dropbox. rclone asks for it as config_token.",
            title: "One step left: give the token to rclone",
            page: "The terminal shows it, and says how. You can close this tab.",
        },
    }
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

/// Returns the token as `rclone authorize` prints it: Go's oauth2.Token as JSON.
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

fn expiry(answer: &TokenAnswer) -> Option<jiff::Timestamp> {
    let seconds = i64::try_from(answer.expires_in?).ok()?;
    jiff::Timestamp::now()
        .checked_add(jiff::SignedDuration::from_secs(seconds))
        .ok()
}
