//! The command line: from arguments to an exit code.
//!
//! `program` is the command line as clap knows it: `global` has the flags of every command, `verbs` the commands, `brief`
//! what `-h` shows of it. `line` makes such a line of what people have in their scripts for rclone.
//! `prepare` makes what a command works with, `runtime` runs it, `signals` interrupt it.

mod brief;
mod global;
mod line;
mod prepare;
mod program;
mod runtime;
mod signals;
mod verbs;

use std::{ffi::OsString, path::PathBuf, process::ExitCode};

use clap::{ColorChoice, FromArgMatches, error::ErrorKind};
use shared::{
    exit,
    failure::{Failure, printable},
    raw,
};

pub(crate) use program::program;

use self::{
    global::Global,
    line::Line,
    program::{Cli, program_without},
    runtime::with_runtime,
};
use crate::{
    as_rclone,
    commands::help,
    completion, limits,
    report::{self, LogFile, Style, format::Stats},
    variables,
};

/// Runs the program on the process's arguments.
pub fn main() -> ExitCode {
    run(std::env::args_os())
}

/// Runs the program on `args`, the first of which is its name.
pub fn run(args: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().map(Into::into).collect();
    limits::begin();
    as_rclone::begin(&args);
    if let Some(question) = completion::asked(&args) {
        let answer = question.map(|question| completion::answer(&question, program()));
        let _ = report::result(&answer.unwrap_or_default()); // a shell that doesn't listen needs nothing
        return ExitCode::SUCCESS;
    }
    if args.len() <= 1 {
        report::notes(&bare());
        return ExitCode::from(exit::USAGE);
    }
    let described = program();
    let line = match line::read(&args, &described) {
        Ok(line) => line,
        Err(failure) => return not_a_line(&failure, asks_for_json(&args)),
    };
    as_rclone::note_statistics(|switch| line.given.contains(&switch) || variables::is_on(switch));
    let (cli, verb) = match parse(&line, described) {
        Ok(parsed) => parsed,
        Err(error) => return refuse(&error, &line),
    };
    if let Err(failure) = start_log(&cli.global, verb.clone(), &line.notes) {
        return ExitCode::from(report::refused(&failure, cli.global.json));
    }
    for (variable, near) in variables::mistyped(program) {
        report::warn(&format!(
            "the variable {variable} sets nothing; did you mean {near}?"
        ));
    }
    report::begin(&verb, &args, cli.global.json);
    let refusal = cli.command.json_refusal().filter(|_| cli.global.json);
    let result = match refusal {
        Some(reason) => Err(Failure::usage(format!("--json: {verb} has no JSON output")).why(reason)),
        None => with_runtime(cli),
    };
    if as_rclone::ends_with_block(&verb) {
        let _ = report::statistics(&Stats::default(), true); // a reader that went away is no error
    }
    ExitCode::from(report::end(&result))
}

/// Returns what is printed if there are no arguments.
fn bare() -> String {
    match as_rclone::is_on() {
        true => program().render_help().to_string(),
        false => help::welcome(&prepare::remotes()),
    }
}

/// Prints an error of the command line, in the words of the program that was called.
fn usage_error(error: &clap::Error, args: &[OsString]) {
    if !(as_rclone::is_on() && error.use_stderr()) {
        return report::usage(error, asks_for_json(args));
    }
    let mut program = program();
    program.build();
    let is_verb = |arg: &&OsString| {
        arg.to_str()
            .is_some_and(|arg| program.find_subcommand(arg).is_some())
    };
    let verb = args.iter().skip(1).find(is_verb).and_then(|arg| arg.to_str());
    let message = as_rclone::usage(error, verb);
    let command = verb
        .and_then(|verb| program.find_subcommand(verb))
        .unwrap_or(&program);
    report::usage_as_rclone(&message, &command.clone().render_usage().to_string());
}

/// Reports a line that holds what can't be honoured.
fn not_a_line(failure: &Failure, is_json: bool) -> ExitCode {
    let style = match as_rclone::is_on() {
        true => Style::Rclone {
            is_quiet: false,
            verb: String::new(),
        },
        false => Style::Plain,
    };
    report::log_to(report::Log {
        style,
        ..report::Log::default()
    });
    ExitCode::from(report::refused(failure, is_json && !as_rclone::is_on()))
}

