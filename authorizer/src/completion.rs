//! `--completion SHELL` prints what a shell has to load to complete the arguments; the shell asks the program itself then.

use std::ffi::OsString;

use clap::CommandFactory;
use clap_complete::engine::complete;
use shared::completion::{Question, SHELLS, Shell, WORD};

use crate::cli::Cli;

/// The name of the program.
const NAME: &str = "authorizer";

/// What is to be printed, if the arguments are about completion; clap would ask for an app key first.
pub fn answer(args: &[OsString]) -> Option<String> {
    let args: Vec<String> = args
        .iter()
        .skip(1)
        .map(|arg| arg.to_string_lossy().into_owned())
        .collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
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
    let words: Vec<OsString> = std::iter::once(NAME)
        .chain(question.words.iter().map(String::as_str))
        .map(Into::into)
        .collect();
    if let [.., before, current] = &question.words[..]
        && before == "--completion"
    {
        let shells = SHELLS.iter().filter(|shell| shell.starts_with(current));
        return question.answer(
            &shells
                .map(|shell| ((*shell).to_owned(), String::new()))
                .collect::<Vec<_>>(),
        );
    }
    let at = words.len() - 1;
    let here = std::env::current_dir().ok();
    let found = complete(&mut Cli::command(), words, at, here.as_deref()).unwrap_or_default();
    let shown: Vec<(String, String)> = found
        .iter()
        .filter(|candidate| !candidate.is_hide_set())
        .filter_map(|candidate| {
            let about = candidate.get_help().map(ToString::to_string).unwrap_or_default();
            Some((candidate.get_value().to_str()?.to_owned(), about))
        })
        .collect();
    question.answer(&shown)
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
        assert_eq!(answered(&["key"]), None);
        assert_eq!(answered(&["--completion", "csh"]), None);
    }
}
