//! Every `next:` line that is a command works where it is printed: it is pasted into a shell.

use std::process::Command;

use tests::test_env::{Output, TestEnv, run};

/// A name that has to be quoted.
const ODD: &str = "it's a $HOME \u{1b}name";

fn env() -> anyhow::Result<TestEnv> {
    let env = TestEnv::connected()?;
    env.sandbox.put_file("/d/x", b"x", None)?;
    env.sandbox.put_file(&format!("/{ODD}/{ODD}"), b"x", None)?;
    env.sandbox.put_file("/gone", b"x", None)?;
    env.sandbox.remove("/gone")?;
    std::fs::create_dir_all(env.path("-here/deep"))?;
    std::fs::write(env.path("-here/file"), "x")?;
    Ok(env)
}

/// The commands among the next steps.
fn commands(end: &Output) -> Vec<&str> {
    let lines = end
        .err
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("next: "));
    lines.filter(|line| line.starts_with("node-tool ")).collect()
}

/// Pastes a line into a shell that finds the program.
fn paste(env: &TestEnv, line: &str) -> anyhow::Result<Output> {
    let program = tests::programs::program("node-tool")?;
    let dir = program
        .parent()
        .map(|dir| dir.display().to_string())
        .unwrap_or_default();
    let mut command = Command::new("bash");
    env.isolate(&mut command);
    let path = format!("{dir}:{}", std::env::var("PATH").unwrap_or_default());
    command.env("PATH", path).args(["-c", line]);
    run(command, "")
}

#[test]
fn every_command_that_is_advised_works() -> anyhow::Result<()> {
    let odd = format!("dbx:{ODD}");
    let odd_file = format!("dbx:{ODD}/{ODD}");
    let nowhere = format!("dbx:{ODD}/no/deeper");
    let situations: Vec<(Vec<&str>, i32, usize)> = vec![
        (vec!["ls", "dbx:no/such/place"], 3, 1),
        (vec!["lsf", &nowhere], 3, 1),
        (vec!["cat", &nowhere], 3, 1),
        (vec!["check", &nowhere, "dbx:d"], 3, 1),
        (vec!["size", "dbx:no"], 3, 1),
        (vec!["watch", "dbx:no"], 3, 1),
        (vec!["revisions", "dbx:never"], 4, 1),
        (vec!["revisions", "dbx:"], 1, 1),
        (vec!["link", "dbx:"], 1, 1),
        (vec!["link", "dbx:", "--unlink"], 1, 1),
        (vec!["restore", "dbx:"], 1, 1),
        (vec!["link", "here"], 2, 1),
        (vec!["restore", &odd_file], 2, 1),
        (vec!["restore", "dbx:d/x", "--rev", "0123456789abcdef"], 1, 1),
        (vec!["rmdir", &odd], 1, 2),
        (vec!["rmdir", &odd_file], 1, 1),
        (vec!["rmdirs", &odd_file], 1, 1),
        (vec!["purge", &odd_file], 1, 1),
        (vec!["purge", "dbx:"], 2, 1),
        (vec!["deletefile", &odd], 4, 1),
        (vec!["deletefile", "dbx:no"], 4, 1),
        (vec!["rmdir", "./-here"], 1, 2),
        (vec!["purge", "./-here/file"], 1, 1),
        (vec!["deletefile", "./-here"], 4, 1),
        (vec!["cleanup", "dbx:"], 2, 1),
        (vec!["ls", "dbxx:"], 1, 2),
        (vec!["ls", "nothing like it:"], 1, 2),
        (vec!["copy", "dbx:no", "here"], 3, 1),
        (vec!["sync", "./-here/deep", &odd], 1, 1),
    ];
    for (args, code, count) in situations {
        let advised = env()?.node_tool(&args)?;
        assert_eq!(advised.code, code, "{args:?}: {}", advised.err);
        assert_eq!(commands(&advised).len(), count, "{args:?}: {}", advised.err);
        for line in commands(&advised) {
            let env = env()?;
            // What asks a person is only looked at.
            let is_asking = line.starts_with("node-tool config create");
            let end = paste(
                &env,
                &if is_asking {
                    format!("{line} --help")
                } else {
                    line.to_owned()
                },
            )?;
            assert_eq!(end.code, 0, "{args:?} advised: {line}\n{}", end.err);
        }
    }
    Ok(())
}

#[test]
fn what_stops_a_listing_promises_nothing_about_files() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    let mut terminal = env.terminal("node-tool", &["watch", "dbx:"])?;
    terminal.expect("watching 'dbx:'")?;
    terminal.send("\u{3}")?;
    let (code, screen) = terminal.end()?;
    assert!(code == 130 && !screen.contains("next:"), "{screen}");
    Ok(())
}

#[test]
fn errors_name_the_right_cause() -> anyhow::Result<()> {
    let env = env()?;
    for (args, code, words, not) in [
        (
            vec!["mkdir", "dbx:d/x"],
            1,
            "a file of this name is there",
            "meanwhile",
        ),
        (vec!["link", "dbx:"], 1, "the root of a Dropbox", "pattern"),
        (
            vec!["ls", "dbx:", "--files-from", "no/such"],
            2,
            "it is not there",
            "os error",
        ),
        (vec!["cat", "./-here/file/x"], 3, "is not there", "os error"),
        (
            vec!["touch", "no/such/file"],
            1,
            "No such file or directory",
            "os error",
        ),
        (vec!["rmdir", "/proc/self/net"], 1, "", "os error"),
    ] {
        let end = env.node_tool(&args)?;
        assert_eq!(end.code, code, "{args:?}: {}", end.err);
        assert!(
            end.err.contains(words) && !end.err.contains(not),
            "{args:?}: {}",
            end.err
        );
    }
    // Nothing of these needs a home, a config or a connection.
    for verb in [&["version"][..], &["man"], &["completion", "zsh"]] {
        let mut command = env.command("node-tool")?;
        command
            .env_remove("HOME")
            .env("SSL_CERT_FILE", "no/such/file")
            .env("DROPBOX_URL", "nonsense");
        command.args(verb);
        let end = run(command, "")?;
        assert_eq!((end.code, end.err.as_str()), (0, ""), "{verb:?}");
    }
    Ok(())
}

#[test]
fn what_a_rule_leaves_is_not_called_the_same() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    for (name, text) in [("same", "same"), ("other", "newer text")] {
        tests::files::write(&env.path("from").join(name), text.as_bytes(), 1_500_000_000)?;
    }
    let time = Some("2017-07-14T02:40:00Z");
    env.sandbox.put_file("/to/same", b"same", time)?;
    env.sandbox
        .put_file("/to/other", b"newest", Some("2020-07-14T02:40:00Z"))?;
    for dry in [&["--dry-run"][..], &[]] {
        let end = env.node_tool([&["copy", "from", "dbx:to", "--update"], dry].concat())?;
        assert_eq!(end.code, 0, "{}", end.err);
        assert!(
            end.err.contains(", 1 already there, 1 left as they are"),
            "{}",
            end.err
        );
    }
    Ok(())
}
