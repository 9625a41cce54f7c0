//! Answers a shell that completes a line: commands, flags and their values from clap, remotes from the config, and what is in a
//! folder of a Dropbox from one short call. What isn't available is left out silently: a person is typing.

use std::{
    ffi::{OsStr, OsString},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use clap::{Arg, Command, ValueHint};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate, PathCompleter, ValueCompleter};
use shared::{
    api::files::{LIST_FOLDER, ListFolderArg, ListFolderResult, Metadata},
    completion::{Question, WORD},
};

use crate::{
    app::client_for_one_call,
    config::{Password, Store, choose, named_by_variable},
    location::Location,
};

/// Maximum time for a completion.
const TIMEOUT: Duration = Duration::from_secs(3);
/// Maximum number of entries to fetch: more than a person reads.
const MAX_ENTRIES: u32 = 500;

/// The question, if the program was called by a shell's completion; its words are not for clap then.
pub fn asked(args: &[OsString]) -> Option<Option<Question>> {
    let (_, rest) = args.split_first()?;
    let (word, rest) = rest.split_first()?;
    let rest: Vec<String> = rest
        .iter()
        .map(|arg| arg.to_string_lossy().into_owned())
        .collect();
    (word == WORD).then(|| Question::read(&rest))
}

/// Returns what the shell reads.
pub fn answer(question: &Question, program: Command) -> String {
    let Some(store) = store(&question.words) else {
        return String::new();
    };
    let verbs: Vec<String> = shown(&program).map(|verb| verb.get_name().to_owned()).collect();
    let mut program = with_values(program, &Arc::new(store)).mut_subcommand("man", |man| {
        man.mut_arg("words", |arg| arg.add(ArgValueCompleter::new(of_list(verbs))))
    });
    let current_dir = std::env::current_dir().ok();
    question.answer_for(&mut program, current_dir.as_deref())
}

/// Returns the commands that are not hidden.
fn shown(program: &Command) -> impl Iterator<Item = &Command> {
    program.get_subcommands().filter(|verb| !verb.is_hide_set())
}

/// Returns a completer of one of a list of words.
fn of_list(words: Vec<String>) -> impl Fn(&OsStr) -> Vec<CompletionCandidate> {
    move |typed| {
        let typed = typed.to_string_lossy();
        let fitting = words.iter().filter(|word| word.starts_with(&*typed));
        fitting.map(CompletionCandidate::new).collect()
    }
}

/// The config that the line so far names.
fn store(words: &[String]) -> Option<Store> {
    let mut named = None;
    for (at, word) in words.iter().enumerate() {
        if word == "--config" {
            named = words.get(at + 1).map(PathBuf::from);
        } else if let Some(path) = word.strip_prefix("--config=") {
            named = Some(path.into());
        }
    }
    choose(named.or_else(named_by_variable), Password::default()).ok()
}

/// The command line, with what completes the values of its arguments.
fn with_values(command: Command, store: &Arc<Store>) -> Command {
    let is_config = command.get_name() == "config";
    command
        .mut_args(|arg| with_value(arg, store))
        .mut_subcommands(|sub| {
            let sub = with_values(sub, store);
            let is_new = sub.get_name() == "create";
            sub.mut_args(|arg| match arg.get_id().as_str() {
                "name" | "from" if is_config && !is_new => {
                    let store = Arc::clone(store);
                    arg.add(ArgValueCompleter::new(move |typed: &OsStr| {
                        remotes(&store, typed, "")
                    }))
                }
                _ => arg,
            })
        })
}

/// Whether an argument takes a remote's path or a local one.
pub(crate) fn is_place(arg: &Arg) -> bool {
    matches!(
        arg.get_id().as_str(),
        "path"
            | "paths"
            | "source"
            | "sources"
            | "places"
            | "sums"
            | "archive"
            | "dest"
            | "backup_dir"
            | "compare_dest"
            | "copy_dest"
    )
}

fn with_value(arg: Arg, store: &Arc<Store>) -> Arg {
    if is_place(&arg) {
        let store = Arc::clone(store);
        return arg.add(ArgValueCompleter::new(move |typed: &OsStr| places(&store, typed)));
    }
    let is_file = arg
        .get_value_names()
        .is_some_and(|names| names.iter().any(|name| name == "FILE"));
    if is_file {
        arg.value_hint(ValueHint::AnyPath)
    } else {
        arg
    }
}

/// Remotes, what is in them, and local files.
fn places(store: &Store, typed: &OsStr) -> Vec<CompletionCandidate> {
    let is_remote = typed
        .to_str()
        .and_then(|text| text.split_once(':'))
        .is_some_and(|(name, _)| !name.contains('/'));
    if is_remote {
        return typed
            .to_str()
            .and_then(|text| inside(store, text))
            .unwrap_or_default();
    }
    let mut found = remotes(store, typed, ":");
    found.extend(PathCompleter::any().complete(typed));
    found
}

fn remotes(store: &Store, typed: &OsStr, end: &str) -> Vec<CompletionCandidate> {
    let config = store.load().unwrap_or_default();
    let names = config.remotes.keys().map(|name| format!("{name}{end}"));
    names
        .filter(|name| name.starts_with(&*typed.to_string_lossy()))
        .map(CompletionCandidate::new)
        .collect()
}

/// What is in the folder of a remote that is typed, up to the last slash.
fn inside(store: &Store, typed: &str) -> Option<Vec<CompletionCandidate>> {
    let end = typed.rfind(['/', ':'])? + 1;
    let (before, begun) = typed.split_at(end);
    let Ok(Location::Remote(folder)) = Location::parse(before) else {
        return None;
    };
    let mut client = client_for_one_call(store, &folder.remote)?;
    if folder.from_root {
        client = client.from_root();
    }
    if let Some(shared) = &folder.shared {
        client = client.in_shared_folder(shared);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .ok()?;
    let arg = ListFolderArg {
        path: folder.path.as_str().to_owned(),
        limit: Some(MAX_ENTRIES),
        ..ListFolderArg::default()
    };
    let names = async {
        // After a brace, shared folders, of which each is a root.
        if begun.starts_with('{') && before.ends_with(':') {
            let folders = client.shared_folders().await.ok()?;
            let names = folders.iter().map(|folder| format!("{{{}}}/", folder.name));
            return Some(names.collect::<Vec<_>>());
        }
        let page: ListFolderResult = client.rpc(&LIST_FOLDER, &arg).await.ok()?;
        Some(page.entries.iter().filter_map(entry).collect())
    };
    let names = runtime.block_on(async { tokio::time::timeout(TIMEOUT, names).await });
    runtime.shutdown_background();
    let mut names: Vec<String> = names.ok().flatten()?;
    names.retain(|name| name.starts_with(begun));
    names.sort();
    Some(
        names
            .into_iter()
            .map(|name| CompletionCandidate::new(format!("{before}{name}")))
            .collect(),
    )
}

/// The last name, a folder's with a slash.
fn entry(found: &Metadata) -> Option<String> {
    let (path, end) = match found {
        Metadata::File(file) => (file.path_display.as_deref()?, ""),
        Metadata::Folder(folder) => (folder.path_display.as_deref()?, "/"),
        Metadata::Deleted(_) | Metadata::Unknown => return None,
    };
    Some(format!("{}{end}", path.rsplit('/').next()?))
}
