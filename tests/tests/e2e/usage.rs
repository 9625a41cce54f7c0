//! `du`: how much is in each folder, as a table and as a browser.

use tests::test_env::TestEnv;

fn env_with_files() -> anyhow::Result<TestEnv> {
    let env = TestEnv::connected()?;
    for (path, size) in [
        ("/t/data/big", 3 << 20),
        ("/t/data/deep/x", 1000),
        ("/t/data/deep/y", 24),
        ("/t/notes.txt", 5),
    ] {
        env.sandbox.put_file(path, &vec![b'x'; size], None)?;
    }
    env.sandbox.put_folder("/t/empty")?;
    env.sandbox.reset_calls();
    Ok(env)
}

#[test]
fn one_listing_makes_the_table() -> anyhow::Result<()> {
    let env = env_with_files()?;
    let table = env.node_tool(["du", "dbx:t"])?.ok()?;
    assert_eq!(
        table,
        "   3.00 MiB         3 data/\n        5 B         1 notes.txt\n        0 B         0 empty/\n   3.00 MiB         4 dbx:t\n"
    );
    assert_eq!(
        env.sandbox.count("files/list_folder"),
        1,
        "{:?}",
        env.sandbox.counts()
    );
    let deep = env
        .node_tool(["ncdu", "dbx:t", "--max-depth", "3", "--sort", "name"])?
        .ok()?;
    assert_eq!(deep.lines().count(), 8, "{deep}");
    assert!(deep.contains("     1000 B         1 data/deep/x\n"), "{deep}");
    let json = env.node_tool(["du", "dbx:t", "--json"])?.ok()?;
    let json: serde_json::Value = serde_json::from_str(&json)?;
    assert_eq!(
        json[0],
        serde_json::json!({"path": "data", "is_dir": true, "bytes": 3_146_752, "count": 3})
    );
    assert_eq!(json[3]["count"], 4);
    env.node_tool(["du", "dbx:none"])?.fails(3)?;
    let error = env.node_tool(["du", "dbx:t", "--sort", "age"])?.fails(2)?;
    assert!(error.contains("'age'"), "{error}");
    Ok(())
}

#[test]
fn the_browser_walks_and_deletes_only_after_a_yes() -> anyhow::Result<()> {
    let env = env_with_files()?;
    let mut terminal = env.terminal("node-tool", &["du", "dbx:t"])?;
    let first = terminal.picture_when(|picture| picture.contains("--- dbx:t ---"))?;
    assert!(
        first.contains("   3.00 MiB         3 [##########] data/"),
        "{first}"
    );
    assert!(
        first.contains("        5 B         1 [          ] notes.txt"),
        "{first}"
    );
    assert!(first.contains("3.00 MiB in 4 files"), "{first}");
    terminal.send("\r")?;
    terminal.picture_when(|picture| picture.contains("--- dbx:t/data ---") && picture.contains("deep/"))?;
    terminal.send("jd")?;
    let question = terminal.picture_when(|picture| picture.contains("Delete "))?;
    assert!(
        question.contains("Delete dbx:t/data/deep and everything in it: 1.00 KiB in 2 files"),
        "{question}"
    );
    terminal.send("n")?;
    terminal.picture_when(|picture| !picture.contains("Delete "))?;
    assert!(env.sandbox.read_file("/t/data/deep/x").is_some());
    terminal.send("dy")?;
    let after = terminal.picture_when(|picture| picture.contains("3.00 MiB in 1 file"))?;
    assert!(!after.contains("deep/") && !after.contains("elet"), "{after}");
    assert!(env.sandbox.read_file("/t/data/deep/x").is_none());
    // A file, too; and what others made meanwhile is there after a refresh.
    env.sandbox.put_file("/t/data/new", b"x", None)?;
    terminal.send("r")?;
    terminal.picture_when(|picture| picture.contains("] new"))?;
    terminal.send("\u{1b}[Bdy")?;
    terminal.picture_when(|picture| picture.contains("3.00 MiB in 1 file") && !picture.contains("elet"))?;
    assert!(env.sandbox.read_file("/t/data/new").is_none());
    terminal.send("q")?;
    let (code, screen) = terminal.end()?;
    assert_eq!(code, 0);
    assert!(screen.contains("\u{1b}[?1049l"), "the screen is given back");
    Ok(())
}

#[test]
fn a_table_is_printed_on_a_terminal_if_that_is_wanted() -> anyhow::Result<()> {
    let env = env_with_files()?;
    let mut terminal = env.terminal("node-tool", &["du", "dbx:t", "--table"])?;
    terminal.expect("4 dbx:t")?;
    let (code, screen) = terminal.end()?;
    assert_eq!(code, 0);
    assert!(!screen.contains('\u{1b}'), "{screen:?}");
    Ok(())
}
