//! Answers that need no app key: `--man` prints the manual page, `--completion SHELL` a script; with it, the shell asks the
//! program itself for completions.

use std::ffi::OsString;

use clap::CommandFactory as _;
use shared::completion::{Question, SHELLS, Shell, WORD};

use crate::{cli::Cli, manual::MANUAL};

/// The name of the program.
const NAME: &str = "authorizer";

/// Returns the text to print, if the arguments are about completion or the manual; clap would demand an app key first.
pub(crate) fn answer(args: &[OsString]) -> Option<String> {
    let args: Vec<String> = args
        .iter()
        .skip(1)
        .map(|arg| arg.to_string_lossy().into_owned())
        .collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--man"] => MANUAL.page_of(Cli::command(), &[]),
        ["--completion", shell] => Some(Shell::named(shell)?.script(NAME)),
        [WORD, ..] => Some(
            Question::read(&args[1..])
                .map(|question| candidates(&question))
                .unwrap_or_default(),
        ),
        _ => None,
    }
}

fn candidates(question: &Question) -> String {
    if let [.., before, current] = &question.words[..]
        && before == "--completion"
    {
        let shells = SHELLS.iter().filter(|shell| shell.starts_with(current));
        let shells: Vec<_> = shells.map(|shell| ((*shell).to_owned(), String::new())).collect();
        return question.answer(&shells);
    }
    let here = std::env::current_dir().ok();
    question.answer_for(&mut Cli::command(), here.as_deref())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(args: &[&str]) -> Option<String> {
        let args: Vec<OsString> = std::iter::once(&NAME).chain(args).map(Into::into).collect();
        answer(&args)
    }

    #[test]
    fn it_completes_its_flags() {
        assert!(
            answered(&["--completion", "bash"])
                .unwrap()
                .contains("complete -o nospace -F _authorizer authorizer")
        );
        assert_eq!(
            answered(&["__complete", "bash", " ", "authorizer --no-b"]).unwrap(),
            "--no-browser \n"
        );
        assert_eq!(
            answered(&["__complete", "bash", " ", "authorizer k --format r"]).unwrap(),
            "rclone \n"
        );
        assert_eq!(
            answered(&["__complete", "bash", " ", "authorizer --completion f"]).unwrap(),
            "fish \n"
        );
        assert!(answered(&["--man"]).unwrap().contains(".TH authorizer"));
        assert_eq!(answered(&["key"]), None);
        assert_eq!(answered(&["--completion", "csh"]), None);
    }
}
