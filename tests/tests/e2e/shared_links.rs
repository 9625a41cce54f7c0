//! Shared links as sources: what others publish is listed, copied, checked and printed, and nothing is lost when a link dies.

use std::collections::BTreeMap;
use std::fs;
use std::process::Stdio;

use sandbox::{Fault, Kind, Sandbox};
use serde_json::{Value, json};
use tests::files::{differences, noise, write};
use tests::test_env::{TestEnv, run, until};

const FILE_CALL: &str = "sharing/get_shared_link_file";
const MODIFIED: &str = "2017-07-14T02:40:00Z";

fn tree() -> BTreeMap<&'static str, Vec<u8>> {
    BTreeMap::from([
        ("readme.txt", b"what is in here\n".to_vec()),
        ("empty", Vec::new()),
        ("sub/deep/größe 😀.txt", b"ten letters".to_vec()),
        ("sub/Other.log", noise(3, 5000)),
        ("big.bin", noise(4, (20 << 20) + 3)),
    ])
}

/// An environment in which somebody has published a folder, with its address, and the same files in `from`.
fn published(settings: &Value) -> anyhow::Result<(TestEnv, String)> {
    let env = TestEnv::connected()?;
    for (path, bytes) in tree() {
        let place = format!("/Reference/{path}");
        env.sandbox.put_file_of_other(&place, &bytes, Some(MODIFIED))?;
        write(&env.path("from").join(path), &bytes, 1_500_000_000)?;
    }
    let url = env.sandbox.publish("/Reference", settings, false)?;
    env.sandbox.reset_calls();
    Ok((env, url))
}

fn same(env: &TestEnv, target: &str) -> anyhow::Result<()> {
    let found = differences(&env.path("from"), &env.path(target))?;
    anyhow::ensure!(found.is_empty(), "{found:?}");
    Ok(())
}

#[test]
fn a_published_folder_is_copied_with_its_bytes_checked() -> anyhow::Result<()> {
    let (env, url) = published(&Value::Null)?;
    let said = env.node_tool(["copy", &url, "to"])?;
    assert_eq!(said.code, 0, "{}", said.err);
    same(&env, "to")?;
    assert_eq!(
        env.sandbox.count("files/list_folder"),
        3,
        "a call for each folder"
    );

    let again = env.node_tool([
        "copy",
        &url.replace("dl=0", "dl=1"),
        "to",
        "--error-on-no-transfer",
    ])?;
    assert_eq!(
        again.code, 9,
        "what a browser is told doesn't matter: {}",
        again.err
    );

    env.sandbox.fault(Fault::on(FILE_CALL, Kind::Flip).times(100));
    let damaged = env.node_tool(["copy", &url, "damaged", "--include", "Other.log"])?;
    assert_eq!(damaged.code, 5, "{}", damaged.err);
    assert!(!env.path("damaged/sub/Other.log").exists());
    Ok(())
}

#[test]
fn links_are_listed_and_printed_as_folders_are() -> anyhow::Result<()> {
    let (env, url) = published(&Value::Null)?;
    let sub = format!("{url}//sub");
    for args in [
        vec!["lsf", "-R", "--format", "psh", "--hash", "dropbox"],
        vec!["ls"],
        vec!["lsl"],
        vec!["lsf"],
        vec!["tree"],
        vec!["size"],
        vec!["hashsum", "dropbox"],
        vec!["ls", "--include", "*.log"],
        vec!["lsf", "-R", "--max-depth", "2", "--exclude", "/sub/**"],
    ] {
        let run = |place: &str| env.node_tool(args.iter().copied().chain([place]));
        let (there, here) = (run(&url)?, run("from")?);
        assert_eq!(
            (there.code, there.out),
            (here.code, here.out),
            "{args:?}: {}",
            there.err
        );
    }
    assert_eq!(env.node_tool(["lsf", &sub])?.ok()?, "Other.log\ndeep/\n");
    assert_eq!(
        env.node_tool(["cat", &format!("{sub}/deep/größe 😀.txt")])?
            .ok()?,
        "ten letters"
    );
    assert_eq!(
        env.node_tool(["cat", &format!("{url}//readme.txt"), "--offset=-5"])?
            .ok()?,
        "here\n"
    );
    let json = env.node_tool(["lsjson", "-R", &sub])?.ok()?;
    let items: Vec<Value> = serde_json::from_str(&json)?;
    assert_eq!(items.len(), 3, "{json}");
    let checked = env.node_tool(["check", &url, "from"])?;
    assert_eq!(checked.code, 0, "{}", checked.err);
    let missing = env.node_tool(["lsf", &format!("{url}//no/such")])?.fails(3)?;
    assert!(
        missing.contains("is not there") && missing.contains("next: node-tool lsf"),
        "{missing}"
    );
    Ok(())
}

