//! Failures as lines of rclone's log: `2026/11/23 17:00:00 ERROR : …`.

use shared::{
    exit,
    failure::{Advice, Failure},
};

/// How the message of a remote that can't be used begins, which ends rclone at once.
pub const NO_FILE_SYSTEM: &str = "Failed to create file system for ";

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The level in rclone's word, without blanks.
    pub level: &'static str,
    /// The message.
    pub text: String,
}

/// Returns the lines for a failure of the command `verb`: what failed, what to do next, and the line that rclone ends with. The
/// verb is empty if the command line itself is impossible.
pub fn of_failure(failure: &Failure, verb: &str) -> Vec<Line> {
    let line = |level, text: String| Line { level, text };
    let what = failure.what().to_owned();
    let reasons = failure.reasons().join("; ");
    let whole = match reasons.is_empty() {
        true => what.clone(),
        false => format!("{what}: {reasons}"),
    };
    let is_critical = what.starts_with(NO_FILE_SYSTEM);
    let mut lines = vec![line(
        if is_critical { "CRITICAL" } else { "ERROR" },
        whole.clone(),
    )];
    lines.extend(failure.advice().iter().map(|advice| match advice {
        Advice::Command(command) => line("NOTICE", format!("next: {command}")),
        Advice::Hint(hint) => line("NOTICE", format!("hint: {hint}")),
    }));
    if !is_critical {
        let last = match failure.exit_code() {
            exit::DIRECTORY_NOT_FOUND => "directory not found",
            exit::FILE_NOT_FOUND => "object not found",
            _ => &what,
        };
        lines.push(line(
            "NOTICE",
            match verb {
                // Nothing began.
                "" => format!("Fatal error: {whole}"),
                verb => format!("Failed to {verb}: {last}"),
            },
        ));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(failure: &Failure) -> Vec<String> {
        let lines = of_failure(failure, "lsjson");
        lines
            .iter()
            .map(|line| format!("{} {}", line.level, line.text))
            .collect()
    }

    #[test]
    fn a_failure_ends_as_rclones_do() {
        let missing = Failure::new("'dbx:x' is not there")
            .next("node-tool lsd dbx:")
            .code(exit::DIRECTORY_NOT_FOUND);
        assert_eq!(
            shown(&missing),
            [
                "ERROR 'dbx:x' is not there",
                "NOTICE next: node-tool lsd dbx:",
                "NOTICE Failed to lsjson: directory not found"
            ]
        );
        let full = Failure::new("could not copy").why("a").why("b").hint("c");
        assert_eq!(
            shown(&full),
            [
                "ERROR could not copy: a; b",
                "NOTICE hint: c",
                "NOTICE Failed to lsjson: could not copy"
            ]
        );
        let lines = of_failure(&Failure::usage("--rc can't be honoured here").why("x"), "");
        assert_eq!(
            lines.last().unwrap().text,
            "Fatal error: --rc can't be honoured here: x"
        );
        let section = Failure::new(format!("{NO_FILE_SYSTEM}\"x:\""));
        assert_eq!(
            shown(&section),
            ["CRITICAL Failed to create file system for \"x:\""]
        );
    }
}
