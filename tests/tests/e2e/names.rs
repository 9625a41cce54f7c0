//! Names: what stands in a Dropbox can be named, whatever it is called; what can't be a name is said before anything moves;
//! and `--encode-names` leads both ways, also for names that aren't UTF-8.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStringExt as _;

use tests::files::write;
use tests::test_env::TestEnv;

/// Ends of names that only look as if Dropbox could not have them.
const ENDS: [&str; 6] = ["\u{3000}", "\u{a0}", "\t", "\n", "\u{2009}", "."];

fn stored(env: &TestEnv) -> BTreeSet<String> {
    let files = env.sandbox.tree().into_iter().filter(|entry| !entry.is_folder);
    files.map(|entry| entry.path).collect()
}

fn set<const N: usize>(paths: [&str; N]) -> BTreeSet<String> {
    paths.into_iter().map(str::to_owned).collect()
}

#[test]
fn white_space_at_the_end_of_a_name_is_part_of_it() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    for (n, end) in ENDS.into_iter().enumerate() {
        env.sandbox.put_file(&format!("/p/{n}{end}"), b"seeded", None)?;
        env.sandbox.put_file(&format!("/p/d{n}{end}/x"), b"below", None)?;
    }
    env.node_tool(["copy", "dbx:p", "down"])?.ok()?;
    for direction in [["dbx:p", "down"], ["down", "dbx:p"]] {
        let synced = env.node_tool([&["sync"], &direction[..]].concat())?;
        assert!(synced.err.contains("0 files copied"), "{}", synced.err);
        synced.ok()?;
        env.node_tool([&["check"], &direction[..]].concat())?.ok()?;
    }
    env.node_tool(["copy", "down", "dbx:up"])?.ok()?;
    env.node_tool(["check", "down", "dbx:up"])?.ok()?;
    for (n, end) in ENDS.into_iter().enumerate() {
        let (file, folder) = (format!("dbx:p/{n}{end}"), format!("dbx:p/d{n}{end}"));
        assert_eq!(env.node_tool(["cat", &file])?.ok()?, "seeded", "{file:?}");
        assert_eq!(env.node_tool(["lsf", &folder])?.ok()?, "x\n", "{folder:?}");
        env.node_tool(["moveto", &file, &format!("{folder}/moved{end}")])?
            .ok()?;
        env.node_tool(["mkdir", &format!("{folder}/new{end}")])?.ok()?;
        env.node_tool(["rmdir", &format!("{folder}/new{end}")])?.ok()?;
        env.node_tool(["touch", &format!("{folder}/touched{end}")])?
            .ok()?;
        env.node_tool(["deletefile", &format!("{folder}/moved{end}")])?
            .ok()?;
        env.node_tool(["purge", "-y", &folder])?.ok()?;
    }
    env.node_tool(["purge", "-y", "dbx:up"])?.ok()?;
    assert_eq!(stored(&env), set([]));
    Ok(())
}

#[test]
fn a_name_that_cant_be_is_said_with_what_helps() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    write(&env.path("from/a\\b"), b"x", 1)?;
    write(&env.path("from/end "), b"x", 1)?;
    write(&env.path("from/fine"), b"x", 1)?;
    write(&env.path("from/.DS_Store"), b"x", 1)?;
    let err = env.node_tool(["copy", "from", "dbx:to"])?.fails(6)?;
    for part in [
        "a backslash",
        "a space at the end",
        "--encode-names",
        "keeps this name for itself",
    ] {
        assert!(err.contains(part), "{part}: {err}");
    }
    assert_eq!(stored(&env), set(["/to/fine"]));
    for typed in ["dbx:a\\b", "dbx:end ", "dbx:end /x"] {
        for verb in ["lsf", "mkdir", "cat", "deletefile", "touch"] {
            let err = env.node_tool([verb, typed])?.fails(2)?;
            assert!(err.contains("--encode-names"), "{verb} {typed}: {err}");
        }
    }
    // Whether a reserved name stands there is for Dropbox to say; it can't be made.
    assert!(
        env.node_tool(["lsf", "dbx:.dropbox"])?
            .fails(3)?
            .contains("not there")
    );
    env.sandbox.reset_calls();
    for verb in [
        &["copy", "from", "dbx:.dropbox"][..],
        &["copy", "from/fine", "dbx:x/.dropbox"],
    ] {
        let err = env.node_tool(verb)?.fails(2)?;
        assert!(err.contains("keeps this name for itself"), "{err}");
    }
    env.node_tool(["mkdir", "dbx:thumbs.db"])?.fails(1)?;
    assert_eq!(env.sandbox.count("files/upload"), 0);
    assert_eq!(env.sandbox.count("files/create_folder_batch"), 0);
    assert_eq!(stored(&env), set(["/to/fine"]));
    Ok(())
}

