//! Folders and files that others share: listed, mounted, and used as places without being mounted.

use std::fs;

use sandbox::{Fault, Kind};
use tests::files::{noise, write};
use tests::test_env::TestEnv;

/// An environment in which somebody shares the folder `Reference data` with a few files.
fn shared(read_only: bool) -> anyhow::Result<(TestEnv, String)> {
    let env = TestEnv::connected()?;
    let ns = env.sandbox.share_folder_of_other("/Reference data", read_only)?;
    for (path, text) in [("a.txt", "alpha"), ("sub/b.txt", "beta")] {
        let place = format!("/Reference data/{path}");
        env.sandbox
            .put_file_of_other(&place, text.as_bytes(), Some("2020-01-01T00:00:00Z"))?;
    }
    env.sandbox.reset_calls();
    Ok((env, ns))
}

const PLACE: &str = "dbx:{Reference data}";

#[test]
fn what_others_share_is_listed_with_what_to_type_for_it() -> anyhow::Result<()> {
    let (env, ns) = shared(true)?;
    env.sandbox.put_file_of_other("/one.txt", b"for you", None)?;
    let url = env.sandbox.share_file_of_other("/one.txt")?;
    env.sandbox.put_shared_folder("/Lab", false)?;
    let list = env.node_tool(["shared", "list"])?.ok()?;
    assert_eq!(list, env.node_tool(["shared", "list", "dbx:"])?.ok()?);
    let lines: Vec<&str> = list.lines().collect();
    assert_eq!(
        lines,
        [
            "folder owner   mounted   Ann Example          'dbx:{Lab}'".to_owned(),
            format!("folder viewer  unmounted Bea Other            '{PLACE}'"),
            format!("file   viewer  -         Bea Other            '{url}' one.txt"),
        ]
    );
    // What is to be typed works, pasted into a shell.
    for line in &lines {
        let place = line.split('\'').nth(1).unwrap_or_default();
        let script = format!("node-tool lsf '{place}'");
        let (code, screen) = env.shell(&script)?.end()?;
        assert_eq!(code, 0, "{script}: {screen}");
    }
    env.node_tool(["copy", &url, "to"])?.ok()?;
    assert_eq!(fs::read(env.path("to/one.txt"))?, b"for you");

    env.sandbox.share_folder_of_other("/other/reference data", true)?;
    let which = env.node_tool(["lsf", "dbx:{REFERENCE DATA}"])?.fails(3)?;
    assert!(which.contains(&format!("{{ns:{ns}}} of Bea Other")), "{which}");
    assert_eq!(
        env.node_tool(["lsf", &format!("dbx:{{ns:{ns}}}/sub")])?.ok()?,
        "b.txt\n"
    );
    Ok(())
}

#[test]
fn a_folder_that_is_not_mounted_is_a_place() -> anyhow::Result<()> {
    let (env, _) = shared(false)?;
    assert_eq!(
        env.node_tool(["lsf", "-R", PLACE])?.ok()?,
        "a.txt\nsub/\nsub/b.txt\n"
    );
    assert_eq!(
        env.node_tool(["cat", &format!("{PLACE}/sub/b.txt")])?.ok()?,
        "beta"
    );
    env.node_tool(["copy", PLACE, "to"])?.ok()?;
    assert_eq!(fs::read_to_string(env.path("to/sub/b.txt"))?, "beta");
    // And back, also large files, and from one's own folder.
    write(&env.path("to/new"), &noise(1, 20 << 20), 1_500_000_000)?;
    let said = env.node_tool(["sync", "to", PLACE])?;
    assert_eq!(said.code, 0, "{}", said.err);
    env.sandbox.put_file("/mine/x", b"x", None)?;
    env.node_tool(["copy", "dbx:mine", &format!("{PLACE}/from me")])?
        .ok()?;
    let listed = env.node_tool(["lsf", "-R", "--files-only", PLACE])?.ok()?;
    assert_eq!(listed, "a.txt\nfrom me/x\nnew\nsub/b.txt\n");
    assert_eq!(
        env.node_tool(["lsf", "dbx:"])?.ok()?,
        "mine/\n",
        "nothing was mounted"
    );
    env.node_tool(["purge", &format!("{PLACE}/sub")])?.ok()?;
    assert_eq!(
        env.node_tool(["check", PLACE, "to", "--one-way", "--include", "/*.txt"])?
            .code,
        0
    );
    Ok(())
}