#[test]
fn a_link_to_a_file_is_one_file() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    let bytes = noise(9, (20 << 20) + 1);
    env.sandbox
        .put_file_of_other("/genome v2.fa", &bytes, Some(MODIFIED))?;
    for is_old in [false, true] {
        let url = env.sandbox.publish("/genome v2.fa", &Value::Null, is_old)?;
        assert_eq!(
            env.node_tool(["lsf", "--format", "ps", &url])?.ok()?,
            format!("genome v2.fa;{}\n", bytes.len())
        );
        env.node_tool(["copy", &url, "to"])?.ok()?;
        assert_eq!(fs::read(env.path("to/genome v2.fa"))?, bytes);
        env.node_tool(["copyto", &url, "to/other.fa"])?.ok()?;
        assert_eq!(fs::read(env.path("to/other.fa"))?, bytes);
        let again = env.node_tool(["copy", &url, "to", "--error-on-no-transfer"])?;
        assert_eq!(again.code, 9, "{}", again.err);
        assert_eq!(env.node_tool(["check", &url, "to/genome v2.fa"])?.code, 0);
        assert_eq!(env.node_tool(["cat", &url, "--count", "0"])?.ok()?, "");
        env.sandbox.end_link(&url)?;
        fs::remove_dir_all(env.path("to"))?;
    }
    Ok(())
}

#[test]
fn old_forms_lead_to_folders_too() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    env.sandbox.put_file_of_other("/p/sub dir/x", b"x", None)?;
    let old = env.sandbox.publish("/p", &Value::Null, true)?;
    let typed = |end: &str| old.replace("?dl=0", end);
    for url in [old.clone(), typed("/?dl=1"), typed("")] {
        assert_eq!(env.node_tool(["lsf", &url])?.ok()?, "sub dir/\n", "{url}");
    }
    for url in [
        typed("/sub%20dir?dl=0"),
        format!("{old}//sub dir"),
        typed("/sub%20dir?dl=0//"),
    ] {
        assert_eq!(env.node_tool(["lsf", &url])?.ok()?, "x\n", "{url}");
    }
    Ok(())
}

#[test]
fn a_link_is_copied_into_a_dropbox() -> anyhow::Result<()> {
    let (env, url) = published(&Value::Null)?;
    let said = env.node_tool(["copy", &url, "dbx:mine", "--exclude", "big.bin"])?;
    assert_eq!(said.code, 0, "{}", said.err);
    for (path, bytes) in tree().into_iter().filter(|(path, _)| *path != "big.bin") {
        assert!(
            env.sandbox.read_file(&format!("/mine/{path}")) == Some(bytes),
            "{path}"
        );
    }
    let again = env.node_tool([
        "copy",
        &url,
        "dbx:mine",
        "--exclude",
        "big.bin",
        "--error-on-no-transfer",
    ])?;
    assert_eq!(again.code, 9, "{}", again.err);
    Ok(())
}

#[test]
fn a_password_comes_from_a_file_a_variable_or_the_terminal() -> anyhow::Result<()> {
    let (env, url) = published(&json!({"require_password": true, "link_password": "hunter 2"}))?;
    let refused = env.node_tool(["lsf", &url])?.fails(1)?;
    assert!(
        refused.contains("it needs a password") && refused.contains("--link-password"),
        "{refused}"
    );
    fs::write(env.path("wrong"), "hunter 3\n")?;
    let refused = env
        .node_tool(["lsf", &url, "--link-password-file", "wrong"])?
        .fails(1)?;
    assert!(
        refused.contains("the password is wrong") && !refused.contains("hunter"),
        "{refused}"
    );

    fs::write(env.path("right"), "hunter 2\n")?;
    let listed = env
        .node_tool(["lsf", &url, "--link-password-file", "right"])?
        .ok()?;
    assert_eq!(listed, "big.bin\nempty\nreadme.txt\nsub/\n");
    let mut command = env.command("node-tool")?;
    command
        .env("NODE_TOOL_LINK_PASSWORD", "hunter 2")
        .args(["copy", &url, "to", "-vv"]);
    let said = run(command, "")?;
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(!said.err.contains("hunter"), "{}", said.err);
    same(&env, "to")?;

    let mut terminal = env.terminal("node-tool", &["lsf", &url, "--link-password"])?;
    terminal.expect("password of the link")?;
    terminal.send("hunter 2\r")?;
    terminal.expect("readme.txt")?;
    let (code, screen) = terminal.end()?;
    assert!(code == 0 && !screen.contains("hunter"), "{screen}");
    let nowhere = env.node_tool(["lsf", &url, "--link-password"])?.fails(2)?;
    assert!(nowhere.contains("--link-password-file FILE"), "{nowhere}");
    Ok(())
}

