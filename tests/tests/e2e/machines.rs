//! `--json`: every command prints objects of the schema, the total last.

use std::fs;

use node_tool::report::json::{Action, CheckResult, Kind, Object, Outcome, Total};
use sandbox::{Fault, Kind as FaultKind};
use tests::{
    files::{noise, write},
    test_env::{Output, TestEnv},
};

/// Time of local files, in seconds since 1970, and as Dropbox has it.
const THEN: u64 = 1_500_000_000;
const THEN_TEXT: &str = "2017-07-14T02:40:00Z";

/// Returns the objects that a command prints, and how it ended.
fn objects(env: &TestEnv, args: &[&str]) -> anyhow::Result<(Vec<Object>, Output)> {
    let end = env.node_tool(args.iter().chain(&["--json"]))?;
    let parse = |line| Object::parse(line).map_err(|error| anyhow::anyhow!("{args:?}: {error}: {line}"));
    let objects = end.out.lines().map(parse).collect::<anyhow::Result<Vec<_>>>()?;
    Ok((objects, end))
}

/// Returns the objects before the total, which has to have the exit code `code`, and the total.
fn before_total(env: &TestEnv, args: &[&str], code: i32) -> anyhow::Result<(Vec<Object>, Total)> {
    let (mut objects, end) = objects(env, args)?;
    let Some(Object::Total(total)) = objects.pop() else {
        anyhow::bail!("{args:?}: no total: {}{}", end.out, end.err);
    };
    anyhow::ensure!(
        end.code == code && i32::from(total.exit_code) == code && total.command == args[0],
        "{args:?}: {} {}",
        end.out,
        end.err
    );
    Ok((objects, total))
}

/// Returns the names of the objects' types.
fn types(objects: &[Object]) -> Vec<String> {
    let name = |object: &Object| {
        let value = serde_json::to_value(object).unwrap_or_default();
        value["type"].as_str().unwrap_or_default().to_owned()
    };
    objects.iter().map(name).collect()
}

fn outcomes(objects: Vec<Object>) -> Vec<Outcome> {
    let outcome = |object| match object {
        Object::Outcome(outcome) => Some(outcome),
        _ => None,
    };
    objects.into_iter().filter_map(outcome).collect()
}