#[test]
fn a_folder_in_braces_of_ones_own_is_typed_with_a_dot() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    env.sandbox.put_file("/{x}/f", b"x", None)?;
    assert_eq!(env.node_tool(["lsf", "dbx:./{x}"])?.ok()?, "f\n");
    let missing = env.node_tool(["lsf", "dbx:{x}"])?.fails(3)?;
    assert!(
        missing.contains("no folder 'x' is shared") && missing.contains("next: node-tool shared list dbx:"),
        "{missing}"
    );
    Ok(())
}

#[test]
fn a_folder_to_look_at_is_known_before_anything_moves() -> anyhow::Result<()> {
    let (env, _) = shared(true)?;
    write(&env.path("from/x"), b"x", 1_500_000_000)?;
    for args in [
        ["copy", "from", PLACE],
        ["sync", "from", PLACE],
        ["move", PLACE, "to"],
    ] {
        let refused = env.node_tool(args)?.fails(6)?;
        assert!(
            refused.contains("shared with this account for reading only"),
            "{args:?}: {refused}"
        );
    }
    let listed = env.sandbox.count("files/list_folder");
    assert!(
        listed == 0 && !env.path("to").exists(),
        "nothing was listed or moved"
    );
    env.node_tool(["copy", PLACE, "to"])?.ok()?;
    Ok(())
}

#[test]
fn shared_folders_are_mounted_and_unmounted() -> anyhow::Result<()> {
    let (env, _) = shared(true)?;
    env.sandbox.put_file("/reference data/mine", b"x", None)?;
    let said = env.node_tool(["shared", "mount", PLACE])?;
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.err.contains("as 'dbx:Reference data (1)'"), "{}", said.err);
    assert_eq!(
        env.node_tool(["cat", "dbx:Reference data (1)/a.txt"])?.ok()?,
        "alpha"
    );
    let again = env
        .node_tool(["shared", "mount", "dbx:{Reference data (1)}"])?
        .fails(1)?;
    assert!(again.contains("it is mounted already"), "{again}");
    env.node_tool(["shared", "unmount", "dbx:{Reference data (1)}"])?
        .ok()?;
    assert_eq!(env.node_tool(["lsf", "dbx:"])?.ok()?, "reference data/\n");
    let wrong = env.node_tool(["shared", "mount", "dbx:x"])?.fails(2)?;
    assert!(wrong.contains("type NAME:{FOLDER}"), "{wrong}");
    Ok(())
}

#[test]
fn access_that_is_withdrawn_in_the_middle_deletes_nothing() -> anyhow::Result<()> {
    for (kind, place) in [(Kind::Withdraw, PLACE), (Kind::Unmount, "dbx:Reference data")] {
        for (route, nth) in [("files/list_folder", 1), ("files/download", 1)] {
            let (env, _) = shared(true)?;
            if place != PLACE {
                env.node_tool(["shared", "mount", PLACE])?.ok()?;
            }
            write(&env.path("to/kept"), b"only here", 1_400_000_000)?;
            env.sandbox.fault(Fault::on(route, kind.clone()).nth(nth));
            let end = env.node_tool(["sync", place, "to", "--no-zip"])?;
            // Who was a member when it was listed may still fetch a revision; otherwise nothing is deleted.
            let is_kept = env.path("to/kept").exists();
            let is_whole = end.code == 0 && env.path("to/sub/b.txt").exists();
            assert!(is_kept || is_whole, "{kind:?} {route}: {} {}", end.code, end.err);
        }
    }
    Ok(())
}