#[test]
fn a_link_that_does_not_open_says_why() -> anyhow::Result<()> {
    let (env, url) = published(&json!({"allow_download": false}))?;
    assert_eq!(env.node_tool(["size", &url])?.code, 0, "it can be looked at");
    for place in ["to", "dbx:to"] {
        let refused = env.node_tool(["copy", &url, place])?.fails(1)?;
        assert!(
            refused.contains("viewed in a browser, but not downloaded"),
            "{refused}"
        );
    }
    assert!(!env.path("to").exists() && env.sandbox.read_file("/to/empty").is_none());
    let refused = env.node_tool(["cat", &format!("{url}//readme.txt")])?.fails(1)?;
    assert!(refused.contains("not downloaded"), "{refused}");

    env.sandbox.ban_link(&url)?;
    let closed = env.node_tool(["ls", &url])?.fails(1)?;
    assert!(closed.contains("the link doesn't open"), "{closed}");
    env.sandbox.end_link(&url)?;
    let gone = env.node_tool(["copy", &url, "to"])?.fails(3)?;
    assert!(
        gone.contains("there is no such link") && gone.contains("quote the whole address"),
        "{gone}"
    );

    for (typed, words) in [
        ("https://example.org/s/a/b", "is not a link of Dropbox"),
        ("https://www.dropbox.com/home/x", "not a shared link"),
    ] {
        let refused = env.node_tool(["ls", typed])?.fails(2)?;
        assert!(refused.contains(words), "{refused}");
    }
    let short = env.node_tool(["ls", "https://db.tt/abcdef"])?.fails(3)?;
    assert!(
        short.contains("doesn't lead to a shared link") && short.contains("the address that it ends at"),
        "{short}"
    );
    Ok(())
}

#[test]
fn a_link_needs_a_login_and_says_whose() -> anyhow::Result<()> {
    let (env, url) = published(&Value::Null)?;
    env.connect("second")?;
    let which = env.node_tool(["lsf", &url])?.fails(2)?;
    assert!(
        which.contains("dbx:, second:") && which.contains("--link-remote NAME"),
        "{which}"
    );
    let listed = env.node_tool(["lsf", &url, "--link-remote", "second:"])?.ok()?;
    assert!(listed.contains("readme.txt"));
    env.node_tool(["copy", &url, "second:there", "--include", "readme.txt"])?
        .ok()?;
    for name in ["dbx", "second"] {
        env.node_tool(["config", "delete", name])?.ok()?;
    }
    let none = env.node_tool(["copy", &url, "to"])?.fails(2)?;
    assert!(
        none.contains("takes a login to Dropbox") && none.contains("node-tool config create"),
        "{none}"
    );
    Ok(())
}

#[test]
fn a_link_is_never_changed() -> anyhow::Result<()> {
    let (env, url) = published(&Value::Null)?;
    env.sandbox.reset_calls();
    for args in [
        vec!["copy", "from", &url],
        vec!["sync", "from", &url],
        vec!["move", &url, "to"],
    ] {
        let refused = env.node_tool(&args)?.fails(2)?;
        assert!(refused.contains("can only be read"), "{args:?}: {refused}");
    }
    assert_eq!(env.sandbox.calls().len(), 0, "nothing was asked");
    let below = format!("{url}//new");
    for args in [
        vec!["purge", &url],
        vec!["mkdir", &below],
        vec!["touch", &below],
        vec!["delete", &url],
    ] {
        let end = env.node_tool(&args)?;
        assert!(
            end.code != 0 && end.err.contains("can only be read"),
            "{args:?}: {} {}",
            end.code,
            end.err
        );
    }
    Ok(())
}

