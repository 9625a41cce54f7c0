//! Cloud documents: shown as their exports, usable by these names, and never deleted or replaced by way of them.

use std::fs;

use sandbox::Sandbox;
use tests::files::write;
use tests::test_env::TestEnv;

const PLAN: &str = "<p>the plan</p>";

/// A folder with a document, an ordinary file and one more document.
fn with_documents() -> anyhow::Result<TestEnv> {
    let env = TestEnv::with(Sandbox::builder())?;
    env.connect("dbx")?;
    env.sandbox.put_document("/p/Plan.paper", PLAN)?;
    env.sandbox.put_document("/p/notes.paper", "we met")?;
    env.sandbox.put_file("/p/a.txt", b"ordinary", None)?;
    env.sandbox.put_file("/p/z.txt", b"last", None)?;
    Ok(env)
}

fn stored(env: &TestEnv) -> Vec<String> {
    let files = env.sandbox.tree().into_iter().filter(|entry| !entry.is_folder);
    let mut paths: Vec<String> = files.map(|entry| entry.path).collect();
    paths.sort();
    paths
}

/// Both documents are there.
fn assert_kept(env: &TestEnv) {
    for name in ["/p/Plan.paper", "/p/notes.paper"] {
        assert!(stored(env).iter().any(|path| path == name), "{:?}", stored(env));
    }
}

#[test]
fn a_file_with_an_exports_name_is_an_ordinary_file() -> anyhow::Result<()> {
    for flags in [&[][..], &["-I"], &["-c"], &["--ignore-existing"]] {
        let env = with_documents()?;
        write(&env.path("from/Plan.html"), b"mine", 1)?;
        env.node_tool([&["copy", "from", "dbx:p"], flags].concat())?
            .ok()?;
        assert_eq!(
            env.sandbox.read_file("/p/Plan.html").as_deref(),
            Some(&b"mine"[..])
        );
        assert_kept(&env);
        let err = env.node_tool(["copy", "from", "dbx:p"])?;
        assert!(err.err.contains("0 files copied"), "{}", err.err);
        // One file alone takes another way.
        write(&env.path("notes.md"), b"mine", 1)?;
        env.node_tool(["copyto", "notes.md", "dbx:p/notes.html"])?.ok()?;
        assert_eq!(
            env.sandbox.read_file("/p/notes.html").as_deref(),
            Some(&b"mine"[..])
        );
        assert_kept(&env);
    }
    Ok(())
}

#[test]
fn a_file_wins_the_name_everywhere() -> anyhow::Result<()> {
    let env = with_documents()?;
    env.sandbox.put_file("/p/plan.HTML", b"a page", None)?;
    let names = "a.txt\nnotes.html\nplan.HTML\nPlan.paper.html\nz.txt\n";
    let sorted = |text: &str| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    for verb in [&["lsf", "dbx:p"][..], &["lsf", "-R", "dbx:p"]] {
        assert_eq!(sorted(&env.node_tool(verb)?.ok()?), sorted(names), "{verb:?}");
    }
    assert_eq!(env.node_tool(["cat", "dbx:p/Plan.html"])?.ok()?, "a page");
    assert_eq!(env.node_tool(["cat", "dbx:p/Plan.paper.html"])?.ok()?, PLAN);
    env.node_tool(["copy", "dbx:p", "down"])?.ok()?;
    assert_eq!(fs::read_to_string(env.path("down/plan.HTML"))?, "a page");
    assert_eq!(fs::read_to_string(env.path("down/Plan.paper.html"))?, PLAN);
    env.node_tool(["check", "dbx:p", "down"])?.ok()?;
    env.node_tool(["check", "down", "dbx:p"])?.ok()?;
    let again = env.node_tool(["sync", "dbx:p", "down"])?;
    assert!(again.err.contains("0 files copied"), "{}", again.err);
    // With both names taken, it is left out with a word, and nothing else suffers.
    env.sandbox
        .put_file("/p/Plan.paper.html", b"another page", None)?;
    let listed = env.node_tool(["lsf", "dbx:p"])?;
    assert!(listed.err.contains("Plan.paper: skipped"), "{}", listed.err);
    assert_eq!(sorted(&listed.ok()?), sorted(names));
    let copied = env.node_tool(["copy", "dbx:p", "down"])?;
    assert!(copied.err.contains("Plan.paper"), "{}", copied.err);
    copied.ok()?;
    assert_eq!(
        fs::read_to_string(env.path("down/Plan.paper.html"))?,
        "another page"
    );
    env.node_tool(["delete", "dbx:p", "--include", "*.html"])?.ok()?;
    assert_kept(&env);
    Ok(())
}

