//! The help of every command, as it is shown on a terminal of 100 columns.

use std::path::Path;

use tests::{
    snapshots::check,
    test_env::{TestEnv, run},
};

/// Where the snapshots are.
const DIR: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/e2e/snapshots/help");

/// Returns the help of a command.
fn help(env: &TestEnv, program: &str, verbs: &[String]) -> anyhow::Result<String> {
    let mut command = env.command(program)?;
    command.args(verbs).arg("--help").env("COLUMNS", "100");
    run(command, "")?.ok()
}

/// Returns the commands that a help text lists.
fn listed(help: &str) -> impl Iterator<Item = &str> {
    let section = help.split_once("\nCommands:\n").map_or("", |(_, rest)| rest);
    section
        .lines()
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.strip_prefix("  ")?.split(' ').next())
        .filter(|word| !word.is_empty() && *word != "help")
}

/// Compares the help of a command and of all below it with their snapshots, and returns how many there were.
fn compare(env: &TestEnv, program: &str, verbs: &[String]) -> anyhow::Result<usize> {
    let text = help(env, program, verbs)?;
    let name = [&[program.to_owned()], verbs].concat().join("_");
    check(Path::new(DIR), &name, &text);
    let mut count = 1;
    for verb in listed(&text) {
        count += compare(env, program, &[verbs, &[verb.to_owned()]].concat())?;
    }
    Ok(count)
}

#[test]
fn every_help_text_is_its_snapshot() -> anyhow::Result<()> {
    let env = TestEnv::new()?;
    assert_eq!(compare(&env, "authorizer", &[])?, 1);
    let count = compare(&env, "node-tool", &[])?;
    assert!(count > 40, "only {count} commands were found");
    // No snapshot is left of a command that is gone.
    assert_eq!(std::fs::read_dir(DIR)?.count(), count + 1);
    Ok(())
}