#[test]
fn a_link_that_dies_in_the_middle_deletes_nothing() -> anyhow::Result<()> {
    for (route, nth) in [("files/list_folder", 2), (FILE_CALL, 2)] {
        let (env, url) = published(&Value::Null)?;
        write(&env.path("to/kept"), b"only here", 1_400_000_000)?;
        env.sandbox.fault(Fault::on(route, Kind::EndLinks).nth(nth));
        let end = env.node_tool(["sync", &url, "to"])?;
        assert!(
            end.code != 0 && end.err.contains("there is no such link"),
            "{route}: {}",
            end.err
        );
        assert_eq!(fs::read(env.path("to/kept"))?, b"only here", "{route}");
    }
    // The link is alive, and one file went away since it was listed: the others arrive, and nothing is deleted.
    let (env, url) = published(&Value::Null)?;
    write(&env.path("to/kept"), b"only here", 1_400_000_000)?;
    let error = json!({".tag": "shared_link_not_found"});
    env.sandbox.fault(Fault::on(FILE_CALL, Kind::Route { error }));
    let end = env.node_tool(["sync", &url, "to"])?;
    assert_eq!(end.code, 1, "{}", end.err);
    assert!(
        env.path("to/kept").exists() && end.err.contains("1 failed"),
        "{}",
        end.err
    );
    env.node_tool(["sync", &url, "to"])?.ok()?;
    same(&env, "to")
}

#[test]
fn a_killed_copy_goes_on_from_the_ranges_on_disk() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    let bytes = noise(7, 80 << 20);
    env.sandbox.put_file_of_other("/p/big", &bytes, Some(MODIFIED))?;
    let url = env.sandbox.publish("/p", &Value::Null, false)?;
    let hang = Fault::on(FILE_CALL, Kind::Stall { millis: 3_600_000 });
    env.sandbox.fault(hang.nth(3).times(100));
    let mut command = env.command("node-tool")?;
    command.args(["copy", &url, "to", "--transfers", "2"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let journals = env.home().join(".local/state/node-tool/transfers");
    let noted = || {
        let files = fs::read_dir(&journals).into_iter().flatten().flatten();
        let texts = files.filter_map(|file| fs::read_to_string(file.path()).ok());
        texts.map(|text| text.lines().count()).sum::<usize>()
    };
    until(|| noted() > 2)?;
    child.kill()?;
    child.wait()?;
    env.sandbox.clear_faults();
    env.sandbox.reset_calls();
    env.node_tool(["copy", &url, "to"])?.ok()?;
    assert_eq!(fs::read(env.path("to/big"))?, bytes);
    let calls = env.sandbox.count(FILE_CALL);
    assert!(
        (1..5).contains(&calls),
        "{calls} calls: what was there is not asked for again"
    );
    Ok(())
}

#[test]
fn documents_behind_a_link_are_left_out_and_said() -> anyhow::Result<()> {
    let env = TestEnv::with(Sandbox::builder())?;
    env.connect("dbx")?;
    env.sandbox.put_file("/p/x", b"x", None)?;
    env.sandbox.put_document("/p/Plan.paper", "plan")?;
    let url = env.node_tool(["link", "dbx:p"])?.ok()?;
    let end = env.node_tool(["copy", url.trim(), "to"])?;
    assert_eq!(end.code, 6, "{}", end.err);
    assert!(
        end.err.contains("Plan.paper") && end.err.contains("cloud document"),
        "{}",
        end.err
    );
    assert_eq!(fs::read(env.path("to/x"))?, b"x");
    Ok(())
}

#[test]
fn short_links_are_followed_within_dropbox_and_without_the_login() -> anyhow::Result<()> {
    let (env, url) = published(&Value::Null)?;
    let short = env.sandbox.shorten(&url);
    env.node_tool(["copy", &short, "to"])?.ok()?;
    same(&env, "to")?;
    assert_eq!(
        env.node_tool(["cat", &format!("{short}//readme.txt")])?.ok()?,
        "what is in here\n"
    );
    assert!(
        env.node_tool(["link", "info", &short])?
            .ok()?
            .contains("Reference")
    );
    env.sandbox.reset_calls();
    env.node_tool(["ls", &short])?.ok()?;
    let web = |route: &str| route.starts_with("/l/") || route.len() == 9;
    let calls = env.sandbox.calls();
    assert_eq!(
        calls.iter().filter(|call| web(&call.route)).count(),
        2,
        "it is followed once: {calls:?}"
    );
    // Elsewhere, in a circle, and not at all.
    for to in [
        "https://example.org/s/a/b",
        &short,
        "https://www.dropbox.com/login",
    ] {
        let bad = match to == short {
            true => "https://db.tt/none".to_owned(),
            false => env.sandbox.shorten(to),
        };
        let refused = env.node_tool(["lsf", &bad])?.fails(3)?;
        assert!(
            refused.contains("doesn't lead to a shared link"),
            "{to}: {refused}"
        );
    }
    Ok(())
}

#[test]
fn ones_own_links_say_why_they_dont_open() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    env.sandbox.put_file("/p/x", b"x", None)?;
    std::fs::write(env.path("password"), "open sesame\n")?;
    std::fs::write(env.path("wrong"), "open barley\n")?;
    let link = |more: &[&str]| -> anyhow::Result<String> {
        let made = env.node_tool(["link", "dbx:p"].iter().chain(more))?.ok()?;
        Ok(made.trim().to_owned())
    };
    let url = link(&["--password-file", "password"])?;
    let refused = env.node_tool(["ls", &url])?.fails(1)?;
    assert!(refused.contains("the link needs a password"), "{refused}");
    let refused = env
        .node_tool(["ls", &url, "--link-password-file", "wrong"])?
        .fails(1)?;
    assert!(refused.contains("the password of the link is wrong"), "{refused}");
    env.sandbox.expire_link(&url)?;
    let refused = env.node_tool(["ls", &url])?.fails(1)?;
    assert!(
        refused.contains("the link expired at 2020-01-01T00:00:00Z") && refused.contains("--expire off"),
        "{refused}"
    );
    assert_eq!(
        link(&["--expire", "off", "--no-password"]).unwrap_or_default(),
        url
    );
    env.sandbox.ban_link(&url)?;
    let refused = env.node_tool(["ls", &url])?.fails(1)?;
    assert!(
        refused.contains("Dropbox has closed the link") && refused.contains("banned-links"),
        "{refused}"
    );
    Ok(())
}

