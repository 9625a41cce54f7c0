//! What a person sees: names can't drive the terminal, whichever verb shows them; pipes get the bytes that rclone gives; the
//! progress fits and is gone at the end.

use sandbox::{Fault, Kind, Sandbox};
use tests::{
    files::{noise, write},
    terminal::Terminal,
    test_env::{TestEnv, run},
};

/// A name with all that does harm: a colour, a bell, the other direction, something invisible, a C1 control, an end of a line.
const EVIL: &str = "a\u{1b}[35mb\u{7}c\u{202e}d\u{200b}e\u{9b}f\ng";

fn env() -> anyhow::Result<TestEnv> {
    let env = TestEnv::new()?;
    env.sandbox
        .sit_down(&format!("Eve{EVIL}"), "Smith", "eve@example.org");
    env.connect("dbx")?;
    env.sandbox
        .put_file(&format!("/d/{EVIL}.txt"), b"x", Some("2001-02-03T04:05:06Z"))?;
    env.sandbox
        .put_file(&format!("/d/{EVIL}/{EVIL}"), b"x", Some("2001-02-03T04:05:06Z"))?;
    env.sandbox.put_file(&format!("/gone {EVIL}"), b"x", None)?;
    env.sandbox.remove(&format!("/gone {EVIL}"))?;
    write(
        &env.path("here").join(format!("{EVIL}.node-tool")),
        b"y",
        1_500_000_000,
    )?;
    std::os::unix::fs::symlink("x", env.path("here").join(EVIL))?;
    let half = env
        .path("half")
        .join(EVIL)
        .join(".node-tool.0123456789abcdef.partial");
    write(&half, b"half", 1_500_000_000)?;
    Ok(env)
}

/// What must not reach a terminal; ends of lines come from us too, so they are looked at apart.
fn harm(screen: &str) -> Vec<char> {
    let is_harm = |c: &char| shared::plain::is_hidden(*c) && !matches!(c, '\n' | '\r' | '\t');
    screen.chars().filter(is_harm).collect()
}

#[test]
fn no_verb_lets_a_name_drive_the_terminal() -> anyhow::Result<()> {
    let env = env()?;
    let colours = regex::Regex::new("\u{1b}\\[(0|1|4|3[1-3])m")?;
    // EVIL stands for the name.
    let verbs: Vec<Vec<&str>> = vec![
        vec!["lsd", "dbx:d"],
        vec!["ls", "dbx:d"],
        vec!["lsl", "dbx:d"],
        vec!["lsf", "-R", "dbx:d"],
        vec!["lsjson", "-R", "dbx:d"],
        vec!["lsjson", "--stat", "dbx:d/EVIL.txt"],
        vec!["tree", "dbx:d"],
        vec!["hashsum", "dropbox", "dbx:d"],
        vec!["check", "here", "dbx:d", "--combined", "-", "--differ", "-"],
        vec!["search", "dbx:", "txt"],
        vec!["revisions", "dbx:gone EVIL"],
        vec!["revisions", "dbx:no", "dbx:d/EVIL"],
        vec!["link", "dbx:d/EVIL"],
        vec!["link", "dbx:d/EVIL no"],
        vec!["cat", "dbx:d/EVIL no"],
        vec!["ls", "dbx:d/EVIL no", "-vv"],
        vec!["ls", "EVIL:"],
        vec!["ls", "dbx:", "--EVIL"],
        vec!["ls", "dbx:", "--include", "[EVIL"],
        vec!["ls", "dbx:d", "--use-json-log", "-vv"],
        vec!["rmdir", "dbx:d/EVIL"],
        vec!["mkdir", "dbx:d/EVIL.txt"],
        vec!["purge", "dbx:d/EVIL.txt"],
        vec!["deletefile", "dbx:d/EVIL"],
        vec!["delete", "dbx:d", "--dry-run"],
        vec!["delete", "dbx:d", "--dry-run", "--use-json-log"],
        vec!["touch", "dbx:d/EVIL"],
        vec!["restore", "dbx:d/EVIL.txt"],
        vec!["cleanup", "half"],
        vec!["copy", "dbx:d", "to EVIL", "--dry-run"],
        vec!["copy", "dbx:d", "to EVIL", "--dry-run", "--json"],
        vec!["copy", "here", "dbx:d/EVIL.txt"],
        vec!["copy", "here", "dbx:up", "-v"],
        vec!["sync", "dbx:d", "down", "-v", "--interactive"],
        vec!["moveto", "dbx:d", "dbx:moved EVIL"],
        vec!["restore", "dbx:gone EVIL"],
        vec!["config", "list"],
        vec!["config", "show", "dbx"],
        vec!["config", "show", "EVIL"],
        vec!["about", "dbx:d/EVIL"],
        vec!["size", "dbx:d/EVIL no"],
    ];
    for verb in verbs {
        let words: Vec<String> = verb.iter().map(|word| word.replace("EVIL", EVIL)).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let mut terminal = env.terminal("node-tool", &words)?;
        // Where it asks, the answer is to stop.
        if verb.contains(&"--interactive") {
            terminal.expect("> ")?;
            terminal.send("q\r")?;
        }
        let (_, screen) = terminal.end()?;
        // clap's colours are its own.
        let screen = colours.replace_all(&screen, "");
        assert!(harm(&screen).is_empty(), "{verb:?}: {screen:?}");
        assert!(
            !screen.lines().any(|line| line.starts_with('g')),
            "{verb:?}: {screen:?}"
        );
    }
    Ok(())
}