#[test]
fn mapped_names_can_be_typed_in_every_verb() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    let encode = "--encode-names";
    for name in ["a\\b", "end ", "‛q", "d /in\\ner "] {
        write(&env.path(&format!("from/{name}")), name.as_bytes(), 1)?;
    }
    env.node_tool([encode, "copy", "from", "dbx:t"])?.ok()?;
    assert_eq!(
        stored(&env),
        set(["/t/a＼b", "/t/d␠/in＼ner␠", "/t/end␠", "/t/‛‛q"])
    );
    for name in ["a\\b", "end ", "‛q", "d /in\\ner "] {
        let place = format!("dbx:t/{name}");
        assert_eq!(env.node_tool([encode, "cat", &place])?.ok()?, name);
        // One file alone, over itself: there is nothing to do, and then something.
        let local = env.path("from").join(name);
        let same = env.node_tool([
            encode.as_ref(),
            OsStr::new("copyto"),
            local.as_os_str(),
            place.as_ref(),
        ])?;
        assert!(same.err.contains("0 files copied"), "{}", same.err);
        write(&local, b"changed", 2)?;
        env.node_tool([
            encode.as_ref(),
            OsStr::new("copyto"),
            local.as_os_str(),
            place.as_ref(),
        ])?
        .ok()?;
        assert_eq!(env.node_tool([encode, "cat", &place])?.ok()?, "changed");
    }
    assert_eq!(stored(&env).len(), 4);
    assert_eq!(env.node_tool([encode, "lsf", "dbx:t/d "])?.ok()?, "in\\ner \n");
    let missing = env.node_tool([encode, "lsf", "dbx:t/d /no\\where "])?.fails(3)?;
    assert!(
        missing.contains("dbx:t/d /no\\where "),
        "as it was typed: {missing}"
    );
    env.node_tool([encode, "moveto", "dbx:t/end ", "dbx:t/d /other "])?
        .ok()?;
    env.node_tool([encode, "deletefile", "dbx:t/a\\b"])?.ok()?;
    env.node_tool([encode, "mkdir", "dbx:t/m\\"])?.ok()?;
    env.node_tool([encode, "rmdir", "dbx:t/m\\"])?.ok()?;
    env.node_tool([encode, "link", "dbx:t/d /other "])?.ok()?;
    env.node_tool([encode, "revisions", "dbx:t/d /other "])?.ok()?;
    assert_eq!(stored(&env), set(["/t/d␠/in＼ner␠", "/t/d␠/other␠", "/t/‛‛q"]));
    env.node_tool([encode, "purge", "-y", "dbx:t/d "])?.ok()?;
    assert_eq!(stored(&env), set(["/t/‛‛q"]));
    Ok(())
}