#[test]
fn a_backup_of_ones_own_leaves_out_what_others_share() -> anyhow::Result<()> {
    let (env, _) = shared(false)?;
    env.node_tool(["shared", "mount", PLACE])?.ok()?;
    env.sandbox.put_shared_folder("/Lab", false)?;
    for path in ["/Lab/mine", "/own/x", "/y"] {
        env.sandbox.put_file(path, b"x", None)?;
    }
    let list = |flag: &str| env.node_tool(["lsf", "-R", "--files-only", "dbx:", flag])?.ok();
    assert_eq!(list("--exclude-shared")?, "own/x\ny\n");
    assert_eq!(list("--exclude-not-owned")?, "Lab/mine\nown/x\ny\n");
    assert_eq!(
        env.node_tool(["lsd", "dbx:", "--exclude-shared"])?
            .ok()?
            .lines()
            .count(),
        1
    );

    write(&env.path("to/Lab/older copy"), b"kept", 1_400_000_000)?;
    write(&env.path("to/gone"), b"deleted", 1_400_000_000)?;
    env.node_tool(["sync", "dbx:", "to", "--exclude-shared"])?.ok()?;
    assert!(
        env.path("to/Lab/older copy").exists(),
        "what is left out is left alone"
    );
    assert!(!env.path("to/gone").exists() && env.path("to/own/x").exists());
    env.node_tool(["sync", "to", "dbx:", "--exclude-shared", "--exclude", "/Lab/**"])?
        .ok()?;
    assert!(env.sandbox.read_file("/Lab/mine").is_some(), "in a target, too");
    Ok(())
}

#[test]
fn names_of_shared_folders_are_completed() -> anyhow::Result<()> {
    let (env, _) = shared(true)?;
    let mut terminal = env.shell("exec bash --norc --noprofile -i")?;
    terminal.send("source <(node-tool completion bash); echo rea''dy\r")?;
    terminal.expect("ready")?;
    terminal.send("node-tool cat dbx:{Ref\t")?;
    terminal.expect("data")?;
    terminal.send("a.t\t\r")?;
    terminal.expect("alpha")?;
    terminal.send("exit\r")?;
    assert_eq!(terminal.end()?.0, 0);
    Ok(())
}

/// An environment with the read-only folder `Lab` mounted, in which are a few files, and a writable one beside it.
fn mounted() -> anyhow::Result<TestEnv> {
    let env = TestEnv::connected()?;
    env.sandbox.share_folder_of_other("/Lab", true)?;
    for path in ["/Lab/a.txt", "/Lab/sub/b.txt"] {
        env.sandbox
            .put_file_of_other(path, b"alpha", Some("2020-01-01T00:00:00Z"))?;
    }
    env.node_tool(["shared", "mount", "dbx:{Lab}"])?.ok()?;
    env.sandbox.put_file("/mine/x", b"x", None)?;
    write(&env.path("from/new"), b"new", 1_500_000_000)?;
    write(&env.path("all/Lab/new"), b"new", 1_500_000_000)?;
    write(&env.path("all/mine/y"), b"y", 1_500_000_000)?;
    env.sandbox.reset_calls();
    Ok(env)
}

