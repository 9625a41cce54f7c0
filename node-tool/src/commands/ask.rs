//! Asking the person at the terminal, one line at a time. Without a terminal nothing is asked.

use std::io::{self, BufRead as _};

use shared::{exit, failure::Failure, oauth::check_app_key, secret::Secret};

use stores::Place;

use crate::{config::Root, report, terminal};

/// Maximum number of files that are deleted without a question.
const CONFIRM_ABOVE: usize = 5;

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

/// Asks before more than a few files are deleted, if there is a person to answer.
///
/// # Errors
/// When the answer is no.
pub(in crate::commands) async fn many_deletes(paths: &[&str], place: &Place) -> Result<(), Failure> {
    if paths.len() <= CONFIRM_ABOVE || !terminal::is_there() {
        return Ok(());
    }
    for path in paths.iter().take(CONFIRM_ABOVE) {
        report::note(&format!("  {}", shared::failure::printable(path)));
    }
    report::note(&format!("  … and {} more", paths.len() - CONFIRM_ABOVE));
    let question = format!("Delete {} from {place}? (y/n)", report::files(paths.len() as u64));
    if yes(&question).await? {
        return Ok(());
    }
    Err(Failure::new("stopped; nothing was changed")
        .hint("--dry-run shows all that would be done, --yes answers the question")
        .code(exit::ERROR))
}

/// The answer to all questions of a kind.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::commands) enum Standing {
    /// There is none yet.
    Ask,
    /// Yes.
    All,
    /// No.
    None,
}

/// Asks about one step, unless an answer stands for all of them.
///
/// # Errors
/// When the person quits, or the input ends.
pub(in crate::commands) async fn wanted(
    what: &str,
    path: &str,
    standing: &mut Standing,
) -> Result<bool, Failure> {
    if *standing != Standing::Ask {
        return Ok(*standing == Standing::All);
    }
    crate::report::result(&format!(
        "node-tool: {what} \"{}\"?\ny) Yes, this is OK (default)\nn) No, skip this\n\
         s) Skip all {what} operations with no more questions\n!) Do all {what} operations with no more questions\n\
         q) Exit now.\n",
        shared::failure::printable(path)
    ))?;
    let answer = checked("y/n/s/!/q", Some("y"), |text| match text {
        "y" | "n" | "s" | "!" | "q" => Ok(text.to_owned()),
        _ => Err("type one of y, n, s, !, q".into()),
    })
    .await?;
    match answer.as_str() {
        "s" => *standing = Standing::None,
        "!" => *standing = Standing::All,
        "q" => return Err(Failure::new("stopped; nothing was changed").code(exit::ERROR)),
        _ => {}
    }
    Ok(answer == "y" || answer == "!")
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
