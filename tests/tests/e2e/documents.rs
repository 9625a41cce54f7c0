//! Cloud documents: shown as their exports, usable by these names, and never deleted or replaced by way of them.

use std::fs;

use tests::files::write;
use tests::sandbox::Sandbox;
use tests::world::World;

const PLAN: &str = "<p>the plan</p>";

/// A folder with a document, an ordinary file and one more document.
fn with_documents() -> anyhow::Result<World> {
    let world = World::with(Sandbox::builder())?;
    world.connect("dbx")?;
    world.sandbox.put_document("/p/Plan.paper", PLAN)?;
    world.sandbox.put_document("/p/notes.paper", "we met")?;
    world.sandbox.put_file("/p/a.txt", b"ordinary", None)?;
    world.sandbox.put_file("/p/z.txt", b"last", None)?;
    Ok(world)
}

fn stored(world: &World) -> Vec<String> {
    let files = world.sandbox.tree().into_iter().filter(|entry| !entry.is_folder);
    let mut paths: Vec<String> = files.map(|entry| entry.path).collect();
    paths.sort();
    paths
}

/// Both documents are there.
fn assert_kept(world: &World) {
    for name in ["/p/Plan.paper", "/p/notes.paper"] {
        assert!(
            stored(world).iter().any(|path| path == name),
            "{:?}",
            stored(world)
        );
    }
}

#[test]
fn a_file_with_an_exports_name_is_an_ordinary_file() -> anyhow::Result<()> {
    for flags in [&[][..], &["-I"], &["-c"], &["--ignore-existing"]] {
        let world = with_documents()?;
        write(&world.path("from/Plan.html"), b"mine", 1)?;
        world
            .node_tool([&["copy", "from", "dbx:p"], flags].concat())?
            .ok()?;
        assert_eq!(
            world.sandbox.read_file("/p/Plan.html").as_deref(),
            Some(&b"mine"[..])
        );
        assert_kept(&world);
        let err = world.node_tool(["copy", "from", "dbx:p"])?;
        assert!(err.err.contains("0 files copied"), "{}", err.err);
        // One file alone takes another way.
        write(&world.path("notes.md"), b"mine", 1)?;
        world
            .node_tool(["copyto", "notes.md", "dbx:p/notes.html"])?
            .ok()?;
        assert_eq!(
            world.sandbox.read_file("/p/notes.html").as_deref(),
            Some(&b"mine"[..])
        );
        assert_kept(&world);
    }
    Ok(())
}

#[test]
fn a_file_wins_the_name_everywhere() -> anyhow::Result<()> {
    let world = with_documents()?;
    world.sandbox.put_file("/p/plan.HTML", b"a page", None)?;
    let names = "a.txt\nnotes.html\nplan.HTML\nPlan.paper.html\nz.txt\n";
    let sorted = |text: &str| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    for verb in [&["lsf", "dbx:p"][..], &["lsf", "-R", "dbx:p"]] {
        assert_eq!(sorted(&world.node_tool(verb)?.ok()?), sorted(names), "{verb:?}");
    }
    assert_eq!(world.node_tool(["cat", "dbx:p/Plan.html"])?.ok()?, "a page");
    assert_eq!(world.node_tool(["cat", "dbx:p/Plan.paper.html"])?.ok()?, PLAN);
    world.node_tool(["copy", "dbx:p", "down"])?.ok()?;
    assert_eq!(fs::read_to_string(world.path("down/plan.HTML"))?, "a page");
    assert_eq!(fs::read_to_string(world.path("down/Plan.paper.html"))?, PLAN);
    world.node_tool(["check", "dbx:p", "down"])?.ok()?;
    world.node_tool(["check", "down", "dbx:p"])?.ok()?;
    let again = world.node_tool(["sync", "dbx:p", "down"])?;
    assert!(again.err.contains("0 files copied"), "{}", again.err);
    // With both names taken, it is left out with a word, and nothing else suffers.
    world
        .sandbox
        .put_file("/p/Plan.paper.html", b"another page", None)?;
    let listed = world.node_tool(["lsf", "dbx:p"])?;
    assert!(listed.err.contains("Plan.paper: skipped"), "{}", listed.err);
    assert_eq!(sorted(&listed.ok()?), sorted(names));
    let copied = world.node_tool(["copy", "dbx:p", "down"])?;
    assert!(copied.err.contains("Plan.paper"), "{}", copied.err);
    copied.ok()?;
    assert_eq!(
        fs::read_to_string(world.path("down/Plan.paper.html"))?,
        "another page"
    );
    world
        .node_tool(["delete", "dbx:p", "--include", "*.html"])?
        .ok()?;
    assert_kept(&world);
    Ok(())
}