/// Returns whether a line that can't be read asks for JSON.
fn asks_for_json(args: &[OsString]) -> bool {
    let mut flags = args.iter().take_while(|arg| *arg != "--");
    flags.any(|arg| arg == "--json" || arg == "--json=true")
}

/// Parses a line. Returns it with its verb. What is typed wins over a variable that contradicts it.
fn parse(line: &Line, program: clap::Command) -> Result<(Cli, String), clap::Error> {
    let program = match line.overruled.is_empty() {
        true => program,
        false => program_without(&line.overruled),
    };
    let found = program.color(color(&line.args)).try_get_matches_from(&line.args);
    let found = found.or_else(|error| match variables::overruled(&error, &line.args) {
        Some(variable) => {
            let ignored = [&*line.overruled, &[variable]].concat();
            program_without(&ignored).try_get_matches_from(&line.args)
        }
        None => Err(error),
    });
    let parsed = found.and_then(|found| {
        let verb = found.subcommand_name().unwrap_or_default().to_owned();
        Ok((Cli::from_arg_matches(&found)?, verb))
    });
    parsed.map_err(line::corrected)
}

/// Returns when the parser uses colours, which has to be known before it parses.
fn color(args: &[OsString]) -> ColorChoice {
    let words = args.iter().map(|arg| arg.to_string_lossy());
    let mut words = words.skip_while(|word| !word.starts_with("--color"));
    let first = words.next().unwrap_or_default();
    let value = match first.split_once('=') {
        Some((_, value)) => value.to_owned(),
        None => words.next().unwrap_or_default().into_owned(),
    };
    match value.to_ascii_lowercase().as_str() {
        "never" => ColorChoice::Never,
        "always" => ColorChoice::Always,
        _ => ColorChoice::Auto,
    }
}

/// Reports why a line can't be parsed, or the help that it asks for. Returns the exit code.
fn refuse(error: &clap::Error, line: &Line) -> ExitCode {
    let args = &*line.args;
    if error.kind() == ErrorKind::InvalidUtf8 {
        return ExitCode::from(report::refused(&not_utf8(args), asks_for_json(args)));
    }
    if error.kind() == ErrorKind::DisplayHelp && brief::is_asked(args) {
        let short = brief::brief(program()).try_get_matches_from(args).err();
        report::usage(short.as_ref().unwrap_or(error), false);
        return ExitCode::SUCCESS;
    }
    if error.kind() == ErrorKind::DisplayVersion && as_rclone::is_on() {
        let _ = help::version(); // a reader that went away is no error
        return ExitCode::SUCCESS;
    }
    // Clap's error quotes the command line. If that has control characters, the error is made again from a clean line.
    let texts: Vec<_> = args.iter().map(|arg| arg.to_string_lossy()).collect();
    let is_clean = !texts.iter().any(|text| text.contains(shared::plain::is_hidden));
    let words = (!is_clean).then(|| texts.iter().map(|text| printable(text)).collect::<Vec<_>>());
    let clean = words.and_then(|words| program().try_get_matches_from(words).err());
    let clean = clean.map(line::corrected);
    usage_error(clean.as_ref().unwrap_or(error), args);
    if let Some(said) = line.about_blanks(error) {
        report::note(&said);
    }
    for variable in variables::blamed(error, args) {
        report::note(&format!(
            "  from the variable {variable}; to be without it: unset {variable}"
        ));
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(exit::USAGE))
}

/// Names the argument that is not UTF-8 where that is needed.
fn not_utf8(args: &[OsString]) -> Failure {
    let mut odd = args
        .iter()
        .map(|arg| raw::text(arg))
        .filter(|arg| raw::is_raw(arg));
    let odd = odd.next().unwrap_or_default();
    Failure::usage(format!("'{odd}' is not UTF-8"))
        .why("only the names of places and local files may have any bytes")
}

