//! Flags by environment variables: `--max-depth` is `NODE_TOOL_MAX_DEPTH`; called as rclone, also `RCLONE_MAX_DEPTH`, which wins.
//!
//! An empty variable counts as unset. A switch takes 1, true, yes, on and 0, false, no, off. Errors name the variable.

use std::ffi::{OsStr, OsString};

use clap::{
    Arg, ArgAction, Command,
    builder::Resettable,
    error::{ContextKind, ContextValue, ErrorKind},
};

use crate::{as_rclone, config::switch};

/// The prefix of the variables.
const PREFIX: &str = "NODE_TOOL_";
/// Minimum similarity, of 1, at which a variable counts as mistyped.
const MIN_SIMILARITY: f64 = 0.93;

/// Returns the name of a flag's variable.
fn of_flag(flag: &str) -> String {
    with_prefix(PREFIX, flag)
}

fn with_prefix(prefix: &str, flag: &str) -> String {
    format!("{prefix}{}", flag.to_ascii_uppercase().replace('-', "_"))
}

/// Returns the names of a flag's variables; the first that is set counts.
pub fn all_of_flag(flag: &str) -> impl Iterator<Item = String> {
    let of_rclone = as_rclone::is_on().then(|| with_prefix(as_rclone::VARIABLE_PREFIX, flag));
    of_rclone.into_iter().chain([of_flag(flag)])
}

/// Returns whether the variable of a switch turns it on.
pub fn is_on(flag: &str) -> bool {
    let value = all_of_flag(flag).find_map(|variable| value_of(&variable));
    value.is_some_and(|value| value.to_str().and_then(switch) == Some(true))
}

/// Returns the value of a variable, unless it is empty.
fn value_of(variable: &str) -> Option<OsString> {
    std::env::var_os(variable).filter(|value| !value.is_empty())
}

/// Sets a flag's value from its variable. A flag without one gets the usual variable, unless it `is_apart`.
/// Those that are `ignored` count as unset.
pub fn attach(arg: Arg, is_apart: bool, ignored: &[String]) -> Arg {
    let is_used = |variable: &String| !ignored.contains(variable);
    let flag = arg.get_long().filter(|_| as_rclone::is_on() && !is_apart);
    let of_rclone = flag.and_then(|flag| all_of_flag(flag).next()).filter(is_used);
    if let Some((variable, value)) = of_rclone.and_then(|name| value_of(&name).map(|value| (name, value))) {
        return with_value(arg, variable.into(), &value, true);
    }
    let own = arg.get_env().map(OsStr::to_owned);
    let usual = arg.get_long().filter(|_| !is_apart).map(of_flag);
    let Some(variable) = own.clone().or(usual.map(OsString::from)) else {
        return arg;
    };
    let is_ignored = ignored.iter().any(|name| variable == name.as_str());
    let value = std::env::var_os(&variable).filter(|value| !value.is_empty() && !is_ignored);
    let hidden = own.is_none();
    match value {
        None if own.is_some() => arg.env(Resettable::Reset),
        None => arg,
        Some(value) => with_value(arg, variable, &value, hidden),
    }
}

fn with_value(arg: Arg, variable: OsString, value: &OsStr, hidden: bool) -> Arg {
    let name = variable.to_string_lossy().into_owned();
    let wrong = move || format!("{name} takes 1 or 0, true or false, yes or no");
    let arg = match arg.get_action() {
        // A switch that is off is left out: clap would report conflicts with others.
        ArgAction::SetTrue if value.to_str().and_then(switch) == Some(false) => return arg,
        ArgAction::SetTrue => arg.value_parser(move |text: &str| switch(text).ok_or_else(&wrong)),
        ArgAction::Count => arg.value_parser(move |text: &str| {
            let as_switch = || switch(text).map(u8::from);
            text.parse().ok().or_else(as_switch).ok_or_else(&wrong)
        }),
        _ => arg,
    };
    arg.env(variable).hide_env(hidden)
}

/// Returns the variables that caused an error of the parser: those of flags that are not on the command line.
pub fn blamed(error: &clap::Error, args: &[OsString]) -> Vec<String> {
    let mut flags = Vec::new();
    for kind in [ContextKind::InvalidArg, ContextKind::PriorArg] {
        match error.get(kind) {
            Some(ContextValue::String(flag)) => flags.push(flag.clone()),
            Some(ContextValue::Strings(all)) => flags.extend(all.iter().cloned()),
            _ => {}
        }
    }
    let names = flags.iter().filter_map(|flag| {
        let name = flag
            .split([' ', '='])
            .next()?
            .strip_prefix("--")?
            .trim_end_matches('.');
        let typed = format!("--{name}");
        let is_typed = args.iter().any(|arg| {
            let arg = arg.to_string_lossy();
            *arg == typed || arg.starts_with(&format!("{typed}="))
        });
        let variable = all_of_flag(name).find(|variable| value_of(variable).is_some());
        variable.filter(|_| !is_typed)
    });
    names.collect()
}

/// Returns the variable that a typed flag conflicts with: what is typed wins.
pub fn overruled(error: &clap::Error, args: &[OsString]) -> Option<String> {
    let mut blamed = blamed(error, args);
    let is_conflict = error.kind() == ErrorKind::ArgumentConflict;
    (is_conflict && blamed.len() == 1).then(|| blamed.remove(0))
}

/// Returns variables that look mistyped, each with the most similar known one.
pub fn mistyped(program: fn() -> Command) -> Vec<(String, String)> {
    let is_ours = |name: &str| name.starts_with(PREFIX) && !name.starts_with("NODE_TOOL_REMOTE_");
    let set = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let set: Vec<String> = set.filter(|name| is_ours(name)).collect();
    if set.is_empty() {
        return Vec::new(); // as a rule: the program's description takes time
    }
    let mut known: Vec<String> = ["CONFIG_PASSWORD", "SITE_CONFIG", "ACCESS_TOKEN"]
        .map(|end| format!("{PREFIX}{end}"))
        .to_vec();
    collect(&program(), &mut known);
    set.into_iter()
        .filter(|name| !known.contains(name))
        .filter_map(|name| {
            let likeness = |known: &String| strsim::jaro_winkler(known, &name);
            let near = known
                .iter()
                .max_by(|a, b| likeness(a).total_cmp(&likeness(b)))?
                .clone();
            (likeness(&near) > MIN_SIMILARITY).then_some((name, near))
        })
        .collect()
}

fn collect(command: &Command, known: &mut Vec<String>) {
    known.extend(command.get_arguments().filter_map(Arg::get_long).map(of_flag));
    for below in command.get_subcommands() {
        collect(below, known);
    }
}
