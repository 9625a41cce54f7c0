//! The login of a team's app: an admin works as a member, and reads what a member left.

use std::fs;

use sandbox::Sandbox;
use serde_json::json;
use tests::files::write;
use tests::test_env::TestEnv;

const BOB: &str = "bob@example.org";

/// What a script pastes for a whole token.
fn pasted(env: &TestEnv) -> anyhow::Result<String> {
    let tokens = env.sandbox.tokens()?;
    Ok(json!({
        "access_token": tokens.access_token,
        "token_type": "bearer",
        "refresh_token": tokens.refresh_token,
        "expiry": "2099-01-01T00:00:00Z",
    })
    .to_string())
}

fn create<'a>(env: &'a TestEnv, more: &[&'a str]) -> Vec<&'a str> {
    let mut args = vec![
        "config",
        "create",
        "lab",
        "--app-key",
        env.sandbox.app_key(),
        "--token-stdin",
    ];
    args.extend(more);
    args
}

/// A team with Bob in it, connected by its admin.
fn connected() -> anyhow::Result<TestEnv> {
    let env = TestEnv::with(Sandbox::builder().team_app())?;
    env.sandbox.add_member("Bob", "Leaver", BOB);
    env.sandbox.put_file_of(BOB, "/data/x", b"bob's")?;
    env.sandbox.put_file("/own", b"ann's", None)?;
    let said = env.node_tool_with(create(&env, &["--team"]), &pasted(&env)?)?;
    assert!(
        said.out.contains("Connected lab: the team Sandbox University")
            && said.out.contains("node-tool lsd lab: --as-member EMAIL"),
        "{}{}",
        said.out,
        said.err
    );
    env.sandbox.reset_calls();
    Ok(env)
}

#[test]
fn an_admin_works_as_a_member() -> anyhow::Result<()> {
    let env = connected()?;
    let bob = |args: &[&str]| env.node_tool(args.iter().chain(&["--as-member", BOB]));
    assert_eq!(bob(&["lsf", "-R", "lab:"])?.ok()?, "data/\ndata/x\n");
    assert_eq!(env.sandbox.count("team/members/get_info_v2"), 1, "asked once");
    bob(&["copy", "lab:", "here"])?.ok()?;
    assert_eq!(fs::read_to_string(env.path("here/data/x"))?, "bob's");
    write(&env.path("up/y"), b"from the admin", 1)?;
    bob(&["copy", "up", "lab:data"])?.ok()?;
    assert_eq!(bob(&["cat", "lab:data/y"])?.ok()?, "from the admin");
    // From the team's root, where all members' folders are; and as somebody else.
    assert!(bob(&["lsf", "lab:/"])?.ok()?.contains("Bob Leaver/"));
    let ann = env.node_tool(["lsf", "lab:", "--dropbox-impersonate", "ann@example.org"])?;
    assert_eq!(ann.ok()?, "own\n", "rclone's name for it");
    let about = bob(&["about", "lab:"])?;
    assert!(
        about.err.contains("Account: Bob Leaver <bob@example.org>"),
        "{}",
        about.err
    );
    Ok(())
}

#[test]
fn whose_files_are_meant_has_to_be_said_and_can_be_kept() -> anyhow::Result<()> {
    let env = connected()?;
    // A link is opened by a login, too.
    let link = "https://www.dropbox.com/s/0123456789abcde/x.txt";
    for words in [
        &["lsf", link][..],
        &["link", "info", link],
        &["copy", link, "here"],
    ] {
        let err = env.node_tool(words)?.fails(2)?;
        assert!(err.contains("whose files are meant?"), "{words:?}: {err}");
    }
    let err = env.node_tool(["lsf", "lab:"])?.fails(2)?;
    assert!(
        err.contains("whose files are meant?") && err.contains("node-tool config edit lab --member EMAIL"),
        "{err}"
    );
    let err = env
        .node_tool(["lsf", "lab:", "--as-member", "eve@example.org"])?
        .fails(7)?;
    assert!(err.contains("the team has no member eve@example.org"), "{err}");
    env.node_tool(["config", "edit", "lab", "--member", "eve@example.org"])?
        .fails(2)?;
    env.node_tool(["config", "edit", "lab", "--member", BOB])?.ok()?;
    assert_eq!(env.node_tool(["lsf", "lab:"])?.ok()?, "data/\n");
    let show = env.node_tool(["config", "show", "lab"])?.ok()?;
    assert!(
        show.contains("team = true") && show.contains(&format!("member = {BOB}")),
        "{show}"
    );
    let ann = env.node_tool(["lsf", "lab:", "--as-member", "ann@example.org"])?;
    assert_eq!(ann.ok()?, "own\n", "a flag wins");
    env.node_tool(["config", "edit", "lab", "--member", ""])?.ok()?;
    env.node_tool(["lsf", "lab:"])?.fails(2)?;
    // What one member's calls found out isn't kept for the login.
    let config = fs::read_to_string(env.config())?;
    assert!(
        !config.contains("account_home_id") && !config.contains("account_id"),
        "{config}"
    );
    env.node_tool(["config", "delete", "lab"])?.ok()?;
    assert_eq!(env.sandbox.count("auth/token/revoke"), 1);
    Ok(())
}

#[test]
fn the_folder_of_a_suspended_member_is_read_and_not_changed() -> anyhow::Result<()> {
    let env = connected()?;
    env.sandbox.suspend(BOB);
    let bob = |args: &[&str]| env.node_tool(args.iter().chain(&["--as-member", BOB]));
    assert_eq!(bob(&["lsf", "-R", "lab:"])?.ok()?, "data/\ndata/x\n");
    bob(&["copy", "lab:", "here"])?.ok()?;
    assert_eq!(fs::read_to_string(env.path("here/data/x"))?, "bob's");
    write(&env.path("up/y"), b"y", 1)?;
    assert_ne!(bob(&["copy", "up", "lab:data"])?.code, 0);
    assert_eq!(bob(&["lsf", "-R", "lab:"])?.ok()?, "data/\ndata/x\n");
    Ok(())
}

#[test]
fn logins_of_teams_and_of_persons_are_not_mistaken_for_each_other() -> anyhow::Result<()> {
    let env = TestEnv::with(Sandbox::builder().team_app())?;
    let said = env.node_tool_with(create(&env, &[]), &pasted(&env)?)?;
    assert_ne!(said.code, 0);
    assert!(
        said.err.contains("node-tool config create NAME --team"),
        "{}",
        said.err
    );
    let env = TestEnv::connected()?;
    let err = env
        .node_tool_with(create(&env, &["--team"]), &pasted(&env)?)?
        .fails(7)?;
    assert!(
        err.contains("this app isn't for teams") && err.contains("members.read"),
        "{err}"
    );
    assert!(!fs::read_to_string(env.config())?.contains("lab"));
    let err = env.node_tool(["lsf", "dbx:", "--as-member", BOB])?.fails(7)?;
    assert!(
        err.contains("the app lacks the permission 'members.read'"),
        "{err}"
    );
    Ok(())
}
