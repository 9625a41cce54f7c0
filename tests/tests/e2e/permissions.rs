//! `--metadata`: permissions survive a round trip, in files that are nobody's data.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use tests::files::write;
use tests::test_env::TestEnv;

/// Where permissions are kept.
const KEPT: &str = ".node-tool-modes.json";

fn set(env: &TestEnv, path: &str, mode: u32) -> anyhow::Result<()> {
    let path = env.path(path);
    if !path.exists() {
        write(&path, b"x", 1_600_000_000)?;
    }
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(mode))?)
}

fn mode(env: &TestEnv, path: &str) -> anyhow::Result<u32> {
    Ok(fs::metadata(env.path(path))?.permissions().mode() & 0o7777)
}

/// A folder with permissions of all kinds, copied to `dbx:p` with them.
fn copied() -> anyhow::Result<TestEnv> {
    let env = TestEnv::connected()?;
    for (path, mode) in [
        ("from/plain", 0o644),
        ("from/bin/run.sh", 0o755),
        ("from/bin/secret", 0o600),
        ("from/bin/setuid", 0o4755),
        ("from/usual/a", 0o644),
    ] {
        set(&env, path, mode)?;
    }
    fs::set_permissions(env.path("from/bin"), fs::Permissions::from_mode(0o2750))?;
    env.node_tool(["copy", "-M", "from", "dbx:p"])?.ok()?;
    Ok(env)
}

#[test]
fn permissions_survive_a_round_trip_and_special_bits_do_not() -> anyhow::Result<()> {
    let env = copied()?;
    env.node_tool(["copy", "--metadata", "dbx:p", "to"])?.ok()?;
    for (path, expected) in [
        ("to/plain", 0o644),
        ("to/bin", 0o750),
        ("to/bin/run.sh", 0o755),
        ("to/bin/secret", 0o600),
        ("to/bin/setuid", 0o755),
        ("to/usual/a", 0o644),
    ] {
        assert_eq!(mode(&env, path)?, expected, "{path}");
    }
    assert!(!env.path("to").join(KEPT).exists() && !env.path("to/bin").join(KEPT).exists());
    // Also of files that are there already; only what changed is written.
    set(&env, "to/bin/run.sh", 0o644)?;
    env.node_tool(["copy", "-M", "dbx:p", "to"])?.ok()?;
    assert_eq!(mode(&env, "to/bin/run.sh")?, 0o755);
    env.sandbox.reset_calls();
    env.node_tool(["copy", "-M", "from", "dbx:p"])?.ok()?;
    assert_eq!(env.sandbox.count("files/upload"), 0);
    set(&env, "from/bin/secret", 0o640)?;
    env.node_tool(["copy", "-M", "from", "dbx:p"])?.ok()?;
    assert_eq!(env.sandbox.count("files/upload"), 1, "one small file");
    env.node_tool(["copy", "-M", "dbx:p", "to", "--include", "secret"])?
        .ok()?;
    assert_eq!(
        mode(&env, "to/bin/secret")?,
        0o640,
        "a filter doesn't matter to it"
    );
    Ok(())
}

#[test]
fn a_folder_in_which_all_is_usual_has_no_file_more() -> anyhow::Result<()> {
    let env = copied()?;
    let all = env.node_tool(["lsf", "-R", "--files-only", "dbx:p"])?.ok()?;
    let kept: Vec<&str> = all.lines().filter(|path| path.ends_with(KEPT)).collect();
    assert_eq!(kept, [KEPT, &format!("bin/{KEPT}")], "{all}");
    // Without the flag, nothing of it.
    env.node_tool(["copy", "from", "dbx:q"])?.ok()?;
    assert!(!env.node_tool(["lsf", "-R", "dbx:q"])?.ok()?.contains(KEPT));
    Ok(())
}

#[test]
fn a_sync_neither_deletes_nor_copies_them() -> anyhow::Result<()> {
    let env = copied()?;
    let count = |env: &TestEnv| -> anyhow::Result<usize> {
        let all = env.node_tool(["lsf", "-R", "dbx:p"])?.ok()?;
        Ok(all.lines().filter(|path| path.ends_with(KEPT)).count())
    };
    let said = env.node_tool(["sync", "-M", "from", "dbx:p"])?;
    assert!(said.code == 0 && !said.err.contains("deleted"), "{}", said.err);
    assert_eq!(count(&env)?, 2);
    env.node_tool(["sync", "-M", "dbx:p", "to"])?.ok()?;
    assert!(!env.path("to").join(KEPT).exists());
    // One that came here without the flag stays, and isn't uploaded.
    write(&env.path("to").join(KEPT), b"mine", 1)?;
    env.node_tool(["sync", "-M", "dbx:p", "to"])?.ok()?;
    assert!(env.path("to").join(KEPT).exists());
    env.node_tool(["sync", "-M", "to", "dbx:p"])?.ok()?;
    assert!(
        env.node_tool(["cat", &format!("dbx:p/{KEPT}")])?
            .ok()?
            .starts_with('{')
    );
    // A folder that goes takes its own with it; a dry run does nothing.
    fs::remove_dir_all(env.path("from/bin"))?;
    env.node_tool(["sync", "-M", "from", "dbx:p", "--dry-run"])?
        .ok()?;
    assert_eq!(count(&env)?, 2);
    env.node_tool(["sync", "-M", "from", "dbx:p"])?.ok()?;
    assert_eq!(count(&env)?, 0, "and what is usual again needs none");
    assert_eq!(env.node_tool(["lsf", "dbx:p"])?.ok()?, "plain\nusual/\n");
    Ok(())
}