#[test]
fn every_command_prints_its_objects_and_the_total_last() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    write(&env.path("here/a.txt"), b"abc", THEN)?;
    write(&env.path("here/d/b.txt"), b"other", THEN)?;
    fs::create_dir_all(env.path("empty"))?;
    env.sandbox.put_file("/t/a.txt", b"abc", Some(THEN_TEXT))?;
    env.sandbox.put_file("/t/d/c.txt", b"1", Some(THEN_TEXT))?;
    env.sandbox
        .put_file("/SUMS", b"900150983cd24fb0d6963f7d28e17f72  a.txt\n", None)?;
    let (file, folder) = (vec!["entry"; 2], vec!["entry"; 1]);
    for (args, code, expected) in [
        (vec!["md5sum", "here"], 0, vec!["digest"; 2]),
        (vec!["sha256sum", "dbx:t", "--download"], 0, vec!["digest"; 2]),
        (vec!["sha1sum", "here/a.txt"], 0, vec!["digest"]),
        (vec!["hashsum", "dropbox", "dbx:t"], 0, vec!["digest"; 2]),
        (vec!["hashsum"], 0, vec!["digest"; 6]),
        (vec!["md5sum", "dbx:t"], 1, vec!["error"]),
        (vec!["md5sum", "here", "-C", "dbx:SUMS"], 1, vec!["checked"; 2]),
        (vec!["checksum", "md5", "dbx:SUMS", "here"], 1, vec!["checked"; 2]),
        (vec!["rcat", "dbx:t/new", "--dry-run"], 0, vec!["step"]),
        (vec!["shared", "list"], 0, vec![]),
        (
            vec!["archive", "create", "here", "dbx:x.tar", "-n"],
            0,
            vec!["step"; 3],
        ),
        (
            vec!["archive", "create", "here", "dbx:x.tar"],
            0,
            vec!["outcome"; 3],
        ),
        (vec!["archive", "list", "dbx:x.tar"], 0, vec!["entry"; 3]),
        (
            vec!["archive", "extract", "dbx:x.tar", "dbx:x", "-n"],
            0,
            vec!["step"; 2],
        ),
        (
            vec!["archive", "extract", "dbx:x.tar", "dbx:x"],
            0,
            vec!["outcome"; 3],
        ),
        (
            vec!["archive", "create", "here", "--format", "tar"],
            2,
            vec!["error"],
        ),
        (vec!["config", "path"], 0, vec!["config"]),
        (vec!["config", "file"], 0, vec!["config"]),
        (vec!["config", "touch"], 0, vec!["config"]),
        (vec!["config", "copy", "dbx", "two"], 0, vec!["remote"]),
        (vec!["config", "rename", "two", "three"], 0, vec!["remote"]),
        (
            vec!["config", "update", "three", "export_formats=md"],
            0,
            vec!["remote"],
        ),
        (vec!["config", "delete", "three"], 0, vec!["outcome"]),
        (vec!["config"], 2, vec!["error"]),
        (vec!["completion", "bash"], 2, vec!["error"]),
        (vec!["ls", "dbx:t"], 0, file.clone()),
        (vec!["lsl", "dbx:t"], 0, file.clone()),
        (vec!["lsd", "dbx:t"], 0, folder),
        (vec!["lsf", "dbx:t", "-R"], 0, vec!["entry"; 3]),
        (vec!["lsf", "dbx:t", "-R", "--files-only"], 0, file),
        (vec!["tree", "dbx:t"], 0, vec!["entry"; 3]),
        (
            vec!["search", "dbx:", "a.txt", "--names-only"],
            0,
            vec!["entry"; 2],
        ),
        (
            vec!["search", "dbx:", "nothing-like-it", "--names-only"],
            4,
            vec![],
        ),
        (vec!["revisions", "dbx:t/a.txt"], 0, vec!["revision"]),
        (vec!["link", "dbx:t/a.txt"], 0, vec!["link"]),
        (vec!["link", "dbx:t/a.txt", "--unlink"], 0, vec!["outcome"]),
        (vec!["config", "list"], 0, vec!["remote"]),
        (vec!["config", "show", "dbx"], 0, vec!["remote"]),
        (vec!["config", "show"], 0, vec!["remote"]),
        (vec!["version"], 0, vec!["version"]),
        (vec!["copy", "here", "dbx:t", "--dry-run"], 0, vec!["step"]),
        (vec!["copy", "here", "dbx:t"], 0, vec!["outcome"]),
        (vec!["copyto", "here/a.txt", "dbx:t/new.txt"], 0, vec!["outcome"]),
        (vec!["sync", "dbx:t", "down"], 0, vec!["outcome"; 4]),
        (vec!["mkdir", "dbx:t/new", "--dry-run"], 0, vec!["step"]),
        (vec!["mkdir", "dbx:t/new"], 0, vec!["outcome"]),
        (vec!["rmdir", "dbx:t/new"], 0, vec!["outcome"]),
        (vec!["touch", "dbx:t/empty"], 0, vec!["outcome"]),
        (vec!["rmdirs", "empty"], 0, vec!["outcome"]),
        (vec!["deletefile", "dbx:t/empty"], 0, vec!["outcome"]),
        (vec!["restore", "dbx:t/empty"], 0, vec!["outcome"]),
        (vec!["delete", "dbx:t/d", "--dry-run"], 0, vec!["step"; 2]),
        (vec!["delete", "dbx:t/d"], 0, vec!["outcome"; 2]),
        (vec!["move", "dbx:t", "dbx:m"], 0, vec!["outcome"]),
        (vec!["moveto", "dbx:m/a.txt", "dbx:m/z.txt"], 0, vec!["outcome"]),
        (vec!["purge", "dbx:m", "--dry-run"], 0, vec!["step"]),
        (vec!["purge", "dbx:m"], 0, vec!["outcome"]),
        (vec!["cleanup", "down"], 0, vec![]),
        (vec!["lsd", "dbx:no"], 3, vec!["error"]),
        (vec!["cat", "dbx:t/a.txt"], 2, vec!["error"]),
        (vec!["lsjson", "dbx:t"], 2, vec!["error"]),
        (vec!["man"], 2, vec!["error"]),
    ] {
        let (found, _) = before_total(&env, &args, code)?;
        assert_eq!(types(&found), expected, "{args:?}: {found:?}");
    }
    for (args, expected) in [
        (
            ["size", "down"],
            Object::Size(node_tool::report::json::Size {
                count: 4,
                bytes: 12,
                sizeless: 0,
            }),
        ),
        (["about", "dbx:"], objects(&env, &["about", "dbx:"])?.0.remove(0)),
    ] {
        let (found, end) = objects(&env, &args)?;
        assert_eq!(
            (found, end.code),
            (vec![expected], 0),
            "{args:?}: only one object"
        );
    }
    Ok(())
}

