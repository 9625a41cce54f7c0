//! Links as results: made, changed, listed, looked at and revoked; what plan and team forbid is said.

use std::fs;

use sandbox::Sandbox;
use tests::test_env::TestEnv;

fn env() -> anyhow::Result<TestEnv> {
    let env = TestEnv::connected()?;
    for path in ["/results/paper.pdf", "/results/raw/data.csv"] {
        env.sandbox.put_file(path, b"content", None)?;
    }
    Ok(env)
}

#[test]
fn a_link_is_made_changed_listed_and_revoked() -> anyhow::Result<()> {
    let env = env()?;
    let paper = "dbx:results/paper.pdf";
    let made = env.node_tool(["link", paper, "--expire", "7d", "--no-download"])?;
    assert_eq!((made.code, made.err.as_str()), (0, ""), "{}", made.err);
    let url = made.out.trim().to_owned();
    assert!(
        url.starts_with("https://") && made.out.lines().count() == 1,
        "{}",
        made.out
    );
    let info = env.node_tool(["link", "info", &url])?.ok()?;
    for fact in [
        "Name:     paper.pdf\n",
        "Kind:     file, 7 B\n",
        "Audience: public\n",
        "Limits:   no download\n",
    ] {
        assert!(info.contains(fact), "{info}");
    }
    assert!(!info.contains("never"), "{info}");

    fs::write(env.path("password"), "open sesame\n")?;
    let changed = env.node_tool([
        "link",
        paper,
        "--expire",
        "off",
        "--download",
        "--password-file",
        "password",
    ])?;
    assert_eq!(
        (changed.code, changed.out.trim()),
        (0, url.as_str()),
        "{}",
        changed.err
    );
    let closed = env.node_tool(["link", "info", &url])?.fails(1)?;
    assert!(
        closed.contains("the link needs a password") && !closed.contains("sesame"),
        "{closed}"
    );
    let info = env
        .node_tool(["link", "info", &url, "--link-password-file", "password"])?
        .ok()?;
    assert!(
        info.contains("Ends:     never\n") && info.contains("Limits:   password\n"),
        "{info}"
    );
    env.node_tool(["link", paper, "--no-password"])?.ok()?;
    env.node_tool(["link", "info", &url])?.ok()?;

    let around = env.node_tool(["link", "dbx:results"])?.ok()?;
    let all = env.node_tool(["link", "list"])?.ok()?;
    assert_eq!(all, env.node_tool(["link", "list", "dbx:"])?.ok()?);
    let [folder, file] = all.lines().collect::<Vec<_>>()[..] else {
        anyhow::bail!("{all}")
    };
    assert!(
        folder.ends_with(&format!("{} /results", around.trim())),
        "{folder}"
    );
    assert!(
        file.starts_with("public   viewer  -") && file.ends_with(&format!("{url} /results/paper.pdf")),
        "{file}"
    );
    let below = env
        .node_tool(["link", "list", "dbx:results/raw/data.csv"])?
        .ok()?;
    assert_eq!(
        below.lines().count(),
        1,
        "the folder's link leads to it, too: {below}"
    );

    env.node_tool(["link", "revoke", &url])?.ok()?;
    let gone = env.node_tool(["link", "revoke", &url])?.fails(1)?;
    assert!(gone.contains("there is no such link"), "{gone}");
    let ended = env.node_tool(["link", "revoke", "dbx:results"])?;
    assert!(
        ended.code == 0 && ended.err.contains("1 link ended"),
        "{}",
        ended.err
    );
    assert_eq!(env.node_tool(["link", "list"])?.ok()?, "");
    env.node_tool(["link", "dbx:results"])?.ok()?;
    assert!(
        env.node_tool(["link", "--unlink", "dbx:results"])?
            .err
            .contains("1 link ended")
    );
    Ok(())
}