#[test]
fn a_single_file_keeps_those_of_others() -> anyhow::Result<()> {
    let env = copied()?;
    set(&env, "tool", 0o755)?;
    env.node_tool(["copyto", "-M", "tool", "dbx:p/bin/new"])?.ok()?;
    env.node_tool(["copyto", "-M", "dbx:p/bin/new", "back"])?.ok()?;
    assert_eq!(mode(&env, "back")?, 0o755);
    env.node_tool(["copy", "-M", "dbx:p/bin/secret", "."])?.ok()?;
    assert_eq!(mode(&env, "secret")?, 0o600);
    // A copy of some files leaves what is kept of the others.
    set(&env, "some/bin/run.sh", 0o700)?;
    env.node_tool(["copy", "-M", "some", "dbx:p"])?.ok()?;
    env.node_tool(["copy", "-M", "dbx:p", "to"])?.ok()?;
    assert_eq!(
        (mode(&env, "to/bin/run.sh")?, mode(&env, "to/bin/secret")?),
        (0o700, 0o600)
    );
    Ok(())
}

#[test]
fn a_move_leaves_nothing_and_damage_is_reported() -> anyhow::Result<()> {
    let env = copied()?;
    env.sandbox
        .put_file(&format!("/p/bin/{KEPT}"), b"{\"version\":9}", None)?;
    let said = env.node_tool(["copy", "-M", "dbx:p", "to"])?;
    assert_eq!(said.code, 1, "{}", said.err);
    assert!(
        said.err.contains("the permissions were not kept: 'bin/"),
        "{}",
        said.err
    );
    env.node_tool(["copy", "-M", "from", "dbx:q"])?.ok()?;
    env.node_tool(["move", "-M", "dbx:q", "moved"])?.ok()?;
    assert_eq!(mode(&env, "moved/bin/run.sh")?, 0o755);
    assert_eq!(env.node_tool(["lsf", "-R", "--files-only", "dbx:q"])?.ok()?, "");
    Ok(())
}

#[test]
fn permissions_go_from_one_dropbox_to_another() -> anyhow::Result<()> {
    let env = copied()?;
    // Within an account, the target has a file and permissions of its own.
    set(&env, "other/bin/own", 0o700)?;
    env.node_tool(["copy", "-M", "other", "dbx:q"])?.ok()?;
    env.node_tool(["copy", "-M", "dbx:p", "dbx:q"])?.ok()?;
    env.node_tool(["copy", "-M", "dbx:q", "back"])?.ok()?;
    for (path, expected) in [
        ("back/bin/run.sh", 0o755),
        ("back/bin/secret", 0o600),
        ("back/bin/own", 0o700),
        ("back/bin", 0o750),
        ("back/plain", 0o644),
    ] {
        assert_eq!(mode(&env, path)?, expected, "{path}");
    }
    env.sandbox.reset_calls();
    env.node_tool(["sync", "-M", "dbx:p", "dbx:r"])?.ok()?;
    env.node_tool(["sync", "-M", "dbx:p", "dbx:r"])?.ok()?;
    assert_eq!(
        env.sandbox.count("files/upload"),
        2,
        "once for each folder that needs one"
    );
    // A single file, under another name; and moved files leave nothing.
    env.node_tool(["copyto", "-M", "dbx:p/bin/secret", "dbx:r/bin/hidden"])?
        .ok()?;
    env.node_tool(["copyto", "-M", "dbx:r/bin/hidden", "hidden"])?
        .ok()?;
    assert_eq!(mode(&env, "hidden")?, 0o600);
    env.node_tool(["move", "-M", "dbx:r", "dbx:q", "--include", "**"])?
        .ok()?;
    env.node_tool(["copy", "-M", "dbx:q/bin", "again"])?.ok()?;
    assert_eq!(
        (mode(&env, "again/hidden")?, mode(&env, "again/own")?),
        (0o600, 0o700)
    );
    // And between two accounts' logins, through this machine; what is published, too.
    env.connect("second")?;
    env.node_tool(["copy", "-M", "dbx:p", "second:s"])?.ok()?;
    let link = env.node_tool(["link", "dbx:p"])?.ok()?;
    env.node_tool(["copy", "-M", link.trim(), "published", "--link-remote", "dbx"])?
        .ok()?;
    assert_eq!(mode(&env, "published/bin/secret")?, 0o600);
    Ok(())
}

#[test]
fn permissions_that_cant_be_read_leave_those_of_the_other_dropbox() -> anyhow::Result<()> {
    let env = copied()?;
    env.node_tool(["copy", "-M", "dbx:p", "dbx:q"])?.ok()?;
    env.sandbox
        .put_file(&format!("/p/bin/{KEPT}"), b"{\"version\":9}", None)?;
    let said = env.node_tool(["copy", "-M", "dbx:p", "dbx:q"])?;
    assert!(
        said.code == 1 && said.err.contains("the permissions were not kept: 'bin/"),
        "{}",
        said.err
    );
    env.node_tool(["copy", "-M", "dbx:q", "back"])?.ok()?;
    assert_eq!(mode(&env, "back/bin/secret")?, 0o600);
    Ok(())
}