#[test]
fn a_file_that_is_withheld_is_named_and_the_others_arrive() -> anyhow::Result<()> {
    let (env, url) = published(&Value::Null)?;
    let error = json!({".tag": "shared_link_access_denied"});
    env.sandbox.fault(Fault::on(FILE_CALL, Kind::Route { error }));
    let end = env.node_tool(["copy", &url, "to", "--transfers", "1"])?;
    assert!(
        end.code != 0 && end.err.contains("doesn't hand out this file of") && end.err.contains("1 failed"),
        "{}: {}",
        end.code,
        end.err
    );
    env.node_tool(["copy", &url, "to"])?.ok()?;
    same(&env, "to")
}

#[test]
fn what_a_link_leads_to_in_ones_own_dropbox_is_copied_by_the_server() -> anyhow::Result<()> {
    let env = TestEnv::connected()?;
    for path in ["/Data/Sub/File.txt", "/Data/x"] {
        env.sandbox.put_file(path, b"bytes", None)?;
    }
    let url = env.node_tool(["link", "dbx:Data"])?.ok()?;
    let url = url.trim();
    env.sandbox.reset_calls();
    let said = env.node_tool(["copy", url, "dbx:copy"])?;
    assert!(
        said.code == 0 && said.err.contains("the link leads to 'dbx:Data'"),
        "{}",
        said.err
    );
    env.node_tool(["copy", &format!("{url}//Sub/File.txt"), "dbx:one"])?
        .ok()?;
    // One that others share, and that is mounted.
    env.sandbox.share_folder_of_other("/Lab", true)?;
    env.sandbox.put_file_of_other("/Lab/sub/y", b"theirs", None)?;
    let theirs = env.sandbox.publish("/Lab/sub", &Value::Null, false)?;
    env.node_tool(["shared", "mount", "dbx:{Lab}"])?.ok()?;
    env.node_tool(["copy", &theirs, "dbx:from lab"])?.ok()?;
    for (path, bytes) in [
        ("/copy/Sub/File.txt", "bytes"),
        ("/copy/x", "bytes"),
        ("/one/File.txt", "bytes"),
        ("/from lab/y", "theirs"),
    ] {
        assert_eq!(
            env.sandbox.read_file(path).as_deref(),
            Some(bytes.as_bytes()),
            "{path}"
        );
    }
    let counts = env.sandbox.counts();
    assert!(
        counts
            .keys()
            .all(|route| !route.contains("upload") && route != FILE_CALL),
        "no byte passed through here: {counts:?}"
    );
    let same = env.node_tool(["copy", url, "dbx:Data"])?;
    assert!(
        same.code == 0 && same.err.contains("the same place"),
        "{}",
        same.err
    );
    // Nobody's own is copied through this machine.
    env.sandbox.put_file_of_other("/out/z", b"out", None)?;
    let out = env.sandbox.publish("/out", &Value::Null, false)?;
    env.node_tool(["copy", &out, "dbx:out"])?.ok()?;
    assert_eq!(
        env.sandbox.read_file("/out/z").as_deref(),
        Some(b"out".as_slice())
    );
    Ok(())
}
