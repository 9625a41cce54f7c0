//! A team account: which root a remote starts from, and what happens when the team changes.

use tests::browser::{Button, consent_address, press, shown_code};
use tests::sandbox::Sandbox;
use tests::world::World;

fn in_a_team() -> anyhow::Result<World> {
    let world = World::with(Sandbox::builder().team_space())?;
    world.sandbox.put_file("/mine.txt", b"mine", None)?;
    Ok(world)
}

fn roots(world: &World) -> anyhow::Result<String> {
    world.node_tool(["lsd", "dbx:"])?.ok()
}

#[test]
fn the_root_is_asked_for_once_and_kept() -> anyhow::Result<()> {
    let world = in_a_team()?;
    let args = ["config", "create", "dbx", "--app-key", world.sandbox.app_key()];
    let mut terminal = world.terminal("node-tool", &args)?;
    let said = terminal.expect("token> ")?;
    let code = shown_code(&press(&consent_address(&said)?, Button::Allow)?)?;
    terminal.send(&format!("{code}\r"))?;
    let said = terminal.expect("root [home]> ")?;
    assert!(
        said.contains(
            "home) your own folder, /Ann Example in the team space\n  team) the whole team space\n"
        ),
        "{said}"
    );
    terminal.send("everything\r")?;
    terminal.expect("answer home or team")?;
    terminal.expect("root [home]> ")?;
    terminal.send("team\r")?;
    let (code, screen) = terminal.end()?;
    assert_eq!(code, 0, "{screen}");
    assert!(roots(&world)?.contains("Ann Example"));
    let show = world.node_tool(["config", "show", "dbx"])?.ok()?;
    assert!(show.contains("root = team\n"), "{show}");
    // A new login keeps it.
    let mut terminal = world.terminal("node-tool", &["config", "reconnect", "dbx:"])?;
    let said = terminal.expect("token> ")?;
    let code = shown_code(&press(&consent_address(&said)?, Button::Allow)?)?;
    terminal.send(&format!("{code}\r"))?;
    assert_eq!(terminal.end()?.0, 0);
    assert!(roots(&world)?.contains("Ann Example"));
    // And it can be changed.
    assert_eq!(
        world
            .node_tool(["config", "edit", "dbx", "--root", "home"])?
            .ok()?,
        "dbx: starts at your own folder\n"
    );
    assert_eq!(world.node_tool(["ls", "dbx:"])?.ok()?, "        4 mine.txt\n");
    let mut terminal = world.terminal("node-tool", &["config", "edit", "dbx"])?;
    terminal.expect("root (home or team) [home]> ")?;
    terminal.send("team\r")?;
    assert_eq!(terminal.end()?.0, 0);
    assert_eq!(
        world.node_tool(["ls", "dbx:"])?.ok()?,
        "        4 Ann Example/mine.txt\n"
    );
    Ok(())
}

#[test]
fn scripts_give_the_root_as_a_flag() -> anyhow::Result<()> {
    let world = in_a_team()?;
    let tokens = world.sandbox.tokens()?;
    let token =
        serde_json::json!({"access_token": tokens.access_token, "refresh_token": tokens.refresh_token});
    let key = world.sandbox.app_key();
    let create = |name: &str, more: &[&str]| {
        let args = ["config", "create", name, "--app-key", key, "--token-stdin"];
        world.node_tool_with(args.iter().chain(more), &token.to_string())
    };
    let quiet = create("quiet", &[])?;
    assert!(
        quiet.err.contains("node-tool config edit quiet --root team"),
        "{}",
        quiet.err
    );
    assert_eq!(create("team", &["--root", "team"])?.code, 0);
    assert_eq!(create("home", &["--root", "home"])?.err, "");
    assert!(world.node_tool(["lsd", "team:"])?.ok()?.contains("Ann Example"));
    assert_eq!(world.node_tool(["lsd", "home:"])?.ok()?, "");
    let alone = World::new()?;
    let tokens = alone.sandbox.tokens()?;
    let token = serde_json::json!({"access_token": tokens.access_token}).to_string();
    let args = [
        "config",
        "create",
        "dbx",
        "--app-key",
        alone.sandbox.app_key(),
        "--token-stdin",
        "--root",
        "team",
    ];
    let err = alone.node_tool_with(args, &token)?.fails(2)?;
    assert!(
        err.contains("has no team space") && err.contains("--root home"),
        "{err}"
    );
    assert!(!alone.config().exists());
    Ok(())
}

#[test]
fn a_team_space_that_moved_is_found_again() -> anyhow::Result<()> {
    let world = in_a_team()?;
    world.connect("dbx")?;
    world
        .node_tool(["config", "edit", "dbx", "--root", "team"])?
        .ok()?;
    std::fs::create_dir(world.path("from"))?;
    std::fs::write(world.path("from/file"), "text")?;
    world.sandbox.change_team(2002);
    let end = world.node_tool(["copy", "from", "dbx:Ann Example/to"])?;
    assert_eq!(end.code, 0, "{}", end.err);
    assert!(end.err.contains("the team space has moved"), "{}", end.err);
    assert_eq!(world.sandbox.read_file("/to/file").as_deref(), Some(&b"text"[..]));
    let end = world.node_tool(["lsd", "dbx:"])?;
    assert!(
        end.out.contains("Ann Example") && end.err.is_empty(),
        "it was kept: {}",
        end.err
    );
    Ok(())
}

#[test]
fn one_account_from_two_roots_is_not_mistaken_for_two() -> anyhow::Result<()> {
    let world = in_a_team()?;
    world.connect("home")?;
    world.connect("team")?;
    world
        .node_tool(["config", "edit", "team", "--root", "team"])?
        .ok()?;
    for verb in ["move", "sync"] {
        let err = world.node_tool([verb, "home:", "team:Ann Example"])?.fails(2)?;
        assert!(err.contains("one account, seen from different roots"), "{err}");
    }
    assert_eq!(
        world.sandbox.read_file("/mine.txt").as_deref(),
        Some(&b"mine"[..])
    );
    Ok(())
}