#[test]
fn what_a_listing_shows_can_be_used() -> anyhow::Result<()> {
    let env = with_documents()?;
    assert_eq!(env.node_tool(["cat", "dbx:p/Plan.html"])?.ok()?, PLAN);
    assert_eq!(env.node_tool(["cat", "dbx:p/plan.HTML"])?.ok()?, PLAN);
    assert_eq!(env.node_tool(["cat", "dbx:p/Plan.paper"])?.ok()?, PLAN);
    let part = env.node_tool(["cat", "dbx:p/Plan.html", "--offset", "3", "--count", "8"])?;
    assert_eq!(part.ok()?, "the plan");
    assert_eq!(
        env.node_tool(["cat", "dbx:p/Plan.html", "--tail", "4"])?.ok()?,
        "</p>"
    );
    assert_eq!(
        env.node_tool(["cat", "dbx:p"])?.ok()?,
        format!("{PLAN}ordinarywe metlast")
    );
    assert_eq!(env.node_tool(["lsf", "dbx:p/Plan.html"])?.ok()?, "Plan.html\n");
    let stat = env.node_tool(["lsjson", "--stat", "dbx:p/Plan.html"])?.ok()?;
    assert!(stat.contains("\"Plan.html\""), "{stat}");
    env.node_tool(["copyto", "dbx:p/Plan.html", "here.html"])?.ok()?;
    assert_eq!(fs::read_to_string(env.path("here.html"))?, PLAN);
    for source in ["dbx:p/Plan.html", "dbx:p/Plan.paper"] {
        let _ = fs::remove_dir_all(env.path("down"));
        env.node_tool(["copy", source, "down"])?.ok()?;
        assert_eq!(fs::read_to_string(env.path("down/Plan.html"))?, PLAN, "{source}");
    }
    let url = env.node_tool(["link", "dbx:p/Plan.paper"])?.ok()?;
    assert_eq!(env.node_tool(["link", "dbx:p/Plan.html"])?.ok()?, url);
    assert_eq!(
        env.node_tool(["revisions", "dbx:p/Plan.html"])?
            .ok()?
            .lines()
            .count(),
        env.node_tool(["revisions", "dbx:p/Plan.paper"])?
            .ok()?
            .lines()
            .count()
    );
    // What it would be in another format is shown nowhere.
    env.node_tool(["cat", "dbx:p/Plan.md"])?.fails(3)?;
    assert_eq!(
        env.node_tool(["--export-formats", "md", "cat", "dbx:p/Plan.md"])?
            .ok()?,
        PLAN
    );
    Ok(())
}

#[test]
fn no_verb_reaches_a_document_by_its_exports_name() -> anyhow::Result<()> {
    let env = with_documents()?;
    for verb in [
        &["deletefile", "dbx:p/Plan.html"][..],
        &["delete", "dbx:p/Plan.html"],
    ] {
        let err = env.node_tool(verb)?.fails(1)?;
        assert!(
            err.contains("next: node-tool deletefile dbx:p/Plan.paper"),
            "{err}"
        );
    }
    let purged = env.node_tool(["purge", "-y", "dbx:p/Plan.html"])?.fails(1)?;
    assert!(purged.contains("is a file"), "{purged}");
    let deleted = env.node_tool(["delete", "dbx:p", "--include", "Plan.html"])?;
    assert!(deleted.err.contains("dbx:p/Plan.paper"), "{}", deleted.err);
    deleted.ok()?;
    env.node_tool(["touch", "dbx:p/Plan.paper"])?.fails(1)?;
    assert_kept(&env);
    assert_eq!(stored(&env).len(), 4);
    // By its own name it goes.
    env.node_tool(["deletefile", "dbx:p/Plan.paper"])?.ok()?;
    assert_eq!(stored(&env), ["/p/a.txt", "/p/notes.paper", "/p/z.txt"]);
    env.node_tool(["delete", "dbx:p"])?.ok()?;
    assert_eq!(stored(&env), [""; 0]);
    Ok(())
}

#[test]
fn sync_and_move_leave_documents_where_they_are() -> anyhow::Result<()> {
    let env = with_documents()?;
    write(&env.path("from/a.txt"), b"ordinary", 1)?;
    write(&env.path("from/sub/b.txt"), b"new", 1)?;
    env.sandbox.put_document("/p/gone/deep.paper", "deep")?;
    env.sandbox.put_file("/p/gone/x", b"x", None)?;
    let shown = env
        .node_tool(["sync", "from", "dbx:p", "--dry-run", "--json"])?
        .ok()?;
    assert!(!shown.contains("paper") && !shown.contains("html"), "{shown}");
    assert!(
        !shown.contains("rmdir"),
        "a folder with a document in it stays: {shown}"
    );
    let synced = env.node_tool(["sync", "from", "dbx:p"])?;
    assert!(synced.err.contains("cloud documents"), "{}", synced.err);
    synced.ok()?;
    assert_kept(&env);
    assert_eq!(
        stored(&env),
        [
            "/p/Plan.paper",
            "/p/a.txt",
            "/p/gone/deep.paper",
            "/p/notes.paper",
            "/p/sub/b.txt"
        ]
    );
    for extra in [&["--delete-excluded"][..], &["--backup-dir", "dbx:old"]] {
        env.node_tool([&["sync", "from", "dbx:p"], extra].concat())?
            .ok()?;
        assert_kept(&env);
    }
    // Down: exported, and the document stays, since its export isn't all of it.
    let moved = env.node_tool(["move", "dbx:p", "down"])?;
    assert!(moved.err.contains("dbx:p/Plan.paper"), "{}", moved.err);
    moved.ok()?;
    assert_eq!(fs::read_to_string(env.path("down/Plan.html"))?, PLAN);
    assert_kept(&env);
    env.node_tool(["moveto", "dbx:p/Plan.html", "alone.html"])?.ok()?;
    assert_eq!(fs::read_to_string(env.path("alone.html"))?, PLAN);
    assert_kept(&env);
    Ok(())
}