#[test]
fn what_an_existing_link_cannot_become_is_said() -> anyhow::Result<()> {
    let env = env()?;
    let made = env
        .node_tool(["link", "dbx:results", "--access", "editor"])?
        .ok()?;
    assert_eq!(
        env.node_tool(["link", "dbx:results", "--access", "editor"])?
            .ok()?,
        made
    );
    let kept = env.node_tool(["link", "dbx:results", "--access", "viewer"])?;
    assert_eq!((kept.code, kept.out), (1, made), "{}", kept.err);
    assert!(
        kept.err.contains("next: node-tool link revoke dbx:results"),
        "{}",
        kept.err
    );
    for (args, code, words) in [
        (
            vec!["link", "dbx:results", "--expire", "2020-01-01"],
            2,
            "that is over already",
        ),
        (
            vec!["link", "dbx:results", "--expire", "soon"],
            2,
            "give a number",
        ),
        (
            vec!["link", "dbx:results", "--password"],
            2,
            "--password-file FILE",
        ),
        (
            vec!["link", "dbx:results", "--unlink", "--expire", "1d"],
            2,
            "cannot be used with",
        ),
        (
            vec!["link", "dbx:missing", "--expire", "1d"],
            1,
            "it is not there",
        ),
        (vec!["link", "info", "dbx:results"], 2, "is not a link"),
        (vec!["link", "list", "results"], 2, "is on this machine"),
    ] {
        let said = env.node_tool(&args)?.fails(code)?;
        assert!(said.contains(words), "{args:?}: {said}");
    }
    Ok(())
}

#[test]
fn what_plan_and_team_forbid_is_said_with_what_is_allowed() -> anyhow::Result<()> {
    let env = env()?;
    env.sandbox.set_link_policy(true, false);
    let refused = env
        .node_tool(["link", "dbx:results", "--expire", "7d"])?
        .fails(1)?;
    assert!(
        refused.contains("doesn't allow these settings") && refused.contains("basic accounts"),
        "{refused}"
    );
    let url = env.node_tool(["link", "dbx:results"])?.ok()?;
    let refused = env
        .node_tool(["link", "dbx:results", "--expire", "7d", "--audience", "members"])?
        .fails(1)?;
    for words in [
        "--expire is not allowed for this link",
        "--audience members: this kind of account can't; allowed: public",
        "next: node-tool link dbx:results",
    ] {
        assert!(refused.contains(words), "{refused}");
    }
    assert_eq!(
        env.node_tool(["link", "dbx:results"])?.ok()?,
        url,
        "it is as it was"
    );

    let env = TestEnv::with(Sandbox::builder().team_space())?;
    env.connect("dbx")?;
    env.sandbox.put_file("/x", b"x", None)?;
    env.sandbox.set_link_policy(false, true);
    let narrowed = env.node_tool(["link", "dbx:x", "--audience", "public"])?;
    assert!(
        narrowed.code == 1 && narrowed.out.starts_with("https://"),
        "{}",
        narrowed.err
    );
    assert!(
        narrowed
            .err
            .contains("reaches team only, not public: the team keeps its links to itself"),
        "{}",
        narrowed.err
    );
    env.node_tool(["link", "dbx:x", "--audience", "team"])?.ok()?;
    env.node_tool(["link", "dbx:x", "--audience", "no-one"])?.ok()?;
    Ok(())
}

#[test]
fn a_password_of_a_link_is_typed_without_being_shown() -> anyhow::Result<()> {
    let env = env()?;
    let mut terminal = env.terminal("node-tool", &["link", "dbx:results", "--password"])?;
    terminal.expect("new password of the link")?;
    terminal.send("swordfish\r")?;
    terminal.expect("https://")?;
    let (code, screen) = terminal.end()?;
    assert!(code == 0 && !screen.contains("swordfish"), "{screen}");
    let mut command = env.command("node-tool")?;
    let url = env.node_tool(["link", "dbx:results"])?.ok()?;
    command
        .env("NODE_TOOL_LINK_PASSWORD", "swordfish")
        .args(["lsf", url.trim()]);
    assert_eq!(tests::test_env::run(command, "")?.ok()?, "paper.pdf\nraw/\n");
    Ok(())
}
