//! `submit`: the batch script that runs a command line on a cluster with Slurm, printed or submitted.

use std::{
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use clap::{ArgMatches, parser::ValueSource};
use shared::{exit, failure::Failure, plain::quoted};

use crate::report::{
    self,
    json::{self, Job, Object},
};

/// How long before the time limit the job is told to end, in seconds: calls in flight need 5, and Slurm may be late.
const SECONDS_TO_END: u32 = 60;
/// Maximum number of times that a job which ran out of time queues itself again.
const MAX_RESTARTS: u32 = 50;

/// The arguments of `submit`.
#[derive(Debug, clap::Args)]
#[command(after_help = SUBMIT_HELP)]
pub struct Args {
    /// Submit it now with sbatch, and print the number of the job
    #[arg(long)]
    now: bool,
    /// Time limit, in Slurm's words: minutes, 4:00:00, 1-12; when it is over, the job is queued again and continues
    #[arg(long, value_name = "TIME", default_value = "4:00:00", value_parser = time)]
    time: String,
    /// Make it a job array, such as 0-15: 'run' gives each task a part of the plan
    #[arg(long, value_name = "NUMBERS", value_parser = option_word)]
    array: Option<String>,
    /// Begin after other jobs, such as afterok:1234
    #[arg(long, value_name = "JOBS", value_parser = option_word)]
    dependency: Option<String>,
    /// Name of the job [default: node-tool and the command's name]
    #[arg(long, value_name = "NAME", value_parser = option_word)]
    job_name: Option<String>,
    /// File for what the job prints; %j is its number [default: node-tool-%j.log]
    #[arg(long, value_name = "FILE", value_parser = option_word)]
    output: Option<String>,
    /// Pass an option on to sbatch, such as --sbatch=--partition=short; may be repeated
    #[arg(long, value_name = "OPTION", value_parser = option_word)]
    sbatch: Vec<String>,
    /// The command of node-tool, without 'node-tool'
    #[arg(
        value_name = "COMMAND",
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    command: Vec<String>,
}

const SUBMIT_HELP: &str = "\
A minute before the time limit, Slurm tells the job to end: it finishes what is in progress, queues itself again and goes on.

Examples:
  node-tool submit -- copy dbx:project /scratch/ann/project
  node-tool submit --now --array 0-15 --time 1:00:00 -- run plan";

/// Accepts a time limit in Slurm's words.
fn time(text: &str) -> Result<String, String> {
    let wrong = || "give minutes, HOURS:MINUTES:SECONDS or DAYS-HOURS".to_owned();
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (days, rest) = match text.split_once('-') {
        Some((days, rest)) => (Some(days), rest),
        None => (None, text),
    };
    let numbers: Vec<&str> = rest.split(':').collect();
    let is_time = numbers.len() <= 3 && numbers.iter().all(|number| is_number(number));
    match is_time && days.is_none_or(is_number) {
        true => Ok(text.to_owned()),
        false => Err(wrong()),
    }
}

/// Accepts what can be written as an option of sbatch in the head of a script.
fn option_word(text: &str) -> Result<String, String> {
    let is_odd = |c: char| c.is_control() || c.is_whitespace() || "\"'\\#".contains(c);
    match text.is_empty() || text.contains(is_odd) {
        true => Err("it can't have spaces, quotes, '#' or control characters".into()),
        false => Ok(text.to_owned()),
    }
}

/// Prints the script, or submits it. `program` describes the whole command line.
///
/// # Errors
/// When the command can't run in a job, or sbatch fails.
pub fn run(args: &Args, program: clap::Command) -> Result<u8, Failure> {
    let words = std::iter::once("node-tool").chain(args.command.iter().map(String::as_str));
    let matches = program.try_get_matches_from(words).map_err(|error| {
        let text = error.render().to_string();
        let first = text
            .lines()
            .next()
            .unwrap_or_default()
            .trim_start_matches("error: ")
            .to_owned();
        Failure::usage("the command can't be submitted").why(first)
    })?;
    let verb = refuse(&matches)?;
    let script = script(args, verb, &own_name());
    let id = args.now.then(|| submit(&script)).transpose()?;
    match (json::is_on(), &id) {
        (true, _) => json::print(&Object::Job(Job { id, script }))?,
        (false, Some(id)) => report::result(&format!("{id}\n"))?,
        (false, None) => report::result(&script)?,
    }
    Ok(exit::SUCCESS)
}

/// Refuses what has no place in a job. Returns the command's name.
fn refuse(matches: &ArgMatches) -> Result<&str, Failure> {
    let Some((verb, own)) = matches.subcommand() else {
        return Err(Failure::usage("there is no command to submit"));
    };
    if ["config", "authorize", "submit", "completion", "man"].contains(&verb) {
        return Err(Failure::usage(format!("'{verb}' can't run in a job")).hint("type it on the login node"));
    }
    let is_typed = |id: &str| own.value_source(id) == Some(ValueSource::CommandLine);
    for id in own.ids().map(clap::Id::as_str).filter(|id| is_typed(id)) {
        if id == "interactive" {
            return Err(Failure::usage("nobody is there to answer questions in a job")
                .hint("leave --interactive out"));
        }
        let flag = format!("--{}", id.replace('_', "-"));
        let is_secret = match id {
            "password_command" => false,
            "http_proxy" => own
                .get_one::<String>(id)
                .is_some_and(|proxy| report::without_secrets(proxy) != *proxy),
            _ => report::is_secret_flag(&flag),
        };
        if is_secret {
            return Err(
                Failure::usage(format!("{flag} would be in the script, where others may read it"))
                    .hint("give it in a variable of the job's environment"),
            );
        }
    }
    Ok(verb)
}

/// Returns how the job calls this program: by its name, if that is this program, otherwise by its path.
fn own_name() -> String {
    let Ok(own) = std::env::current_exe() else {
        return "node-tool".into();
    };
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .map(|folder| folder.join("node-tool"))
        .find(|file| file.is_file());
    let is_own = |file: &Path| file.canonicalize().ok() == own.canonicalize().ok();
    match found.is_some_and(|file| is_own(&file)) {
        true => "node-tool".into(),
        false => quoted(&own.display().to_string()),
    }
}

/// Returns the script.
fn script(args: &Args, verb: &str, program: &str) -> String {
    let number = if args.array.is_some() { "%A_%a" } else { "%j" };
    let mut options = vec![
        format!(
            "--job-name={}",
            args.job_name
                .clone()
                .unwrap_or_else(|| format!("node-tool-{verb}"))
        ),
        format!("--time={}", args.time),
        format!("--signal=B:TERM@{SECONDS_TO_END}"),
        "--requeue".into(),
        "--open-mode=append".into(),
        format!(
            "--output={}",
            args.output
                .clone()
                .unwrap_or_else(|| format!("node-tool-{number}.log"))
        ),
        "--ntasks=1".into(),
        "--cpus-per-task=2".into(),
    ];
    options.extend(args.array.iter().map(|numbers| format!("--array={numbers}")));
    options.extend(args.dependency.iter().map(|jobs| format!("--dependency={jobs}")));
    options.extend(args.sbatch.iter().cloned());
    let head: String = options
        .iter()
        .map(|option| format!("#SBATCH {option}\n"))
        .collect();
    let command: Vec<String> = args.command.iter().map(|word| quoted(word)).collect();
    format!(
        r#"#!/bin/bash
{head}
{program} {} &
job=$!
# Slurm tells this script to end before the time is up. node-tool then finishes what is in progress, and exits with 130.
trap 'stopped=yes; kill -TERM "$job"' TERM
wait "$job"
code=$?
while kill -0 "$job" 2> /dev/null; do
    wait "$job"
    code=$?
done
# What is left is for another turn, unless the job was cancelled.
if [ "${{stopped:-no}}" = yes ] && [ "$code" -eq 130 ] && [ "${{SLURM_RESTART_COUNT:-0}}" -lt {MAX_RESTARTS} ] &&
    scontrol show job "$SLURM_JOB_ID" | grep -q JobState=RUNNING; then
    scontrol requeue "$SLURM_JOB_ID"
fi
exit "$code"
"#,
        command.join(" ")
    )
}

/// Submits a script. Returns the number of the job.
fn submit(script: &str) -> Result<String, Failure> {
    let failed = |why: String| {
        Failure::new("could not submit the job")
            .why(why)
            .hint("without --now, the script is printed, and can be submitted elsewhere")
    };
    let child = Command::new("sbatch")
        .arg("--parsable")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = child.map_err(|error| failed(format!("sbatch can't be run: {error}")))?;
    if let Some(mut stdin) = child.stdin.take() {
        let _ = stdin.write_all(script.as_bytes()); // if it doesn't read, its exit code says why
    }
    let output = child
        .wait_with_output()
        .map_err(|error| failed(error.to_string()))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    match output.status.success() {
        true => Ok(text(&output.stdout)),
        false => Err(failed(format!("sbatch: {}", text(&output.stderr)))),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Program {
        #[command(flatten)]
        args: Args,
    }

    fn made(words: &[&str]) -> String {
        let program = Program::parse_from(std::iter::once(&"submit").chain(words));
        script(&program.args, "copy", "node-tool")
    }

    #[test]
    fn times_are_those_of_slurm() {
        for good in ["30", "5:00", "4:00:00", "1-12", "1-12:30", "2-00:00:00"] {
            assert_eq!(time(good).as_deref(), Ok(good));
        }
        for bad in ["", "1h", "1:2:3:4", "-1", "1-", "4:00:00 --wrap=x", "1\n2"] {
            assert!(time(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn what_was_typed_is_quoted_and_options_can_hold_nothing_else() {
        let script = made(&[
            "--array",
            "0-3",
            "--sbatch=--partition=short",
            "--",
            "copy",
            "a b",
            "dbx:$(x)'y",
            "-n",
        ]);
        assert!(
            script.contains("node-tool copy 'a b' 'dbx:$(x)'\\''y' -n &\n"),
            "{script}"
        );
        for line in [
            "#SBATCH --array=0-3",
            "#SBATCH --partition=short",
            "#SBATCH --output=node-tool-%A_%a.log",
        ] {
            assert!(script.lines().any(|there| there == line), "{line} in {script}");
        }
        for bad in ["a b", "a\nb", "\"x\"", "$(x)'", "", "a#b"] {
            assert!(option_word(bad).is_err(), "{bad:?}");
        }
    }
}