#[test]
fn nothing_is_written_over_a_documents_own_name() -> anyhow::Result<()> {
    let env = with_documents()?;
    write(&env.path("from/Plan.paper"), b"a file", 1)?;
    write(&env.path("from/notes.paper/in.txt"), b"a folder", 1)?;
    write(&env.path("from/ok"), b"ok", 1)?;
    for verb in [
        &["copy", "from", "dbx:p", "-I"][..],
        &["sync", "from", "dbx:p"],
        &["copyto", "from/Plan.paper", "dbx:p/plan.paper"],
    ] {
        let err = env.node_tool(verb)?.fails(6)?;
        assert!(err.contains("a cloud document"), "{err}");
        assert_kept(&env);
    }
    assert_eq!(env.sandbox.read_file("/p/ok").as_deref(), Some(&b"ok"[..]));
    Ok(())
}

#[test]
fn within_an_account_documents_go_by_their_own_names() -> anyhow::Result<()> {
    let env = with_documents()?;
    env.node_tool(["copy", "dbx:p", "dbx:q"])?.ok()?;
    let q: Vec<String> = stored(&env).into_iter().filter(|p| p.starts_with("/q")).collect();
    assert_eq!(q, ["/q/Plan.paper", "/q/a.txt", "/q/notes.paper", "/q/z.txt"]);
    for verb in ["copy", "sync"] {
        let again = env.node_tool([verb, "dbx:p", "dbx:q"])?;
        assert!(again.err.contains("0 files copied"), "{}", again.err);
        again.ok()?;
    }
    env.node_tool(["check", "dbx:p", "dbx:q"])?.ok()?;
    // A name from a listing can be given; what it is called for stays a document.
    env.node_tool(["moveto", "dbx:q/Plan.html", "dbx:q/Draft.html"])?
        .ok()?;
    env.node_tool(["copyto", "dbx:q/notes.html", "dbx:r/more.html"])?
        .ok()?;
    env.node_tool(["move", "dbx:q/notes.html", "dbx:r"])?.ok()?;
    let mut rest: Vec<String> = stored(&env)
        .into_iter()
        .filter(|p| !p.starts_with("/p"))
        .collect();
    rest.sort();
    assert_eq!(
        rest,
        [
            "/q/Draft.paper",
            "/q/a.txt",
            "/q/z.txt",
            "/r/more.paper",
            "/r/notes.paper"
        ]
    );
    assert_eq!(env.node_tool(["cat", "dbx:q/Draft.html"])?.ok()?, PLAN);
    Ok(())
}

#[test]
fn a_copy_that_was_made_checks_out() -> anyhow::Result<()> {
    let env = with_documents()?;
    env.node_tool(["copy", "dbx:p", "down"])?.ok()?;
    for (source, dest) in [("dbx:p", "down"), ("down", "dbx:p")] {
        env.node_tool(["check", source, dest])?.ok()?;
        env.node_tool(["check", source, dest, "--size-only"])?.ok()?;
    }
    env.node_tool(["check", "dbx:p/Plan.html", "down/Plan.html"])?
        .ok()?;
    write(&env.path("down/Plan.html"), b"<p>the plot</p>", 1)?;
    let out = env.node_tool(["check", "dbx:p", "down", "--combined", "-"])?;
    assert!(out.out.contains("* Plan.html"), "{}", out.out);
    out.fails(1)?;
    // What only a document of the target would be is no difference.
    fs::remove_file(env.path("down/Plan.html"))?;
    env.node_tool(["check", "down", "dbx:p"])?.ok()?;
    env.node_tool(["check", "dbx:p", "down"])?.fails(1)?;
    let sums = env.node_tool(["hashsum", "dropbox", "dbx:p"])?;
    assert_eq!(sums.clone().ok()?.lines().count(), 4);
    assert!(sums.err.contains("notes.html"), "{}", sums.err);
    Ok(())
}