#[test]
fn names_that_nothing_is_mapped_to_are_used_as_they_are() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    let encode = "--encode-names";
    let seed = |env: &TestEnv| -> anyhow::Result<()> {
        for path in ["/t/‛q", "/t/‛dir/x", "/t/‛dir/‛y", "/t/plain"] {
            env.sandbox.put_file(path, b"seeded", None)?;
        }
        Ok(())
    };
    seed(&env)?;
    let all = set(["/t/‛q", "/t/‛dir/x", "/t/‛dir/‛y", "/t/plain"]);
    env.node_tool([encode, "copy", "dbx:t", "down"])?.ok()?;
    assert!(env.path("down/‛dir/‛y").is_file());
    // Up onto itself: nothing to do, and a change lands where the name stands.
    for (source, dest) in [("down", "dbx:t"), ("dbx:t", "down")] {
        let synced = env.node_tool([encode, "sync", source, dest])?;
        assert!(synced.err.contains("0 files copied"), "{}", synced.err);
        env.node_tool([encode, "check", source, dest])?.ok()?;
    }
    write(&env.path("down/‛q"), b"changed", 1)?;
    write(&env.path("down/‛dir/new"), b"new", 1)?;
    env.node_tool([encode, "sync", "down", "dbx:t"])?.ok()?;
    let mut with_new = all.clone();
    with_new.insert("/t/‛dir/new".into());
    assert_eq!(stored(&env), with_new);
    assert_eq!(env.sandbox.read_file("/t/‛q").as_deref(), Some(&b"changed"[..]));
    write(&env.path("down/‛q"), b"once more", 2)?;
    env.node_tool([encode, "copy", "down/‛q", "dbx:t"])?.ok()?;
    assert_eq!(env.node_tool([encode, "cat", "dbx:t/‛q"])?.ok()?, "once more");
    assert_eq!(env.node_tool([encode, "cat", "dbx:t/‛dir/‛y"])?.ok()?, "seeded");
    assert_eq!(stored(&env), with_new);
    env.node_tool([encode, "deletefile", "dbx:t/‛dir/new"])?.ok()?;
    // Every way of removing reaches what stands there.
    for (verb, rest) in [
        (
            &["deletefile", "dbx:t/‛q"][..],
            set(["/t/‛dir/x", "/t/‛dir/‛y", "/t/plain"]),
        ),
        (
            &["delete", "dbx:t", "--include", "‛*"],
            set(["/t/‛dir/x", "/t/plain"]),
        ),
        (&["purge", "-y", "dbx:t/‛dir"], set(["/t/‛q", "/t/plain"])),
        (
            &["moveto", "dbx:t/‛q", "dbx:t/moved"],
            set(["/t/moved", "/t/‛dir/x", "/t/‛dir/‛y", "/t/plain"]),
        ),
        (&["sync", "few", "dbx:t"], set(["/t/plain"])),
        (
            &["sync", "few", "dbx:t", "--backup-dir", "dbx:old"],
            set(["/t/plain", "/old/‛‛q", "/old/‛‛dir/x", "/old/‛‛dir/‛‛y"]),
        ),
        (&["move", "dbx:t", "moved"], set([])),
    ] {
        seed(&env)?;
        write(&env.path("few/plain"), b"seeded", 1)?;
        env.node_tool([&[encode], verb].concat())?.ok()?;
        assert_eq!(stored(&env), rest, "{verb:?}");
        for path in stored(&env) {
            env.sandbox.remove(&path)?;
        }
    }
    // Emptied folders go too.
    env.sandbox.put_folder("/t/‛e/‛f")?;
    env.node_tool([encode, "rmdirs", "dbx:t", "--leave-root"])?.ok()?;
    let is_left = |path: &str| path.starts_with("/t") && path.contains('‛');
    assert!(!env.sandbox.tree().iter().any(|entry| is_left(&entry.path)));
    Ok(())
}

#[test]
fn of_two_names_that_are_shown_the_same_one_is_left_out() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    env.sandbox.put_file("/t/‛q", b"odd", None)?;
    env.sandbox.put_file("/t/‛‛q", b"mapped", None)?;
    env.sandbox.put_file("/t/z", b"z", None)?;
    let err = env
        .node_tool(["--encode-names", "copy", "dbx:t", "down"])?
        .fails(6)?;
    assert!(err.contains("shown the same"), "{err}");
    assert_eq!(fs::read(env.path("down/‛q"))?, b"mapped");
    assert!(env.path("down/z").is_file());
    fs::remove_file(env.path("down/‛q"))?;
    let err = env.node_tool(["--encode-names", "sync", "down", "dbx:t"])?.err;
    assert!(err.contains("nothing will be deleted"), "{err}");
    assert_eq!(stored(&env).len(), 3);
    Ok(())
}

/// A local name with a byte that is no character.
fn latin() -> OsString {
    OsString::from_vec(b"gro\xdf.txt".to_vec())
}

