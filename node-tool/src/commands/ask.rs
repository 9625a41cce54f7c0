//! Asking the person at the terminal, one line at a time. Without a terminal nothing is asked.

use std::io::{self, BufRead as _};

use shared::{exit, failure::Failure, oauth::check_app_key, secret::Secret};

use crate::{config::Root, terminal};

/// Asks for a line; an empty one is the default, which the prompt shows.
///
/// # Errors
/// When the input ends.
pub(in crate::commands) async fn line(question: &str, default: Option<&str>) -> Result<String, Failure> {
    let prompt = match default {
        Some(default) => format!("{question} [{default}]> "),
        None => format!("{question}> "),
    };
    let answer = terminal::wait(move || {
        crate::report::prompt(&prompt)?;
        let mut text = String::new();
        let count = io::stdin().lock().read_line(&mut text)?;
        Ok((count > 0).then(|| text.trim().to_owned()))
    })
    .await?;
    match (answer, default) {
        (None, _) => Err(Failure::new("the input ended; nothing was changed").code(exit::INTERRUPTED)),
        (Some(text), Some(default)) if text.is_empty() => Ok(default.to_owned()),
        (Some(text), _) => Ok(text),
    }
}

/// Asks until the answer passes `check`.
///
/// # Errors
/// When the input ends.
pub(in crate::commands) async fn checked<T>(
    question: &str,
    default: Option<&str>,
    check: impl Fn(&str) -> Result<T, String>,
) -> Result<T, Failure> {
    loop {
        match check(&line(question, default).await?) {
            Ok(value) => return Ok(value),
            Err(why) => crate::report::note(&format!("  {why}")),
        }
    }
}

/// Asks a question whose answer is yes or no; no is the default.
///
/// # Errors
/// When the input ends.
pub(in crate::commands) async fn yes(question: &str) -> Result<bool, Failure> {
    checked(question, Some("n"), |text| match text {
        "y" | "yes" => Ok(true),
        "n" | "no" => Ok(false),
        _ => Err("type y or n".into()),
    })
    .await
}

/// Asks for an app key; `offered` is one that is in use already.
///
/// # Errors
/// When the input ends.
pub(in crate::commands) async fn app_key(offered: Option<&str>) -> Result<String, Failure> {
    crate::report::note("The app key is on your app's page at https://www.dropbox.com/developers/apps");
    checked("app key", offered, check_app_key).await
}

/// Asks where paths start.
///
/// # Errors
/// When the input ends.
pub(in crate::commands) async fn root(question: &str, now: Root) -> Result<Root, Failure> {
    let default = now.to_string();
    checked(question, Some(&default), |text| match text {
        "home" | "h" => Ok(Root::Home),
        "team" | "t" => Ok(Root::Team),
        _ => Err("answer home or team".into()),
    })
    .await
}

/// Asks for a new password, twice, without echo.
///
/// # Errors
/// When the two differ or there is none.
pub(in crate::commands) async fn new_password() -> Result<Secret, Failure> {
    let (first, second) = terminal::wait(|| {
        let first = terminal::ask_secret("new config password (not shown)> ")?;
        let second = match first.is_empty() {
            true => String::new(),
            false => terminal::ask_secret("the same again> ")?,
        };
        Ok((first, second))
    })
    .await?;
    if first.is_empty() || first != second {
        return Err(Failure::usage(if first.is_empty() {
            "an empty password protects nothing"
        } else {
            "the two passwords differ"
        })
        .why("nothing was changed")
        .next("node-tool config password set"));
    }
    Ok(Secret::new(first))
}