#[test]
fn what_a_listing_shows_can_be_used() -> anyhow::Result<()> {
    let world = with_documents()?;
    assert_eq!(world.node_tool(["cat", "dbx:p/Plan.html"])?.ok()?, PLAN);
    assert_eq!(world.node_tool(["cat", "dbx:p/plan.HTML"])?.ok()?, PLAN);
    assert_eq!(world.node_tool(["cat", "dbx:p/Plan.paper"])?.ok()?, PLAN);
    let part = world.node_tool(["cat", "dbx:p/Plan.html", "--offset", "3", "--count", "8"])?;
    assert_eq!(part.ok()?, "the plan");
    assert_eq!(
        world.node_tool(["cat", "dbx:p/Plan.html", "--tail", "4"])?.ok()?,
        "</p>"
    );
    assert_eq!(
        world.node_tool(["cat", "dbx:p"])?.ok()?,
        format!("{PLAN}ordinarywe metlast")
    );
    assert_eq!(world.node_tool(["lsf", "dbx:p/Plan.html"])?.ok()?, "Plan.html\n");
    let stat = world.node_tool(["lsjson", "--stat", "dbx:p/Plan.html"])?.ok()?;
    assert!(stat.contains("\"Plan.html\""), "{stat}");
    world
        .node_tool(["copyto", "dbx:p/Plan.html", "here.html"])?
        .ok()?;
    assert_eq!(fs::read_to_string(world.path("here.html"))?, PLAN);
    for source in ["dbx:p/Plan.html", "dbx:p/Plan.paper"] {
        let _ = fs::remove_dir_all(world.path("down"));
        world.node_tool(["copy", source, "down"])?.ok()?;
        assert_eq!(
            fs::read_to_string(world.path("down/Plan.html"))?,
            PLAN,
            "{source}"
        );
    }
    let url = world.node_tool(["link", "dbx:p/Plan.paper"])?.ok()?;
    assert_eq!(world.node_tool(["link", "dbx:p/Plan.html"])?.ok()?, url);
    assert_eq!(
        world
            .node_tool(["revisions", "dbx:p/Plan.html"])?
            .ok()?
            .lines()
            .count(),
        world
            .node_tool(["revisions", "dbx:p/Plan.paper"])?
            .ok()?
            .lines()
            .count()
    );
    // What it would be in another format is shown nowhere.
    world.node_tool(["cat", "dbx:p/Plan.md"])?.fails(3)?;
    assert_eq!(
        world
            .node_tool(["--export-formats", "md", "cat", "dbx:p/Plan.md"])?
            .ok()?,
        PLAN
    );
    Ok(())
}

#[test]
fn no_verb_reaches_a_document_by_its_exports_name() -> anyhow::Result<()> {
    let world = with_documents()?;
    for verb in [
        &["deletefile", "dbx:p/Plan.html"][..],
        &["delete", "dbx:p/Plan.html"],
    ] {
        let err = world.node_tool(verb)?.fails(1)?;
        assert!(
            err.contains("next: node-tool deletefile dbx:p/Plan.paper"),
            "{err}"
        );
    }
    let purged = world.node_tool(["purge", "-y", "dbx:p/Plan.html"])?.fails(1)?;
    assert!(purged.contains("is a file"), "{purged}");
    let deleted = world.node_tool(["delete", "dbx:p", "--include", "Plan.html"])?;
    assert!(deleted.err.contains("dbx:p/Plan.paper"), "{}", deleted.err);
    deleted.ok()?;
    world.node_tool(["touch", "dbx:p/Plan.paper"])?.fails(1)?;
    assert_kept(&world);
    assert_eq!(stored(&world).len(), 4);
    // By its own name it goes.
    world.node_tool(["deletefile", "dbx:p/Plan.paper"])?.ok()?;
    assert_eq!(stored(&world), ["/p/a.txt", "/p/notes.paper", "/p/z.txt"]);
    world.node_tool(["delete", "dbx:p"])?.ok()?;
    assert_eq!(stored(&world), [""; 0]);
    Ok(())
}

