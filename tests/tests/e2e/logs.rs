//! The log: one form for all lines, as text and as JSON, and no secret in it.

use std::fs;

use anyhow::Context as _;
use serde_json::Value;
use tests::{files::write, test_env::TestEnv};

const THEN: u64 = 1_500_000_000;

fn log(env: &TestEnv) -> anyhow::Result<String> {
    Ok(fs::read_to_string(env.path("log"))?)
}

#[test]
fn lines_of_text_have_one_form() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    write(&env.path("from/good"), b"1", THEN)?;
    write(&env.path("from/bad\\name"), b"2", THEN)?;
    env.node_tool(["copy", "from", "dbx:to", "-v", "--log-file", "log"])?
        .fails(6)?;
    env.node_tool(["lsd", "dbx:no", "--log-file", "log"])?.fails(3)?;
    let text = log(&env)?;
    let form = regex::Regex::new(r"^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d (INFO  |NOTICE|ERROR ): .+$")?;
    for line in text.lines() {
        assert!(form.is_match(line), "{line}\nin\n{text}");
    }
    let after_time: Vec<&str> = text.lines().map(|line| &line[20..]).collect();
    assert!(
        after_time[0].starts_with("INFO  : node-tool ")
            && after_time[0].ends_with(": node-tool copy from dbx:to -v --log-file log"),
        "{text}"
    );
    assert!(after_time.contains(&"INFO  : good: Copied (new)"), "{text}");
    assert!(
        after_time
            .iter()
            .any(|line| line.starts_with("ERROR : bad\\name: ")),
        "{text}"
    );
    assert!(
        after_time
            .iter()
            .any(|line| line.starts_with("INFO  : exit code 6 after ")),
        "{text}"
    );
    // Without -v there are the first and the last line, and what went wrong.
    let second: Vec<&&str> = after_time
        .iter()
        .skip_while(|line| !line.contains("lsd dbx:no"))
        .collect();
    assert!(
        second[1].starts_with("ERROR : error: 'dbx:no' is not there"),
        "{text}"
    );
    assert!(
        second
            .last()
            .is_some_and(|line| line.starts_with("INFO  : exit code 3 after ")),
        "{text}"
    );
    Ok(())
}

#[test]
fn lines_of_json_are_those_of_rclone() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    write(&env.path("from/good"), b"123", THEN)?;
    write(&env.path("from/bad\\name"), b"2", THEN)?;
    let end = env.node_tool(["copy", "from", "dbx:to", "-v", "--use-json-log"])?;
    assert_eq!((end.code, end.out.as_str()), (6, ""));
    let lines: Vec<Value> = end
        .err
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?;
    for line in &lines {
        assert!(
            ["time", "level", "msg", "source"]
                .iter()
                .all(|field| line[field].is_string()),
            "{line}"
        );
    }
    let about =
        |object: &str| -> Vec<&Value> { lines.iter().filter(|line| line["object"] == object).collect() };
    let good = *about("good").first().context("not logged")?;
    assert_eq!(
        (&good["level"], &good["msg"], &good["size"], &good["objectType"]),
        (
            &"info".into(),
            &"Copied (new)".into(),
            &3.into(),
            &"*local.Object".into()
        )
    );
    let bad = about("bad\\name");
    assert!(bad.len() == 1 && bad[0]["level"] == "error", "{bad:?}");
    // A failure is an error without -v, too.
    let end = env.node_tool(["copy", "from", "dbx:to", "--use-json-log"])?;
    assert!(
        end.err
            .lines()
            .any(|line| line.contains("\"level\":\"error\"") && line.contains("bad")),
        "{}",
        end.err
    );
    Ok(())
}

#[test]
fn no_secret_of_the_command_line_is_logged() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    for args in [
        vec!["lsd", "dbx:", "--password-command", "echo SECRET"],
        vec![
            "config",
            "create",
            "new",
            "dropbox",
            "client_secret=SECRET",
            "token=SECRET",
        ],
    ] {
        for form in [
            &["--log-file", "log"][..],
            &["--log-file", "log", "--use-json-log"],
        ] {
            let end = env.node_tool(args.iter().chain(form).chain(&["-vv"]))?;
            assert!(!end.err.contains("SECRET\"]"), "{}", end.err);
        }
    }
    let text = log(&env)?;
    assert!(!text.contains("SECRET") && text.contains("***"), "{text}");
    Ok(())
}
