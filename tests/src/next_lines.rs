//! Finds the commands that messages advise, and checks that they exist.

use anyhow::Context as _;

use crate::test_env::{Output, TestEnv, run};

/// The programs whose commands are found.
const PROGRAMS: [&str; 2] = ["node-tool", "authorizer"];

/// An advised command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advice {
    /// The program.
    pub program: String,
    /// Its arguments, without quotes.
    pub args: Vec<String>,
    /// The file that it reads its standard input from.
    pub input: Option<String>,
}

/// Returns whether an error has a next step or a hint.
pub fn says_what_to_do(said: &str) -> bool {
    said.contains("next: ") || said.contains("hint: ")
}

/// Returns the commands in the `next:` and `hint:` lines of `said`, and after a colon in its warnings. A command ends with its line,
/// at three spaces, or before a closing bracket.
pub fn advice(said: &str) -> Vec<Advice> {
    let lines = said.lines().map(str::trim);
    let advice = lines.filter(|line| {
        let is_advice = !line.starts_with("why:") && line.contains(": node-tool ");
        ["next:", "hint:", "warning:"]
            .iter()
            .any(|label| line.starts_with(label))
            || is_advice
    });
    advice.flat_map(commands).collect()
}

/// Returns the commands in one line.
fn commands(line: &str) -> Vec<Advice> {
    let mut found = Vec::new();
    for program in PROGRAMS {
        for (at, _) in line.match_indices(&format!("{program} ")) {
            let before = line[..at].trim_end();
            let begins = before.is_empty() || before.ends_with([':', '(', ';']) || before.ends_with("run");
            if begins {
                let rest = line[at..].split("   ").next().unwrap_or_default();
                found.extend(command(rest.trim_end_matches(['.', ')'])));
            }
        }
    }
    found
}

/// Splits a line into words as a shell does. It knows spaces and single quotes.
pub fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut is_quoted = false;
    for c in line.chars() {
        match c {
            '\'' => is_quoted = !is_quoted,
            ' ' if !is_quoted => words.push(std::mem::take(&mut word)),
            c => word.push(c),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

/// Parses a command as a shell does. It knows words and `< FILE`.
fn command(text: &str) -> Option<Advice> {
    let mut words = words(text);
    let input = words.iter().position(|word| word == "<").and_then(|at| {
        let file = words.get(at + 1).cloned();
        words.truncate(at);
        file
    });
    let mut words = words.into_iter();
    Some(Advice {
        program: words.next()?,
        args: words.collect(),
        input,
    })
}

impl Advice {
    /// Returns the command with its placeholders, such as `KEY` and `FILE`, replaced.
    #[must_use]
    pub fn filled(mut self, placeholders: &[(&str, &str)]) -> Self {
        for word in self.args.iter_mut().chain(&mut self.input) {
            if let Some((_, value)) = placeholders.iter().find(|(name, _)| name == word) {
                (*value).clone_into(word);
            }
        }
        self
    }

    /// Runs the command with its input.
    ///
    /// # Errors
    /// When it can't be started.
    pub fn run(&self, env: &TestEnv) -> anyhow::Result<Output> {
        let mut command = env.command(&self.program)?;
        command.args(&self.args);
        let input = match &self.input {
            Some(file) => std::fs::read_to_string(file).with_context(|| file.clone())?,
            None => String::new(),
        };
        run(command, &input)
    }

    /// Checks that the program has this command with these flags, by asking for its help.
    ///
    /// # Errors
    /// When it doesn't; the error shows the command.
    pub fn is_known(&self, env: &TestEnv) -> anyhow::Result<()> {
        let mut command = env.command(&self.program)?;
        command.args(&self.args).arg("--help");
        let end = run(command, "")?;
        anyhow::ensure!(end.code == 0, "{self:?} is no command: {}", end.err);
        Ok(())
    }
}

/// Checks that every advised command in `said` exists, and returns them.
///
/// # Errors
/// When one doesn't exist, or none is advised.
pub fn all_known(env: &TestEnv, said: &str) -> anyhow::Result<Vec<Advice>> {
    let all = advice(said);
    anyhow::ensure!(!all.is_empty(), "nothing says what to type next: {said}");
    for advice in &all {
        advice.is_known(env)?;
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_found_where_they_are_advice() {
        let said = "error: no 'node-tool x' here\n  why: node-tool says so\n  next: node-tool config reconnect 'my box:'   to log in again\n  \
             next: node-tool config create dbx --token-stdin < FILE\n  next: tick the box, then: node-tool lsd dbx:\n\
             warning: it ends soon: node-tool config reconnect dbx:\n";
        let found: Vec<String> = advice(said)
            .iter()
            .map(|a| format!("{} {:?} {:?}", a.program, a.args, a.input))
            .collect();
        assert_eq!(
            found,
            [
                r#"node-tool ["config", "reconnect", "my box:"] None"#,
                r#"node-tool ["config", "create", "dbx", "--token-stdin"] Some("FILE")"#,
                r#"node-tool ["lsd", "dbx:"] None"#,
                r#"node-tool ["config", "reconnect", "dbx:"] None"#,
            ]
        );
    }
}