#[test]
fn changes_and_questions_are_clean_too() -> anyhow::Result<()> {
    let env = env()?;
    let mut terminal = env.terminal("node-tool", &["watch", "dbx:d", "--count", "1"])?;
    terminal.expect("watching 'dbx:d'")?;
    env.sandbox.put_file(&format!("/d/new {EVIL}"), b"x", None)?;
    let (code, screen) = terminal.end()?;
    assert_eq!(code, 0);
    assert!(
        screen.contains("+ d/new a") && harm(&screen).is_empty(),
        "{screen:?}"
    );
    let mut terminal = env.terminal("node-tool", &["purge", &format!("dbx:d/{EVIL}")])?;
    terminal.expect("(y/n) [n]> ")?;
    terminal.send("\r")?;
    let (_, screen) = terminal.end()?;
    assert!(harm(&screen).is_empty(), "{screen:?}");
    let mut terminal = env.terminal("node-tool", &["config"])?;
    terminal.expect("> ")?;
    terminal.send("q\r")?;
    let (_, screen) = terminal.end()?;
    assert!(screen.contains("dbx") && harm(&screen).is_empty(), "{screen:?}");
    Ok(())
}

#[test]
fn pipes_get_what_rclone_gives_them() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    let name = "d/a\u{1b}[31m\u{202e}\nb";
    env.sandbox
        .put_file(&format!("/{name}"), b"x", Some("2001-02-03T04:05:06Z"))?;
    let line = "a␛[31m\u{202e}␊b\n";
    for (verb, before) in [
        (vec!["ls", "dbx:d"], "        1 "),
        (vec!["lsl", "dbx:d"], "        1 2001-02-03 04:05:06.000000000 "),
        (vec!["lsf", "dbx:d"], ""),
        (vec!["check", "dbx:d", "dbx:d", "--match", "-"], ""),
        (vec!["check", "dbx:d", "dbx:d", "--combined", "-"], "= "),
        (vec!["search", "dbx:", "31m", "--names-only"], "d/"),
    ] {
        assert_eq!(env.node_tool(&verb)?.ok()?, format!("{before}{line}"), "{verb:?}");
    }
    let tree = env.node_tool(["tree", "--noreport", "dbx:d"])?.ok()?;
    assert_eq!(tree, "/\n└── a\u{1b}[31m\u{202e}\nb\n");
    let json = env.node_tool(["lsjson", "dbx:d"])?.ok()?;
    let json: serde_json::Value = serde_json::from_str(&json)?;
    assert_eq!(json[0]["Name"], "a\u{1b}[31m\u{202e}\nb");
    Ok(())
}

/// A env where a big upload takes its time.
fn slow() -> anyhow::Result<TestEnv> {
    let env = TestEnv::with(Sandbox::builder())?;
    env.connect("dbx")?;
    write(&env.path("from/results/scan-7.h5"), &noise(1, 40 << 20), 1)?;
    let slow = Fault::on("files/upload_session/append_v2", Kind::Stall { millis: 1000 });
    env.sandbox.fault(slow.times(1000));
    Ok(env)
}

fn start(env: &TestEnv, columns: u16, locale: &str, term: &str) -> anyhow::Result<Terminal> {
    let mut command = std::process::Command::new("setsid");
    env.isolate(&mut command);
    command
        .env("LC_ALL", locale)
        .env("TERM", term)
        .args(["--ctty", "--wait"])
        .arg(tests::programs::program("node-tool")?)
        .args([
            "copy",
            "from",
            "dbx:to",
            "-P",
            "--transfers",
            "1",
            "--stats",
            "1ms",
        ]);
    Terminal::start_with(command, columns)
}

#[test]
fn progress_fits_and_is_gone_after_ctrl_c() -> anyhow::Result<()> {
    let env = slow()?;
    for (columns, name, locale) in [
        (80, "results/scan-7.h5", "C.UTF-8"),
        (40, "results/scan-7.h5", "C.UTF-8"),
        (40, "results/scan-7.h5", "C"),
    ] {
        let mut terminal = start(&env, columns, locale, "xterm-256color")?;
        terminal.expect(name)?;
        let picture = terminal.picture_when(|picture| {
            let lines: Vec<&str> = picture
                .lines()
                .map(str::trim_end)
                .filter(|line| !line.is_empty())
                .collect();
            let ends = [" 0 of 1 files", name];
            lines.len() == 2
                && lines
                    .iter()
                    .zip(ends)
                    .all(|(line, end)| line.contains('%') && line.ends_with(end))
        })?;
        assert!(locale != "C" || picture.is_ascii(), "{picture}");
        terminal.send("\u{3}")?;
        let (code, screen, picture) = terminal.end_with_picture()?;
        assert_eq!(code, 130, "{screen}");
        // Long lines go on in the next row.
        let end: String = picture.split_whitespace().collect();
        assert!(
            !end.contains('%') && end.contains("error:stoppedbyCtrl-C"),
            "{picture}"
        );
        assert!(end.ends_with("finishedfilesarenotsentagain"), "{picture}");
    }
    Ok(())
}

#[test]
fn a_dumb_terminal_is_told_in_lines() -> anyhow::Result<()> {
    let env = slow()?;
    let mut terminal = start(&env, 80, "C.UTF-8", "dumb")?;
    terminal.expect(" of 40.00 MiB, 0 of 1 files\n".trim_end())?;
    terminal.send("\u{3}")?;
    let (_, screen) = terminal.end()?;
    assert!(!screen.contains('\u{1b}'), "{screen:?}");
    Ok(())
}

#[test]
fn what_clap_says_about_bytes_is_clean() -> anyhow::Result<()> {
    let env = TestEnv::new()?;
    let mut command = env.command("node-tool")?;
    command.args(["ls", "--transfers", "1\u{1b}[2J", "x"]);
    let end = run(command, "")?;
    assert_eq!((end.code, harm(&end.err)), (2, vec![]), "{}", end.err);
    Ok(())
}
