//! The help of every command, as it is shown on a terminal of 100 columns.

use std::{path::Path, process::Command};

use tests::{
    snapshots::check,
    test_env::{TestEnv, run, skip},
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

/// Returns the words of all commands of node-tool.
fn commands(env: &TestEnv, verbs: &[String]) -> anyhow::Result<Vec<Vec<String>>> {
    let mut all = Vec::new();
    for verb in listed(&help(env, "node-tool", verbs)?) {
        let verbs = [verbs, &[verb.to_owned()]].concat();
        all.push(verbs.clone());
        all.extend(commands(env, &verbs)?);
    }
    Ok(all)
}

#[test]
fn every_command_shows_an_example_of_itself() -> anyhow::Result<()> {
    let env = TestEnv::new()?;
    let all = commands(&env, &[])?;
    assert!(all.len() > 40, "{all:?}");
    for verbs in all {
        let help = help(&env, "node-tool", &verbs)?;
        let (_, examples) = help.split_once("Example").unwrap_or_default();
        let called = format!("node-tool {}", verbs.join(" "));
        assert!(examples.contains(&called), "{called}: {help}");
    }
    Ok(())
}

#[test]
fn the_short_help_leaves_out_what_every_command_takes() -> anyhow::Result<()> {
    let env = TestEnv::new()?;
    let short = env.node_tool(["copy", "-h"])?.ok()?;
    let long = env.node_tool(["copy", "--help"])?.ok()?;
    for (text, in_short, in_long) in [
        ("--checksum", true, true),
        ("--transfers", false, true),
        ("Example", true, true),
        ("Flags of every command: node-tool copy --help", true, false),
    ] {
        assert_eq!(
            (short.contains(text), long.contains(text)),
            (in_short, in_long),
            "{text}"
        );
    }
    Ok(())
}

#[test]
fn its_name_alone_tells_the_first_step() -> anyhow::Result<()> {
    let env = TestEnv::new()?;
    let end = env.node_tool([""; 0])?;
    assert_eq!((end.code, end.out.as_str()), (2, ""));
    assert!(end.err.lines().count() <= 10, "{}", end.err);
    assert!(end.err.contains("  node-tool config create dbx\n"), "{}", end.err);
    env.connect("dbx")?;
    let end = env.node_tool([""; 0])?;
    assert!(end.err.contains("Connected: dbx:"), "{}", end.err);
    Ok(())
}

#[test]
fn every_command_has_a_manual_page_without_warnings() -> anyhow::Result<()> {
    let env = TestEnv::new()?;
    env.node_tool(["man", "--all", "pages/man1"])?.ok()?;
    let mut pages: Vec<_> = std::fs::read_dir(env.path("pages/man1"))?
        .map(|entry| Ok(entry?.path()))
        .collect::<std::io::Result<_>>()?;
    assert_eq!(pages.len(), commands(&env, &[])?.len() + 1);
    let of_laptop = env.path("pages/man1/authorizer.1");
    let mut command = env.command("authorizer")?;
    command.arg("--man");
    std::fs::write(&of_laptop, run(command, "")?.ok()?)?;
    pages.push(of_laptop);
    for page in pages {
        let source = std::fs::read_to_string(&page)?;
        for section in [
            "SYNOPSIS",
            "DESCRIPTION",
            "\"EXIT STATUS\"",
            "ENVIRONMENT",
            "FILES",
            "EXAMPLES",
            "\"SEE ALSO\"",
        ] {
            assert!(
                source.contains(&format!("\n.SH {section}\n")),
                "{} lacks {section}",
                page.display()
            );
        }
        check_typesetting(&page)?;
    }
    assert!(
        env.node_tool(["man", "config", "create"])?
            .ok()?
            .contains("\n.TH node-tool-config-create 1 ")
    );
    assert!(env.node_tool(["version"])?.ok()?.starts_with("node-tool v0."));
    let end = env.node_tool(["man", "nothing"])?;
    assert!(end.code == 2 && end.err.contains("'nothing'"), "{}", end.err);
    Ok(())
}

/// Typesets a page, and fails if that needed a warning.
fn check_typesetting(page: &Path) -> anyhow::Result<()> {
    let mut command = Command::new("groff");
    command.args(["-man", "-Tutf8", "-ww", "-K", "utf8"]).arg(page);
    let Ok(end) = command.output() else {
        skip("groff is not installed; manual pages are not typeset");
        return Ok(());
    };
    let said = String::from_utf8_lossy(&end.stderr);
    assert!(
        end.status.success() && said.is_empty(),
        "{}: {said}",
        page.display()
    );
    Ok(())
}