#[test]
fn what_is_made_of_a_stream_or_an_archive_has_its_hash() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    let parsed = |end: &Output| -> anyhow::Result<Vec<Object>> {
        let parsed = end.out.lines().map(Object::parse).collect::<Result<_, _>>();
        parsed.map_err(|error| anyhow::anyhow!("{error}: {} {}", end.out, end.err))
    };
    let end = env.node_tool_with(["rcat", "dbx:new", "--json"], "hello")?;
    let found = outcomes(parsed(&end)?);
    let (listed, _) = before_total(&env, &["lsf", "dbx:", "--files-only"], 0)?;
    let Some(Object::Entry(entry)) = listed.first() else {
        anyhow::bail!("{listed:?}")
    };
    assert_eq!(
        (found[0].action, found[0].path.as_str(), found[0].size),
        (Some(Action::Write), "", Some(5))
    );
    assert_eq!(
        (&found[0].rev, found[0].content_hash),
        (&entry.rev, entry.content_hash)
    );
    assert!(found[0].rev.is_some());
    let end = env.node_tool_with(["md5sum", "--json"], "hello")?;
    assert!(
        matches!(&parsed(&end)?[0], Object::Digest(digest) if digest.path.as_deref() == Some("-")
            && digest.digest.as_deref() == Some("5d41402abc4b2a76b9719d911017c592") && digest.size == Some(5))
    );
    write(&env.path("from/d/x"), b"abc", THEN)?;
    let (made, total) = before_total(&env, &["archive", "create", "from", "dbx:x.zip"], 0)?;
    let made = outcomes(made);
    let actions: Vec<_> = made.iter().map(|made| made.action).collect();
    assert_eq!(actions, [Some(Action::Archive), Some(Action::Write)]);
    assert!(made[1].rev.is_some() && total.bytes == made[1].size, "{made:?}");
    // What can't be extracted is an outcome, too.
    let (_, total) = before_total(&env, &["archive", "extract", "dbx:x.zip", "dbx:d"], 0)?;
    assert_eq!((total.files, total.bytes, total.failed), (Some(1), Some(3), None));
    env.sandbox.put_file("/d/d/x", b"other", None)?;
    let (found, total) = before_total(&env, &["archive", "extract", "dbx:x.zip", "dbx:d"], 1)?;
    let failed = outcomes(found);
    assert!(!failed[0].ok && failed[0].path == "d/x", "{failed:?}");
    assert_eq!((total.files, total.failed), (Some(0), Some(1)));
    Ok(())
}

#[test]
fn a_plan_and_its_run_print_steps_and_outcomes() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    write(&env.path("from/x"), b"abc", THEN)?;
    let (planned, _) = before_total(&env, &["copy", "from", "dbx:to", "--plan-out", "plan"], 0)?;
    assert_eq!(types(&planned), ["step"]);
    let (done, total) = before_total(&env, &["run", "plan"], 0)?;
    let done = outcomes(done);
    assert_eq!((done[0].path.as_str(), done[0].action), ("x", Some(Action::Copy)));
    assert!(done[0].rev.is_some() && total.files == Some(1));
    let end = env.node_tool(["--json", "submit", "--", "run", "plan"])?;
    let first = end.out.lines().next().map(Object::parse).transpose()?;
    assert!(
        matches!(&first, Some(Object::Job(job)) if job.id.is_none() && job.script.contains("node-tool run plan")),
        "{}",
        end.out
    );
    env.sandbox.remove("/to/x")?;
    let (found, _) = before_total(&env, &["restore", "dbx:to/x", "--dry-run"], 0)?;
    assert!(
        matches!(&found[..], [Object::Step(step)] if step.rev.is_some()),
        "{found:?}"
    );
    Ok(())
}