/// Starts the log. Its first lines are the `notes`.
fn start_log(global: &Global, verb: String, notes: &[String]) -> Result<(), Failure> {
    let open = |path: &PathBuf| {
        let file = LogFile::open(path, global.log.rotation());
        file.map_err(|e| Failure::usage(format!("--log-file: could not write '{}'", path.display())).why(e))
    };
    let format = global.log.log_format.unwrap_or_default();
    report::log_to(report::Log {
        json: global.use_json_log || format.json,
        format,
        file: global.log_file.as_ref().map(open).transpose()?,
        style: match as_rclone::is_on() && verb != "config" {
            true => Style::Rclone {
                is_quiet: global.quiet,
                verb,
            },
            // A dialogue is no log.
            false => Style::Plain,
        },
        is_verbose: global.verbose > 0,
    });
    let (verbose, quiet) = global.log_level();
    report::start_logging(verbose, quiet);
    for note in notes {
        tracing::info!("{note}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(args: &[&str]) -> clap::ArgMatches {
        let args = std::iter::once(&"node-tool").chain(args);
        program().try_get_matches_from(args).unwrap()
    }

    /// The values of a command's flag.
    fn values(args: &[&str], flag: &str) -> Vec<String> {
        let found = parsed(args);
        let (_, found) = found.subcommand().unwrap();
        let raw = found.get_raw(flag).into_iter().flatten();
        raw.map(|value| value.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn the_last_of_a_repeated_flag_counts_and_lists_grow() {
        let copy = |rest: &[&str], flag: &str| values(&[&["copy", "a", "b"], rest].concat(), flag);
        for (rest, flag, last) in [
            (vec!["--suffix", "x", "--suffix", "y"], "suffix", vec!["y"]),
            (vec!["--transfers", "4", "--transfers=8"], "transfers", vec!["8"]),
            (
                vec!["--max-depth", "1", "--max-depth", "2"],
                "max_depth",
                vec!["2"],
            ),
            (
                vec!["--export-formats", "md", "--export-formats", "html"],
                "export_formats",
                vec!["html"],
            ),
            (
                vec!["--include", "a", "--include", "b"],
                "include",
                vec!["a", "b"],
            ),
            (
                vec!["--filter", "- a", "--filter", "+ b"],
                "filter",
                vec!["- a", "+ b"],
            ),
            (
                vec!["--exclude-if-present", "a", "--exclude-if-present", "b"],
                "exclude_if_present",
                vec!["a", "b"],
            ),
            (
                vec!["--files-from", "a", "--files-from", "b"],
                "files_from",
                vec!["a", "b"],
            ),
        ] {
            assert_eq!(copy(&rest, flag), last, "{rest:?}");
        }
        // Each switch may be repeated.
        for twice in [
            "--dry-run",
            "--progress",
            "--checksum",
            "--no-cache",
            "--quiet",
            "--json",
        ] {
            parsed(&["copy", "a", "b", "-n", twice, twice]);
        }
        assert_eq!(
            parsed(&["copy", "a", "b", "-v", "-v"])
                .subcommand()
                .unwrap()
                .1
                .get_count("verbose"),
            2
        );
        assert_eq!(
            values(
                &["--transfers", "4", "copy", "a", "b", "--transfers", "8"],
                "transfers"
            ),
            ["8"]
        );
    }

    #[test]
    fn text_may_begin_with_a_dash_and_a_forgotten_number_is_noticed() {
        for (args, flag, value) in [
            (vec!["copy", "a", "b", "--suffix", "-old"], "suffix", "-old"),
            (
                vec!["copy", "a", "b", "--backup-dir", "-old"],
                "backup_dir",
                "-old",
            ),
            (
                vec!["copy", "a", "b", "--exclude-if-present", "-no"],
                "exclude_if_present",
                "-no",
            ),
            (
                vec!["copy", "a", "b", "--files-from", "-list"],
                "files_from",
                "-list",
            ),
            (vec!["copy", "a", "b", "--max-depth", "-1"], "max_depth", "-1"),
            (vec!["lsf", "a", "-s", "-"], "separator", "-"),
            (vec!["lsf", "a", "--separator", "--"], "separator", "--"),
            (vec!["check", "a", "b", "--combined", "-out"], "combined", "-out"),
            (vec!["ls", "a", "--log-file", "-log"], "log_file", "-log"),
            (vec!["ls", "a", "--config", "-c"], "config", "-c"),
        ] {
            assert_eq!(values(&args, flag), [value], "{args:?}");
        }
        for args in [
            ["copy", "a", "b", "--transfers", "-n"],
            ["lsf", "a", "--time-format", "-R", "-R"],
        ] {
            assert!(
                program()
                    .try_get_matches_from(std::iter::once("node-tool").chain(args))
                    .is_err()
            );
        }
    }

    #[test]
    fn clap_finds_no_mistake() {
        program().debug_assert();
    }
}