#[test]
fn a_mounted_folder_to_look_at_is_known_by_its_ordinary_path() -> anyhow::Result<()> {
    let env = mounted()?;
    let before = env.sandbox.tree();
    for args in [
        vec!["copy", "from", "dbx:Lab"],
        vec!["copy", "from", "dbx:Lab/sub"],
        vec!["copy", "from", "dbx:Lab/not/yet"],
        vec!["sync", "from", "dbx:Lab"],
        vec!["sync", "from", "dbx:Lab/new"],
        vec!["copyto", "from/new", "dbx:Lab/other"],
        vec!["copy", "dbx:mine", "dbx:Lab"],
        vec!["copy", "from", "dbx:lab", "--dry-run"],
        vec!["move", "dbx:Lab", "to"],
        vec!["move", "dbx:Lab/sub", "dbx:mine"],
        vec!["move", "dbx:", "to"],
        vec!["copy", "all", "dbx:"],
        vec!["sync", "all", "dbx:", "--max-delete", "100"],
        vec!["archive", "create", "from", "dbx:Lab/from.tar"],
        vec!["copyurl", "https://example.org/x", "dbx:Lab/x"],
    ] {
        let refused = env.node_tool(&args)?.fails(6)?;
        assert!(
            refused.contains("shared with this account for reading only"),
            "{args:?}: {refused}"
        );
    }
    let refused = env.node_tool_with(["rcat", "dbx:Lab/sub/x"], "bytes")?.fails(6)?;
    assert!(refused.contains("for reading only"), "{refused}");
    let calls = env.sandbox.counts();
    assert!(
        calls
            .keys()
            .all(|route| !route.contains("upload") && !route.contains("download")),
        "no byte moved: {calls:?}"
    );
    assert_eq!(env.sandbox.tree(), before);
    assert!(!env.path("to").exists());
    Ok(())
}

#[test]
fn what_is_read_only_may_be_left_out_or_be_the_same() -> anyhow::Result<()> {
    let env = mounted()?;
    let refused = env.node_tool(["copy", "all", "dbx:"])?.fails(6)?;
    assert!(refused.contains("--exclude '/Lab/**'"), "{refused}");
    env.node_tool(["copy", "all", "dbx:", "--exclude", "/Lab/**"])?
        .ok()?;
    assert!(env.sandbox.read_file("/mine/y").is_some());
    // Nothing would be changed there.
    env.node_tool(["copy", "dbx:Lab", "all/Lab"])?.ok()?;
    fs::remove_file(env.path("all/Lab/new"))?;
    env.node_tool(["copy", "all", "dbx:"])?.ok()?;
    env.node_tool(["copy", "dbx:Lab", "dbx:mine/copy"])?.ok()?;
    assert!(env.sandbox.read_file("/mine/copy/sub/b.txt").is_some());
    Ok(())
}

#[test]
fn links_of_a_shared_folder_are_those_that_lead_there() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    env.sandbox.put_shared_folder("/Lab", false)?;
    for path in ["/Lab/a", "/other"] {
        env.sandbox.put_file(path, b"x", None)?;
        env.node_tool(["link", &format!("dbx:{path}")])?.ok()?;
    }
    assert_eq!(env.node_tool(["link", "list", "dbx:"])?.ok()?.lines().count(), 2);
    let inside = env.node_tool(["link", "list", "dbx:{Lab}"])?.ok()?;
    assert!(inside.lines().count() == 1 && inside.contains("/a"), "{inside}");
    Ok(())
}

#[test]
fn access_that_is_withdrawn_or_unmounted_in_the_middle_of_an_upload_loses_nothing() -> anyhow::Result<()> {
    for kind in [Kind::Withdraw, Kind::Unmount] {
        for route in [
            "files/upload_session/append_batch",
            "files/upload_session/finish_batch_v2",
        ] {
            for verb in ["copy", "move"] {
                let env = TestEnv::connected()?;
                env.sandbox.share_folder_of_other("/Lab", false)?;
                env.node_tool(["shared", "mount", "dbx:{Lab}"])?.ok()?;
                for name in ["a", "b", "c"] {
                    write(&env.path("from").join(name), name.as_bytes(), 1_500_000_000)?;
                }
                env.sandbox.fault(Fault::on(route, kind.clone()));
                let end = env.node_tool([verb, "from", "dbx:Lab/in"])?;
                for name in ["a", "b", "c"] {
                    let here = env.path("from").join(name).exists();
                    let there = env.sandbox.read_file(&format!("/Lab/in/{name}")).is_some();
                    assert!(
                        here || there,
                        "{kind:?} {route} {verb}: {name} is lost\n{}",
                        end.err
                    );
                    assert!(
                        there || end.code != 0,
                        "{kind:?} {route} {verb}: {name} is missing, and all is well"
                    );
                }
            }
        }
    }
    Ok(())
}