#[test]
fn what_others_share_is_an_object() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    env.sandbox.share_folder_of_other("/Reference data", true)?;
    env.sandbox.put_file_of_other("/one.txt", b"for you", None)?;
    env.sandbox.share_file_of_other("/one.txt")?;
    let place = "dbx:{Reference data}";
    let (found, _) = before_total(&env, &["shared", "list"], 0)?;
    assert_eq!(types(&found), ["shared", "shared"]);
    assert!(
        matches!(&found[0], Object::Shared(shared) if shared.place == place && shared.mounted.is_none()
            && shared.kind == Kind::Folder && !shared.owners.is_empty()),
        "{found:?}"
    );
    let (found, _) = before_total(&env, &["shared", "mount", place], 0)?;
    let mounted = outcomes(found);
    assert_eq!(
        (
            mounted[0].action,
            mounted[0].path.as_str(),
            mounted[0].from.as_deref()
        ),
        (Some(Action::Mount), "dbx:Reference data", Some(place))
    );
    let (found, _) = before_total(&env, &["shared", "unmount", place], 0)?;
    assert_eq!(outcomes(found)[0].action, Some(Action::Unmount));
    Ok(())
}

#[test]
fn a_line_that_is_no_command_is_an_error_too() -> anyhow::Result<()> {
    let env = TestEnv::new()?;
    let (found, end) = objects(&env, &["copy", "a"])?;
    assert_eq!(
        (types(&found), end.code),
        (vec!["error".to_owned(), "total".to_owned()], 2)
    );
    assert!(end.err.contains("Usage:"), "{}", end.err);
    let (found, end) = objects(&env, &["copy", "a", "dbx:", "--interactive"])?;
    assert!(matches!(&found[0], Object::Error(error) if error.message.contains("--interactive")));
    assert!(end.err.contains("--interactive"), "{}", end.err);
    for args in [
        &["copy", "a", "dbx:", "--fast-list", "--log-file", "no/such/folder"][..],
        &["mount", "dbx:", "here"],
        &["lsf", "dbx:", "--no-such-flag"],
    ] {
        let (found, end) = objects(&env, args)?;
        assert_eq!(types(&found), ["error", "total"], "{args:?}: {}", end.err);
        assert!(matches!(&found[1], Object::Total(total) if i32::from(total.exit_code) == end.code));
    }
    Ok(())
}

#[test]
fn outcomes_say_what_arrived() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    let files = [
        ("empty", vec![]),
        ("small", noise(1, 3000)),
        ("big", noise(2, (20 << 20) + 7)),
    ];
    for (path, bytes) in &files {
        write(&env.path("from").join(path), bytes, THEN)?;
    }
    let (up, total) = before_total(&env, &["copy", "from", "dbx:to"], 0)?;
    assert_eq!(
        (total.files, total.bytes, total.failed),
        (Some(3), Some((20 << 20) + 3007), Some(0))
    );
    let (listed, _) = before_total(&env, &["lsf", "dbx:to"], 0)?;
    let (down, _) = before_total(&env, &["copy", "dbx:to", "down"], 0)?;
    for found in [outcomes(up), outcomes(down)] {
        assert_eq!(found.len(), 3);
        for object in &listed {
            let Object::Entry(entry) = object else {
                anyhow::bail!("{object:?}")
            };
            let outcome = found.iter().find(|outcome| outcome.path == entry.path);
            let outcome = outcome.unwrap_or_else(|| panic!("{}", entry.path));
            assert_eq!((outcome.action, outcome.ok), (Some(Action::Copy), true));
            assert_eq!(
                (outcome.size, &outcome.rev, outcome.content_hash),
                (entry.size, &entry.rev, entry.content_hash)
            );
            assert!(outcome.rev.is_some() && outcome.content_hash.is_some());
            assert_eq!(
                (entry.kind, entry.modified.as_deref()),
                (Kind::File, Some(THEN_TEXT))
            );
        }
    }
    // What is there already has no outcome; the total counts it.
    let (found, total) = before_total(&env, &["copy", "from", "dbx:to"], 0)?;
    assert_eq!((found, total.files, total.unchanged), (vec![], Some(0), Some(3)));
    Ok(())
}

