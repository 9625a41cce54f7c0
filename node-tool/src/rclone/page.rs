//! The page `docs/rclone.md`, made of the table and of what the command line takes.

use std::fmt::Write as _;

use clap::Command;

use super::{
    flags::{self, Fate, Flag},
    verbs::{self, VERBS},
};

const ABOUT: &str = "\
# rclone's commands and flags

What becomes of each verb and flag of rclone 1.75. (A test writes this page: `UPDATE_PAGES=1 cargo test --workspace --lib the_page_shows`.)

Flags may be before the verb or after it, as in rclone. A flag that is accepted and has no effect is named in the log with `-v`. One that
can't be honoured ends the command before anything is done, with exit code 2, the reason, and what to do instead. A flag is never ignored by
a command that could change more without it: `purge` refuses filters, for example.
";

/// Returns the page.
pub(super) fn page(program: &Command) -> String {
    let mut page = ABOUT.to_owned();
    page += "\n## Verbs\n\n| rclone | here |\n|---|---|\n";
    for verb in VERBS {
        let is_ours = program.find_subcommand(verb.name).is_some() || verb.name == "help";
        let fate = match verb.fate {
            verbs::Fate::Differs(how) => how.to_owned(),
            verbs::Fate::Refused { why, instead } if !is_ours => refusal(why, instead),
            _ => "does the same".into(),
        };
        row(&mut page, &format!("`{}`", verb.name), &fate);
        if verb.name == "config" {
            rows_of_config(&mut page);
        }
    }
    for group in flags::GROUPS {
        let _ = write!(
            page,
            "\n## Flags: {}\n\n| rclone | here |\n|---|---|\n",
            group.about.to_lowercase()
        );
        let is_here = |flag: &&Flag| {
            flag.verbs.is_empty()
                || flag
                    .verbs
                    .iter()
                    .any(|verb| program.find_subcommand(verb).is_some())
        };
        for flag in group.flags.iter().filter(is_here) {
            row(&mut page, &name(flag), &fate(flag, program));
        }
    }
    page += "\n## Flags of other services\n\n| rclone | here |\n|---|---|\n";
    for family in flags::FAMILIES {
        let fate = match family.fate {
            Fate::Refused { why, instead } => refusal(&format!("{}; {why}", family.about), instead),
            Fate::Harmless(why) => format!("accepted, without effect: {}; {why}", family.about),
            Fate::Same | Fate::Differs(_) | Fate::Always(_) => continue,
        };
        row(&mut page, &format!("`--{}…`", family.prefix), &fate);
    }
    page
}

/// Adds the commands of `config` that aren't the same.
fn rows_of_config(page: &mut String) {
    for below in verbs::CONFIG {
        let fate = match below.fate {
            verbs::Fate::Differs(how) => how.to_owned(),
            verbs::Fate::Refused { why, instead } => refusal(why, instead),
            verbs::Fate::Same => continue,
        };
        row(page, &format!("`config {}`", below.name), &fate);
    }
}

fn row(page: &mut String, name: &str, fate: &str) {
    let _ = writeln!(page, "| {name} | {} |", fate.replace('|', "\\|"));
}

fn name(flag: &Flag) -> String {
    let short = flag
        .short
        .map(|short| format!("`-{short}`, "))
        .unwrap_or_default();
    let of = match flag.verbs {
        [] => String::new(),
        verbs => format!(" of {}", verbs.join(", ")),
    };
    format!("{short}`--{}`{of}", flag.name)
}

fn fate(flag: &Flag, program: &Command) -> String {
    match flag.fate {
        Fate::Differs(how) => how.to_owned(),
        _ if is_ours(flag, program) => "does the same".into(),
        Fate::Same => "does the same".into(),
        Fate::Always(why) => format!("does the same, always: {why}"),
        Fate::Harmless(why) => format!("accepted, without effect: {why}"),
        Fate::Refused { why, instead } => refusal(why, instead),
    }
}

fn refusal(why: &str, instead: &str) -> String {
    match instead {
        "" => format!("refused: {why}"),
        instead => format!("refused: {why}. Instead: {instead}"),
    }
}

/// Returns whether the command line takes a flag, for one of the verbs that it is of.
pub(super) fn is_ours(flag: &Flag, program: &Command) -> bool {
    let takes = |command: &Command| takes(command, flag.name);
    let mut commands = program.get_subcommands();
    match flag.verbs {
        [] => takes(program) || commands.any(takes),
        verbs => {
            takes_everywhere(program, flag.name)
                || commands.any(|command| verbs.contains(&command.get_name()) && takes(command))
        }
    }
}

fn is_named(arg: &clap::Arg, name: &str) -> bool {
    let aliases = arg.get_all_aliases().unwrap_or_default();
    arg.get_long() == Some(name) || aliases.contains(&name)
}

/// Returns whether each command takes a flag.
fn takes_everywhere(program: &Command, name: &str) -> bool {
    let mut all = program.get_arguments().filter(|arg| arg.is_global_set());
    all.any(|arg| is_named(arg, name))
}

fn takes(command: &Command, name: &str) -> bool {
    command.get_arguments().any(|arg| is_named(arg, name))
        || command.get_subcommands().any(|below| takes(below, name))
}