#[test]
fn names_that_are_not_utf_8_are_mapped_and_come_back() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    let folder = OsString::from_vec(b"d\xe9".to_vec());
    write(&env.path("from").join(latin()), b"latin", 1)?;
    write(&env.path("from").join(&folder).join("x"), b"below", 1)?;
    write(&env.path("from/‛DF"), b"looks so", 1)?;
    let encode = "--encode-names";
    env.node_tool([encode, "copy", "from", "dbx:t"])?.ok()?;
    assert_eq!(stored(&env), set(["/t/gro‛DF.txt", "/t/d‛E9/x", "/t/‛‛DF"]));
    env.node_tool([encode, "copy", "dbx:t", "back"])?.ok()?;
    assert_eq!(fs::read(env.path("back").join(latin()))?, b"latin");
    assert_eq!(fs::read(env.path("back").join(&folder).join("x"))?, b"below");
    for (source, dest) in [("from", "dbx:t"), ("dbx:t", "back"), ("dbx:t", "from")] {
        let synced = env.node_tool([encode, "sync", source, dest])?;
        assert!(synced.err.contains("0 files copied"), "{}", synced.err);
        synced.ok()?;
        env.node_tool([encode, "check", source, dest])?.ok()?;
    }
    // As an argument, on both sides.
    let local = env.path("from").join(latin());
    let place = {
        let mut place = OsString::from("dbx:t/");
        place.push(latin());
        place
    };
    let out = env.node_tool([OsStr::new(encode), OsStr::new("cat"), &place])?;
    assert_eq!(out.ok()?, "latin");
    write(&local, b"changed", 2)?;
    env.node_tool([
        OsStr::new(encode),
        OsStr::new("copyto"),
        local.as_os_str(),
        &place,
    ])?
    .ok()?;
    env.node_tool([
        OsStr::new(encode),
        OsStr::new("copy"),
        local.as_os_str(),
        OsStr::new("dbx:u"),
    ])?
    .ok()?;
    assert_eq!(
        env.sandbox.read_file("/t/gro‛DF.txt").as_deref(),
        Some(&b"changed"[..])
    );
    assert_eq!(
        env.sandbox.read_file("/u/gro‛DF.txt").as_deref(),
        Some(&b"changed"[..])
    );
    env.node_tool([
        OsStr::new(encode),
        OsStr::new("moveto"),
        &place,
        env.path("one").as_os_str(),
    ])?
    .ok()?;
    assert_eq!(fs::read(env.path("one"))?, b"changed");
    // Deleted on the one side, it goes from the other, and may be kept.
    fs::remove_file(&local)?;
    env.node_tool([encode, "sync", "dbx:t", "back", "--backup-dir", "kept"])?
        .ok()?;
    assert!(!env.path("back").join(latin()).exists());
    assert!(env.path("kept").join(latin()).exists());
    env.node_tool([encode, "move", "from", "dbx:v", "--delete-empty-src-dirs"])?
        .ok()?;
    assert_eq!(fs::read_dir(env.path("from"))?.count(), 0);
    Ok(())
}

#[test]
fn names_that_are_not_utf_8_are_never_lost_without_a_word() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    write(&env.path("from").join(latin()), b"latin", 1)?;
    write(&env.path("from/plain"), b"plain", 1)?;
    for verb in ["copy", "sync", "move"] {
        let err = env.node_tool([verb, "from", "dbx:t"])?.fails(6)?;
        assert!(
            err.contains("--encode-names") && err.contains("gro\\xDF.txt"),
            "{verb}: {err}"
        );
        assert_eq!(stored(&env), set(["/t/plain"]));
        write(&env.path("from/plain"), b"plain", 1)?;
    }
    assert!(env.path("from").join(latin()).exists());
    // Nor is it deleted because a Dropbox can't have it.
    let err = env.node_tool(["sync", "dbx:t", "from"])?;
    assert!(err.err.contains("nothing will be deleted"), "{}", err.err);
    assert!(env.path("from").join(latin()).exists());
    let local = env.path("from").join(latin());
    for verb in [OsStr::new("copy"), OsStr::new("copyto")] {
        let err = env.node_tool([verb, local.as_os_str(), OsStr::new("dbx:t/x")])?;
        if verb == "copyto" {
            err.ok()?;
        } else {
            assert!(err.fails(6)?.contains("--encode-names"));
        }
    }
    let mut place = OsString::from("dbx:t/");
    place.push(latin());
    let err = env.node_tool([OsStr::new("cat"), &place])?.fails(2)?;
    assert!(
        err.contains("not UTF-8") && err.contains("--encode-names"),
        "{err}"
    );
    let err = env.node_tool([
        OsStr::new("copy"),
        OsStr::new("from"),
        OsStr::new("dbx:"),
        OsStr::new("--include"),
        &latin(),
    ])?;
    assert!(err.fails(2)?.contains("'gro\\xDF.txt' is not UTF-8"));
    // A listing here has the name's own bytes, and what is here can be removed.
    let mut command = env.command("node-tool")?;
    let out = command.args(["lsf", "from"]).output()?;
    assert_eq!(out.stdout, b"gro\xdf.txt\nplain\n");
    env.node_tool([OsStr::new("deletefile"), local.as_os_str()])?
        .ok()?;
    assert!(!local.exists());
    Ok(())
}