#[test]
fn what_the_server_copies_or_renames_has_the_revision_that_it_has_then() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    for path in ["/a/x", "/a/d/y", "/b/x"] {
        env.sandbox.put_file(path, path.as_bytes(), Some(THEN_TEXT))?;
    }
    write(&env.path("new/z"), b"/b/x", THEN)?;
    for (args, path) in [
        (vec!["copy", "dbx:a", "dbx:g"], "dbx:g"),
        (vec!["move", "dbx:a", "dbx:c", "--include", "x"], "dbx:c"),
        (vec!["sync", "new", "dbx:b", "--track-renames"], "dbx:b"),
    ] {
        let args = [&args[..], &["--report", "receipt"]].concat();
        let (found, _) = before_total(&env, &args, 0)?;
        let found = outcomes(found);
        let (listed, _) = before_total(&env, &["lsf", path, "-R", "--files-only"], 0)?;
        for object in &listed {
            let Object::Entry(entry) = object else {
                anyhow::bail!("{object:?}")
            };
            let made =
                |outcome: &&Outcome| outcome.path == entry.path && outcome.action != Some(Action::Delete);
            let Some(outcome) = found.iter().find(made) else {
                anyhow::bail!("{args:?}: no outcome of {}: {found:?}", entry.path)
            };
            assert_eq!(outcome.rev, entry.rev, "{args:?}: {}", entry.path);
            let in_receipt = fs::read_to_string(env.path("receipt"))?;
            let rev = entry.rev.as_deref().unwrap_or("none");
            assert!(in_receipt.contains(rev), "{args:?}: {in_receipt}");
        }
        assert!(!listed.is_empty());
    }
    Ok(())
}

#[test]
fn failures_are_outcomes_with_a_reason() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    write(&env.path("from/good"), b"1", THEN)?;
    write(&env.path("from/bad\\name"), b"2", THEN)?;
    let (found, total) = before_total(&env, &["copy", "from", "dbx:to"], 6)?;
    let failed = outcomes(found);
    let (bad, good): (Vec<_>, Vec<_>) = failed.into_iter().partition(|outcome| !outcome.ok);
    assert_eq!((bad.len(), good.len(), total.failed), (1, 1, Some(1)));
    assert_eq!((bad[0].path.as_str(), bad[0].action), ("bad\\name", None));
    assert!(
        bad[0]
            .error
            .as_ref()
            .is_some_and(|error| error.message.contains("backslash")),
        "{bad:?}"
    );
    // One that fails while it is copied says what was tried.
    env.sandbox.put_file("/one", b"1", None)?;
    env.sandbox.fault(Fault::on(
        "files/download",
        FaultKind::Status {
            status: 503,
            html: true,
        },
    ));
    let args = ["copy", "dbx:one", "down", "--low-level-retries", "1"];
    let (found, _) = before_total(&env, &args, 5)?;
    let failed = outcomes(found);
    assert_eq!((failed[0].action, failed[0].ok), (Some(Action::Copy), false));
    let retry = failed[0].error.as_ref().map(|error| error.retry);
    assert_eq!(retry, Some(node_tool::report::json::Retry::Later));
    Ok(())
}

#[test]
fn checks_say_what_came_of_each_path() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    for (path, bytes) in [("same", "1"), ("different", "12"), ("mine", "1")] {
        write(&env.path("here").join(path), bytes.as_bytes(), THEN)?;
    }
    for (path, bytes) in [("same", "1"), ("different", "123"), ("theirs", "1")] {
        env.sandbox
            .put_file(&format!("/t/{path}"), bytes.as_bytes(), None)?;
    }
    let (found, total) = before_total(&env, &["check", "here", "dbx:t"], 1)?;
    let results = found.iter().map(|object| match object {
        Object::Checked(checked) => (checked.path.as_str(), checked.result),
        other => panic!("{other:?}"),
    });
    assert_eq!(
        results.collect::<Vec<_>>(),
        [
            ("different", CheckResult::Different),
            ("mine", CheckResult::MissingInTarget),
            ("same", CheckResult::Same),
            ("theirs", CheckResult::MissingInSource),
        ]
    );
    assert_eq!((total.different, total.unchanged), (Some(3), Some(1)));
    Ok(())
}

#[test]
fn changes_are_objects_as_they_happen() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    env.sandbox.put_file("/d/old", b"x", None)?;
    let child = env.start(&["watch", "dbx:d", "--count", "1", "--json"])?;
    tests::test_env::until(|| env.sandbox.count("files/list_folder/longpoll") > 0)?;
    env.sandbox.put_file("/d/new", b"abc", None)?;
    let end = tests::test_env::output_of(child)?;
    let found: Vec<Object> = end.out.lines().map(Object::parse).collect::<Result<_, _>>()?;
    assert_eq!(types(&found), ["change", "total"], "{}", end.err);
    assert!(matches!(&found[0], Object::Change(change) if change.path == "d/new" && change.size == Some(3)));
    Ok(())
}