#[test]
fn sync_and_move_leave_documents_where_they_are() -> anyhow::Result<()> {
    let world = with_documents()?;
    write(&world.path("from/a.txt"), b"ordinary", 1)?;
    write(&world.path("from/sub/b.txt"), b"new", 1)?;
    world.sandbox.put_document("/p/gone/deep.paper", "deep")?;
    world.sandbox.put_file("/p/gone/x", b"x", None)?;
    let shown = world
        .node_tool(["sync", "from", "dbx:p", "--dry-run", "--json"])?
        .ok()?;
    assert!(!shown.contains("paper") && !shown.contains("html"), "{shown}");
    assert!(
        !shown.contains("rmdir"),
        "a folder with a document in it stays: {shown}"
    );
    let synced = world.node_tool(["sync", "from", "dbx:p"])?;
    assert!(synced.err.contains("cloud documents"), "{}", synced.err);
    synced.ok()?;
    assert_kept(&world);
    assert_eq!(
        stored(&world),
        [
            "/p/Plan.paper",
            "/p/a.txt",
            "/p/gone/deep.paper",
            "/p/notes.paper",
            "/p/sub/b.txt"
        ]
    );
    for extra in [&["--delete-excluded"][..], &["--backup-dir", "dbx:old"]] {
        world
            .node_tool([&["sync", "from", "dbx:p"], extra].concat())?
            .ok()?;
        assert_kept(&world);
    }
    // Down: exported, and the document stays, since its export isn't all of it.
    let moved = world.node_tool(["move", "dbx:p", "down"])?;
    assert!(moved.err.contains("dbx:p/Plan.paper"), "{}", moved.err);
    moved.ok()?;
    assert_eq!(fs::read_to_string(world.path("down/Plan.html"))?, PLAN);
    assert_kept(&world);
    world
        .node_tool(["moveto", "dbx:p/Plan.html", "alone.html"])?
        .ok()?;
    assert_eq!(fs::read_to_string(world.path("alone.html"))?, PLAN);
    assert_kept(&world);
    Ok(())
}

#[test]
fn nothing_is_written_over_a_documents_own_name() -> anyhow::Result<()> {
    let world = with_documents()?;
    write(&world.path("from/Plan.paper"), b"a file", 1)?;
    write(&world.path("from/notes.paper/in.txt"), b"a folder", 1)?;
    write(&world.path("from/ok"), b"ok", 1)?;
    for verb in [
        &["copy", "from", "dbx:p", "-I"][..],
        &["sync", "from", "dbx:p"],
        &["copyto", "from/Plan.paper", "dbx:p/plan.paper"],
    ] {
        let err = world.node_tool(verb)?.fails(6)?;
        assert!(err.contains("a cloud document"), "{err}");
        assert_kept(&world);
    }
    assert_eq!(world.sandbox.read_file("/p/ok").as_deref(), Some(&b"ok"[..]));
    Ok(())
}

#[test]
fn within_an_account_documents_go_by_their_own_names() -> anyhow::Result<()> {
    let world = with_documents()?;
    world.node_tool(["copy", "dbx:p", "dbx:q"])?.ok()?;
    let q: Vec<String> = stored(&world)
        .into_iter()
        .filter(|p| p.starts_with("/q"))
        .collect();
    assert_eq!(q, ["/q/Plan.paper", "/q/a.txt", "/q/notes.paper", "/q/z.txt"]);
    for verb in ["copy", "sync"] {
        let again = world.node_tool([verb, "dbx:p", "dbx:q"])?;
        assert!(again.err.contains("0 files copied"), "{}", again.err);
        again.ok()?;
    }
    world.node_tool(["check", "dbx:p", "dbx:q"])?.ok()?;
    // A name from a listing can be given; what it is called for stays a document.
    world
        .node_tool(["moveto", "dbx:q/Plan.html", "dbx:q/Draft.html"])?
        .ok()?;
    world
        .node_tool(["copyto", "dbx:q/notes.html", "dbx:r/more.html"])?
        .ok()?;
    world.node_tool(["move", "dbx:q/notes.html", "dbx:r"])?.ok()?;
    let mut rest: Vec<String> = stored(&world)
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
    assert_eq!(world.node_tool(["cat", "dbx:q/Draft.html"])?.ok()?, PLAN);
    Ok(())
}

#[test]
fn a_copy_that_was_made_checks_out() -> anyhow::Result<()> {
    let world = with_documents()?;
    world.node_tool(["copy", "dbx:p", "down"])?.ok()?;
    for (source, dest) in [("dbx:p", "down"), ("down", "dbx:p")] {
        world.node_tool(["check", source, dest])?.ok()?;
        world.node_tool(["check", source, dest, "--size-only"])?.ok()?;
    }
    world
        .node_tool(["check", "dbx:p/Plan.html", "down/Plan.html"])?
        .ok()?;
    write(&world.path("down/Plan.html"), b"<p>the plot</p>", 1)?;
    let out = world.node_tool(["check", "dbx:p", "down", "--combined", "-"])?;
    assert!(out.out.contains("* Plan.html"), "{}", out.out);
    out.fails(1)?;
    // What only a document of the target would be is no difference.
    fs::remove_file(world.path("down/Plan.html"))?;
    world.node_tool(["check", "down", "dbx:p"])?.ok()?;
    world.node_tool(["check", "dbx:p", "down"])?.fails(1)?;
    let sums = world.node_tool(["hashsum", "dropbox", "dbx:p"])?;
    assert_eq!(sums.clone().ok()?.lines().count(), 4);
    assert!(sums.err.contains("notes.html"), "{}", sums.err);
    Ok(())
}
